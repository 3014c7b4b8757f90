/* futex(2) and futex_waitv(2): arguments and time-outs; the work is in kernel/proc/futex.c. */
#include <linux/futex.h>
#include <linux/time.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/futex_table.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define WAITV_MAX 128

/* An absolute time-out as a monotonic deadline. */
static uint64_t absolute_deadline(int64_t ns, bool realtime)
{
    return realtime ? deadline_of_realtime(ns) : ns_of(ns);
}

static int read_deadline(struct uptr timeout, int command, bool realtime, uint64_t *deadline)
{
    *deadline = DEADLINE_NONE;
    if (uptr_is_null(timeout))
        return 0;
    int64_t ns;
    int err = timespec_read(timeout, &ns);
    if (err)
        return err;
    if (ns == INT64_MAX)
        return 0;
    if (command == FUTEX_WAIT)
        *deadline = deadline_in(ns);
    else
        *deadline = absolute_deadline(ns, realtime || command == FUTEX_LOCK_PI);
    return 0;
}

static int64_t wait(const struct futex_word *word, uint32_t value, uint32_t bitset,
                    uint64_t deadline)
{
    int err = futex_wait(word, value, bitset, deadline);
    if (err != -EINTR)
        return err;
    if (deadline == DEADLINE_NONE)
        return -ERESTARTSYS;
    bool is_private = !word->key.object;
    return restart_later(RESTART_FUTEX, word->addr.addr | is_private, value, bitset, deadline);
}

int64_t sys_futex_restart(const uint64_t data[4])
{
    bool is_private = data[0] & 1;
    struct futex_word word = futex_word_at((struct uptr){data[0] & ~1ul}, is_private);
    return wait(&word, (uint32_t)data[1], (uint32_t)data[2], data[3]);
}

static int64_t restart_if_interrupted(int64_t result)
{
    return result == -EINTR ? -ERESTARTNOINTR : result;
}

/* Counts are signed; a negative number of waiters to wake means what a huge one would. */
static int limit(uint64_t count)
{
    return count > INT32_MAX ? INT32_MAX : (int)count;
}

static bool takes_timeout(int command)
{
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
           command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE_PI;
}

static bool takes_second(int command)
{
    return command == FUTEX_REQUEUE || command == FUTEX_CMP_REQUEUE || command == FUTEX_WAKE_OP ||
           command == FUTEX_WAIT_REQUEUE_PI || command == FUTEX_CMP_REQUEUE_PI;
}

static int check_addr(struct uptr addr)
{
    if (addr.addr & 3)
        return -EINVAL;
    return user_range_ok(addr, sizeof(uint32_t)) ? 0 : -EFAULT;
}

struct futex_call {
    struct futex_word word, word2;
    int command;
    uint32_t value, value3;
    uint64_t timeout_or_count;
    uint64_t deadline;
};

static int64_t run(const struct futex_call *c)
{
    switch (c->command) {
    case FUTEX_WAIT:
        return wait(&c->word, c->value, FUTEX_ANY, c->deadline);
    case FUTEX_WAIT_BITSET:
        return c->value3 ? wait(&c->word, c->value, c->value3, c->deadline) : -EINVAL;
    case FUTEX_WAKE:
        return futex_table_wake(c->word.key, FUTEX_ANY, c->value ? limit(c->value) : 1);
    case FUTEX_WAKE_BITSET:
        if (!c->value3)
            return -EINVAL;
        return futex_table_wake(c->word.key, c->value3, c->value ? limit(c->value) : 1);
    case FUTEX_REQUEUE:
        return futex_requeue(&c->word, &c->word2, limit(c->value), limit(c->timeout_or_count),
                             NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(&c->word, &c->word2, limit(c->value), limit(c->timeout_or_count),
                             &c->value3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(&c->word, &c->word2, limit(c->value), limit(c->timeout_or_count),
                             c->value3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return restart_if_interrupted(futex_lock_pi(&c->word, c->deadline, false));
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(&c->word, DEADLINE_NONE, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(&c->word);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(&c->word, c->value, FUTEX_ANY, &c->word2, c->deadline);
    case FUTEX_CMP_REQUEUE_PI:
        if (c->value != 1)
            return -EINVAL;
        return futex_cmp_requeue_pi(&c->word, &c->word2, limit(c->timeout_or_count), c->value3);
    default:
        return -ENOSYS;
    }
}

int64_t sys_futex(struct uptr addr, int op, unsigned value, uint64_t timeout, struct uptr addr2,
                  unsigned value3)
{
    struct futex_call c = {
        .command = op & FUTEX_CMD_MASK,
        .value = value,
        .value3 = value3,
        .timeout_or_count = timeout & UINT32_MAX,
        .deadline = DEADLINE_NONE,
    };
    bool realtime = op & FUTEX_CLOCK_REALTIME;
    if (realtime && c.command != FUTEX_WAIT && c.command != FUTEX_WAIT_BITSET &&
        c.command != FUTEX_WAIT_REQUEUE_PI && c.command != FUTEX_LOCK_PI2)
        return -ENOSYS;
    int err = check_addr(addr);
    if (!err && takes_second(c.command)) {
        err = check_addr(addr2);
        bool counts = c.command != FUTEX_WAIT_REQUEUE_PI && c.command != FUTEX_WAKE_OP;
        if (!err && counts && ((int)c.timeout_or_count < 0 || (int)value < 0))
            err = -EINVAL;
    }
    if (!err && takes_timeout(c.command))
        err = read_deadline((struct uptr){timeout}, c.command, realtime, &c.deadline);
    if (err)
        return err;
    c.word = futex_word_at(addr, op & FUTEX_PRIVATE_FLAG);
    if (takes_second(c.command))
        c.word2 = futex_word_at(addr2, op & FUTEX_PRIVATE_FLAG);
    return run(&c);
}

static int read_vector(struct uptr from, unsigned count, struct futex_vector *vector)
{
    for (unsigned i = 0; i < count; i++) {
        struct futex_waitv w;
        int err = copy_from_user(&w, uptr_add(from, i * sizeof(w)), sizeof(w));
        if (err)
            return err;
        if ((w.flags & ~(uint32_t)FUTEX_PRIVATE_FLAG) != FUTEX_32 || w.__reserved)
            return -EINVAL;
        err = check_addr((struct uptr){w.uaddr});
        if (err)
            return err;
        vector[i].word = futex_word_at((struct uptr){w.uaddr}, w.flags & FUTEX_PRIVATE_FLAG);
        vector[i].expected = (uint32_t)w.val;
    }
    return 0;
}

int64_t sys_futex_waitv(struct uptr waiters, unsigned count, unsigned flags, struct uptr timeout,
                        int clock)
{
    if (flags || count == 0 || count > WAITV_MAX || uptr_is_null(waiters))
        return -EINVAL;
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
            return -EINVAL;
        int64_t ns;
        int err = timespec_read(timeout, &ns);
        if (err)
            return err;
        deadline = absolute_deadline(ns, clock == CLOCK_REALTIME);
    }
    struct futex_vector *vector = heap_alloc(count * sizeof(*vector));
    if (!vector)
        return -ENOMEM;
    int result = read_vector(waiters, count, vector);
    if (result == 0)
        result = futex_wait_many(vector, count, deadline);
    heap_free(vector);
    return result == -EINTR ? -ERESTARTSYS : result;
}
