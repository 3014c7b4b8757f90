/*
 * One thread sleeps on a waiter of its own, which is in no queue; each file's queue gets a waiter
 * that passes the news on. Files that are ready at the first look are never waited for.
 */
#include "kernel/fd/pollset.h"

#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/sched/thread.h"

static unsigned look(const struct poll_part *parts)
{
    unsigned found = 0;
    for (const struct poll_part *part = parts; part; part = part->next) {
        for (unsigned i = 0; i < part->count; i++) {
            struct poll_entry *e = &part->entries[i];
            if (e->file)
                e->events = file_poll(e->file) & (e->wanted | EPOLLERR | EPOLLHUP);
            found += e->events != 0;
        }
        if (part->next)
            cond_resched();
    }
    return found;
}

static bool pass_on(struct waiter *w, uint32_t events)
{
    (void)events;
    waiter_signal(container_of(w, struct poll_entry, waiter)->sleeper);
    return true;
}

static struct waitq *queue_of(const struct poll_entry *e)
{
    return e->file && e->file->ops->waitq ? e->file->ops->waitq(e->file) : NULL;
}

static void enqueue(struct poll_entry *e, struct waiter *sleeper)
{
    struct waitq *q = queue_of(e);
    waiter_init(&e->waiter, e->wanted | EPOLLERR | EPOLLHUP);
    e->waiter.wake = pass_on;
    e->sleeper = sleeper;
    if (q)
        waitq_add(q, &e->waiter);
}

static void dequeue(struct poll_entry *e)
{
    struct waitq *q = queue_of(e);
    if (q)
        waitq_remove(q, &e->waiter);
}

static void enqueue_all(const struct poll_part *parts, struct waiter *sleeper)
{
    for (const struct poll_part *part = parts; part; part = part->next) {
        for (unsigned i = 0; i < part->count; i++)
            enqueue(&part->entries[i], sleeper);
        if (part->next)
            cond_resched();
    }
}

static void dequeue_all(const struct poll_part *parts)
{
    for (const struct poll_part *part = parts; part; part = part->next) {
        for (unsigned i = 0; i < part->count; i++)
            dequeue(&part->entries[i]);
        if (part->next)
            cond_resched();
    }
}

/* Of a signal that came meanwhile is told, too, when there was no time to wait. */
static int nothing(void)
{
    return thread_current()->interrupted ? -EINTR : 0;
}

int64_t pollset_wait(const struct poll_part *parts, uint64_t deadline_ns)
{
    unsigned found = look(parts);
    if (found || deadline_ns == 0)
        return found ? (int64_t)found : nothing();
    int err = 0;
    struct waiter sleeper;
    waiter_init(&sleeper, EVENTS_ANY);
    enqueue_all(parts, &sleeper);
    for (;;) {
        waiter_arm(&sleeper);
        found = look(parts);
        if (found || err)
            break;
        err = waiter_sleep(&sleeper, deadline_ns, true);
        if (err == -EINTR)
            break;
    }
    dequeue_all(parts);
    return found ? (int64_t)found : err == -EINTR ? -EINTR : nothing();
}
