/* One-shot timers on the monotonic clock. They go off under the kernel lock (arch/smp.h): who has
 * it and cancels a timer knows that it is not just going off elsewhere. */
#pragma once

#include "kernel/base/rbtree.h"
#include "kernel/base/types.h"

struct timer {
    struct rb_node node;
    uint64_t expires_ns; /* of clock_monotonic_ns() */
    bool set;
    uint8_t cpu; /* whose tree it is in */
    /* Runs with interrupts off, under no lock, must not sleep. It may set the timer again. */
    void (*expired)(struct timer *t);
};

void timer_init(struct timer *t, void (*expired)(struct timer *));
/* Sets or moves t. */
void timer_set(struct timer *t, uint64_t expires_ns);
/* True if it was set and now will not run. */
bool timer_cancel(struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
    return t->set;
}
/* Runs what has expired and programs the hardware for the next, or for as late as it can; called by
 * the timer interrupt. Returns whether anything had expired. */
bool timer_run(void);
