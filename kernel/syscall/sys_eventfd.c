/* eventfd and eventfd2. */
#include <asm/fcntl.h>

#include "kernel/fd/eventfd.h"
#include "kernel/fd/fdtable.h"
#include "kernel/syscall/syscall.h"

#define EFD_SEMAPHORE 1u
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

int64_t sys_eventfd2(unsigned value, unsigned flags)
{
    if (flags & ~(unsigned)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    struct file *f = eventfd_create(value, (flags & EFD_SEMAPHORE) != 0, flags & EFD_NONBLOCK);
    return fd_install_or_put(f, (flags & EFD_CLOEXEC) != 0);
}

int64_t sys_eventfd(unsigned value)
{
    return sys_eventfd2(value, 0);
}
