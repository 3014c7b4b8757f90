/* Sleeping locks: taken with one exchange when free; waiters are woken one at a time. */
#include "kernel/sync/mutex.h"

#include "kernel/base/panic.h"
#include "kernel/sched/thread.h"

void mutex_init(struct mutex *m, enum lock_rank rank)
{
    m->owner = NULL;
    m->rank = (uint8_t)rank;
    waitq_init(&m->waiters);
}

static bool take(struct mutex *m)
{
    struct thread *nobody = NULL;
    return __atomic_compare_exchange_n(&m->owner, &nobody, thread_current(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void wait_and_take(struct mutex *m)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    w.exclusive = true;
    waitq_add(&m->waiters, &w);
    for (;;) {
        waiter_arm(&w);
        if (mutex_held(m) || take(m)) {
            break;
        }
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&m->waiters, &w);
}

void mutex_lock(struct mutex *m) NO_LOCK_ANALYSIS
{
    lock_check_take(LOCK_MUTEX, m, m->rank);
    bool mine = mutex_held(m);
    ASSERT(!mine);
    if (UNLIKELY(!take(m))) {
        wait_and_take(m);
    }
    lock_check_taken(LOCK_MUTEX, m, m->rank);
}

void mutex_unlock(struct mutex *m) NO_LOCK_ANALYSIS
{
    lock_check_drop(LOCK_MUTEX, m, m->rank);
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST); /* before the look at the queue */
    if (UNLIKELY(!waitq_empty(&m->waiters))) {
        waitq_wake_one(&m->waiters);
    }
}

void mutex_hand_over(struct mutex *m) NO_LOCK_ANALYSIS
{
    struct waiter *first = NULL;
    lock_check_drop(LOCK_MUTEX, m, m->rank);
    spin_lock(&m->waiters.lock);
    if (!list_empty(&m->waiters.waiters)) {
        first = list_entry(m->waiters.waiters.next, struct waiter, node);
    }
    __atomic_store_n(&m->owner, first ? first->thread : NULL, __ATOMIC_RELEASE);
    if (first) {
        waiter_signal(first);
    }
    spin_unlock(&m->waiters.lock);
}

bool mutex_trylock(struct mutex *m)
{
    bool ok = take(m);
    if (ok) {
        lock_check_taken(LOCK_MUTEX, m, m->rank);
    }
    return ok;
}

bool mutex_held(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == thread_current();
}
