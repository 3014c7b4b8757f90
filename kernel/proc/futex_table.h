/*
 * Who waits on which futex: hash table of waiters by address. One address space, so the address is
 * the key. Portable; a waiter lives on its thread's stack.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/sched/waitq.h"

#define FUTEX_BUCKETS 64
#define FUTEX_ANY 0xffffffffu /* bitset that matches every other */

enum futex_state {
    FUTEX_QUEUED,  /* in the table */
    FUTEX_CLAIMED, /* taken out by somebody who is about to wake it */
    FUTEX_WOKEN,
};

struct futex_waiter {
    struct list_node node;
    uint64_t key;
    uint32_t bitset;
    int tid;
    enum futex_state state;
    bool pi;              /* waits to become the owner of a PI futex */
    uint8_t rt_priority;  /* of its thread: PI futexes go to the highest */
    uint64_t requeue_key; /* FUTEX_WAIT_REQUEUE_PI: the PI futex it will wait for; else 0 */
    struct waiter *waiter;
};

extern struct spinlock futex_lock; /* guards the table and every waiter in it */

unsigned futex_bucket(uint64_t key);
void futex_enqueue(struct futex_waiter *w);
/* Takes w out. True if it was queued; false: somebody has woken or claimed it. */
bool futex_dequeue(struct futex_waiter *w);
/* Wakes up to count waiters for key that are not PI waiters. Returns how many. */
int futex_table_wake(uint64_t key, uint32_t bitset, int count);
/* Wakes up to wake waiters of from and moves up to requeue others to to. Returns how many in all.
 */
int futex_table_requeue(uint64_t from, uint64_t to, int wake, int requeue);
/* Takes out the PI waiter for key that comes next, or returns NULL. Under futex_lock. */
struct futex_waiter *futex_claim_pi(uint64_t key);
/* The first waiter for key with a requeue key, claimed; or NULL. Under futex_lock. */
struct futex_waiter *futex_claim_requeue(uint64_t key);
/* Any PI waiter at or after bucket *bucket, for walking over all of them; NULL: no more. */
struct futex_waiter *futex_next_pi(unsigned *bucket);
/* Marks a claimed waiter woken and wakes its thread. Under futex_lock. */
void futex_wake_claimed(struct futex_waiter *w);
