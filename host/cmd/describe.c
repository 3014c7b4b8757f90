/* Manual pages and completions, made of the verbs' own texts. */
#include "host/cmd/describe.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/image/spec.h"

#define TEXT_COLUMN 12u /* a line that is indented so far goes on with the flag's text */

/* ---- manual pages ---- */

/* Text as roff takes it literally. */
static void roff(const char *text, size_t size)
{
    if (size && (*text == '.' || *text == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\')
            fputs("\\e", stdout);
        else if (text[i] == '-')
            fputs("\\-", stdout);
        else
            putchar(text[i]);
    }
}

static void roff_line(const char *text, size_t size)
{
    roff(text, size);
    putchar('\n');
}

/* "  -f, --flag VALUE  text": the flag's part ends before two blanks. */
static void man_flag(const char *line, size_t size)
{
    size_t start = strspn(line, " "), end = start;
    while (end < size && strncmp(line + end, "  ", 2) != 0)
        end++;
    fputs(".TP\n.B ", stdout);
    roff_line(line + start, end - start);
    while (end < size && line[end] == ' ')
        end++;
    if (end < size)
        roff_line(line + end, size - end);
}

static void man_help_line(const char *line, size_t size)
{
    size_t indent = strspn(line, " ");
    bool flag = indent >= 2 && indent < TEXT_COLUMN && line[indent] == '-' && size > indent;
    if (!size)
        fputs(".PP\n", stdout);
    else if (flag)
        man_flag(line, size);
    else
        roff_line(line + indent, size - indent);
}

static void man_help(const struct verb *verb)
{
    for (size_t i = 0; verb->help[i]; i++)
        for (const char *line = verb->help[i]; *line;) {
            size_t size = strcspn(line, "\n");
            man_help_line(line, size);
            line += size + (line[size] == '\n');
        }
}

/* "instance create" as a page's name has it. */
static char *joined_name(const struct verb *verb, char between)
{
    char *name = mem_string(verb->name);
    for (char *at = name; *at; at++)
        if (*at == ' ')
            *at = between;
    return name;
}

void describe_man(const struct verb *verb)
{
    char *page = joined_name(verb, '-');
    print(".\\\" Made by orris from the texts of `orris %s -h`.\n", verb->name);
    print(".TH ORRIS\\-%s 1 \"\" \"Orris " ORRIS_VERSION "\" \"User Commands\"\n.SH NAME\n", page);
    print("orris\\-%s \\- ", page);
    roff_line(verb->summary, strlen(verb->summary));
    print(".SH SYNOPSIS\n.B orris %s\n", verb->name);
    roff_line(verb->usage, strlen(verb->usage));
    fputs(".SH DESCRIPTION\n", stdout);
    roff_line(verb->summary, strlen(verb->summary));
    if (verb->help[0])
        fputs(".PP\n", stdout);
    man_help(verb);
    fputs(".SH \"SEE ALSO\"\n.BR orris (1)\n", stdout);
    free(page);
}

void describe_man_all(void)
{
    puts(".\\\" Made by orris from the texts of `orris --help`.");
    puts(".TH ORRIS 1 \"\" \"Orris " ORRIS_VERSION "\" \"User Commands\"");
    puts(".SH NAME\norris \\- run a program in a machine of its own\n.SH SYNOPSIS");
    puts(".B orris\n.I VERB\n.RI [ FLAGS ]\n\\&...\n.SH DESCRIPTION");
    puts(".B orris\nturns a program and what it needs into a machine image with nothing else in\n"
         "it, and runs it:\n.B orris run\n.I X\nbehaves as running\n.I X\ndoes, in a machine of "
         "its own.\n.SH VERBS\nEach has a page of its own, such as\n.BR orris\\-run (1).");
    for (size_t i = 0; all_verbs[i]; i++) {
        print(".TP\n.B %s\n", all_verbs[i]->name);
        roff_line(all_verbs[i]->usage, strlen(all_verbs[i]->usage));
        fputs(".br\n", stdout);
        roff_line(all_verbs[i]->summary, strlen(all_verbs[i]->summary));
    }
}

/* ---- what there is ---- */

static void add_once(struct strlist *list, const char *text, size_t size)
{
    char *copy = mem_printf("%.*s", (int)size, text);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], copy) == 0) {
            free(copy);
            return;
        }
    strlist_add(list, copy);
    free(copy);
}

/* The flags that a line of help begins with: "-f" and "--flag" of "  -f, --flag VALUE". */
static void flags_of_line(const char *line, struct strlist *flags)
{
    size_t indent = strspn(line, " ");
    for (line += indent; indent >= 2 && indent < TEXT_COLUMN && *line == '-';) {
        size_t size = strcspn(line, " ,=[\n");
        add_once(flags, line, size);
        line += size;
        line += strspn(line, ", ");
    }
}

static void flags_of(const struct verb *verb, struct strlist *flags)
{
    for (size_t i = 0; verb->help[i]; i++)
        for (const char *line = verb->help[i]; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            flags_of_line(line, flags);
        }
    add_once(flags, "--help", 6);
}

static void print_list(const struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        print("%s%s", i ? " " : "", list->items[i]);
}

