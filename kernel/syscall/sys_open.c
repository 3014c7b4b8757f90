/* Opening files: open, openat, openat2, creat, memfd_create. */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>

#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fs/memfs.h"
#include "kernel/syscall/grown.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"

#define OPEN_FLAGS                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
     O_TMPFILE)
#define MEMFD_NAME_MAX 249u
#define MEMFD_PREFIX "memfd:"
#define MEMFD_MODE 0777u

static int64_t open_at(int dirfd, struct uptr path, unsigned flags, uint32_t mode)
{
    struct user_path p;
    struct file *file = NULL;
    if ((flags & (O_CREAT | O_DIRECTORY | O_PATH)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL; /* no call makes directories so */
    int err = user_path_get(&p, dirfd, path, 0);
    if (err)
        return err;
    int fd = fd_reserve();
    err = fd < 0 ? fd : vfs_open(p.base, p.text, flags & OPEN_FLAGS, mode, &file);
    user_path_put(&p);
    return fd < 0 ? fd : fd_settle(fd, err, file, flags & O_CLOEXEC);
}

int64_t sys_openat(int dirfd, struct uptr path, unsigned flags, unsigned mode)
{
    return open_at(dirfd, path, flags | O_LARGEFILE, mode);
}

int64_t sys_open(struct uptr path, unsigned flags, unsigned mode)
{
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int64_t sys_creat(struct uptr path, unsigned mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode);
}

/* What resolve asks for, as LOOKUP_*; -EINVAL for unknown bits. RESOLVE_CACHED is for those who try
 * again without. */
static int limits_of(uint64_t resolve)
{
    const unsigned known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                           RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    if (resolve == RESOLVE_CACHED)
        return -EAGAIN;
    if ((resolve & ~(uint64_t)known) ||
        (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return -EINVAL;
    unsigned limits = 0;
    limits |= resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_MOUNTS : 0;
    limits |= resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGIC : 0;
    limits |= resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_LINKS : 0;
    limits |= resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0;
    limits |= resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0;
    return (int)limits;
}

/* The directory the lookup must not leave, with a reference. */
static int limit_base(int dirfd, struct dentry **out)
{
    if (dirfd == AT_FDCWD) {
        *out = vfs_cwd_get();
        return 0;
    }
    int err = fd_dentry_get(dirfd, true, out);
    return err == -EXDEV ? -ENOTDIR : err;
}

static int64_t open_limited(int dirfd, struct uptr path, const struct open_how *how,
                            unsigned limits)
{
    struct user_path p;
    struct dentry *base;
    struct file *file = NULL;
    int err = user_path_get(&p, dirfd, path, 0);
    if (err)
        return err;
    int fd = fd_reserve();
    err = fd < 0 ? fd : limit_base(dirfd, &base);
    if (!err) {
        err = vfs_open_limited(base, p.text, (unsigned)how->flags | O_LARGEFILE,
                               (uint32_t)how->mode, limits, &file);
        dentry_put(base);
    }
    user_path_put(&p);
    return fd < 0 ? fd : fd_settle(fd, err, file, how->flags & O_CLOEXEC);
}

int64_t sys_openat2(int dirfd, struct uptr path, struct uptr how, size_t size)
{
    struct open_how h;
    if (size < sizeof(h) || size > PAGE_SIZE)
        return size < sizeof(h) ? -EINVAL : -E2BIG;
    int err = grown_get(&h, sizeof(h), how, size);
    if (err)
        return err;
    bool creates = h.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));
    if ((h.flags & ~(uint64_t)OPEN_FLAGS) || (h.mode & ~07777ul) || (h.mode && !creates))
        return -EINVAL;
    int limits = limits_of(h.resolve);
    if (limits < 0)
        return limits;
    if (limits)
        return open_limited(dirfd, path, &h, (unsigned)limits);
    return open_at(dirfd, path, (unsigned)h.flags | O_LARGEFILE, (uint32_t)h.mode);
}

int64_t sys_memfd_create(struct uptr name, unsigned flags)
{
    char text[sizeof(MEMFD_PREFIX) + MEMFD_NAME_MAX] = MEMFD_PREFIX;
    struct dentry *d;
    struct file *file;
    if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | 0xfc000000u))
        return -EINVAL;
    if (!(flags & MFD_HUGETLB) && (flags & 0xfc000000u))
        return -EINVAL;
    int64_t length =
        copy_string_from_user(text + sizeof(MEMFD_PREFIX) - 1, name, MEMFD_NAME_MAX + 1);
    if (length < 0)
        return length == -ENAMETOOLONG ? -EINVAL : length;
    int err = memfs_create_anonymous(text, MEMFD_MODE, &d);
    if (err)
        return err;
    d->inode->map->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    err = vfs_open_dentry(d, O_RDWR | O_LARGEFILE, &file);
    dentry_put(d);
    return err ? err : fd_install_or_put(file, flags & MFD_CLOEXEC);
}
