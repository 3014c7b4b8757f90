/* Wait queues and sleeping on them. */
#include "kernel/sched/waitq.h"

#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/sched/sleep.h"
#include "kernel/sched/thread.h"

/* The end of what is waited for concerns every waiter. */
#define EVENTS_FOR_ALL ((uint32_t)(EPOLLHUP | EPOLLERR))

#define PAUSES_MAX 1000u

void waitq_init_rank(struct waitq *q, enum lock_rank rank)
{
    spin_init(&q->lock, rank);
    list_init(&q->waiters);
}

void waitq_init(struct waitq *q)
{
    waitq_init_rank(q, RANK_WAITQ);
}

static struct waiter *waiter_of(struct list_node *node)
{
    return list_entry(node, struct waiter, node);
}

/* Where w goes: those that are not exclusive come first, for waking ends at an exclusive one. */
static struct list_node *place_for(const struct waitq *q, const struct waiter *w)
{
    struct list_node *last = q->waiters.prev;
    while (!w->exclusive && last != &q->waiters && waiter_of(last)->exclusive) {
        last = last->prev;
    }
    return last->next;
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_insert_before(place_for(q, w), &w->node);
    spin_unlock(&q->lock);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_remove(&w->node);
    spin_unlock(&q->lock);
    if (w->exclusive && w->woken) {
        waitq_wake(q, w->events & ~EVENTS_FOR_ALL);
    }
}

bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    bool taken = false, one = !(events & EVENTS_FOR_ALL);
    spin_lock(&q->lock);
    list_for_each_safe(node, next, &q->waiters)
    {
        struct waiter *w = waiter_of(node);
        if (w->events & events && w->wake(w, events) && w->exclusive) {
            taken = true;
            if (one) {
                break;
            }
        }
    }
    spin_unlock(&q->lock);
    return taken;
}

static bool wake_nobody(struct waiter *w, uint32_t events)
{
    (void)w;
    (void)events;
    return false;
}

/* Lets others in before next; returns what is next then. */
static struct list_node *pause_before(struct waitq *q, struct list_node *next) NO_LOCK_ANALYSIS
{
    struct waiter mark = {.wake = wake_nobody};
    /* As the one before, so that who comes finds its place. */
    mark.exclusive = next->prev != &q->waiters && waiter_of(next->prev)->exclusive;
    list_insert_before(next, &mark.node);
    spin_unlock(&q->lock);
    cond_resched();
    spin_lock(&q->lock);
    next = mark.node.next;
    list_remove(&mark.node);
    return next;
}

void waitq_wake_queued_long(struct waitq *q, uint32_t events)
{
    bool one = !(events & EVENTS_FOR_ALL);
    unsigned pauses = 0; /* limited, as waiters may come again and again */
    spin_lock(&q->lock);
    for (struct list_node *node = q->waiters.next, *next; node != &q->waiters; node = next) {
        struct waiter *w = waiter_of(node);
        next = node->next;
        if (w->events & events && w->wake(w, events) && w->exclusive && one)
            break;
        if (next != &q->waiters && UNLIKELY(cond_resched_due()) && pauses++ < PAUSES_MAX)
            next = pause_before(q, next);
    }
    spin_unlock(&q->lock);
}

bool waitq_wake_one(struct waitq *q)
{
    bool taken = false;
    spin_lock(&q->lock);
    list_for_each_safe(node, next, &q->waiters)
    {
        struct waiter *w = waiter_of(node);
        if (w->exclusive && w->wake(w, EVENTS_ANY)) {
            taken = true;
            break;
        }
    }
    spin_unlock(&q->lock);
    return taken;
}

void waiter_signal(struct waiter *w)
{
    __atomic_store_n(&w->woken, true, __ATOMIC_SEQ_CST);
    thread_wake(w->thread);
}

/* An exclusive waiter that was woken already leaves the event to the next one. */
static bool wake_thread(struct waiter *w, uint32_t events)
{
    (void)events;
    if (w->exclusive && w->woken) {
        return false;
    }
    waiter_signal(w);
    return true;
}

void waiter_init(struct waiter *w, uint32_t events)
{
    *w = (struct waiter){.events = events, .thread = thread_current(), .wake = wake_thread};
    list_init(&w->node);
}

int waiter_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible)
{
    return thread_sleep_unless(&w->woken, deadline_ns, interruptible);
}
