/*
 * PI futexes. The word holds the owner's tid; FUTEX_WAITERS sends its unlock into the kernel,
 * which hands the lock to the waiter with the highest priority by writing its tid.
 * Until then it lends the owner, and whom that one waits for, its own real-time priority; what
 * is lent is given back with the first lock that is, even if there are more.
 */
#include <linux/futex.h>

#include "kernel/base/errno.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/futex_table.h"
#include "kernel/proc/priority.h"
#include "kernel/proc/task.h"

#define CHAIN_MAX 32
#define OWNER_MASK ((uint32_t)FUTEX_TID_MASK)

static void init_pi_waiter(struct futex_waiter *w, struct waiter *waiter,
                           const struct futex_word *word)
{
    const struct task *task = task_current();
    waiter_init(waiter, EVENTS_ANY);
    waiter_arm(waiter);
    *w = (struct futex_waiter){
        .key = word->key,
        .addr = word->addr.addr,
        .bitset = FUTEX_ANY,
        .tid = task->tid,
        .rt_priority = task->thread->rt_priority,
        .pi = true,
        .waiter = waiter,
    };
    list_init(&w->node);
}

/* Sleeps until w is woken. A waiter that somebody has claimed is about to be woken, whatever the
 * clock says. Returns 0, -ETIMEDOUT, -EINTR. */
static int sleep_for(struct futex_waiter *w, uint64_t deadline_ns)
{
    int err = waiter_sleep(w->waiter, deadline_ns, true);
    if (futex_dequeue(w))
        return err ? err : -EAGAIN;
    while (w->state != FUTEX_WOKEN) {
        waiter_arm(w->waiter);
        if (w->state != FUTEX_WOKEN)
            waiter_sleep(w->waiter, DEADLINE_NONE, false);
    }
    return 0;
}

/* Writes value if the word is expected. Returns 0, -EAGAIN (it isn't), -EFAULT. */
static int swap_word(struct uptr addr, uint32_t expected, uint32_t value)
{
    uint32_t seen;
    int err = user_cmpxchg_u32(addr, expected, value, &seen);
    if (err)
        return err;
    return seen == expected ? 0 : -EAGAIN;
}

/* Where the task tid sees the PI futex it waits for, 0 for none; -1 if there is no such task. */
static int64_t waits_for(int tid)
{
    int64_t addr = -1;
    spin_lock(&the_proc.task_lock);
    const struct task *t = task_find(tid);
    if (t)
        addr = t->futex_pi_wait ? (int64_t)t->futex_pi_wait->addr : 0;
    spin_unlock(&the_proc.task_lock);
    return addr;
}

static void lend_priority(int owner)
{
    spin_lock(&the_proc.task_lock);
    struct task *task = task_find(owner);
    if (task)
        priority_lend(task, thread_current()->rt_priority);
    spin_unlock(&the_proc.task_lock);
}

static void return_priority(struct task *task)
{
    spin_lock(&the_proc.task_lock);
    priority_return(task);
    spin_unlock(&the_proc.task_lock);
}

/* Goes along the owners that wait for each other, and lends them our priority. Whether waiting for
 * the first would close a circle: 0, -EDEADLK, -ESRCH. */
static int join_chain(int owner)
{
    int self = task_current()->tid;
    for (int i = 0; i < CHAIN_MAX; i++) {
        if (owner == self)
            return -EDEADLK;
        int64_t addr = waits_for(owner);
        if (addr < 0 && i == 0)
            return -ESRCH;
        lend_priority(owner);
        if (addr <= 0)
            return 0;
        uint32_t word;
        if (user_load_u32((struct uptr){(uint64_t)addr}, &word))
            return 0;
        owner = (int)(word & FUTEX_TID_MASK);
    }
    return 0;
}

/* One try. Returns 0 (we own it), 1 (somebody else does; FUTEX_WAITERS is set), -EAGAIN (the word
 * changed: try again), or an error of futex_lock_pi's. */
static int try_lock(struct uptr addr, bool try_only, uint32_t *word)
{
    int tid = task_current()->tid;
    int err = user_load_u32(addr, word);
    if (err)
        return err;
    int owner = (int)(*word & FUTEX_TID_MASK);
    if (owner == 0)
        return swap_word(addr, *word, (*word & ~OWNER_MASK) | (uint32_t)tid);
    if (owner == tid)
        return -EDEADLK;
    if (try_only)
        return 1;
    err = join_chain(owner);
    if (err)
        return err;
    if (*word & FUTEX_WAITERS)
        return 1;
    err = swap_word(addr, *word, *word | FUTEX_WAITERS);
    return err ? err : 1;
}

/* Queues up behind the owner. Returns 0 (we own it), -EAGAIN (it changed hands before we were in
 * the queue), -ETIMEDOUT, -EINTR, -EFAULT. */
static int wait_for_lock(const struct futex_word *futex, uint32_t word, uint64_t deadline_ns)
{
    struct waiter waiter;
    struct futex_waiter w;
    struct task *task = task_current();
    init_pi_waiter(&w, &waiter, futex);
    futex_enqueue(&w);
    uint32_t now;
    int err = user_load_u32(futex->addr, &now);
    bool same = !err && now == (word | FUTEX_WAITERS);
    if (!same && futex_dequeue(&w))
        return err ? err : -EAGAIN;
    task->futex_pi_wait = &w;
    err = sleep_for(&w, deadline_ns);
    spin_lock(&the_proc.task_lock);
    task->futex_pi_wait = NULL;
    spin_unlock(&the_proc.task_lock);
    return err;
}

