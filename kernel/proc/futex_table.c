/* The table of futex waiters, by priority and in order of arrival for each key. */
#include "kernel/proc/futex_table.h"

#include "kernel/base/hash.h"
#include "kernel/sched/thread.h"

struct spinlock futex_lock = SPINLOCK_INIT(RANK_FUTEX);

static struct list_node buckets[FUTEX_BUCKETS] GUARDED_BY(futex_lock);
static uint64_t arrivals GUARDED_BY(futex_lock);

unsigned futex_bucket(struct futex_key key)
{
    return hash_u64((key.offset >> 2) ^ (uint64_t)key.object) % FUTEX_BUCKETS;
}

/* Zeroed memory is an empty table: a list is made when it is first used. */
static struct list_node *bucket_list(unsigned bucket)
{
    struct list_node *head = &buckets[bucket];
    if (!head->next)
        list_init(head);
    return head;
}

static struct list_node *list_of(struct futex_key key)
{
    return bucket_list(futex_bucket(key));
}

/* By priority, then in order of arrival. */
static void insert(struct futex_waiter *w)
{
    struct list_node *head = list_of(w->key), *last = head->prev;
    while (last != head &&
           list_entry(last, struct futex_waiter, node)->rt_priority < w->rt_priority)
        last = last->prev;
    w->state = FUTEX_QUEUED;
    list_add_head(last, &w->node);
}

void futex_enqueue(struct futex_waiter *w)
{
    spin_lock(&futex_lock);
    w->arrival = ++arrivals;
    insert(w);
    spin_unlock(&futex_lock);
}

bool futex_dequeue(struct futex_waiter *w)
{
    spin_lock(&futex_lock);
    bool queued = w->state == FUTEX_QUEUED;
    if (queued)
        list_remove(&w->node);
    spin_unlock(&futex_lock);
    return queued;
}

static void claim(struct futex_waiter *w)
{
    list_remove(&w->node);
    w->state = FUTEX_CLAIMED;
}

void futex_wake_claimed(struct futex_waiter *w)
{
    w->state = FUTEX_WOKEN;
    waiter_signal(w->waiter);
}

static bool is_plain(const struct futex_waiter *w, struct futex_key key, uint32_t bitset)
{
    return futex_key_equal(w->key, key) && !w->pi && !w->requeue_pi && (w->bitset & bitset);
}

/* Thousands may wait: those behind are looked for anew after a pause. Who comes meanwhile is not
 * meant. */
static bool pause(void) NO_LOCK_ANALYSIS
{
    if (LIKELY(!cond_resched_due()))
        return false;
    spin_unlock(&futex_lock);
    cond_resched();
    spin_lock(&futex_lock);
    return true;
}

/* As futex_table_wake(), of those that came up to last. False: there may be more. */
static bool wake_some(struct futex_key key, uint32_t bitset, int count, uint64_t last, int *woken)
{
    list_for_each_safe(node, next, list_of(key))
    {
        struct futex_waiter *w = list_entry(node, struct futex_waiter, node);
        if (*woken >= count)
            break;
        if (w->arrival > last || !is_plain(w, key, bitset))
            continue;
        claim(w);
        futex_wake_claimed(w);
        ++*woken;
        if (pause())
            return false;
    }
    return true;
}

int futex_table_wake(struct futex_key key, uint32_t bitset, int count)
{
    int woken = 0;
    spin_lock(&futex_lock);
    uint64_t last = arrivals;
    while (!wake_some(key, bitset, count, last, &woken))
        ;
    spin_unlock(&futex_lock);
    return woken;
}

/* As futex_table_requeue(), of those that came up to last. False: there may be more. */
static bool requeue_some(struct futex_key from, struct futex_key to, int wake, int requeue,
                         uint64_t last, int *done)
{
    list_for_each_safe(node, next, list_of(from))
    {
        struct futex_waiter *w = list_entry(node, struct futex_waiter, node);
        if (w->arrival > last || !is_plain(w, from, FUTEX_ANY))
            continue;
        if (*done - wake >= requeue)
            break;
        claim(w);
        if ((*done)++ < wake) {
            futex_wake_claimed(w);
        } else {
            w->key = to;
            insert(w);
            if (futex_key_equal(from, to))
                break; /* they would come round again for ever */
        }
        if (pause())
            return false;
    }
    return true;
}

int futex_table_requeue(struct futex_key from, struct futex_key to, int wake, int requeue)
{
    int done = 0;
    spin_lock(&futex_lock);
    uint64_t last = arrivals;
    while (!requeue_some(from, to, wake, requeue, last, &done))
        ;
    spin_unlock(&futex_lock);
    return done;
}

struct futex_waiter *futex_claim_pi(struct futex_key key)
{
    list_for_each(node, list_of(key))
    {
        struct futex_waiter *w = list_entry(node, struct futex_waiter, node);
        if (futex_key_equal(w->key, key) && w->pi) {
            claim(w);
            return w;
        }
    }
    return NULL;
}

struct futex_waiter *futex_claim_requeue(struct futex_key key)
{
    list_for_each(node, list_of(key))
    {
        struct futex_waiter *w = list_entry(node, struct futex_waiter, node);
        if (futex_key_equal(w->key, key) && w->requeue_pi) {
            claim(w);
            return w;
        }
    }
    return NULL;
}

struct futex_waiter *futex_next_pi(unsigned *bucket)
{
    for (; *bucket < FUTEX_BUCKETS; ++*bucket) {
        list_for_each(node, bucket_list(*bucket))
        {
            struct futex_waiter *w = list_entry(node, struct futex_waiter, node);
            if (w->pi)
                return w;
        }
    }
    return NULL;
}
