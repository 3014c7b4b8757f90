/*
 * Looking up inside a tree.
 *
 * The walk by hand holds a descriptor of each folder between the root and where it is, so that ".."
 * is the one before, whatever was moved meanwhile; and opens each part without following links, so
 * that only the links' texts are used.
 */
#include "host/base/inroot.h"

#include <limits.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/path.h"

#define LINKS_MAX 40 /* as Linux has it */
#define TRIES 8      /* when somebody moves folders meanwhile */

static void close_keeping_errno(int fd)
{
    int kept = errno;
    if (fd >= 0)
        close(fd);
    errno = kept;
}

/* ---- by hand ---- */

struct walk {
    int root;
    int *folders; /* opened with O_PATH, from below the root */
    size_t count;
    char *rest; /* of the path, owned */
    unsigned followed;
    enum inroot_links links;
    bool make;         /* folders that aren't there */
    bool needs_folder; /* the path, or a link's text, ends with a slash */
    mode_t mode;
};

static int walk_top(const struct walk *walk)
{
    return walk->count ? walk->folders[walk->count - 1] : walk->root;
}

static void walk_up(struct walk *walk)
{
    if (walk->count)
        close_keeping_errno(walk->folders[--walk->count]);
}

static void walk_clear(struct walk *walk)
{
    while (walk->count)
        walk_up(walk);
    free(walk->folders);
    free(walk->rest);
}

/* Takes the next part off the rest; NULL: there is none. *last: nothing follows it, no slash. */
static char *walk_part(struct walk *walk, bool *last)
{
    char *at = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(at, "/");
    char *part = length ? mem_printf("%.*s", (int)length, at) : NULL;
    at += length;
    *last = *at == 0;
    walk->needs_folder |= part && *at && at[strspn(at, "/")] == 0;
    memmove(walk->rest, at, strlen(at) + 1);
    return part;
}

/* Goes on with the text of the link that fd stands for. */
static bool walk_link(struct walk *walk, int fd)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(fd, "", target, sizeof(target) - 1);
    if (length < 0)
        return false;
    if (walk->links == INROOT_NO_LINKS || ++walk->followed > LINKS_MAX) {
        errno = ELOOP;
        return false;
    }
    target[length] = 0;
    while (*target == '/' && walk->count)
        walk_up(walk);
    char *rest = mem_printf("%s%s", target, walk->rest);
    free(walk->rest);
    walk->rest = rest;
    return true;
}

static int walk_open(const struct walk *walk, const char *part)
{
    int folder = walk_top(walk), fd = openat(folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT || !walk->make)
        return fd;
    if (mkdirat(folder, part, walk->mode) != 0 && errno != EEXIST)
        return -1;
    return openat(folder, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* False with ENOTDIR if it isn't. */
static bool is_folder(int fd)
{
    struct stat info;
    bool folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    if (!folder)
        errno = ENOTDIR;
    return folder;
}

/* One part of the path; a link that is the last stays one if keep_link. */
static bool walk_step(struct walk *walk, const char *part, bool keep_link)
{
    struct stat info;
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
        if (!is_folder(walk_top(walk)))
            return false;
        if (part[1])
            walk_up(walk);
        return true;
    }
    int fd = walk_open(walk, part);
    if (fd < 0 || fstat(fd, &info) != 0) {
        close_keeping_errno(fd);
        return false;
    }
    if (S_ISLNK(info.st_mode) && !keep_link) {
        bool ok = walk_link(walk, fd);
        close_keeping_errno(fd);
        return ok;
    }
    walk->folders = mem_resize(walk->folders, (walk->count + 1) * sizeof(*walk->folders));
    walk->folders[walk->count++] = fd;
    return true;
}

/* A descriptor with these flags of where the walk has come to; name: the last part. */
static int walk_result(struct walk *walk, const char *name, int flags)
{
    int top = walk_top(walk);
    bool folder = is_folder(top);
    if (!folder && (flags & O_DIRECTORY || walk->needs_folder))
        return -1;
    if (flags & O_PATH)
        return fcntl(top, F_DUPFD_CLOEXEC, 3);
    if (folder)
        return openat(top, ".", (flags & ~O_NOFOLLOW) | O_CLOEXEC);
    int parent = walk->count > 1 ? walk->folders[walk->count - 2] : walk->root;
    return openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC);
}