int futex_lock_pi(const struct futex_word *futex, uint64_t deadline_ns, bool try_only)
{
    for (;;) {
        uint32_t word;
        int err = try_lock(futex->addr, try_only, &word);
        if (err == 1)
            err = try_only ? -EWOULDBLOCK : wait_for_lock(futex, word, deadline_ns);
        if (err != -EAGAIN || try_only)
            return err;
    }
}

/* Writes the new owner; only FUTEX_WAITERS can change meanwhile. */
static int write_owner(struct uptr addr, uint32_t value)
{
    uint32_t word;
    int err = user_load_u32(addr, &word);
    while (!err) {
        err = swap_word(addr, word, value);
        if (err != -EAGAIN)
            return err;
        err = user_load_u32(addr, &word);
    }
    return err;
}

bool futex_pi_hand_over(const struct futex_word *word, uint32_t keep)
{
    spin_lock(&futex_lock);
    struct futex_waiter *next = futex_claim_pi(word->key);
    spin_unlock(&futex_lock);
    if (!next)
        return false;
    /* If the word can't be written, the waiter is woken all the same and will see for itself. */
    int err = write_owner(word->addr, (uint32_t)next->tid | FUTEX_WAITERS | keep);
    (void)err;
    spin_lock(&futex_lock);
    futex_wake_claimed(next);
    spin_unlock(&futex_lock);
    return true;
}

int futex_unlock_pi(const struct futex_word *futex)
{
    int tid = task_current()->tid;
    return_priority(task_current());
    for (;;) {
        uint32_t word;
        int err = user_load_u32(futex->addr, &word);
        if (err)
            return err;
        if ((int)(word & FUTEX_TID_MASK) != tid)
            return -EPERM;
        if (futex_pi_hand_over(futex, 0))
            return 0;
        err = swap_word(futex->addr, word, 0);
        if (err != -EAGAIN)
            return err;
    }
}

int futex_wait_requeue_pi(const struct futex_word *futex, uint32_t expected, uint32_t bitset,
                          const struct futex_word *pi, uint64_t deadline_ns)
{
    struct waiter waiter;
    struct futex_waiter w;
    if (futex_key_equal(futex->key, pi->key) || !bitset)
        return -EINVAL;
    init_pi_waiter(&w, &waiter, futex);
    w.pi = false;
    w.bitset = bitset;
    w.requeue_pi = true;
    w.pi_key = pi->key;
    w.addr = pi->addr.addr;
    futex_enqueue(&w);
    uint32_t word;
    int err = user_load_u32(futex->addr, &word);
    if (!err && word != expected)
        err = -EAGAIN;
    if (err && futex_dequeue(&w))
        return err;
    err = sleep_for(&w, deadline_ns);
    if (err != -EINTR)
        return err;
    return w.pi ? -EWOULDBLOCK : -ERESTARTNOINTR;
}

/* Gives the PI futex to w if it is free. Returns 0 (given), 1 (it is owned), -errno. */
static int acquire_for(const struct futex_waiter *w, struct uptr pi_addr)
{
    for (;;) {
        uint32_t word;
        int err = user_load_u32(pi_addr, &word);
        if (err)
            return err;
        bool is_free = !(word & FUTEX_TID_MASK);
        uint32_t value = is_free ? (word & FUTEX_OWNER_DIED) | FUTEX_WAITERS | (uint32_t)w->tid
                                 : word | FUTEX_WAITERS;
        err = swap_word(pi_addr, word, value);
        if (err != -EAGAIN)
            return err ? err : !is_free;
    }
}

static void requeue_claimed(struct futex_waiter *w)
{
    spin_lock(&futex_lock);
    w->key = w->pi_key;
    w->pi = true;
    w->requeue_pi = false;
    spin_unlock(&futex_lock);
    futex_enqueue(w);
}

int futex_cmp_requeue_pi(const struct futex_word *futex, const struct futex_word *pi, int requeue,
                         uint32_t expected)
{
    uint32_t word;
    int err = user_load_u32(futex->addr, &word);
    if (err)
        return err;
    if (word != expected)
        return -EAGAIN;
    int done = 0;
    for (; done <= requeue; done++) {
        spin_lock(&futex_lock);
        struct futex_waiter *w = futex_claim_requeue(futex->key);
        spin_unlock(&futex_lock);
        if (!w)
            break;
        err = futex_key_equal(w->pi_key, pi->key) ? acquire_for(w, pi->addr) : -EINVAL;
        if (err == 0) {
            spin_lock(&futex_lock);
            futex_wake_claimed(w);
            spin_unlock(&futex_lock);
            continue;
        }
        if (err < 0) { /* back to where it was */
            futex_enqueue(w);
            return done ? done : err;
        }
        requeue_claimed(w);
    }
    return done;
}

void futex_pi_task_exit(struct task *t)
{
    unsigned bucket = 0;
    for (;;) {
        spin_lock(&futex_lock);
        const struct futex_waiter *w = futex_next_pi(&bucket);
        struct futex_word futex = {{w ? w->addr : 0}, w ? w->key : (struct futex_key){0}};
        spin_unlock(&futex_lock);
        if (!w)
            return;
        uint32_t word;
        bool owned = !user_load_u32(futex.addr, &word) && (int)(word & FUTEX_TID_MASK) == t->tid;
        if (!owned || !futex_pi_hand_over(&futex, FUTEX_OWNER_DIED))
            bucket++;
    }
}
