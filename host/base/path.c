/* Paths as text. */
#include "host/base/path.h"

#include <limits.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"

char *path_join(const char *folder, const char *name)
{
    if (*name == '/')
        return mem_string(name);
    size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    return mem_printf("%s%s%s", folder, slash, name);
}

/* Removes the last component of out[0..length). */
static size_t path_pop(const char *out, size_t length)
{
    while (length && out[length - 1] != '/')
        length--;
    return length ? length - 1 : 0;
}

char *path_clean(const char *path)
{
    char *out = mem_alloc(strlen(path) + 2);
    size_t length = 0;
    while (*path) {
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            length = path_pop(out, length);
        } else if (part && !(part == 1 && *path == '.')) {
            out[length++] = '/';
            memcpy(out + length, path, part);
            length += part;
        }
        path += part + (path[part] == '/');
    }
    if (!length)
        out[length++] = '/';
    out[length] = 0;
    return out;
}

char *path_absolute(const char *path)
{
    if (*path == '/')
        return path_clean(path);
    char *here = getcwd(NULL, 0);
    char *joined = path_join(here ? here : "/", path);
    char *clean = path_clean(joined);
    free(here);
    free(joined);
    return clean;
}

char *path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_string(".");
    if (slash == path)
        return mem_string("/");
    return mem_printf("%.*s", (int)(slash - path), path);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_read_link(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target));
    if (length < 0)
        return NULL;
    if ((size_t)length == sizeof(target)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return mem_printf("%.*s", (int)length, target);
}

bool path_under(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (length == 1)
        return *path == '/';
    return !strncmp(path, folder, length) && (path[length] == 0 || path[length] == '/');
}

static bool path_make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0)
        return true;
    int why = errno;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return true;
    errno = why == EEXIST ? ENOTDIR : why;
    return false;
}

bool path_make_dirs(const char *path, bool self, mode_t mode)
{
    char *copy = mem_string(path);
    bool done = true;
    for (char *at = strchr(copy + 1, '/'); at && done; at = strchr(at + 1, '/')) {
        *at = 0;
        done = path_make_dir(copy, mode);
        *at = '/';
    }
    if (done && self)
        done = path_make_dir(copy, mode);
    int why = errno;
    free(copy);
    errno = why;
    return done;
}

char *path_search(const char *name)
{
    const char *path = getenv("PATH");
    char *folders = mem_string(path ? path : "/usr/bin:/bin");
    char *found = NULL, *rest = folders;
    for (char *folder; !found && (folder = strsep(&rest, ":"));) {
        found = mem_printf("%s/%s", *folder ? folder : ".", name);
        struct stat info;
        if (stat(found, &info) == 0 && S_ISREG(info.st_mode) && access(found, X_OK) == 0)
            break;
        free(found);
        found = NULL;
    }
    free(folders);
    return found;
}
