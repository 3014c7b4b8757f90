/* Sleeping lock. The holder may sleep and touch user memory. */
#pragma once

#include "kernel/sched/waitq.h"
#include "kernel/sync/spinlock.h"

struct CAPABILITY("mutex") mutex {
    struct thread *owner; /* NULL: free */
    struct waitq waiters;
    uint8_t rank; /* enum lock_rank */
};

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock(struct mutex *m) ACQUIRES(*m);
void mutex_unlock(struct mutex *m) RELEASES(*m);
/* The same, and who waits first has it next, whoever asks meanwhile. */
void mutex_hand_over(struct mutex *m) RELEASES(*m);
/* True if it was free. */
bool mutex_trylock(struct mutex *m);
bool mutex_held(const struct mutex *m); /* by this thread */
