/* Futexes. deadline_ns is of the monotonic clock, or DEADLINE_NONE. */
#pragma once

#include "kernel/arch/uaccess.h"

struct task;

/* Wakes up to count waiters on the private or shared futex at addr. Returns how many. */
int futex_wake(struct uptr addr, int count);
/* Walks the robust list of a dying thread and gives back its PI futexes. */
void futex_task_exit(struct task *t);

/* Waits if the word is still expected. Returns 0 when woken, -EAGAIN, -ETIMEDOUT, -EINTR,
 * -EFAULT. */
int futex_wait(struct uptr addr, uint32_t expected, uint32_t bitset, uint64_t deadline_ns);

/* One futex of futex_waitv(2). */
struct futex_vector {
    struct uptr addr;
    uint32_t expected;
};
/* Waits on several at once. Returns the index of the one woken, or as futex_wait, -ENOMEM. */
int futex_wait_many(const struct futex_vector *vector, unsigned count, uint64_t deadline_ns);

/* FUTEX_WAKE_OP: changes *addr2 as op says, wakes count1 on addr1, and count2 on addr2 if the old
 * value compares. Returns how many, -EFAULT, -ENOSYS (unknown operation). */
int futex_wake_op(struct uptr addr1, struct uptr addr2, int count1, int count2, uint32_t op);
/* FUTEX_(CMP_)REQUEUE; expected NULL: no comparison. Returns how many, -EAGAIN, -EFAULT. */
int futex_requeue(struct uptr from, struct uptr to, int wake, int requeue,
                  const uint32_t *expected);

/* PI futexes, futex_pi.c. Return as futex(2) says: 0, -EDEADLK, -EAGAIN, -ESRCH, -EPERM,
 * -ETIMEDOUT, -EINTR, -EFAULT. */
int futex_lock_pi(struct uptr addr, uint64_t deadline_ns, bool try_only);
int futex_unlock_pi(struct uptr addr);
int futex_wait_requeue_pi(struct uptr addr, uint32_t expected, uint32_t bitset, struct uptr pi_addr,
                          uint64_t deadline_ns);
int futex_cmp_requeue_pi(struct uptr addr, struct uptr pi_addr, int requeue, uint32_t expected);
/* Hands the PI futexes of a dying task to who waits for them. */
void futex_pi_task_exit(struct task *t);
/* Gives the PI futex, whose word names the task tid as owner, to the next waiter. False if there
 * is none. keep: bits of the word to keep. */
bool futex_pi_hand_over(uint64_t key, int tid, uint32_t keep);
