/* flock(2). Record locks are fcntl's. */
#include <linux/fcntl.h>

#include "kernel/fd/fdtable.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/flock.h"

int64_t sys_flock(int fd, int operation)
{
    struct file *f;
    int kind = operation & ~LOCK_NB;
    if (operation & LOCK_MAND) /* no longer means anything */
        return 0;
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    err = flock_whole(f, operation);
    file_put(f);
    return err;
}
