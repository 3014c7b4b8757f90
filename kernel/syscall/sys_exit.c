/* The end of threads and of the process, and waiting for children, of which there are none. */
#include <linux/wait.h>

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
    return -ECHILD;
}
