/* Modes are those of Debian's own files: 0755 and 0644. */
#include "host/pkg/place.h"

#include <limits.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/base/inroot.h"
#include "host/base/io.h"

char *place_path(const char *tree, const char *guest)
{
    return mem_printf("%s%s", tree, guest);
}

static void close_keeping_errno(int fd)
{
    int kept = errno;
    if (fd >= 0)
        close(fd);
    errno = kept;
}

bool place_stat(const char *tree, const char *guest, bool follow, struct stat *info)
{
    int root = inroot_folder(tree);
    bool there = root >= 0 && inroot_stat(root, guest, follow, info);
    close_keeping_errno(root);
    return there;
}

bool place_exists(const char *tree, const char *guest)
{
    struct stat info;
    return place_stat(tree, guest, true, &info);
}

int place_scan(const char *tree, const char *folder, struct dirent ***out,
               int (*wanted)(const struct dirent *entry))
{
    int root = inroot_folder(tree);
    int count = root >= 0 ? inroot_scan(root, folder, out, wanted) : -1;
    close_keeping_errno(root);
    return count > 0 ? count : 0;
}

bool place_read(const char *tree, const char *guest, struct buf *out, struct error *err)
{
    int root = inroot_folder(tree);
    bool ok = root >= 0 && inroot_read(root, guest, INROOT_LINKS, out);
    close_keeping_errno(root);
    return ok || error_errno(err, "can't read %s of the package", guest);
}

/* The folder that guest lies in, with its last part in *name. */
static int open_parent(const char *tree, const char *guest, char **name, struct error *err)
{
    int root = inroot_folder(tree);
    int folder = root >= 0 ? inroot_parent(root, guest, 0755, name) : -1;
    close_keeping_errno(root);
    if (folder < 0)
        error_errno(err, "can't make the folder of %s in the package", guest);
    return folder;
}

char *place_read_link(const char *tree, const char *guest)
{
    char target[PATH_MAX];
    int root = inroot_folder(tree);
    int fd = root >= 0 ? inroot_open(root, guest, O_PATH | O_NOFOLLOW, INROOT_LINKS) : -1;
    ssize_t length = fd >= 0 ? readlinkat(fd, "", target, sizeof(target)) : -1;
    close_keeping_errno(fd);
    close_keeping_errno(root);
    return length > 0 && length < PATH_MAX ? mem_printf("%.*s", (int)length, target) : NULL;
}

bool place_link(const char *tree, const char *guest, const char *target, struct error *err)
{
    char *name;
    int folder = open_parent(tree, guest, &name, err);
    if (folder < 0)
        return false;
    unlinkat(folder, name, 0);
    bool ok = symlinkat(target, folder, name) == 0 ||
              error_errno(err, "can't make the link %s in the package", guest);
    free(name);
    close(folder);
    return ok;
}

bool place_folder(const char *tree, const char *guest, mode_t mode, struct error *err)
{
    int root = inroot_folder(tree);
    int folder = root >= 0 ? inroot_make(root, guest, 0755) : -1;
    bool ok = (folder >= 0 && fchmod(folder, mode) == 0) ||
              error_errno(err, "can't make %s in the package", guest);
    close_keeping_errno(folder);
    close_keeping_errno(root);
    return ok;
}

bool place_file(const char *tree, const char *guest, const void *data, size_t size,
                struct error *err)
{
    char *name;
    int folder = open_parent(tree, guest, &name, err);
    if (folder < 0)
        return false;
    char *path = mem_printf("/proc/self/fd/%d/%s", folder, name);
    bool ok = io_write_file(path, data, size, 0644, err) ||
              error_prefix(err, "can't write %s in the package", guest);
    free(path);
    free(name);
    close(folder);
    return ok;
}

bool place_remove(const char *tree, const char *guest, struct error *err)
{
    char *name;
    int folder = open_parent(tree, guest, &name, err);
    if (folder < 0)
        return false;
    bool ok = unlinkat(folder, name, 0) == 0 || errno == EISDIR || errno == ENOENT ||
              error_errno(err, "can't remove %s from the package", guest);
    free(name);
    close(folder);
    return ok;
}
