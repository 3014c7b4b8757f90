/* ioctl: requests that every descriptor knows, then the file's own. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/fs.h>

#include "kernel/fd/fdtable.h"
#include "kernel/syscall/syscall.h"

static int64_t set_file_flag(struct file *f, uint32_t flag, struct uptr arg)
{
    int on;
    if (copy_from_user(&on, arg, sizeof(on)))
        return -EFAULT;
    if (on)
        __atomic_fetch_or(&f->flags, flag, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&f->flags, ~flag, __ATOMIC_RELAXED);
    if (f->ops->flags_changed)
        f->ops->flags_changed(f);
    return 0;
}

/* Bytes from the position to the end of a plain file. */
static int64_t bytes_left(struct file *f, struct uptr arg)
{
    struct inode_attr attr;
    file_getattr(f, &attr); /* brings a file of the host's up to date */
    int64_t left = (int64_t)(f->inode->map->size - f->pos);
    int bytes = left > INT32_MAX ? INT32_MAX : (int)left;
    return copy_to_user(arg, &bytes, sizeof(bytes));
}

static int64_t file_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    bool plain = f->inode && inode_is_regular(f->inode) && f->inode->map;
    int block = (int)PAGE_SIZE;
    switch (request) {
    case FIONBIO:
        return set_file_flag(f, O_NONBLOCK, (struct uptr){arg});
    case FIOASYNC:
        return set_file_flag(f, FASYNC, (struct uptr){arg});
    case FIONREAD:
        if (plain)
            return bytes_left(f, (struct uptr){arg});
        break;
    case FIGETBSZ:
        if (plain)
            return copy_to_user((struct uptr){arg}, &block, sizeof(block));
        break;
    default:
        break;
    }
    return f->ops->ioctl ? f->ops->ioctl(f, request, arg) : -ENOTTY;
}

int64_t sys_ioctl(int fd, unsigned request, uint64_t arg)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    int64_t result;
    if (request == FIOCLEX || request == FIONCLEX)
        result = fd_set_flags(fd, request == FIOCLEX);
    else
        result = file_ioctl(f, request, arg);
    file_put(f);
    return result;
}
