/* RLIMIT_CPU: SIGXCPU each second from the soft limit on, SIGKILL at the hard one. */
#include <asm/resource.h>

#include "kernel/base/errno.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"

#define CHECK_MIN_NS 10000000ul

static void check(struct timer *timer);

static struct timer timer = {.expired = check};

/* Goes off when the limit can be reached at the earliest: with all CPUs at work. */
static void look_later(uint64_t used, uint64_t limit)
{
    uint64_t left = ns_sub(limit, used) / sched_cpu_count();
    timer_set(&timer, ns_add(clock_monotonic_ns(), max_u64(left, CHECK_MIN_NS)));
}

static void check(struct timer *t)
{
    (void)t;
    uint64_t *limit = the_proc.limits[RLIMIT_CPU];
    uint64_t used = cpu_time_process_ns();
    if (limit[0] == RLIM_INFINITY)
        return;
    if (limit[1] != RLIM_INFINITY && used >= ns_mul(limit[1], NS_PER_SECOND)) {
        (void)signal_send_process(SIGKILL, NULL);
        return;
    }
    if (used >= ns_mul(limit[0], NS_PER_SECOND)) {
        (void)signal_send_process(SIGXCPU, NULL);
        limit[0]++; /* as on Linux, who asks is told so */
    }
    look_later(used, min_u64(ns_mul(limit[0], NS_PER_SECOND), ns_mul(limit[1], NS_PER_SECOND)));
}

void cpu_limit_changed(void)
{
    if (the_proc.limits[RLIMIT_CPU][0] != RLIM_INFINITY)
        look_later(0, 0);
    else
        (void)timer_cancel(&timer);
}
