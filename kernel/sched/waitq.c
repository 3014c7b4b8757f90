/* Wait queues and sleeping on them. */
#include "kernel/sched/waitq.h"

#include "kernel/base/errno.h"
#include "kernel/sched/sleep.h"
#include "kernel/sched/thread.h"

void waitq_init_rank(struct waitq *q, enum lock_rank rank)
{
    spin_init(&q->lock, rank);
    list_init(&q->waiters);
}

void waitq_init(struct waitq *q)
{
    waitq_init_rank(q, RANK_WAITQ);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_add_tail(&q->waiters, &w->node);
    spin_unlock(&q->lock);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_remove(&w->node);
    spin_unlock(&q->lock);
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    if (waitq_empty(q)) {
        return;
    }
    spin_lock(&q->lock);
    list_for_each_safe(node, next, &q->waiters)
    {
        struct waiter *w = list_entry(node, struct waiter, node);
        if (w->events & events && w->wake(w, events) && w->exclusive) {
            break;
        }
    }
    spin_unlock(&q->lock);
}

bool waitq_wake_one(struct waitq *q)
{
    spin_lock(&q->lock);
    bool woke = false;
    list_for_each_safe(node, next, &q->waiters)
    {
        struct waiter *w = list_entry(node, struct waiter, node);
        if (!w->woken && w->wake(w, EVENTS_ANY)) {
            woke = true;
            break;
        }
    }
    spin_unlock(&q->lock);
    return woke;
}

void waiter_signal(struct waiter *w)
{
    __atomic_store_n(&w->woken, true, __ATOMIC_SEQ_CST);
    thread_wake(w->thread);
}

static bool wake_thread(struct waiter *w, uint32_t events)
{
    (void)events;
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
