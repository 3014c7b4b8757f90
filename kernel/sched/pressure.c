/*
 * Stalls. Of the disk: nobody works while all CPUs are idle. Of memory: the thread that reclaims is
 * busy, so nobody works when it is the only one that could.
 */
#include "kernel/sched/pressure.h"

#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"
#include "kernel/time/ns.h"

struct stall {
    unsigned waiting; /* threads */
    bool alone;       /* at the beginning no other thread could run */
    uint64_t since_ns, idle_since_ns;
    struct pressure sum;
};

static struct spinlock lock = SPINLOCK_INIT(RANK_DEVICE);
static struct stall stalls[PRESSURE_KINDS];

/* The mean of all CPUs. */
static uint64_t idle_ns(void)
{
    unsigned cpu = 0;
    uint64_t idle = 0;
    do
        idle = ns_add(idle, sched_idle_ns(cpu));
    while (++cpu < sched_cpu_count());
    return idle / cpu;
}

void pressure_begin(enum pressure_kind kind)
{
    struct stall *s = &stalls[kind];
    spin_lock(&lock);
    if (s->waiting++ == 0) {
        s->since_ns = clock_monotonic_ns();
        s->idle_since_ns = idle_ns();
        s->alone = sched_running() <= 1;
    }
    spin_unlock(&lock);
}

/* The sums with what goes on now. */
static struct pressure sum_now(enum pressure_kind kind)
{
    const struct stall *s = &stalls[kind];
    struct pressure sum = s->sum;
    if (s->waiting) {
        uint64_t took = ns_sub(clock_monotonic_ns(), s->since_ns);
        uint64_t idled = min_u64(ns_sub(idle_ns(), s->idle_since_ns), took);
        sum.some_ns = ns_add(sum.some_ns, took);
        sum.full_ns = ns_add(sum.full_ns, kind == PRESSURE_IO ? idled : s->alone ? took : 0);
    }
    return sum;
}

void pressure_end(enum pressure_kind kind)
{
    spin_lock(&lock);
    struct pressure sum = sum_now(kind);
    if (--stalls[kind].waiting == 0)
        stalls[kind].sum = sum;
    spin_unlock(&lock);
}

struct pressure pressure_get(enum pressure_kind kind)
{
    if (kind == PRESSURE_CPU)
        return (struct pressure){.some_ns = sched_waited_ns()};
    spin_lock(&lock);
    struct pressure sum = sum_now(kind);
    spin_unlock(&lock);
    return sum;
}
