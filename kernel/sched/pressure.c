/* Stalls for memory. The thread that reclaims is busy, so nobody works when it is the only one that
 * could. */
#include "kernel/sched/pressure.h"

#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"
#include "kernel/time/ns.h"

static struct {
    struct spinlock lock;
    unsigned waiting; /* threads */
    bool alone;       /* at the beginning no other thread could run */
    uint64_t since_ns;
    struct pressure sum;
} stall = {.lock = SPINLOCK_INIT(RANK_DEVICE)};

void pressure_begin(void)
{
    spin_lock(&stall.lock);
    if (stall.waiting++ == 0) {
        stall.since_ns = clock_monotonic_ns();
        stall.alone = sched_running() <= 1;
    }
    spin_unlock(&stall.lock);
}

/* The sums with what goes on now. */
static struct pressure sum_now(void)
{
    struct pressure sum = stall.sum;
    if (stall.waiting) {
        uint64_t took = ns_sub(clock_monotonic_ns(), stall.since_ns);
        sum.some_ns = ns_add(sum.some_ns, took);
        sum.full_ns = ns_add(sum.full_ns, stall.alone ? took : 0);
    }
    return sum;
}

void pressure_end(void)
{
    spin_lock(&stall.lock);
    struct pressure sum = sum_now();
    if (--stall.waiting == 0)
        stall.sum = sum;
    spin_unlock(&stall.lock);
}

struct pressure pressure_get(void)
{
    spin_lock(&stall.lock);
    struct pressure sum = sum_now();
    spin_unlock(&stall.lock);
    return sum;
}
