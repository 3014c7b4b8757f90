/* The program's environment. */
#include "host/app/guestenv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/say.h"

const char guestenv_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static size_t name_length(const char *assignment)
{
    return strcspn(assignment, "=");
}

static char **find(const struct strlist *list, const char *name, size_t length)
{
    for (size_t i = 0; i < list->count; i++)
        if (name_length(list->items[i]) == length && !strncmp(list->items[i], name, length))
            return &list->items[i];
    return NULL;
}

void guestenv_set(struct strlist *list, const char *assignment)
{
    char **old = find(list, assignment, name_length(assignment));
    if (!old) {
        strlist_add(list, assignment);
        return;
    }
    char *copy = mem_string(assignment);
    free(*old);
    *old = copy;
}

const char *guestenv_get(const struct strlist *list, const char *name)
{
    char **item = find(list, name, strlen(name));
    return item ? *item + strlen(name) + 1 : NULL;
}

static void set_pair(struct strlist *list, const char *name, const char *value)
{
    char *assignment = mem_printf("%s=%s", name, value);
    guestenv_set(list, assignment);
    free(assignment);
}

bool guestenv_add(struct strlist *list, const struct pairs *config, const struct strlist *flags,
                  struct error *err)
{
    for (size_t i = 0; i < config->names.count; i++)
        set_pair(list, config->names.items[i], config->values.items[i]);
    for (size_t i = 0; i < flags->count; i++) {
        const char *flag = flags->items[i];
        if (strchr(flag, '=')) {
            guestenv_set(list, flag);
            continue;
        }
        const char *value = getenv(flag);
        if (!value)
            return error_set(err, "-e %s: the variable is not set here; -e %s=VALUE sets it", flag,
                             flag);
        set_pair(list, flag, value);
    }
    return true;
}

void guestenv_add_user(struct strlist *list, const char *name, const char *home)
{
    if (home && !guestenv_get(list, "HOME"))
        set_pair(list, "HOME", home);
    if (name && !guestenv_get(list, "USER"))
        set_pair(list, "USER", name);
}

void guestenv_add_default(struct strlist *list)
{
    if (!guestenv_get(list, "PATH"))
        set_pair(list, "PATH", guestenv_path);
    if (!guestenv_get(list, "HOME"))
        set_pair(list, "HOME", "/");
}

void guestenv_add_host(struct strlist *list)
{
    for (char **item = environ; *item; item++) {
        size_t length = name_length(*item);
        bool wanted = !strncmp(*item, "LC_", 3) || !strncmp(*item, "LANG=", 5) ||
                      !strncmp(*item, "LANGUAGE=", 9) || !strncmp(*item, "TZ=", 3) ||
                      !strncmp(*item, "TERM=", 5);
        if (wanted && !find(list, *item, length))
            strlist_add(list, *item);
    }
}

static bool read_by_runtime(const char *name, const struct guestenv_readers *by)
{
    static const char *const all[] = {
        "LD_LIBRARY_PATH=", "LD_PRELOAD=", "GLIBC_TUNABLES=", "MALLOC_ARENA_MAX="};
    static const char *const numeric[] = {"OMP_",  "OPENBLAS_", "MKL_",
                                          "BLIS_", "NUMEXPR_",  "JOBLIB_"};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (!strncmp(name, all[i], strlen(all[i])))
            return true;
    for (size_t i = 0; by->numeric && i < sizeof(numeric) / sizeof(*numeric); i++)
        if (!strncmp(name, numeric[i], strlen(numeric[i])))
            return true;
    return (by->python && !strncmp(name, "PYTHON", 6)) || (by->node && !strncmp(name, "NODE_", 5));
}

void guestenv_note_left(const struct strlist *list, const struct guestenv_readers *by)
{
    struct buf names = {0};
    size_t count = 0;
    for (char **item = environ; *item; item++) {
        size_t length = name_length(*item);
        if (read_by_runtime(*item, by) && !find(list, *item, length))
            buf_printf(&names, "%s%.*s", count++ ? ", " : "", (int)length, *item);
    }
    if (count)
        say("%s %s set here but stay%s outside (-e NAME takes a variable along)", names.data,
            count == 1 ? "is" : "are", count == 1 ? "s" : "");
    buf_clear(&names);
}
