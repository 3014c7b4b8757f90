/*
 * The network's one lock, and its life: everything lwIP has is guarded by the net lock. It is a
 * spin lock: interrupts of network cards and timers take it as well as system calls, and who holds
 * it neither sleeps nor touches the program's memory.
 */
#pragma once

#include "kernel/base/attr.h"
#include "kernel/sync/spinlock.h"

extern struct spinlock net_spinlock;

NORETURN void net_lock_missing(const char *function);

/* lwIP asks at each of its entries: who calls it without the lock is a bug of this kernel. */
static inline void net_lock_required(const char *function)
{
    if (UNLIKELY(!net_spinlock.held))
        net_lock_missing(function);
}

/* The first call sets up loopback and the network cards; before that, the network costs nothing.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int net_start(void);

void net_lock(void) ACQUIRES(net_spinlock);
/* Delivers what was sent to this machine itself, and has cards send the rest. */
void net_unlock(void) RELEASES(net_spinlock);
/* cond_resched(), for who holds the lock, without it meanwhile. */
void net_cond_resched(void);

/* Packets of IPv4 that leave now say that no router may cut them up. GUARDED_BY(net_spinlock). */
extern bool net_whole_packets;
