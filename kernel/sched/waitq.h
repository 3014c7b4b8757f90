/*
 * Wait queues: the one way to wait for something, for sleeping threads, poll and epoll alike.
 *
 * To sleep until a condition holds (no wake-up is lost, nested sleeps in between are fine):
 *
 *     struct waiter w;
 *     waiter_init(&w, EVENTS_ANY);
 *     waitq_add(&queue, &w);
 *     for (;;) {
 *         waiter_arm(&w);
 *         if (condition) { err = 0; break; }
 *         err = waiter_sleep(&w, DEADLINE_NONE, true);
 *         if (err) break;
 *     }
 *     waitq_remove(&queue, &w);
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/ns.h"

struct thread;

#define EVENTS_ANY 0xffffffffu

struct waitq {
    struct spinlock lock;
    struct list_node waiters; /* struct waiter.node: FIFO, exclusive ones after all others */
};

struct waiter {
    struct list_node node;
    uint32_t events;       /* woken only by these (EPOLLIN …), or EVENTS_ANY */
    bool woken;            /* since waiter_arm() */
    bool exclusive;        /* one event is for one of these; set before waitq_add() */
    struct thread *thread; /* who sleeps */
    /* Called under the queue's lock with the events that happened; must not sleep, nor add to or
     * remove from this queue. The default (waiter_init) marks w woken and wakes w->thread.
     * Returns whether it took the event: an exclusive waiter that returns false is passed over. */
    bool (*wake)(struct waiter *w, uint32_t events);
};

void waitq_init(struct waitq *q);
void waitq_init_rank(struct waitq *q, enum lock_rank rank);
void waitq_add(struct waitq *q, struct waiter *w);
/* Harmless if w isn't queued. The wake-up that an exclusive waiter got since waiter_arm(), and so
 * did not act on, is passed on to the next. */
void waitq_remove(struct waitq *q, struct waiter *w);
static inline bool waitq_empty(const struct waitq *q)
{
    return list_empty(&q->waiters);
}
/* For waitq_wake(). */
bool waitq_wake_queued(struct waitq *q, uint32_t events);
/* Tells a change to every waiter that wants any of events, but to one exclusive waiter at most
 * unless something ended (EPOLLHUP, EPOLLERR): to the first that hasn't been woken yet. Returns
 * whether an exclusive one took it. To be called after the change: the fence orders it before the
 * look at the queue, and who waits is in the queue before he looks at the state. */
static inline bool waitq_wake(struct waitq *q, uint32_t events)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !waitq_empty(q) && waitq_wake_queued(q, events);
}
/* The same for who may sleep, holds nothing but what keeps the queue, and tells the program's own
 * doing: of many waiters it lets others in. */
void waitq_wake_queued_long(struct waitq *q, uint32_t events);
static inline void waitq_wake_long(struct waitq *q, uint32_t events)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!waitq_empty(q))
        waitq_wake_queued_long(q, events);
}
/* Wakes the first exclusive waiter that hasn't been woken yet. Returns whether there was one. */
bool waitq_wake_one(struct waitq *q);

void waiter_init(struct waiter *w, uint32_t events); /* for the current thread */
static inline void waiter_arm(struct waiter *w)
{
    __atomic_store_n(&w->woken, false, __ATOMIC_SEQ_CST);
}
/* Marks w woken and wakes its thread: what a custom wake function calls. */
void waiter_signal(struct waiter *w);

/* Sleeps until w is woken (since waiter_arm). deadline_ns is of clock_monotonic_ns(), or
 * DEADLINE_NONE. Returns 0, -ETIMEDOUT, or, if interruptible, -EINTR when a signal is to be
 * handled (thread_interrupt). */
int waiter_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible);
