/*
 * Who waits on which futex: hash table of waiters by key. A private futex is told by its address,
 * a shared one by the file page it lies in. Portable; a waiter lives on its thread's stack.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/sched/waitq.h"

#define FUTEX_BUCKETS 64
#define FUTEX_ANY 0xffffffffu /* bitset that matches every other */

struct futex_key {
    const void *object; /* the page cache of a shared mapping; NULL: private */
    uint64_t offset;    /* in it, or the address */
};

enum futex_state {
    FUTEX_QUEUED,  /* in the table */
    FUTEX_CLAIMED, /* taken out by somebody who is about to wake it */
    FUTEX_WOKEN,
};

struct futex_waiter {
    struct list_node node;
    struct futex_key key;
    uint32_t bitset;
    int tid;
    enum futex_state state;
    uint64_t arrival;    /* the how manieth waiter it is */
    bool pi;             /* waits to become the owner of a PI futex */
    uint8_t rt_priority; /* of its thread when it began to wait: the highest is served first */
    bool requeue_pi;     /* FUTEX_WAIT_REQUEUE_PI: waits to be moved to pi_key */
    struct futex_key pi_key;
    uint64_t addr; /* where its thread sees the (PI) futex */
    struct waiter *waiter;
};

extern struct spinlock futex_lock; /* guards the table and every waiter in it */

static inline bool futex_key_equal(struct futex_key a, struct futex_key b)
{
    return a.object == b.object && a.offset == b.offset;
}

unsigned futex_bucket(struct futex_key key);
void futex_enqueue(struct futex_waiter *w);
/* Takes w out. True if it was queued; false: somebody has woken or claimed it. */
bool futex_dequeue(struct futex_waiter *w);
/* Wakes up to count waiters for key that are not PI waiters. Returns how many. */
int futex_table_wake(struct futex_key key, uint32_t bitset, int count);
/* Wakes up to wake waiters of from and moves up to requeue others to to. Returns how many in all.
 */
int futex_table_requeue(struct futex_key from, struct futex_key to, int wake, int requeue);
/* Takes out the PI waiter for key that comes next, or returns NULL. Under futex_lock. */
struct futex_waiter *futex_claim_pi(struct futex_key key);
/* The first waiter for key that is to be moved to a PI futex, claimed; or NULL. Under futex_lock.
 */
struct futex_waiter *futex_claim_requeue(struct futex_key key);
/* Any PI waiter at or after bucket *bucket, for walking over all of them; NULL: no more. */
struct futex_waiter *futex_next_pi(unsigned *bucket);
/* Marks a claimed waiter woken and wakes its thread. Under futex_lock. */
void futex_wake_claimed(struct futex_waiter *w);
