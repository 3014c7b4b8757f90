/*
 * restart_syscall(2): calls with a relative time-out that a signal without handler interrupted go
 * on with what is left of it, not with all of it again.
 */
#pragma once

#include "kernel/base/errno.h"
#include "kernel/proc/task.h"

enum restart_kind { RESTART_NONE, RESTART_NANOSLEEP, RESTART_FUTEX, RESTART_POLL };

/* Notes how to go on. Returns -ERESTART_RESTARTBLOCK. */
static inline int64_t restart_later(enum restart_kind kind, uint64_t a, uint64_t b, uint64_t c,
                                    uint64_t d)
{
    struct task *task = task_current();
    task->restart_kind = (int)kind;
    task->restart_data[0] = a;
    task->restart_data[1] = b;
    task->restart_data[2] = c;
    task->restart_data[3] = d;
    return -ERESTART_RESTARTBLOCK;
}

/* What goes on, one function for each kind. */
int64_t sys_nanosleep_restart(const uint64_t data[4]);
int64_t sys_futex_restart(const uint64_t data[4]);
int64_t sys_poll_restart(const uint64_t data[4]);
