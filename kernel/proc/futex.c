/*
 * Futexes: waiting, waking, requeueing, robust lists.
 *
 * A waiter enters the table first and looks at the word then, because looking may sleep (the page
 * may not be there) and the table's lock is a spin lock. If the word is not as expected but the
 * waiter was woken meanwhile, that wake-up belonged to another waiter and is passed on.
 */
#include "kernel/proc/futex.h"

#include <linux/futex.h>

#include "kernel/base/errno.h"
#include "kernel/base/types.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/futex_table.h"
#include "kernel/proc/task.h"
#include "kernel/vm/vm.h"

#define ROBUST_LIST_MAX 2048

struct futex_word futex_word_at(struct uptr addr, bool is_private)
{
    struct futex_word word = {addr, {NULL, addr.addr}};
    struct filemap *map;
    uint64_t offset;
    if (!is_private && vm_shared_object(addr.addr, &map, &offset))
        word.key = (struct futex_key){map, offset};
    return word;
}

/* The kernel doesn't know which kind the program waits with: both are woken. */
int futex_wake(struct uptr addr, int count)
{
    struct futex_word word = futex_word_at(addr, false);
    struct futex_key key = {NULL, addr.addr};
    int woken = futex_table_wake(key, FUTEX_ANY, count);
    if (word.key.object && woken < count)
        woken += futex_table_wake(word.key, FUTEX_ANY, count - woken);
    return woken;
}

static void init_waiter(struct futex_waiter *w, struct waiter *waiter,
                        const struct futex_word *word, uint32_t bitset)
{
    const struct task *task = task_current();
    *w = (struct futex_waiter){
        .key = word->key,
        .addr = word->addr.addr,
        .bitset = bitset,
        .tid = task->tid,
        .rt_priority = task->thread->rt_priority,
        .waiter = waiter,
    };
    list_init(&w->node);
}

static int check_word(struct uptr addr, uint32_t expected)
{
    uint32_t value;
    int err = user_load_u32(addr, &value);
    if (err)
        return err;
    return value == expected ? 0 : -EAGAIN;
}

int futex_wait(const struct futex_word *word, uint32_t expected, uint32_t bitset,
               uint64_t deadline_ns)
{
    struct waiter waiter;
    struct futex_waiter w;
    waiter_init(&waiter, EVENTS_ANY);
    waiter_arm(&waiter);
    init_waiter(&w, &waiter, word, bitset);
    futex_enqueue(&w);
    int err = check_word(word->addr, expected);
    if (err) {
        if (!futex_dequeue(&w))
            futex_table_wake(word->key, bitset, 1);
        return err;
    }
    err = waiter_sleep(&waiter, deadline_ns, true);
    return futex_dequeue(&w) ? err : 0;
}

/* Takes all out of the table; the first that had been woken is the answer. */
static int dequeue_all(struct futex_waiter *waiters, unsigned count)
{
    int woken = -1;
    for (unsigned i = 0; i < count; i++) {
        if (futex_dequeue(&waiters[i]))
            continue;
        if (woken < 0)
            woken = (int)i;
        else
            futex_table_wake(waiters[i].key, waiters[i].bitset, 1);
    }
    return woken;
}

static int wait_many(struct futex_waiter *waiters, const struct futex_vector *vector,
                     unsigned count, uint64_t deadline_ns)
{
    struct waiter waiter;
    waiter_init(&waiter, EVENTS_ANY);
    waiter_arm(&waiter);
    unsigned queued = 0;
    int err = 0;
    for (; queued < count && !err; queued++) {
        init_waiter(&waiters[queued], &waiter, &vector[queued].word, FUTEX_ANY);
        futex_enqueue(&waiters[queued]);
        err = check_word(vector[queued].word.addr, vector[queued].expected);
    }
    if (!err)
        err = waiter_sleep(&waiter, deadline_ns, true);
    int woken = dequeue_all(waiters, queued);
    return woken >= 0 ? woken : err;
}

int futex_wait_many(const struct futex_vector *vector, unsigned count, uint64_t deadline_ns)
{
    struct futex_waiter *waiters = heap_alloc(count * sizeof(*waiters));
    if (!waiters)
        return -ENOMEM;
    int result = wait_many(waiters, vector, count, deadline_ns);
    heap_free(waiters);
    return result;
}

static int32_t sign_extend_12(uint32_t value)
{
    return (int32_t)(value << 20) >> 20;
}

static uint32_t apply_op(uint32_t op, uint32_t old, uint32_t arg)
{
    switch (op) {
    case FUTEX_OP_SET:
        return arg;
    case FUTEX_OP_ADD:
        return old + arg;
    case FUTEX_OP_OR:
        return old | arg;
    case FUTEX_OP_ANDN:
        return old & ~arg;
    default:
        return old ^ arg;
    }
}

