/*
 * Scheduling parameters of a task: what was set, and what a PI futex lends it for a while. All of
 * these are called with the_proc.task_lock held.
 */
#pragma once

#include "kernel/base/types.h"

struct task;

struct priority {
    int policy, nice, rt_priority;
};

/* What was set, whatever is lent. */
void priority_get(const struct task *task, struct priority *out);
void priority_set(struct task *task, const struct priority *p);
/* Makes task run with at least this real-time priority until priority_return(). */
void priority_lend(struct task *task, int rt_priority);
void priority_return(struct task *task);
