/* Futexes. deadline_ns is of the monotonic clock, or DEADLINE_NONE. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/proc/futex_table.h"

struct task;

/* Wakes up to count waiters on the private or shared futex at addr. Returns how many. */
int futex_wake(struct uptr addr, int count);
/* Walks the robust list of a dying thread and gives back its PI futexes. */
void futex_task_exit(struct task *t);

/* A futex word, as a call names it. */
struct futex_word {
    struct uptr addr;
    struct futex_key key;
};
/* is_private: FUTEX_PRIVATE_FLAG was given. Else the word is shared with whoever maps its page. */
struct futex_word futex_word_at(struct uptr addr, bool is_private);

/* Waits if the word is still expected. Returns 0 when woken, -EAGAIN, -ETIMEDOUT, -EINTR,
 * -EFAULT. */
int futex_wait(const struct futex_word *word, uint32_t expected, uint32_t bitset,
               uint64_t deadline_ns);

/* One futex of futex_waitv(2). */
struct futex_vector {
    struct futex_word word;
    uint32_t expected;
};
/* Waits on several at once. Returns the index of the one woken, or as futex_wait, -ENOMEM. */
int futex_wait_many(const struct futex_vector *vector, unsigned count, uint64_t deadline_ns);

/* FUTEX_WAKE_OP: changes two as op says, wakes count1 on one, and count2 on two if the old
 * value compares. Returns how many, -EFAULT, -ENOSYS (unknown operation). */
int futex_wake_op(const struct futex_word *one, const struct futex_word *two, int count1,
                  int count2, uint32_t op);
/* FUTEX_(CMP_)REQUEUE; expected NULL: no comparison. Returns how many, -EAGAIN, -EFAULT. */
int futex_requeue(const struct futex_word *from, const struct futex_word *to, int wake, int requeue,
                  const uint32_t *expected);

/* PI futexes, futex_pi.c. Return as futex(2) says: 0, -EDEADLK, -EAGAIN, -ESRCH, -EPERM,
 * -ETIMEDOUT, -EINTR, -EFAULT. */
int futex_lock_pi(const struct futex_word *futex, uint64_t deadline_ns, bool try_only);
int futex_unlock_pi(const struct futex_word *futex);
int futex_wait_requeue_pi(const struct futex_word *futex, uint32_t expected, uint32_t bitset,
                          const struct futex_word *pi, uint64_t deadline_ns);
int futex_cmp_requeue_pi(const struct futex_word *futex, const struct futex_word *pi, int requeue,
                         uint32_t expected);
/* Hands the PI futexes of a dying task to who waits for them. */
void futex_pi_task_exit(struct task *t);
/* Gives a PI futex to the next waiter. False if there is none. keep: bits to set in the word. */
bool futex_pi_hand_over(const struct futex_word *word, uint32_t keep);