static bool compare_op(uint32_t compare, int32_t old, int32_t arg)
{
    switch (compare) {
    case FUTEX_OP_CMP_EQ:
        return old == arg;
    case FUTEX_OP_CMP_NE:
        return old != arg;
    case FUTEX_OP_CMP_LT:
        return old < arg;
    case FUTEX_OP_CMP_LE:
        return old <= arg;
    case FUTEX_OP_CMP_GT:
        return old > arg;
    default:
        return old >= arg;
    }
}

/* Changes the word atomically. Returns 0 with *old what it was, or -errno. */
static int change_word(struct uptr addr, uint32_t encoded, uint32_t *old)
{
    uint32_t op = encoded >> 28 & 7;
    uint32_t arg = (uint32_t)sign_extend_12(encoded >> 12 & 0xfff);
    if (op > FUTEX_OP_XOR)
        return -ENOSYS;
    if (encoded & (uint32_t)FUTEX_OP_OPARG_SHIFT << 28)
        arg = 1u << (arg & 31);
    uint32_t seen;
    int err = user_load_u32(addr, &seen);
    do {
        *old = seen;
        if (!err)
            err = user_cmpxchg_u32(addr, *old, apply_op(op, *old, arg), &seen);
    } while (!err && seen != *old);
    return err;
}

int futex_wake_op(const struct futex_word *one, const struct futex_word *two, int count1,
                  int count2, uint32_t op)
{
    uint32_t compare = op >> 24 & 15, old;
    if (compare > FUTEX_OP_CMP_GE)
        return -ENOSYS;
    int err = change_word(two->addr, op, &old);
    if (err)
        return err;
    int woken = futex_table_wake(one->key, FUTEX_ANY, count1);
    if (compare_op(compare, (int32_t)old, sign_extend_12(op & 0xfff)))
        woken += futex_table_wake(two->key, FUTEX_ANY, count2);
    return woken;
}

int futex_requeue(const struct futex_word *from, const struct futex_word *to, int wake, int requeue,
                  const uint32_t *expected)
{
    if (expected) {
        int err = check_word(from->addr, *expected);
        if (err)
            return err;
    }
    return futex_table_requeue(from->key, to->key, wake, requeue);
}

/* A lock whose owner dies: marks it so and wakes one waiter. */
static int mark_dead(struct uptr addr, int tid, bool pi, bool pending)
{
    if (addr.addr & 3)
        return -EFAULT;
    uint32_t value;
    int err = user_load_u32(addr, &value);
    if (err)
        return err;
    /* Dying between taking the word to 0 and waking a waiter: the wake-up is still due. */
    if (pending && !pi && value == 0) {
        futex_wake(addr, 1);
        return 0;
    }
    for (;;) {
        if ((value & FUTEX_TID_MASK) != (uint32_t)tid)
            return 0;
        struct futex_word word = futex_word_at(addr, false);
        struct futex_word private = futex_word_at(addr, true);
        if (pi && (futex_pi_hand_over(&private, FUTEX_OWNER_DIED) ||
                   futex_pi_hand_over(&word, FUTEX_OWNER_DIED)))
            return 0;
        uint32_t seen;
        err = user_cmpxchg_u32(addr, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen);
        if (err)
            return err;
        if (seen == value)
            break;
        value = seen;
    }
    if (!pi && (value & FUTEX_WAITERS))
        futex_wake(addr, 1);
    return 0;
}

static void mark_entry(const struct robust_list_head *head, uint64_t entry, int tid, bool pending)
{
    bool pi = entry & 1;
    struct uptr addr = {(entry & ~1ul) + (uint64_t)head->futex_offset};
    int err = mark_dead(addr, tid, pi, pending);
    (void)err; /* the program's list is broken: nothing more can be done for it */
}

static void walk_robust_list(const struct task *t)
{
    struct robust_list_head head;
    if (uptr_is_null(t->robust_list) || copy_from_user(&head, t->robust_list, sizeof(head)))
        return;
    uint64_t pending = (uint64_t)head.list_op_pending;
    uint64_t entry = (uint64_t)head.list.next;
    for (int i = 0; i < ROBUST_LIST_MAX && (entry & ~1ul) != t->robust_list.addr; i++) {
        uint64_t next;
        bool broken = copy_from_user(&next, (struct uptr){entry & ~1ul}, sizeof(next));
        if ((entry & ~1ul) != (pending & ~1ul))
            mark_entry(&head, entry, t->tid, false);
        if (broken)
            break;
        entry = next;
    }
    if (pending)
        mark_entry(&head, pending, t->tid, true);
}

void futex_task_exit(struct task *t)
{
    walk_robust_list(t);
    futex_pi_task_exit(t);
}
