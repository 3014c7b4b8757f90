/*
 * Interpreters and their libraries: asking them, and putting what they search into the image.
 */
#include "host/app/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/guestenv.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/pkg/command.h"

bool runtime_ask(const char *path, const char *flag, const char *code,
                 const struct strlist *variables, struct strlist *lines, struct error *err)
{
    const char *argv[] = {path, flag, code, NULL};
    struct buf out = {0};
    struct command command = {.argv = argv, .out = &out};
    command.env = variables ? (const char *const *)variables->items : NULL;
    bool done = command_must(&command, err);
    char *rest = out.data;
    for (char *line; done && rest && (line = strsep(&rest, "\n"));)
        if (rest) /* the last line is empty */
            strlist_add(lines, line);
    buf_clear(&out);
    return done;
}

void runtime_environment(const struct closure *closure, struct strlist *out)
{
    for (size_t i = 0; i < closure->env.count; i++)
        strlist_add(out, closure->env.items[i]);
    const char *home = getenv("HOME");
    char *assignment = mem_printf("HOME=%s", home ? home : "/");
    guestenv_set(out, assignment);
    free(assignment);
    guestenv_add_default(out);
    guestenv_add_host(out);
}

/* Everything but what only linkers read. */
static bool library_take(const struct spec_filter *filter, const char *path, bool is_folder,
                         size_t depth)
{
    (void)filter;
    (void)depth;
    size_t length = strlen(path);
    return is_folder || length < 2 ||
           (strcmp(path + length - 2, ".a") && strcmp(path + length - 2, ".o"));
}

/* Whether a folder may go into an image only because an interpreter searches it. */
static bool too_wide(const char *path)
{
    const char *home = getenv("HOME");
    return !strcmp(path, "/") || (home && path_under(home, path));
}

bool runtime_add(struct closure *closure, const char *path, struct error *err)
{
    struct image_spec *spec = closure->spec;
    static const struct spec_filter filter = {.take = library_take};
    struct spec_found found;
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&spec->watch, path, &info, &real))
        return true;
    bool is_there = spec_find(spec, real, true, &found);
    if (is_there)
        free(found.guest);
    bool done = true;
    if (S_ISREG(info.st_mode)) {
        done = closure_add_path(closure, path, "searched by the interpreter", err);
    } else if (too_wide(real)) {
        say("%s is searched by the interpreter, but too wide a folder to be put in", real);
    } else if (!is_there || !found.entry) {
        char *why = mem_printf("in %s, which the interpreter searches", path);
        done = spec_add_filtered(spec, real, real, &filter, why, err);
        free(why);
    }
    if (done && strcmp(real, path))
        done = closure_add_folder_links(closure, path, "searched by the interpreter", err);
    free(real);
    return done;
}

/* Puts what a link among the library's files leads to into the image, if it is not there yet:
 * Debian's own configuration, data shared between packages. */
static bool add_link_target(struct closure *closure, const char *path, struct error *err)
{
    struct spec_found found;
    struct stat info;
    if (stat(path, &info))
        return true; /* leads nowhere on the host, either */
    if (spec_find(closure->spec, path, true, &found)) {
        free(found.guest);
        return true;
    }
    if (S_ISREG(info.st_mode))
        return closure_add_path(closure, path, "a link in the interpreter's library", err);
    return !S_ISDIR(info.st_mode) || runtime_add(closure, path, err);
}

bool runtime_add_link_targets(struct closure *closure, size_t first, struct error *err)
{
    bool good = true;
    for (size_t i = first; good && i < closure->spec->entry_count; i++) {
        if (closure->spec->entries[i].kind != ENTRY_LINK)
            continue;
        char *path = mem_string(closure->spec->entries[i].guest);
        good = add_link_target(closure, path, err);
        free(path);
    }
    return good;
}
