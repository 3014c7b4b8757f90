/*
 * System V semaphores. A set's waiting operations hang in a list, in the order they came; whoever
 * changes a value performs those that have become possible for their sleepers.
 */
#pragma once

#include <linux/sem.h>

#include "kernel/ipc/ipc.h"
#include "kernel/sched/waitq.h"

struct sem_undo_list;
struct task;

struct sem_limits {
    int per_set, total, operations; /* SEMMSL, SEMMNS, SEMOPM; SEMMNI is sem_table.limit */
};

extern struct sem_limits sem_limits;
extern struct ipc_table sem_table;

struct sem_totals {
    uint32_t sets, semaphores;
    int highest;
};

/* semget(2). Returns the identifier or -errno. */
int64_t sem_get(int32_t key, int count, unsigned flags);
/* semop(2) with count operations that lie in kernel memory. deadline_ns: monotonic. Returns 0,
 * -EINVAL, -EFBIG, -EACCES, -ERANGE, -EAGAIN, -EIDRM, -EINTR, -ENOMEM. */
int64_t sem_operate(int id, const struct sembuf *ops, unsigned count, uint64_t deadline_ns);

/* Parts of semctl(2). Return 0 or -errno. by_place: id is a place in the table, and the identifier
 * is what is returned; any: without the right to read. */
int64_t sem_stat(int id, bool by_place, bool any, struct semid64_ds *out);
int64_t sem_set_perm(int id, const struct ipc64_perm *perm);
int64_t sem_remove(int id);
int64_t sem_get_one(int id, int number, int what); /* GETVAL, GETPID, GETNCNT, GETZCNT */
int64_t sem_set_one(int id, int number, int value);
/* How many semaphores the set has, if the process has the rights. */
int64_t sem_count(int id, unsigned wanted);
/* All values; count is what sem_count() said. -EIDRM if the set is gone since. */
int64_t sem_get_all(int id, uint16_t *values, unsigned count);
int64_t sem_set_all(int id, const uint16_t *values, unsigned count);
void sem_get_totals(struct sem_totals *out);
/* The next set from a place on, for /proc/sysvipc/sem. False: there is none. */
bool sem_next(uint32_t place, struct semid64_ds *out, int *id);

/* What a thread undoes when it ends is shared with those it makes with CLONE_SYSVSEM: gives to, a
 * new one, the current thread's list. Returns 0 or -ENOMEM. */
MUST_CHECK int sem_undo_share(struct task *to);
/* The thread's undo list is no longer its own; the last user's operations are undone. */
void sem_undo_leave(struct task *task);
