/* Sizes and space: truncate, fallocate, and advice about both. */
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/stat.h>

#include "kernel/fd/fdtable.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/permission.h"

int64_t sys_truncate(struct uptr path, int64_t size)
{
    struct dentry *d;
    if (size < 0)
        return -EINVAL;
    int err = user_path_lookup(AT_FDCWD, path, 0, &d);
    if (err)
        return err;
    if (inode_is_regular(d->inode) && !d->inode->fs->read_only)
        err = inode_permission(d->inode, MAY_WRITE);
    if (!err)
        err = vfs_truncate_path(d->inode, (uint64_t)size);
    if (!err)
        vfs_notify_dentry(d, IN_MODIFY);
    dentry_put(d);
    return err;
}

int64_t sys_ftruncate(int fd, int64_t size)
{
    struct file *f;
    if (size < 0)
        return -EINVAL;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    if (!file_writable(f))
        err = -EINVAL;
    else if (f->ops->truncate)
        err = f->ops->truncate(f, (uint64_t)size);
    else
        err = file_type(f) == S_IFREG ? 0 : -EINVAL;
    file_put(f);
    return err;
}

/* Whether there is such a mode of fallocate(2) at all: one thing to do, KEEP_SIZE where it may. */
static bool fallocate_mode_ok(int mode)
{
    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
        return true;
    case FALLOC_FL_PUNCH_HOLE:
        return mode & FALLOC_FL_KEEP_SIZE;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
        return !(mode & FALLOC_FL_KEEP_SIZE);
    default:
        return false;
    }
}

static int fallocate_file(struct file *f, int mode, int64_t offset, int64_t size)
{
    int64_t end;
    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (!fallocate_mode_ok(mode))
        return -EOPNOTSUPP;
    if (!file_writable(f))
        return -EBADF;
    uint32_t type = file_type(f);
    if (type != S_IFREG)
        return type == S_IFDIR ? -EISDIR : type == S_IFIFO ? -ESPIPE : -ENODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    return f->ops->fallocate ? f->ops->fallocate(f, mode, (uint64_t)offset, (uint64_t)size)
                             : -EOPNOTSUPP;
}

int64_t sys_fallocate(int fd, int mode, int64_t offset, int64_t size)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    err = fallocate_file(f, mode, offset, size);
    file_put(f);
    return err;
}

/* What kind of file fd is: S_IFMT, or -EBADF. */
static int64_t fd_type(int fd)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    uint32_t type = file_type(f);
    file_put(f);
    return type;
}

/* Reading ahead is the page cache's own affair: the advice is checked, then forgotten. */
int64_t sys_fadvise64(int fd, int64_t offset, int64_t size, int advice)
{
    (void)offset;
    int64_t type = fd_type(fd);
    if (type < 0 || type == S_IFIFO)
        return type < 0 ? type : -ESPIPE;
    bool known = advice >= POSIX_FADV_NORMAL && advice <= POSIX_FADV_NOREUSE;
    return size < 0 || !known ? -EINVAL : 0;
}

int64_t sys_readahead(int fd, int64_t offset, size_t size)
{
    struct file *f;
    (void)offset;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    if (!file_readable(f))
        err = -EBADF;
    else if (file_type(f) != S_IFREG || (int64_t)size < 0)
        err = -EINVAL;
    file_put(f);
    return err;
}

int64_t sys_sync_file_range(int fd, int64_t offset, int64_t size, unsigned flags)
{
    int64_t end;
    if ((flags & ~7u) || offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end))
        return fd_refuse(fd, -EINVAL);
    int64_t type = fd_type(fd);
    return type < 0 ? type : type == S_IFREG || type == S_IFDIR ? 0 : -ESPIPE;
}

static int64_t sync_file(int fd)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    err = f->ops->fsync ? f->ops->fsync(f) : -EINVAL;
    file_put(f);
    return err;
}

int64_t sys_fsync(int fd)
{
    return sync_file(fd);
}

int64_t sys_fdatasync(int fd)
{
    return sync_file(fd);
}

int64_t sys_sync(void)
{
    vfs_sync();
    return 0;
}

int64_t sys_syncfs(int fd)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    if (f->inode && f->inode->fs->sync)
        err = f->inode->fs->sync(f->inode->fs);
    file_put(f);
    return err;
}
