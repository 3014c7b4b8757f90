/*
 * Kernel threads that end requests: one for polls, which another's wake-up hands to it, and one for
 * fsyncs, which may take long. A worker's lock and wait queue have no rank, as those of an epoll:
 * they are taken under the lock of any file's wait queue.
 */
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/fd/aio_priv.h"
#include "kernel/sched/thread.h"

struct aio_worker {
    struct spinlock lock;
    struct list_node list; /* struct aio_request.work */
    struct waitq waitq;
    struct thread *thread; /* NULL: not started */
    void (*run)(struct aio_request *r);
};

static void run_poll(struct aio_request *r)
{
    uint32_t ready = r->cancelled ? 0 : file_poll(r->file) & r->events;
    if (!ready && !r->cancelled)
        return; /* its wake-up will hand it over again */
    waitq_remove(r->file->ops->waitq(r->file), &r->waiter);
    aio_unwork(r);
    aio_complete(r, ready);
}

static void run_fsync(struct aio_request *r)
{
    aio_complete(r, r->file->ops->fsync(r->file));
}

static struct aio_worker poll_worker = {.run = run_poll}, fsync_worker = {.run = run_fsync};

static struct aio_request *next_request(struct aio_worker *w)
{
    struct aio_request *r = NULL;
    spin_lock(&w->lock);
    if (!list_empty(&w->list)) {
        r = list_entry(w->list.next, struct aio_request, work);
        list_remove(&r->work);
    }
    spin_unlock(&w->lock);
    return r;
}

static void work_for_ever(void *arg)
{
    struct aio_worker *worker = arg;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&worker->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        struct aio_request *r = next_request(worker);
        if (r)
            worker->run(r);
        else
            (void)waiter_sleep(&w, DEADLINE_NONE, false);
        cond_resched(); /* one wake-up may end thousands */
    }
}

static int use_worker(struct aio_worker *w, struct aio_request *r)
{
    if (!w->thread) {
        spin_init(&w->lock, RANK_NONE);
        list_init(&w->list);
        waitq_init_rank(&w->waitq, RANK_NONE);
        struct thread *t;
        if (thread_create(&t, work_for_ever, w, "aio"))
            return -EAGAIN;
        w->thread = t;
        thread_start(t);
    }
    r->worker = w;
    return 0;
}

int aio_use_poll_worker(struct aio_request *r)
{
    return use_worker(&poll_worker, r);
}

int aio_use_fsync_worker(struct aio_request *r)
{
    return use_worker(&fsync_worker, r);
}

void aio_work(struct aio_request *r)
{
    struct aio_worker *w = r->worker;
    spin_lock(&w->lock);
    if (list_empty(&r->work))
        list_add_tail(&w->list, &r->work);
    spin_unlock(&w->lock);
    waitq_wake(&w->waitq, EVENTS_ANY);
}

void aio_unwork(struct aio_request *r)
{
    spin_lock(&r->worker->lock);
    list_remove(&r->work);
    spin_unlock(&r->worker->lock);
}
