/* inotify(7). */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fs/inotify.h"
#include "kernel/mm/heap.h"
#include "kernel/syscall/syscall.h"

#define KNOWN_BITS                                                                                 \
    (IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | \
     IN_ISDIR | IN_ONESHOT | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)

int64_t sys_inotify_init1(unsigned flags)
{
    if (flags & ~(unsigned)(IN_NONBLOCK | IN_CLOEXEC))
        return -EINVAL;
    struct file *f = inotify_create(flags & IN_NONBLOCK);
    if (!f)
        return -ENOMEM;
    return fd_install_or_put(f, flags & IN_CLOEXEC);
}

int64_t sys_inotify_init(void)
{
    return sys_inotify_init1(0);
}

static int64_t watch_path(struct file *f, const char *path, uint32_t mask)
{
    unsigned flags =
        (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
    struct dentry *d;
    int err = vfs_lookup(NULL, path, flags, &d, NULL);
    if (err)
        return err;
    int64_t result = inotify_watch(f, d->inode, mask);
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
    char *text = heap_alloc(PATH_BYTES_MAX);
    if (!text)
        result = -ENOMEM;
    else if (!inotify_is(f))
        result = -EINVAL;
    else
        result = copy_string_from_user(text, path, PATH_BYTES_MAX);
    if (result >= 0)
        result = watch_path(f, text, mask);
    heap_free(text);
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
