/* All clocks of clock_gettime(2) but the dynamic ones of devices. */
#include <linux/time.h>

#include "kernel/base/errno.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"

/* A negative clock is one of CPU time: ~(pid or tid) << 3, PER_THREAD, and what it counts. */
#define CPU_CLOCK_PER_THREAD 4
#define CPU_CLOCK_WHAT 3
#define CPU_CLOCK_USER_ONLY 1

bool clock_is_cpu(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

static int read_cpu_clock(int clock, int64_t *ns)
{
    int id = ~(clock >> 3);
    int what = clock & CPU_CLOCK_WHAT;
    if (what == CPU_CLOCK_WHAT)
        return -EINVAL;
    struct cpu_time t;
    if (!(clock & CPU_CLOCK_PER_THREAD)) {
        if (id && id != PROC_PID && id != task_current()->tid)
            return -EINVAL;
        cpu_time_get(NULL, &t);
    } else {
        spin_lock(&the_proc.task_lock);
        const struct task *task = id ? task_find(id) : task_current();
        if (task)
            cpu_time_get(task, &t);
        spin_unlock(&the_proc.task_lock);
        if (!task)
            return -EINVAL;
    }
    *ns = (int64_t)(what == CPU_CLOCK_USER_ONLY ? t.user_ns : t.total_ns);
    return 0;
}

bool clock_is_own_thread(int clock)
{
    int id = ~(clock >> 3);
    return clock < 0 && clock & CPU_CLOCK_PER_THREAD && (!id || id == task_current()->tid);
}

int clock_read(int clock, int64_t *ns)
{
    if (clock < 0)
        return read_cpu_clock(clock, ns);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ns = clock_realtime_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = (int64_t)clock_monotonic_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *ns = (int64_t)cpu_time_process_ns();
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = (int64_t)thread_cpu_ns(thread_current());
        return 0;
    default:
        return -EINVAL;
    }
}
