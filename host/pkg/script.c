/*
 * A script is read command by command: its words, quotes taken away, lines that end in a backslash
 * joined. What is not literal (substitutions, globs) stays as it is, and such a word is not used.
 */
#include "host/pkg/script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/image/spec.h"

void scripts_clear(struct scripts *scripts)
{
    for (size_t i = 0; i < scripts->alternative_count; i++) {
        free(scripts->alternatives[i].link);
        free(scripts->alternatives[i].target);
    }
    for (size_t i = 0; i < scripts->user_count; i++) {
        free(scripts->users[i].name);
        free(scripts->users[i].home);
    }
    free(scripts->alternatives);
    free(scripts->users);
    *scripts = (struct scripts){0};
}

/* Variables as NAME, VALUE, NAME, VALUE, … */
struct reading {
    struct strlist variables;
    struct scripts *out;
};

static const char *variable_get(const struct reading *reading, const char *name, size_t length)
{
    const char *value = NULL;
    for (size_t i = 0; i + 1 < reading->variables.count; i += 2)
        if (strlen(reading->variables.items[i]) == length &&
            strncmp(reading->variables.items[i], name, length) == 0)
            value = reading->variables.items[i + 1];
    return value;
}

static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* Adds the value of the variable at *at ("$X", "${X}") and goes on behind it; a "$" alone if it
 * isn't one that the script has set. */
static const char *expand(const struct reading *reading, const char *at, struct buf *out)
{
    bool braced = at[1] == '{';
    const char *name = at + 1 + braced;
    size_t length = name_length(name);
    const char *value = length ? variable_get(reading, name, length) : NULL;
    if (!value || (braced && name[length] != '}')) {
        buf_add(out, "$", 1);
        return at + 1;
    }
    buf_string(out, value);
    return name + length + braced;
}

/* The word at *text, which goes on behind it; NULL at the end of the command. */
static char *word_next(const struct reading *reading, const char **text)
{
    const char *at = *text;
    while (*at == ' ' || *at == '\t' || (at[0] == '\\' && at[1] == '\n'))
        at += *at == '\\' ? 2 : 1;
    struct buf word = {0};
    char quote = 0;
    bool any = false;
    for (; *at && (quote || !strchr(" \t\n;&|", *at)); any = true) {
        if (at[0] == '\\' && at[1] == '\n')
            break;
        if (*at == quote || (!quote && (*at == '"' || *at == '\''))) {
            quote = quote ? 0 : *at;
            at++;
        } else if (*at == '$' && quote != '\'') {
            at = expand(reading, at, &word);
        } else {
            buf_add(&word, at++, 1);
        }
    }
    *text = at;
    if (any && !word.data)
        buf_string(&word, "");
    return word.data;
}

static bool is_literal(const char *word)
{
    return word && *word && !strpbrk(word, "$`*?");
}

static void alternative_take(const struct strlist *words, struct scripts *out)
{
    char **at = words->items;
    while (*at && strcmp(*at, "update-alternatives") != 0)
        at++;
    while (*at && strcmp(*at, "--install") != 0)
        at++;
    if (!*at || !at[1] || !at[2] || !at[3] || !at[4])
        return;
    if (at[1][0] != '/' || at[3][0] != '/' || !is_literal(at[1]) || !is_literal(at[3]) ||
        !isdigit((unsigned char)at[4][0]))
        return;
    out->alternatives =
        mem_resize(out->alternatives, (out->alternative_count + 1) * sizeof(*out->alternatives));
    out->alternatives[out->alternative_count++] = (struct alternative){
        .link = mem_string(at[1]), .target = mem_string(at[3]), .priority = atoi(at[4])};
}

static bool is_any(const char *word, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(word, *names) == 0)
            return true;
    return false;
}

/* Name, home and group of the words of adduser, useradd, addgroup or groupadd. */
static struct script_user user_of(const struct strlist *words)
{
    static const char *const valued[] = {"--gecos", "--comment", "-c",       "--shell", "-s",
                                         "--uid",   "-u",        "--gid",    "-g",      "--ingroup",
                                         "--conf",  "-G",        "--groups", "-K",      NULL};
    static const char *const homes[] = {"--home", "--home-dir", "-d", NULL};
    static const char *const groups[] = {"--group", "--user-group", "-U", NULL};
    static const char *const homeless[] = {"--no-create-home", "-M", NULL};
    struct script_user user = {.only_group = strstr(words->items[0], "group") != NULL};
    bool create = true;
    for (char **at = words->items + 1; *at; at++) {
        const char *word = *at;
        if (is_any(word, homes) && at[1])
            user.home = *++at;
        else if (is_any(word, groups))
            user.group = true;
        else if (is_any(word, homeless))
            create = false;
        else if (is_any(word, valued) && at[1])
            at++;
        else if (*word == '-' || strchr("><", *word))
            continue;
        else if (!user.name)
            user.name = *at;
        else
            return (struct script_user){0}; /* `adduser USER GROUP` makes nobody */
    }
    if (!create || (user.home && (!is_literal(user.home) || *user.home != '/')))
        user.home = NULL;
    return is_literal(user.name) ? user : (struct script_user){0};
}

static void user_take(const struct strlist *words, struct scripts *out)
{
    struct script_user user = user_of(words);
    for (size_t i = 0; user.name && i < out->user_count; i++)
        if (strcmp(out->users[i].name, user.name) == 0 &&
            out->users[i].only_group == user.only_group)
            return;
    if (!user.name)
        return;
    user.name = mem_string(user.name);
    user.home = mem_string(user.home);
    out->users = mem_resize(out->users, (out->user_count + 1) * sizeof(*out->users));
    out->users[out->user_count++] = user;
}

/* "NAME=VALUE" alone is remembered. */
static void variable_take(struct reading *reading, const char *word)
{
    size_t length = name_length(word);
    if (!length || word[length] != '=' || strpbrk(word + length, "$`"))
        return;
    char *name = mem_printf("%.*s", (int)length, word);
    strlist_add(&reading->variables, name);
    strlist_add(&reading->variables, word + length + 1);
    free(name);
}

static void command_take(struct reading *reading, struct strlist *words)
{
    static const char *const makers[] = {"adduser", "useradd", "addgroup", "groupadd", NULL};
    if (!words->count)
        return;
    const char *slash = strrchr(words->items[0], '/');
    const char *name = slash ? slash + 1 : words->items[0];
    if (words->count == 1)
        variable_take(reading, words->items[0]);
    if (is_any(name, makers))
        user_take(words, reading->out);
    alternative_take(words, reading->out);
}

/* Words that stand before a command, and are none: also "configure)" of a case. */
static bool is_prefix(const char *word)
{
    static const char *const words[] = {"if", "then", "else", "elif", "do", "!", "{", NULL};
    return is_any(word, words) || word[strlen(word) - 1] == ')';
}

void scripts_read(const char *text, struct scripts *out)
{
    struct reading reading = {.out = out};
    while (*text) {
        struct strlist words = {0};
        text += strspn(text, " \t");
        if (*text == '#')
            text += strcspn(text, "\n");
        for (char *word; (word = word_next(&reading, &text));) {
            if (words.count || !*word || !is_prefix(word))
                strlist_add(&words, word);
            free(word);
        }
        command_take(&reading, &words);
        strlist_clear(&words);
        text += *text != 0;
    }
    strlist_clear(&reading.variables);
}
