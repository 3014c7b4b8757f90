/* Telling a change to whoever waits: next to nothing while nobody does. */
#pragma once

#include "kernel/sched/waitq.h"

/* To be called after the change. The fence orders it before the look at the queue; whoever waits
 * adds himself to the queue (under its lock) before he looks at the state. */
static inline void waitq_tell(struct waitq *q, uint32_t events)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!waitq_empty(q))
        waitq_wake(q, events);
}