/* The words that may come first; or second, after first. */
static void words_after(const char *first, struct strlist *words)
{
    for (size_t i = 0; all_verbs[i]; i++) {
        const char *name = all_verbs[i]->name;
        size_t size = strcspn(name, " ");
        bool same = first && strlen(first) == size && strncmp(name, first, size) == 0;
        if (!first)
            add_once(words, name, size);
        else if (same && name[size])
            add_once(words, name + size + 1, strlen(name + size + 1));
    }
}

/* Calls each with every word that has others after it. */
static void each_group(void (*each)(const char *group, const struct strlist *words))
{
    struct strlist first = {0};
    words_after(NULL, &first);
    for (size_t i = 0; i < first.count; i++) {
        struct strlist second = {0};
        words_after(first.items[i], &second);
        if (second.count)
            each(first.items[i], &second);
        strlist_clear(&second);
    }
    strlist_clear(&first);
}

/* ---- bash and zsh ---- */

static void case_group(const char *group, const struct strlist *words)
{
    print("    %s) words=\"", group);
    print_list(words);
    print("\" ;;\n");
}

/* Shell code that sets words to what may stand at place $1 (from 1 on), after words $2 and $3. */
static void shell_words(void)
{
    struct strlist first = {0};
    words_after(NULL, &first);
    puts("_orris_words() {\n  words=\n  if [ \"$1\" = 1 ]; then");
    print("    words=\"");
    print_list(&first);
    puts(" help --help --version\"\n    return\n  fi\n  if [ \"$1\" = 2 ]; then\n"
         "    case \"$2\" in");
    each_group(case_group);
    puts("    esac\n    [ -z \"$words\" ] || return\n  fi\n  case \"$2 $3 \" in");
    for (size_t i = 0; all_verbs[i]; i++) {
        struct strlist flags = {0};
        flags_of(all_verbs[i], &flags);
        print("  \"%s \"*) words=\"", all_verbs[i]->name);
        print_list(&flags);
        puts("\" ;;");
        strlist_clear(&flags);
    }
    puts("  esac\n}");
    strlist_clear(&first);
}

static void completion_bash(void)
{
    puts("# bash completion of orris: source it, or put it into bash-completion's folder");
    shell_words();
    puts("_orris() {\n"
         "  local words cur=${COMP_WORDS[COMP_CWORD]}\n"
         "  _orris_words \"$COMP_CWORD\" \"${COMP_WORDS[1]}\" \"${COMP_WORDS[2]}\"\n"
         "  COMPREPLY=()\n"
         "  if [[ $cur == -* || $COMP_CWORD == 1 || ( $COMP_CWORD == 2 && $words != -* ) ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _orris orris");
}

static void completion_zsh(void)
{
    puts("#compdef orris\n# zsh completion of orris: a file _orris in a folder of $fpath");
    shell_words();
    puts("_orris() {\n"
         "  local words_before=(\"${words[@]}\") place=$((CURRENT - 1))\n"
         "  local cur=\"$PREFIX\" second=\"${words[2]}\" third=\"${words[3]}\"\n"
         "  local words\n"
         "  _orris_words \"$place\" \"$second\" \"$third\"\n"
         "  if [[ $cur == -* || $place == 1 || ( $place == 2 && $words != -* ) ]]; then\n"
         "    compadd -- ${=words}\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "compdef _orris orris");
}

/* ---- fish ---- */

/* Text between single quotes. */
static void fish_text(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        print("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    putchar('\'');
}

static void fish_verb(const struct verb *verb)
{
    struct strlist flags = {0};
    size_t size = strcspn(verb->name, " ");
    const char *rest = verb->name[size] ? verb->name + size + 1 : "";
    if (*rest)
        print("complete -c orris -n '__fish_seen_subcommand_from %.*s; and not "
              "__fish_seen_subcommand_from %s' -a %s -d ",
              (int)size, verb->name, rest, rest);
    else
        print("complete -c orris -n __fish_use_subcommand -a %s -d ", verb->name);
    fish_text(verb->summary);
    putchar('\n');
    flags_of(verb, &flags);
    for (size_t i = 0; i < flags.count; i++) {
        const char *flag = flags.items[i];
        bool is_long = flag[1] == '-';
        print("complete -c orris -n '__fish_seen_subcommand_from %.*s", (int)size, verb->name);
        if (*rest)
            print("; and __fish_seen_subcommand_from %s", rest);
        print("' -%c %s\n", is_long ? 'l' : flag[2] ? 'o' : 's', flag + 1 + is_long);
    }
    strlist_clear(&flags);
}

static void fish_group(const char *group, const struct strlist *words)
{
    (void)words;
    print("complete -c orris -n __fish_use_subcommand -a %s\n", group);
}

static void completion_fish(void)
{
    puts("# fish completion of orris: a file orris.fish in ~/.config/fish/completions");
    each_group(fish_group);
    for (size_t i = 0; all_verbs[i]; i++)
        fish_verb(all_verbs[i]);
}

bool describe_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        completion_bash();
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh();
    else if (strcmp(shell, "fish") == 0)
        completion_fish();
    else
        return false;
    return true;
}
