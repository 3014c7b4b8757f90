/* Descriptors of processes: opening them, taking descriptors through them, advising on memory.
 * Signals through them are in sys_signal.c. */
#include <asm/fcntl.h>
#include <linux/mman.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/pidfd.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/vm.h"

#define PIDFD_NONBLOCK O_NONBLOCK

/* Of the process only: threads (PIDFD_THREAD) have none (PART). */
int64_t sys_pidfd_open(int pid, unsigned flags)
{
    if ((flags & ~(unsigned)PIDFD_NONBLOCK) || pid <= 0)
        return -EINVAL;
    if (pid != PROC_PID)
        return -ESRCH;
    return fd_install_or_put(pidfd_create(pid, flags & PIDFD_NONBLOCK), true);
}

int64_t sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
    struct file *process, *f;
    if (flags)
        return -EINVAL;
    int err = pidfd_get(pidfd, &process);
    if (err)
        return err;
    file_put(process);
    err = fd_get_path(fd, &f);
    return err ? err : fd_install_or_put(f, true);
}

/* Frees the memory of a process that ends; the one that there is does not while it asks. */
int64_t sys_process_mrelease(int pidfd, unsigned flags)
{
    struct file *process;
    int err = flags ? -EINVAL : pidfd_get(pidfd, &process);
    if (err)
        return err;
    file_put(process);
    return -EINVAL;
}

static bool may_advise(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
           advice == MADV_COLLAPSE;
}

/* Advises on each range until one fails. Returns bytes, or the first one's -errno. */
static int64_t advise_each(struct iter *it, int advice)
{
    int64_t done = 0;
    for (; it->left; it->ranges++) {
        size_t size = min_u64(it->ranges->size, it->left);
        int64_t err = vm_advise(it->ranges->base, size, advice);
        if (err)
            return done ? done : err;
        done += (int64_t)size;
        it->left -= size;
    }
    return done;
}

int64_t sys_process_madvise(int fd, struct uptr ranges, size_t count, int advice, unsigned flags)
{
    struct file *process;
    struct user_iovec v;
    if (flags)
        return -EINVAL;
    int64_t result = user_iovec_get(&v, ranges, count);
    if (result)
        return result;
    result = pidfd_get(fd, &process);
    if (!result) {
        file_put(process);
        result = may_advise(advice) ? advise_each(&v.it, advice) : -EINVAL;
    }
    user_iovec_put(&v);
    return result;
}
