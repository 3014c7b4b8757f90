/* Patterns of what is kept out. */
#include "host/image/ignore.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"

#define FILE_NAME ".orrisignore"

static const char *const defaults[] = {
    ".git",      ".hg",    ".svn",          ".bzr",        ".env",
    ".env.*",    ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache",
    ".tox",      ".nox",   ".eggs",         ".direnv",     ".ipynb_checkpoints",
    ".DS_Store", FILE_NAME};

/* Any virtual environment but the one that is used: what makes one is the file pyvenv.cfg. */
static const struct ignore_rule unused_environment = {
    .pattern = (char *)"a virtual environment that isn't used", .where = "by default"};

void ignore_add(struct ignore *ignore, const char *pattern, const char *base, bool below,
                const char *where)
{
    struct ignore_rule rule = {.where = where, .negated = *pattern == '!'};
    pattern += rule.negated;
    pattern += *pattern == '\\' && (pattern[1] == '!' || pattern[1] == '#');
    char *text = mem_string(pattern);
    size_t length = strlen(text);
    rule.folders_only = length > 1 && text[length - 1] == '/';
    while (length > 1 && text[length - 1] == '/')
        text[--length] = 0;
    rule.anchored = strchr(text, '/') != NULL;
    bool whole = !strcmp(base, "/"); /* then the base is nothing more to ask for */
    rule.base = (below || rule.anchored) && !whole ? mem_string(base) : NULL;
    rule.pattern = mem_string(text + (*text == '/'));
    free(text);
    ignore->rules = mem_resize(ignore->rules, (ignore->count + 1) * sizeof(rule));
    ignore->rules[ignore->count++] = rule;
}

void ignore_add_default(struct ignore *ignore)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        ignore_add(ignore, defaults[i], "/", false, "by default");
}

/* Trailing blanks don't count, as in .gitignore. */
static void add_line(struct ignore *ignore, char *line, const char *folder)
{
    size_t length = strlen(line);
    while (length && strchr(" \t\r", line[length - 1]) && (length < 2 || line[length - 2] != '\\'))
        line[--length] = 0;
    if (*line && *line != '#')
        ignore_add(ignore, line, folder, true, FILE_NAME);
}

bool ignore_add_file(struct ignore *ignore, const char *folder, struct error *err)
{
    struct buf text = {0};
    char *path = path_join(folder, FILE_NAME);
    bool good = access(path, F_OK) != 0 || io_read_file(path, &text, err);
    if (good && text.size && memchr(text.data, 0, text.size))
        good = error_set(err, "%s: is no text: it holds a zero byte", path);
    char *rest = good ? text.data : NULL;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        add_line(ignore, line, folder);
    buf_clear(&text);
    free(path);
    return good;
}

void ignore_clear(struct ignore *ignore)
{
    for (size_t i = 0; i < ignore->count; i++) {
        free(ignore->rules[i].pattern);
        free(ignore->rules[i].base);
    }
    free(ignore->rules);
    free(ignore->environment);
    *ignore = (struct ignore){0};
}

/* Whether the first component of path matches that of pattern. */
static bool component_matches(const char *pattern, size_t pattern_size, const char *path,
                              size_t path_size)
{
    char *left = mem_printf("%.*s", (int)pattern_size, pattern);
    char *right = mem_printf("%.*s", (int)path_size, path);
    bool matches = fnmatch(left, right, 0) == 0;
    free(left);
    free(right);
    return matches;
}

/* Component by component; "**" stands for any number of them. On a mismatch the last "**" takes
 * one component more. */
static bool path_matches(const char *pattern, const char *path)
{
    const char *retry_pattern = NULL, *retry_path = NULL;
    for (;;) {
        size_t pattern_size = strcspn(pattern, "/"), path_size = strcspn(path, "/");
        if (pattern_size == 2 && !strncmp(pattern, "**", 2)) {
            pattern += 2 + (pattern[2] == '/');
            if (!*pattern)
                return *path != 0;
            retry_pattern = pattern;
            retry_path = path;
            continue;
        }
        if (!*path && !*pattern)
            return true;
        if (*path && *pattern && component_matches(pattern, pattern_size, path, path_size)) {
            pattern += pattern_size + (pattern[pattern_size] == '/');
            path += path_size + (path[path_size] == '/');
            continue;
        }
        if (!retry_path || !*retry_path)
            return false;
        retry_path += strcspn(retry_path, "/");
        retry_path += *retry_path == '/';
        pattern = retry_pattern;
        path = retry_path;
    }
}

static bool rule_matches(const struct ignore_rule *rule, const char *path, bool is_folder)
{
    if ((rule->folders_only && !is_folder) || (rule->base && !path_under(path, rule->base)))
        return false;
    if (!rule->anchored)
        return fnmatch(rule->pattern, path_base(path), 0) == 0;
    const char *rest = path + (rule->base ? strlen(rule->base) : 0);
    return path_matches(rule->pattern, rest + (*rest == '/'));
}

static bool is_unused_environment(const struct ignore *ignore, const char *path)
{
    char *config = path_join(path, "pyvenv.cfg");
    bool is = access(config, F_OK) == 0 &&
              (!ignore->environment || strcmp(ignore->environment, path) != 0);
    free(config);
    return is;
}

const struct ignore_rule *ignore_match(const struct ignore *ignore, const char *path,
                                       bool is_folder)
{
    for (size_t i = ignore->count; i-- > 0;)
        if (rule_matches(&ignore->rules[i], path, is_folder))
            return ignore->rules[i].negated ? NULL : &ignore->rules[i];
    return is_folder && is_unused_environment(ignore, path) ? &unused_environment : NULL;
}
