/* The program's place among processes, and what only several processes would have use for. */
#include <linux/personality.h>

#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"

#define PARENT_PID 0 /* none that the program could see, as in a PID namespace of its own */
#define PERSONALITY_ASK 0xffffffffu

int64_t sys_getpid(void)
{
    return PROC_PID;
}

int64_t sys_getppid(void)
{
    return PARENT_PID;
}

static bool is_self(int pid)
{
    return pid == 0 || pid == PROC_PID;
}

int64_t sys_setpgid(int pid, int pgid)
{
    if (pgid < 0 || (pgid == 0 && pid < 0))
        return -EINVAL;
    if (!is_self(pid))
        return -ESRCH;
    if (the_proc.session == PROC_PID || (pgid != 0 && pgid != PROC_PID))
        return -EPERM;
    the_proc.pgrp = PROC_PID;
    return 0;
}

int64_t sys_getpgid(int pid)
{
    return is_self(pid) ? the_proc.pgrp : -ESRCH;
}

int64_t sys_getpgrp(void)
{
    return the_proc.pgrp;
}

/* The program is the leader of its process group, as a shell would have started it. */
int64_t sys_setsid(void)
{
    if (the_proc.pgrp == PROC_PID)
        return -EPERM;
    the_proc.session = the_proc.pgrp = PROC_PID;
    return PROC_PID;
}

int64_t sys_getsid(int pid)
{
    return is_self(pid) ? the_proc.session : -ESRCH;
}

/* Only what changes nothing is accepted: PER_LINUX, and the flag against randomization, which
 * counts from the next exec on (PART: it has no effect). */
int64_t sys_personality(uint64_t persona)
{
    static uint32_t current;
    uint32_t old = current;
    if ((uint32_t)persona == PERSONALITY_ASK)
        return old;
    if ((uint32_t)persona & ~(uint32_t)ADDR_NO_RANDOMIZE)
        return -EINVAL;
    current = (uint32_t)persona;
    return old;
}

/* Nobody can trace or be traced. */
int64_t sys_ptrace(int64_t request, int pid, uint64_t addr, uint64_t data)
{
    (void)request, (void)addr, (void)data;
    return is_self(pid) ? -EPERM : -ESRCH;
}

/* Filters of system calls are not there; programs take this for a kernel without them. */
int64_t sys_seccomp(unsigned operation, unsigned flags, struct uptr args)
{
    (void)operation, (void)flags, (void)args;
    return -EINVAL;
}

int64_t sys_iopl(int level)
{
    return level == 0 ? 0 : level > 3 || level < 0 ? -EINVAL : -EPERM;
}

int64_t sys_ioperm(uint64_t from, uint64_t count, int on)
{
    if (from + count < from || from + count > 65536)
        return -EINVAL;
    return on ? -EPERM : 0;
}

/* Reads an empty table; no entries can be made. */
int64_t sys_modify_ldt(int function, struct uptr table, size_t size)
{
    (void)table, (void)size;
    return function == 0 ? 0 : -ENOSYS;
}
