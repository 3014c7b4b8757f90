/* The end of threads and of the process, and waiting for children, of which there are none. */
#include <linux/wait.h>

#include "kernel/fd/pidfd.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"

int64_t sys_exit(int status)
{
    task_end(status);
}

int64_t sys_exit_group(int status)
{
    proc_exit((status & 0xff) << 8);
    return 0;
}

int64_t sys_wait4(int pid, struct uptr status, int options, struct uptr usage)
{
    (void)status, (void)usage;
    int known = WNOHANG | WUNTRACED | WCONTINUED | (int)__WNOTHREAD | (int)__WCLONE | (int)__WALL;
    if (options & ~known)
        return -EINVAL;
    return pid == INT32_MIN ? -ESRCH : -ECHILD;
}

int64_t sys_waitid(int which, int pid, struct uptr info, int options, struct uptr usage)
{
    (void)pid, (void)info, (void)usage;
    int known = WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | (int)__WNOTHREAD |
                (int)__WCLONE | (int)__WALL;
    bool wants = options & (WEXITED | WSTOPPED | WCONTINUED);
    if ((options & ~known) || !wants || which < P_ALL || which > P_PIDFD)
        return -EINVAL;
    if ((which == P_PID && pid <= 0) || ((which == P_PGID || which == P_PIDFD) && pid < 0))
        return -EINVAL;
    struct file *process;
    int err = which == P_PIDFD ? pidfd_get(pid, &process) : -ECHILD;
    if (err)
        return err;
    file_put(process);
    return -ECHILD;
}
