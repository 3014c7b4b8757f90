/*
 * Spin locks. The kernel runs with interrupts off (they are taken in ring 3 and in the idle loop
 * only), so a spin lock never needs to save the interrupt flag. The holder must not sleep, must
 * not touch user memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/base/attr.h"
#include "kernel/sync/check.h"
#include "kernel/sync/rank.h"

struct CAPABILITY("spinlock") spinlock {
    uint8_t held;
    uint8_t rank; /* enum lock_rank */
};

#define SPINLOCK_INIT(r)                                                                           \
    {                                                                                              \
        .held = 0, .rank = (r)                                                                     \
    }

static inline void spin_init(struct spinlock *l, enum lock_rank rank)
{
    l->held = 0;
    l->rank = (uint8_t)rank;
}

static inline void spin_lock(struct spinlock *l) ACQUIRES(*l) NO_LOCK_ANALYSIS
{
    lock_check_take(LOCK_SPIN, l, l->rank);
    while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(&l->held, __ATOMIC_RELAXED)) {
            __builtin_ia32_pause();
        }
    }
    lock_check_taken(LOCK_SPIN, l, l->rank);
}

/* True if it was free. */
static inline bool spin_trylock(struct spinlock *l) TRY_ACQUIRES(*l) NO_LOCK_ANALYSIS
{
    bool taken = !__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE);
    if (taken)
        lock_check_taken(LOCK_SPIN, l, l->rank);
    return taken;
}

static inline void spin_unlock(struct spinlock *l) RELEASES(*l) NO_LOCK_ANALYSIS
{
    lock_check_drop(LOCK_SPIN, l, l->rank);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