static int walk_run(struct walk *walk, int flags)
{
    bool ok = true, last;
    char *name = NULL;
    for (char *part; ok && (part = walk_part(walk, &last)); name = part) {
        free(name);
        ok = walk_step(walk, part, last && flags & O_NOFOLLOW && walk->links == INROOT_LINKS);
    }
    int fd = ok ? walk_result(walk, name, flags) : -1;
    int kept = errno;
    free(name);
    walk_clear(walk);
    errno = kept;
    return fd;
}

/* ---- by the kernel ---- */

/* -1 with errno ENOSYS where it can't be asked: an old kernel, or a container's filter of calls,
 * which may answer EPERM, too. */
static int kernel_open(int root, const char *path, int flags, enum inroot_links links)
{
    static bool refused;
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
                   (links == INROOT_NO_LINKS ? RESOLVE_NO_SYMLINKS : 0ull),
    };
    long fd = -1;
    errno = ENOSYS;
    for (int i = 0; i < TRIES && !refused && fd < 0 && (i == 0 || errno == EAGAIN); i++)
        fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
    refused |= fd < 0 && (errno == ENOSYS || errno == EPERM);
    if (fd < 0 && (errno == EPERM || errno == EAGAIN))
        errno = ENOSYS;
    return (int)fd;
}

int inroot_open(int root, const char *path, int flags, enum inroot_links links)
{
    int fd = kernel_open(root, path, flags, links);
    if (fd >= 0 || errno != ENOSYS)
        return fd;
    struct walk walk = {.root = root, .rest = mem_string(path), .links = links};
    return walk_run(&walk, flags);
}

/* ---- what stands on it ---- */

int inroot_folder(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int inroot_open_file(int root, const char *path, enum inroot_links links)
{
    struct stat info;
    int fd = inroot_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, links);
    if (fd < 0 || (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

bool inroot_read(int root, const char *path, enum inroot_links links, struct buf *out)
{
    int fd = inroot_open_file(root, path, links);
    struct stat info;
    bool ok = fd >= 0 && fstat(fd, &info) == 0;
    if (ok && info.st_size > (off_t)INROOT_TEXT_MAX) {
        errno = EFBIG;
        ok = false;
    }
    ok = ok && io_read_all(fd, out);
    close_keeping_errno(fd);
    return ok;
}

bool inroot_stat(int root, const char *path, bool follow, struct stat *info)
{
    int fd = inroot_open(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW), INROOT_LINKS);
    bool ok = fd >= 0 && fstat(fd, info) == 0;
    close_keeping_errno(fd);
    return ok;
}

int inroot_scan(int root, const char *path, struct dirent ***out,
                int (*wanted)(const struct dirent *entry))
{
    int fd = inroot_open(root, path, O_RDONLY | O_DIRECTORY, INROOT_LINKS);
    int count = fd < 0 ? -1 : scandirat(fd, ".", out, wanted, alphasort);
    close_keeping_errno(fd);
    return count;
}

int inroot_make(int root, const char *path, mode_t mode)
{
    int fd = kernel_open(root, path, O_RDONLY | O_DIRECTORY, INROOT_LINKS);
    if (fd >= 0 || (errno != ENOSYS && errno != ENOENT))
        return fd;
    struct walk walk = {.root = root, .rest = mem_string(path), .make = true, .mode = mode};
    return walk_run(&walk, O_RDONLY | O_DIRECTORY);
}

int inroot_parent(int root, const char *path, mode_t mode, char **name)
{
    char *parent = path_parent(path);
    const char *base = path_base(path);
    int fd = -1;
    errno = EINVAL;
    if (*base && strcmp(base, ".") != 0 && strcmp(base, "..") != 0)
        fd = inroot_make(root, parent, mode);
    *name = fd >= 0 ? mem_string(base) : NULL;
    int kept = errno;
    free(parent);
    errno = kept;
    return fd;
}
