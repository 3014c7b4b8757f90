/*
 * /proc/self/mountinfo says where control groups are mounted, and from which of them on;
 * /proc/self/cgroup which is ours; a file there counts.
 */
#include "host/vmm/oom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"

/* Version 1 has a tree for memory alone, version 2 one for all. */
struct version {
    const char *type, *option, *file;
};
static const struct version versions[] = {
    {"cgroup2", NULL, "memory.events"},
    {"cgroup", "memory", "memory.oom_control"},
};

static bool read_text(const char *root, const char *path, struct buf *out)
{
    char *whole = mem_printf("%s%s", root, path);
    bool good = io_read_file(whole, out, NULL) && out->size;
    free(whole);
    return good;
}

/* Whether word is one of a list with commas. */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (!at[length] || at[length] == ','))
            return true;
    return false;
}

/* Our group's path in the tree: of a line "N:CONTROLLERS:PATH". Owned by the caller; NULL: none. */
static char *group_of(const char *root, const struct version *version)
{
    struct buf text = {0};
    char *found = NULL, *rest = read_text(root, "/proc/self/cgroup", &text) ? text.data : NULL;
    for (char *line; !found && (line = strsep(&rest, "\n"));) {
        char *number = strsep(&line, ":"), *controllers = strsep(&line, ":");
        bool ours = controllers && line &&
                    (version->option ? list_has(controllers, version->option)
                                     : strcmp(number, "0") == 0 && !*controllers);
        if (ours)
            found = mem_string(line);
    }
    buf_clear(&text);
    return found;
}

/* Where that group is to be seen. A line of mountinfo: "ID PARENT DEV ROOT PLACE OPTIONS … - TYPE
 * SOURCE OPTIONS". */
static char *folder_in(char *line, const struct version *version, const char *group)
{
    char *tail = strstr(line, " - ");
    if (!tail)
        return NULL;
    *tail = 0;
    tail += 3;
    const char *type = strsep(&tail, " ");
    strsep(&tail, " ");
    const char *root = NULL, *place = NULL;
    for (int i = 0; i < 5; i++) {
        root = place;
        place = strsep(&line, " ");
    }
    if (!place || !root || strcmp(type, version->type) != 0 || !path_under(group, root) ||
        (version->option && !list_has(tail ? tail : "", version->option)))
        return NULL;
    return mem_printf("%s%s", place, group + (root[1] ? strlen(root) : 0));
}

static char *find_folder(const char *root, const struct version *version)
{
    struct buf text = {0};
    char *group = group_of(root, version), *found = NULL;
    char *rest = group && read_text(root, "/proc/self/mountinfo", &text) ? text.data : NULL;
    for (char *line; !found && (line = strsep(&rest, "\n"));)
        found = folder_in(line, version, group);
    buf_clear(&text);
    free(group);
    return found;
}

static bool count_in(const char *root, const char *folder, const char *file, uint64_t *count)
{
    struct buf text = {0};
    char *path = path_join(folder, file);
    bool found = false;
    char *rest = read_text(root, path, &text) ? text.data : NULL;
    for (char *line; !found && (line = strsep(&rest, "\n"));) {
        found = strncmp(line, "oom_kill ", 9) == 0;
        if (found)
            *count = strtoull(line + 9, NULL, 10);
    }
    buf_clear(&text);
    free(path);
    return found;
}

bool oom_kills(const char *root, uint64_t *count)
{
    bool found = false;
    for (size_t i = 0; !found && i < sizeof(versions) / sizeof(*versions); i++) {
        char *folder = find_folder(root, &versions[i]);
        found = folder && count_in(root, folder, versions[i].file, count);
        free(folder);
    }
    return found;
}
