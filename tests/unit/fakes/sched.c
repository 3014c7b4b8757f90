/* One thread that never has to wait: a mutex that is taken twice, or a sleep, ends the test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sched/thread.h"
#include "kernel/sync/mutex.h"
#include "tests/unit/fakes/fakes.h"

bool lock_checks_on;
static struct thread only_thread;

struct thread *thread_current(void)
{
    return &only_thread;
}

static void bail_out(const char *what)
{
    printf("Bail out! %s\n", what);
    abort();
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
    memset(m, 0, sizeof(*m));
    m->rank = (uint8_t)rank;
}

void (*fake_on_lock)(struct mutex *m);

void mutex_lock(struct mutex *m)
{
    if (fake_on_lock)
        fake_on_lock(m);
    if (m->owner)
        bail_out("deadlock on a mutex");
    m->owner = &only_thread;
}

void mutex_unlock(struct mutex *m)
{
    if (!m->owner)
        bail_out("unlocking a free mutex");
    m->owner = NULL;
}

void mutex_hand_over(struct mutex *m)
{
    mutex_unlock(m);
}

void (*fake_on_cond_resched)(void);

bool cond_resched_due(void)
{
    return fake_on_cond_resched != NULL;
}

void cond_resched(void)
{
    if (fake_on_cond_resched)
        fake_on_cond_resched();
}

bool mutex_trylock(struct mutex *m)
{
    if (m->owner)
        return false;
    m->owner = &only_thread;
    return true;
}

void waitq_init(struct waitq *q)
{
    spin_init(&q->lock, RANK_WAITQ);
    list_init(&q->waiters);
}

void waiter_init(struct waiter *w, uint32_t events)
{
    *w = (struct waiter){.events = events, .thread = &only_thread};
    list_init(&w->node);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    list_add_tail(&q->waiters, &w->node);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
    (void)q;
    list_remove(&w->node);
}

bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    list_for_each(node, &q->waiters)
    {
        struct waiter *w = list_entry(node, struct waiter, node);
        if (w->events & events)
            w->woken = true;
    }
    return false;
}

int waiter_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible)
{
    (void)deadline_ns, (void)interruptible;
    if (!w->woken)
        bail_out("sleeping for ever");
    return 0;
}

bool mutex_held(const struct mutex *m)
{
    return m->owner == &only_thread;
}
