/* pidfd: it has no state but the process's number. */
#include "kernel/fd/pidfd.h"

#include <asm/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/anonymous.h"
#include "kernel/fd/fdtable.h"

static uint32_t pidfd_poll(struct file *f)
{
    (void)f;
    return 0;
}

static size_t pidfd_fdinfo(struct file *f, char *buf, size_t size)
{
    int pid = (int)(intptr_t)f->private;
    return format(buf, size, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

/* An inode of their own. */
static void pidfd_getattr(struct file *f, struct inode_attr *attr)
{
    anonymous_getattr(f, attr);
    attr->ino = ANONYMOUS_INO + 1;
}

static int pidfd_reopen(struct file *target, struct file *fresh);

static const struct file_ops pidfd_ops = {
    .name = "pidfd",
    .poll = pidfd_poll,
    .getattr = pidfd_getattr,
    .describe = anonymous_describe,
    .fdinfo = pidfd_fdinfo,
    .reopen = pidfd_reopen,
};

static int pidfd_reopen(struct file *target, struct file *fresh)
{
    fresh->ops = &pidfd_ops;
    fresh->private = target->private;
    return 0;
}

struct file *pidfd_create(int pid, unsigned flags)
{
    return file_alloc(&pidfd_ops, O_RDWR | flags, NULL, (void *)(intptr_t)pid);
}

bool pidfd_is(const struct file *f)
{
    return f->ops == &pidfd_ops;
}

int pidfd_get(int fd, struct file **out)
{
    int err = fd_get(fd, out);
    if (!err && !pidfd_is(*out)) {
        file_put(*out);
        err = -EBADF;
    }
    return err;
}
