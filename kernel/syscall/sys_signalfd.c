/* signalfd and signalfd4. */
#include <linux/signalfd.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/signalfd.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/syscall.h"

int64_t sys_signalfd4(int fd, struct uptr from, size_t size, unsigned flags)
{
    sigmask_t mask;
    int err = signal_read_mask(from, size, &mask);
    if (err)
        return err;
    if (flags & ~(unsigned)(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    if (fd == -1)
        return fd_install_or_put(signalfd_create(mask, flags & SFD_NONBLOCK),
                                 (flags & SFD_CLOEXEC) != 0);
    struct file *f;
    err = fd_get(fd, &f);
    if (err)
        return err;
    bool set = signalfd_set(f, mask);
    file_put(f);
    return set ? fd : -EINVAL;
}

int64_t sys_signalfd(int fd, struct uptr from, size_t size)
{
    return sys_signalfd4(fd, from, size, 0);
}
