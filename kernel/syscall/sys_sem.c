/* System V semaphores: arguments; the work is in kernel/ipc/sem.c. */
#include <linux/ipc.h>

#include "kernel/ipc/sem.h"
#include "kernel/mm/heap.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define OPS_SHORT 8u /* fit on the stack */

int64_t sys_semget(unsigned key, int count, unsigned flags)
{
    return sem_get((int32_t)key, count, flags);
}

static int64_t operate(int id, struct uptr from, unsigned count, uint64_t deadline)
{
    struct sembuf few[OPS_SHORT], *ops = few;
    if (count < 1 || id < 0)
        return -EINVAL;
    if (count > (unsigned)sem_limits.operations)
        return -E2BIG;
    if (count > OPS_SHORT)
        ops = heap_alloc(count * sizeof(*ops));
    if (!ops)
        return -ENOMEM;
    int64_t result = copy_from_user(ops, from, count * sizeof(*ops));
    if (!result)
        result = sem_operate(id, ops, count, deadline);
    if (ops != few)
        heap_free(ops);
    return result;
}

int64_t sys_semtimedop(int id, struct uptr ops, unsigned count, struct uptr timeout)
{
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t ns;
        int err = timespec_read(timeout, &ns);
        if (err)
            return err;
        deadline = deadline_in(ns);
    }
    return operate(id, ops, count, deadline);
}

int64_t sys_semop(int id, struct uptr ops, unsigned count)
{
    return operate(id, ops, count, DEADLINE_NONE);
}

static int64_t stat(int id, int command, struct uptr to)
{
    struct semid64_ds stat;
    int64_t result = sem_stat(id, command != IPC_STAT, command == SEM_STAT_ANY, &stat);
    if (result >= 0 && copy_to_user(to, &stat, sizeof(stat)))
        return -EFAULT;
    return result;
}

static int64_t info(int command, struct uptr to)
{
    struct sem_totals totals;
    sem_get_totals(&totals);
    bool used = command == SEM_INFO;
    struct seminfo info = {.semmap = SEMMAP,
                           .semmni = (int)sem_table.limit,
                           .semmns = sem_limits.total,
                           .semmnu = SEMMNU,
                           .semmsl = sem_limits.per_set,
                           .semopm = sem_limits.operations,
                           .semume = SEMUME,
                           .semusz = used ? (int)totals.sets : SEMUSZ,
                           .semvmx = SEMVMX,
                           .semaem = used ? (int)totals.semaphores : SEMAEM};
    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : totals.highest;
}

static int64_t set_perm(int id, struct uptr from)
{
    struct semid64_ds stat;
    int err = copy_from_user(&stat, from, sizeof(stat));
    return err ? err : sem_set_perm(id, &stat.sem_perm);
}

static int64_t values_in(int id, uint16_t *values, unsigned count, struct uptr from)
{
    if (copy_from_user(values, from, count * sizeof(*values)))
        return -EFAULT;
    for (unsigned i = 0; i < count; i++)
        if (values[i] > SEMVMX)
            return -ERANGE;
    return sem_set_all(id, values, count);
}

static int64_t values_out(int id, uint16_t *values, unsigned count, struct uptr to)
{
    int64_t err = sem_get_all(id, values, count);
    return err ? err : copy_to_user(to, values, count * sizeof(*values));
}

static int64_t all_values(int id, int command, struct uptr array)
{
    int64_t count = sem_count(id, command == SETALL ? IPC_WRITE : IPC_READ);
    if (count < 0)
        return count;
    uint16_t *values = heap_alloc((size_t)count * sizeof(*values));
    if (!values)
        return -ENOMEM;
    int64_t err = command == SETALL ? values_in(id, values, (unsigned)count, array)
                                    : values_out(id, values, (unsigned)count, array);
    heap_free(values);
    return err;
}

int64_t sys_semctl(int id, int number, int command, uint64_t arg)
{
    if (id < 0)
        return -EINVAL;
    struct uptr at = {arg};
    switch (command) {
    case IPC_INFO:
    case SEM_INFO:
        return info(command, at);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return stat(id, command, at);
    case GETALL:
    case SETALL:
        return all_values(id, command, at);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return sem_get_one(id, number, command);
    case SETVAL:
        return sem_set_one(id, number, (int)arg);
    case IPC_SET:
        return set_perm(id, at);
    case IPC_RMID:
        return sem_remove(id);
    default:
        return -EINVAL;
    }
}
