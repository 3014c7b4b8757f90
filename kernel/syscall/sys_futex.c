/* futex(2) and futex_waitv(2): arguments and time-outs; the work is in kernel/proc/futex.c. */
#include <linux/futex.h>
#include <linux/time.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/futex_table.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/timespec.h"
#include "kernel/time/clock.h"

#define WAITV_MAX 128

/* An absolute time-out as a monotonic deadline. */
static uint64_t absolute_deadline(int64_t ns, bool realtime)
{
    if (realtime)
        ns -= clock_realtime_offset_ns();
    return ns < 0 ? 0 : (uint64_t)ns;
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
        *deadline = deadline_after(clock_monotonic_ns(), ns);
    else
        *deadline = absolute_deadline(ns, realtime || command == FUTEX_LOCK_PI);
    return 0;
}

static int64_t wait(struct uptr addr, uint32_t value, uint32_t bitset, uint64_t deadline)
{
    int err = futex_wait(addr, value, bitset, deadline);
    if (err != -EINTR)
        return err;
    if (deadline == DEADLINE_NONE)
        return -ERESTARTSYS;
    return restart_later(RESTART_FUTEX, addr.addr, value, bitset, deadline);
}

int64_t sys_futex_restart(const uint64_t data[4])
{
    return wait((struct uptr){data[0]}, (uint32_t)data[1], (uint32_t)data[2], data[3]);
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
    struct uptr addr, addr2;
    int command;
    uint32_t value, value3;
    uint64_t timeout_or_count;
    uint64_t deadline;
};

static int64_t run(const struct futex_call *c)
{
    switch (c->command) {
    case FUTEX_WAIT:
        return wait(c->addr, c->value, FUTEX_ANY, c->deadline);
    case FUTEX_WAIT_BITSET:
        return c->value3 ? wait(c->addr, c->value, c->value3, c->deadline) : -EINVAL;
    case FUTEX_WAKE:
        return futex_table_wake(c->addr.addr, FUTEX_ANY, c->value ? limit(c->value) : 1);
    case FUTEX_WAKE_BITSET:
        if (!c->value3)
            return -EINVAL;
        return futex_table_wake(c->addr.addr, c->value3, c->value ? limit(c->value) : 1);
    case FUTEX_REQUEUE:
        return futex_requeue(c->addr, c->addr2, limit(c->value), limit(c->timeout_or_count), NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(c->addr, c->addr2, limit(c->value), limit(c->timeout_or_count),
                             &c->value3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(c->addr, c->addr2, limit(c->value), limit(c->timeout_or_count),
                             c->value3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return restart_if_interrupted(futex_lock_pi(c->addr, c->deadline, false));
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(c->addr, DEADLINE_NONE, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(c->addr);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(c->addr, c->value, c->value3 ? c->value3 : FUTEX_ANY, c->addr2,
                                     c->deadline);
    case FUTEX_CMP_REQUEUE_PI:
        if (c->value != 1)
            return -EINVAL;
        return futex_cmp_requeue_pi(c->addr, c->addr2, limit(c->timeout_or_count), c->value3);
    default:
        return -ENOSYS;
    }
}

/* Private and shared futexes are the same to us: there is one address space. Two mappings of one
 * file page are two futexes (PART). */
int64_t sys_futex(struct uptr addr, int op, unsigned value, uint64_t timeout, struct uptr addr2,
                  unsigned value3)
{
    struct futex_call c = {
        .addr = addr,
        .addr2 = addr2,
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
    return err ? err : run(&c);
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
        vector[i].addr.addr = w.uaddr;
        vector[i].expected = (uint32_t)w.val;
        err = check_addr(vector[i].addr);
        if (err)
            return err;
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
