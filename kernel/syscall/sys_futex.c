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

/* A deadline of the monotonic clock, as long as nobody sets the real one if it is of that. */
struct futex_deadline {
    uint64_t ns;
    int64_t real_ns; /* or 0 */
};

static struct futex_deadline absolute_deadline(int64_t ns, bool realtime)
{
    return realtime ? (struct futex_deadline){deadline_of_realtime(ns), ns}
                    : (struct futex_deadline){ns_of(ns), 0};
}

/* Between these a deadline of the real clock moves when that is set. */
static void real_begin(struct waiter *clock, int64_t real_ns)
{
    waiter_init(clock, EVENTS_ANY);
    waitq_add(clock_realtime_waitq(), clock);
    thread_current()->sleep_real_ns = real_ns;
}

static void real_end(struct waiter *clock)
{
    thread_current()->sleep_real_ns = 0;
    waitq_remove(clock_realtime_waitq(), clock);
}

static int read_deadline(struct uptr timeout, int command, bool realtime,
                         struct futex_deadline *deadline)
{
    if (uptr_is_null(timeout))
        return 0;
    int64_t ns;
    int err = timespec_read(timeout, &ns);
    if (err)
        return err;
    if (ns == INT64_MAX)
        return 0;
    if (command == FUTEX_WAIT)
        deadline->ns = deadline_in(ns);
    else
        *deadline = absolute_deadline(ns, realtime || command == FUTEX_LOCK_PI);
    return 0;
}

#define RESTART_PRIVATE 1u
#define RESTART_REAL 2u

static int64_t wait(const struct futex_word *word, uint32_t value, uint32_t bitset,
                    const struct futex_deadline *deadline)
{
    int err = futex_wait(word, value, bitset, deadline->ns);
    if (err != -EINTR)
        return err;
    if (deadline->ns == DEADLINE_NONE)
        return -ERESTARTSYS;
    bool real = deadline->real_ns;
    uint64_t flags = (word->key.object ? 0 : RESTART_PRIVATE) | (real ? RESTART_REAL : 0);
    return restart_later(RESTART_FUTEX, word->addr.addr | flags, value, bitset,
                         real ? (uint64_t)deadline->real_ns : deadline->ns);
}

int64_t sys_futex_restart(const uint64_t data[4])
{
    struct uptr addr = {data[0] & ~(uint64_t)(RESTART_PRIVATE | RESTART_REAL)};
    struct futex_word word = futex_word_at(addr, data[0] & RESTART_PRIVATE);
    struct futex_deadline deadline = {data[3], 0};
    struct waiter clock;
    if (data[0] & RESTART_REAL) {
        deadline = absolute_deadline((int64_t)data[3], true);
        real_begin(&clock, deadline.real_ns);
    }
    int64_t result = wait(&word, (uint32_t)data[1], (uint32_t)data[2], &deadline);
    if (deadline.real_ns)
        real_end(&clock);
    return result;
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
    struct futex_deadline deadline;
};

static int64_t run(const struct futex_call *c)
{
    switch (c->command) {
    case FUTEX_WAIT:
        return wait(&c->word, c->value, FUTEX_ANY, &c->deadline);
    case FUTEX_WAIT_BITSET:
        return c->value3 ? wait(&c->word, c->value, c->value3, &c->deadline) : -EINVAL;
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
        return restart_if_interrupted(futex_lock_pi(&c->word, c->deadline.ns, false));
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(&c->word, DEADLINE_NONE, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(&c->word);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(&c->word, c->value, FUTEX_ANY, &c->word2, c->deadline.ns);
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
        .deadline = {DEADLINE_NONE, 0},
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
    if (LIKELY(!c.deadline.real_ns))
        return run(&c);
    struct waiter clock;
    real_begin(&clock, c.deadline.real_ns);
    int64_t result = run(&c);
    real_end(&clock);
    return result;
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
    struct futex_deadline deadline = {DEADLINE_NONE, 0};
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
    struct waiter watch;
    if (deadline.real_ns)
        real_begin(&watch, deadline.real_ns);
    if (result == 0)
        result = futex_wait_many(vector, count, deadline.ns);
    if (deadline.real_ns)
        real_end(&watch);
    heap_free(vector);
    return result == -EINTR ? -ERESTARTSYS : result;
}
