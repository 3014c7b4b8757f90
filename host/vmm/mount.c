/* Folders of the host in the guest. */
#include "host/vmm/mount.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"

/* Where the kernel's own file systems are. */
static bool is_taken(const char *guest)
{
    static const char *const taken[] = {"/proc", "/sys", "/dev"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        if (path_under(guest, taken[i]))
            return true;
    return strcmp(guest, "/") == 0;
}

static bool check(const struct mount_list *list, const struct mount *it, struct error *err)
{
    if (is_taken(it->guest))
        return error_set(err, "nothing can be mounted at %s; choose another folder, as in %s:/data",
                         it->guest, it->host);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].guest, it->guest) == 0)
            return error_set(err, "two folders are to be mounted at %s", it->guest);
    return list->count < MOUNTS_MAX ||
           error_set(err, "a machine has at most %u mounts", MOUNTS_MAX);
}

/* Takes ":ro" or ":rw" from the end of guest. */
static bool take_option(char *guest, bool *read_only, struct error *err)
{
    char *colon = strrchr(guest, ':');
    *read_only = colon && strcmp(colon, ":ro") == 0;
    if (colon && !*read_only && strcmp(colon, ":rw") != 0 && !strchr(colon, '/'))
        return error_set(err, "%s: after the folder may follow :ro or :rw", guest);
    if (colon && !strchr(colon, '/'))
        *colon = 0;
    return true;
}

bool mount_list_add_parts(struct mount_list *list, const char *host, const char *guest,
                          const char *folder, struct error *err)
{
    struct mount it = {.fd = -1};
    char *path = mem_string(guest);
    bool good = take_option(path, &it.read_only, err);
    if (good && (*path != '/' || !*host))
        good = error_set(err, "must be DIR:/path or DIR:/path:ro, not \"%s:%s\"", host, guest);
    it.host = path_join(folder, host);
    it.guest = path_clean(path);
    free(path);
    good = good && check(list, &it, err);
    if (good) {
        list->items[list->count++] = it;
    } else {
        free(it.host);
        free(it.guest);
    }
    return good;
}

bool mount_list_add(struct mount_list *list, const char *text, const char *folder,
                    struct error *err)
{
    const char *split = NULL; /* the last ":/": names of the host may hold one, too */
    for (const char *at = text; (at = strstr(at, ":/")); at++)
        split = at;
    if (!split)
        return error_set(err, "--mount %s: must be DIR:/path or DIR:/path:ro", text);
    char *host = mem_printf("%.*s", (int)(split - text), text);
    bool good = mount_list_add_parts(list, host, split + 1, folder, err);
    free(host);
    return good || error_prefix(err, "--mount %s", text);
}

bool mount_list_has(const struct mount_list *list, size_t count, const char *guest)
{
    char *path = mem_string(guest);
    struct error unused;
    bool read_only, found = false;
    (void)take_option(path, &read_only, &unused);
    char *clean = path_clean(path);
    for (size_t i = 0; i < count; i++)
        found |= strcmp(list->items[i].guest, clean) == 0;
    free(path);
    free(clean);
    return found;
}

void mount_list_clear(struct mount_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].host);
        free(list->items[i].guest);
        if (list->items[i].fd >= 0)
            close(list->items[i].fd);
    }
    list->count = 0;
}

bool mount_list_begin(struct mount_list *list, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct mount *it = &list->items[i];
        it->fd = open(it->host, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (it->fd < 0)
            return error_errno(err, "can't mount %s at %s", it->host, it->guest);
    }
    return true;
}
