/* Opening files: open, openat, openat2, creat, memfd_create. */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>

#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fs/memfs.h"
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
    struct file *file;
    int err = user_path_get(&p, dirfd, path, 0);
    if (err)
        return err;
    err = vfs_open(p.base, p.text, flags & OPEN_FLAGS, mode, &file);
    user_path_put(&p);
    return err ? err : fd_install_or_put(file, flags & O_CLOEXEC);
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

/* Whether the bytes beyond what we know of a struct that may grow are zero. */
static int check_zeros(struct uptr at, size_t size)
{
    for (; size > 0; size--, at = uptr_add(at, 1)) {
        uint8_t byte;
        if (copy_from_user(&byte, at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return 0;
}

/* The ways to resolve a path that need nothing of us: no magic links or other mounts are refused.
 * Missing: RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV. */
int64_t sys_openat2(int dirfd, struct uptr path, struct uptr how, size_t size)
{
    struct open_how h;
    if (size < sizeof(h) || size > PAGE_SIZE)
        return size < sizeof(h) ? -EINVAL : -E2BIG;
    int err = copy_from_user(&h, how, sizeof(h));
    if (!err)
        err = check_zeros(uptr_add(how, sizeof(h)), size - sizeof(h));
    if (err)
        return err;
    bool creates = h.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));
    if ((h.flags & ~(uint64_t)OPEN_FLAGS) || (h.mode & ~07777ul) || (h.mode && !creates))
        return -EINVAL;
    if (h.resolve & ~(uint64_t)RESOLVE_NO_MAGICLINKS)
        return h.resolve & ~0x3ful ? -EINVAL : -EOPNOTSUPP;
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
