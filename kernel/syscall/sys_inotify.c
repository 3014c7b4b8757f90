/* inotify(7). */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fs/inotify.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/permission.h"

#define KNOWN_BITS                                                                                 \
    (IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | \
     IN_ISDIR | IN_ONESHOT | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)

int64_t sys_inotify_init1(unsigned flags)
{
    if (flags & ~(unsigned)(IN_NONBLOCK | IN_CLOEXEC))
        return -EINVAL;
    struct file *f = inotify_create(flags & IN_NONBLOCK);
    if (!f)
        return inotify_instances_full() ? -EMFILE : file_alloc_error();
    return fd_install_or_put(f, flags & IN_CLOEXEC);
}

int64_t sys_inotify_init(void)
{
    return sys_inotify_init1(0);
}

static int64_t watch_path(struct file *f, struct uptr path, uint32_t mask)
{
    struct dentry *d;
    unsigned flags = mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
    int64_t result = user_path_lookup(AT_FDCWD, path, flags, &d);
    if (result)
        return result;
    if ((mask & IN_ONLYDIR) && !inode_is_dir(d->inode))
        result = -ENOTDIR;
    else
        result = inode_permission(d->inode, MAY_READ);
    if (!result)
        result = inotify_watch(f, d->inode, mask);
    dentry_put(d);
    return result;
}

int64_t sys_inotify_add_watch(int fd, struct uptr path, unsigned mask)
{
    struct file *f;
    if (!(mask & KNOWN_BITS) || ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
        return -EINVAL;
    int64_t result = fd_get(fd, &f);
    if (result)
        return result;
    result = inotify_is(f) ? watch_path(f, path, mask) : -EINVAL;
    file_put(f);
    return result;
}

int64_t sys_inotify_rm_watch(int fd, int watch)
{
    struct file *f;
    int64_t result = fd_get(fd, &f);
    if (result)
        return result;
    result = inotify_is(f) ? inotify_unwatch(f, watch) : -EINVAL;
    file_put(f);
    return result;
}
