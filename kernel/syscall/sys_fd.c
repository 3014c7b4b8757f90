/* Descriptors: dup in its forms, close, close_range, fcntl. */
#include <linux/close_range.h>
#include <linux/fcntl.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/pipe.h"
#include "kernel/fd/unnamed.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/flock.h"
#include "kernel/vfs/permission.h"
#include "kernel/vfs/seals.h"

/* Flags that F_SETFL changes; others it passes over. */
#define CHANGEABLE_FLAGS ((unsigned)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME))

int64_t sys_close(int fd)
{
    return fd_close(fd);
}

int64_t sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    if (flags & ~(unsigned)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE))
        return -EINVAL;
    return fd_close_range(first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
}

static int64_t duplicate(int fd, unsigned min, bool cloexec)
{
    struct file *f;
    int err = fd_get_path(fd, &f);
    if (err)
        return err;
    int64_t result = min > INT32_MAX ? -EINVAL : fd_install(f, (int)min, cloexec);
    if (result < 0)
        file_put(f);
    return result;
}

int64_t sys_dup(int fd)
{
    return duplicate(fd, 0, false);
}

static int64_t duplicate_to(int old_fd, int new_fd, bool cloexec)
{
    struct file *f;
    int err = fd_get_path(old_fd, &f);
    if (err)
        return err;
    int64_t result = fd_replace(new_fd, f, cloexec);
    if (result < 0)
        file_put(f);
    return result;
}

int64_t sys_dup2(int old_fd, int new_fd)
{
    if (old_fd == new_fd)
        return fd_get_flags(old_fd) < 0 ? -EBADF : new_fd;
    return duplicate_to(old_fd, new_fd, false);
}

int64_t sys_dup3(int old_fd, int new_fd, unsigned flags)
{
    if ((flags & ~(unsigned)O_CLOEXEC) || old_fd == new_fd)
        return -EINVAL;
    return duplicate_to(old_fd, new_fd, flags != 0);
}

static int64_t set_flags(struct file *f, unsigned flags)
{
    uint32_t old = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
    const struct inode *inode = flags & ~old & O_NOATIME ? file_inode(f) : NULL;
    if (inode && !inode_owner_or_capable(inode))
        return -EPERM;
    if ((flags & O_DIRECT) && !pipe_is(f) && !(f->inode && f->inode->map))
        return -EINVAL;
    __atomic_store_n(&f->flags, (old & ~CHANGEABLE_FLAGS) | (flags & CHANGEABLE_FLAGS),
                     __ATOMIC_RELAXED);
    if (f->ops->flags_changed)
        f->ops->flags_changed(f);
    return 0;
}

/* Whom signals are for: the process, a thread of it, its group (pid < 0), or nobody (0). */
static int64_t set_owner(struct file *f, int pid, bool thread)
{
    bool exists = true;
    if (pid > 0) {
        spin_lock(&the_proc.task_lock);
        exists = task_find(pid) != NULL;
        spin_unlock(&the_proc.task_lock);
    } else if (pid < 0) {
        exists = -(int64_t)pid == the_proc.pgrp;
    }
    if (!exists)
        return -ESRCH;
    f->owner_pid = pid;
    f->owner_thread = thread;
    return 0;
}

static int64_t owner_ex(struct file *f, bool set, struct uptr arg)
{
    int pid = f->owner_pid;
    struct f_owner_ex owner = {f->owner_thread ? F_OWNER_TID : F_OWNER_PID, pid};
    if (pid < 0)
        owner = (struct f_owner_ex){F_OWNER_PGRP, -pid};
    if (!set)
        return copy_to_user(arg, &owner, sizeof(owner));
    if (copy_from_user(&owner, arg, sizeof(owner)))
        return -EFAULT;
    if ((unsigned)owner.type > F_OWNER_PGRP)
        return -EINVAL;
    if (owner.pid < 0)
        return -ESRCH;
    return set_owner(f, owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid,
                     owner.type == F_OWNER_TID);
}

/* Requests on the open file itself. No signals tell of readiness: O_ASYNC has no effect, as on
 * files that can't. The owner gets SIGURG. */
static int64_t fcntl_file(struct file *f, int command, uint64_t arg)
{
    switch (command) {
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        return set_flags(f, (unsigned)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return flock_fcntl(f, command, (struct uptr){arg});
    case F_GETPIPE_SZ:
        return pipe_is(f) ? pipe_size(f) : -EBADF;
    case F_SETPIPE_SZ:
        return pipe_is(f) ? pipe_resize(f, arg, capable(CAP_SYS_RESOURCE)) : -EBADF;
    case F_ADD_SEALS:
        return seals_add(f, (unsigned)arg);
    case F_GET_SEALS:
        return seals_get(f);
    case F_GETOWN:
        return f->owner_pid;
    case F_SETOWN:
        return (int)arg == INT32_MIN ? -EINVAL : set_owner(f, (int)arg, false);
    case F_GETOWN_EX:
    case F_SETOWN_EX:
        return owner_ex(f, command == F_SETOWN_EX, (struct uptr){arg});
    case F_GETSIG:
        return f->owner_signal;
    case F_SETSIG:
        if (arg > 64)
            return -EINVAL;
        f->owner_signal = (int)arg;
        return 0;
    case F_GETLEASE:
        return F_UNLCK;
    default:
        return -EINVAL;
    }
}

/* F_NOTIFY and F_SETLEASE are refused: EINVAL. */
int64_t sys_fcntl(int fd, int command, uint64_t arg)
{
    struct file *f;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(fd, (unsigned)arg, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_get_flags(fd);
    case F_SETFD:
        return fd_set_flags(fd, (int)arg);
    default:
        break;
    }
    int err = fd_get_path(fd, &f);
    if (err)
        return err;
    int64_t result = -EBADF;
    if (!(f->flags & O_PATH) || command == F_GETFL)
        result = fcntl_file(f, command, arg);
    file_put(f);
    return result;
}
