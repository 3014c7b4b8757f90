/*
 * The locale that the program will ask for, from the host: glibc's own data, and the catalogs of
 * translated messages that the program's files name. C.UTF-8 is small and always taken along.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/guestenv.h"
#include "host/app/launch.h"
#include "host/base/io.h"
#include "host/base/path.h"

#define LOCALES "/usr/lib/locale"
#define CATALOGS "/usr/share/locale"
#define BINARIES_MAX (64u << 20)

static const char *variable(struct closure *closure, const char *name)
{
    const char *value = guestenv_get(&closure->env, name);
    strlist_add(&closure->spec->variables, name);
    return value ? value : getenv(name);
}

static bool is_none(const char *value)
{
    return !value || !*value || !strcmp(value, "C") || !strcmp(value, "POSIX");
}

static bool is_other(const char *value)
{
    return !is_none(value) && strncmp(value, "C.", 2) != 0;
}

static bool add_if_there(struct closure *closure, const char *path, const char *why,
                         struct error *err)
{
    struct stat info;
    struct spec_found found;
    if (spec_find(closure->spec, path, true, &found)) {
        free(found.guest);
        return true;
    }
    if (!watch_follow(&closure->spec->watch, path, &info, NULL))
        return true;
    return S_ISDIR(info.st_mode)
               ? spec_add_tree(closure->spec, path, path, why, err)
               : !S_ISREG(info.st_mode) || closure_add_path(closure, path, why, err);
}

/* The bytes of all files that translate, one after the other; once. */
static void read_translators(const struct closure *closure, struct buf *out)
{
    if (out->size)
        return;
    buf_add(out, "", 1);
    for (size_t i = 0; i < closure->translators.count && out->size < BINARIES_MAX; i++) {
        struct error err;
        if (io_read_file(closure->translators.items[i], out, &err))
            buf_add(out, "", 1);
    }
}

/* Whether one of them holds the name, as bindtextdomain() takes it: linkers let a string begin
 * within another with the same end. glibc translates itself. */
static bool is_named(const struct buf *binaries, const char *domain)
{
    return !strcmp(domain, "libc") ||
           memmem(binaries->data, binaries->size, domain, strlen(domain) + 1) != NULL;
}

static int is_catalog(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && !strcmp(entry->d_name + length - 3, ".mo");
}

/* The catalogs of one language, "de_DE" or "de", that the program may ask for. */
static bool add_language(struct closure *closure, const char *language, struct buf *binaries,
                         struct error *err)
{
    char *folder = mem_printf(CATALOGS "/%s/LC_MESSAGES", language);
    struct stat info;
    struct dirent **files = NULL;
    bool there = !strchr(language, '/') && watch_look(&closure->spec->watch, folder, &info);
    int count = there ? scandir(folder, &files, is_catalog, alphasort) : 0;
    bool good = true;
    if (count > 0)
        read_translators(closure, binaries);
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, files[i]->d_name);
        char *domain = mem_printf("%.*s", (int)strlen(files[i]->d_name) - 3, files[i]->d_name);
        if (good && is_named(binaries, domain))
            good = add_if_there(closure, path, "messages in the user's language", err);
        free(domain);
        free(path);
        free(files[i]);
    }
    free(files);
    free(folder);
    return good;
}

/* "de_DE.UTF-8": as written, without the character set, the language alone. */
static bool add_languages(struct closure *closure, const char *name, struct buf *binaries,
                          struct error *err)
{
    char *territory = mem_printf("%.*s", (int)strcspn(name, ".@"), name);
    char *language = mem_printf("%.*s", (int)strcspn(name, "_.@"), name);
    bool good = !*name || (add_language(closure, name, binaries, err) &&
                           add_language(closure, territory, binaries, err) &&
                           add_language(closure, language, binaries, err));
    free(territory);
    free(language);
    return good;
}

/* $LANGUAGE is a list, the first known of which counts for each message. */
static bool add_catalogs(struct closure *closure, const char *messages, struct error *err)
{
    struct buf binaries = {0};
    const char *list = variable(closure, "LANGUAGE");
    char *names = mem_printf("%s:%s", list ? list : "", messages), *state = NULL;
    bool good = true;
    for (char *name = strtok_r(names, ":", &state); good && name;
         name = strtok_r(NULL, ":", &state))
        good = add_languages(closure, name, &binaries, err);
    free(names);
    buf_clear(&binaries);
    return good;
}

bool locale_add(struct closure *closure, bool catalogs, struct error *err)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG"};
    const char *all = variable(closure, "LC_ALL"), *lang = variable(closure, "LANG");
    const char *messages = variable(closure, "LC_MESSAGES");
    bool other = false, package = closure->spec->layer_count > 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        other |= is_other(variable(closure, names[i]));
    if (!package && !closure->sonames.count) /* nothing that loads glibc */
        return true;
    messages = all && *all ? all : messages && *messages ? messages : lang;
    return add_if_there(closure, LOCALES "/C.utf8", "locale", err) &&
           (!other || add_if_there(closure, LOCALES "/locale-archive", "locale", err)) &&
           (!catalogs || package || is_none(messages) || add_catalogs(closure, messages, err));
}
