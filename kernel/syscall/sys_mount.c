/* The tree of filesystems is made at boot and stays: calls that would change it are refused. */
#include <linux/fcntl.h>

#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"

/* -EPERM if there is such a path. */
static int64_t refuse(struct uptr path)
{
    struct dentry *d;
    int err = user_path_lookup(AT_FDCWD, path, 0, &d);
    if (err)
        return err;
    dentry_put(d);
    return -EPERM;
}

int64_t sys_mount(struct uptr source, struct uptr target, struct uptr type, uint64_t flags,
                  struct uptr data)
{
    (void)source, (void)type, (void)flags, (void)data;
    return refuse(target);
}

int64_t sys_umount2(struct uptr target, unsigned flags)
{
    (void)flags;
    return refuse(target);
}

int64_t sys_pivot_root(struct uptr new_root, struct uptr put_old)
{
    (void)put_old;
    return refuse(new_root);
}

int64_t sys_swapon(struct uptr path, unsigned flags)
{
    (void)flags;
    return refuse(path);
}

int64_t sys_swapoff(struct uptr path)
{
    return refuse(path);
}

int64_t sys_name_to_handle_at(int dirfd, struct uptr path, struct uptr handle, struct uptr mount_id,
                              unsigned flags)
{
    (void)dirfd, (void)path, (void)handle, (void)mount_id, (void)flags;
    return -EOPNOTSUPP;
}

int64_t sys_open_by_handle_at(int mount_fd, struct uptr handle, unsigned flags)
{
    (void)mount_fd, (void)handle, (void)flags;
    return -EOPNOTSUPP;
}
