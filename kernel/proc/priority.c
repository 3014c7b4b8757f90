/* Priorities set and lent. The scheduler knows only the one in force. */
#include "kernel/proc/priority.h"

#include <linux/sched.h>

#include "kernel/proc/task.h"

void priority_get(const struct task *task, struct priority *out)
{
    const struct thread *t = task->thread;
    out->nice = (int)t->nice;
    out->policy = task->borrows ? task->own_policy : t->policy;
    out->rt_priority = task->borrows ? task->own_rt_priority : t->rt_priority;
}

void priority_set(struct task *task, const struct priority *p)
{
    struct thread *t = task->thread;
    t->nice = (int8_t)p->nice;
    task->own_policy = (uint8_t)p->policy;
    task->own_rt_priority = (uint8_t)p->rt_priority;
    if (task->borrows && t->rt_priority > p->rt_priority)
        return; /* what is lent is more */
    task->borrows = false;
    t->policy = (uint8_t)p->policy;
    t->rt_priority = (uint8_t)p->rt_priority;
    sched_update(t);
}

void priority_lend(struct task *task, int rt_priority)
{
    struct thread *t = task->thread;
    if (rt_priority <= t->rt_priority)
        return;
    if (!task->borrows) {
        task->own_policy = t->policy;
        task->own_rt_priority = t->rt_priority;
        task->borrows = true;
    }
    t->policy = SCHED_FIFO;
    t->rt_priority = (uint8_t)rt_priority;
    sched_update(t);
}

void priority_return(struct task *task)
{
    struct thread *t = task->thread;
    if (!task->borrows)
        return;
    task->borrows = false;
    t->policy = task->own_policy;
    t->rt_priority = task->own_rt_priority;
    sched_update(t);
}
