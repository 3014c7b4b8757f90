/* ioctl: requests that every descriptor knows, then the file's own. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/stat.h>

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

static int64_t file_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    int number = (int)PAGE_SIZE;
    int64_t left;
    struct inode_attr attr;
    switch (request) {
    case FIONBIO:
        return set_file_flag(f, O_NONBLOCK, (struct uptr){arg});
    case FIONREAD: /* bytes from the position to the end of a file */
        file_getattr(f, &attr);
        if ((attr.mode & S_IFMT) != S_IFREG)
            break;
        left = (int64_t)(attr.size - f->pos);
        number = left > INT32_MAX ? INT32_MAX : (int)left;
        return copy_to_user((struct uptr){arg}, &number, sizeof(number));
    case FIGETBSZ:
        return copy_to_user((struct uptr){arg}, &number, sizeof(number));
    case FIOASYNC: /* no signals are sent: as of files that can't */
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
