/*
 * Tasks: the program's threads. A task is a kernel thread's other half; it lives from clone to
 * task_end(), in the list the_proc.tasks under the_proc.task_lock.
 */
#include "kernel/proc/task.h"

#include <asm/resource.h>
#include <linux/signal.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/ipc/sem.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/mm/stack.h"
#include "kernel/platform/run.h"
#include "kernel/proc/exit.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"

#define TID_MAX 4194304
#define THREADS_SURE 64u
#define MIB (1024ul * 1024ul)

struct proc the_proc = {
    .task_lock = SPINLOCK_INIT(RANK_TASK),
    .tasks = LIST_INIT(the_proc.tasks),
    .signal_lock = SPINLOCK_INIT(RANK_SIGNAL),
    .umask = 022,
    .session = 1,
    .pgrp = PROC_PID,
    .dumpable = true,
};

static int next_tid = PROC_PID + 1; /* under task_lock */

struct task *task_current(void)
{
    return thread_current()->task;
}

struct task *task_alloc(struct thread *t, const struct cred *cred)
{
    struct task *task = heap_zalloc_object(sizeof(*task));
    if (!task)
        return NULL;
    task->thread = t;
    cred_copy(&task->cred, cred);
    list_init(&task->node);
    pending_init(&task->pending);
    waitq_init(&task->signal_waitq);
    task->altstack_flags = SS_DISABLE;
    task->timer_slack_ns = DEFAULT_SLACK_NS;
    return task;
}

uint32_t task_max(void)
{
    return (uint32_t)max_u64(page_stats.total_pages * PAGE_SIZE / (8 * STACK_SIZE), THREADS_SURE);
}

void task_free(struct task *task)
{
    cred_fini(&task->cred);
    heap_free(task);
}

int task_new_tid(void)
{
    spin_lock(&the_proc.task_lock);
    do {
        if (next_tid > TID_MAX)
            next_tid = PROC_PID + 1;
    } while (task_find(next_tid++));
    int tid = next_tid - 1;
    spin_unlock(&the_proc.task_lock);
    return tid;
}

bool task_add(struct task *task)
{
    spin_lock(&the_proc.task_lock);
    bool alive = !the_proc.exiting && !task_current()->exiting;
    if (alive) {
        list_add_tail(&the_proc.tasks, &task->node);
        the_proc.task_count++;
    }
    spin_unlock(&the_proc.task_lock);
    return alive;
}

struct task *task_find(int tid)
{
    list_for_each(node, &the_proc.tasks)
    {
        struct task *task = list_entry(node, struct task, node);
        if (task->tid == tid)
            return task;
    }
    return NULL;
}

static void set_limit(int resource, uint64_t soft, uint64_t hard)
{
    the_proc.limits[resource][0] = soft;
    the_proc.limits[resource][1] = hard;
}

/* What a login on Debian gives, then what the record says. */
static void init_limits(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        set_limit(i, RLIM_INFINITY, RLIM_INFINITY);
    set_limit(RLIMIT_STACK, 8 * MIB, RLIM_INFINITY);
    set_limit(RLIMIT_CORE, 0, RLIM_INFINITY);
    set_limit(RLIMIT_NOFILE, 1024, 1048576);
    set_limit(RLIMIT_MEMLOCK, 8 * MIB, 8 * MIB);
    set_limit(RLIMIT_MSGQUEUE, 819200, 819200);
    set_limit(RLIMIT_NICE, 0, 0);
    set_limit(RLIMIT_RTPRIO, 0, 0);
    set_limit(RLIMIT_SIGPENDING, 7823, 7823);
    set_limit(RLIMIT_NPROC, 7823, 7823);
    for (unsigned i = 0; i < the_run.limit_count; i++) {
        const struct orris_limit *limit = &the_run.limits[i];
        if (limit->resource < RLIM_NLIMITS && limit->soft <= limit->hard)
            set_limit((int)limit->resource, limit->soft, limit->hard);
    }
}

/* As execve() leaves them: nobody can ignore or hold back SIGKILL and SIGSTOP. */
static void inherit_signals(struct task *task)
{
    spin_lock(&the_proc.signal_lock);
    for (int signo = 1; signo <= SIGNAL_COUNT; signo++)
        if (the_run.signals.ignored & ~SIGMASK_FORCED & SIGMASK(signo))
            the_proc.actions[signo - 1].handler = (uint64_t)SIG_IGN;
    task->blocked = the_run.signals.blocked & ~SIGMASK_FORCED;
    spin_unlock(&the_proc.signal_lock);
}

int proc_init(void)
{
    struct thread *t = thread_current();
    waitq_init(&the_proc.signalfd_waitq);
    waitq_init(&the_proc.continue_waitq);
    waitq_init(&the_proc.task_waitq);
    pending_init(&the_proc.pending);
    init_limits();
    the_proc.start_ns = clock_monotonic_ns();

    struct task *task = task_alloc(t, cred_current());
    if (!task)
        return -ENOMEM;
    task->tid = PROC_PID;
    t->task = task;
    memcpy(task->name, "orris", 6);
    inherit_signals(task);
    list_add_tail(&the_proc.tasks, &task->node);
    the_proc.task_count = 1;
    return 0;
}

int proc_take_user(void)
{
    const struct orris_user *user = &the_run.user;
    struct cred_groups *groups = cred_groups_alloc(user->group_count);
    if (!groups)
        return -ENOMEM;
    memcpy(groups->gid, user->groups, user->group_count * sizeof(groups->gid[0]));
    cred_init(cred_current(), user->uid, user->gid);
    cred_set_groups(cred_current(), groups);
    return 0;
}

/* Takes task out of the list. False if it is the last: then nothing was done. */
static bool task_leave(struct task *task)
{
    spin_lock(&the_proc.task_lock);
    bool last = the_proc.task_count == 1;
    if (!last) {
        const struct thread *t = task->thread;
        uint64_t used = thread_cpu_ns(t);
        the_proc.dead_ns = ns_add(the_proc.dead_ns, used);
        the_proc.dead_user_ns = ns_add(the_proc.dead_user_ns, t->user_ns ? t->user_ns : used);
        the_proc.dead_switches[0] += t->voluntary_switches;
        the_proc.dead_switches[1] += t->involuntary_switches;
        list_remove(&task->node);
        the_proc.task_count--;
    }
    spin_unlock(&the_proc.task_lock);
    return !last;
}

static void clear_tid(struct task *task)
{
    if (uptr_is_null(task->clear_tid))
        return;
    uint32_t zero = 0;
    if (copy_to_user(task->clear_tid, &zero, sizeof(zero)) == 0)
        futex_wake(task->clear_tid, 1);
}

void task_end(int status)
{
    struct thread *t = thread_current();
    struct task *task = t->task;
    if (task->tid == PROC_PID)
        the_proc.exit_code = (status & 0xff) << 8;
    if (!the_proc.exiting)
        futex_task_exit(task);
    if (!the_proc.exiting)
        clear_tid(task);
    sem_undo_leave(task);
    if (!task_leave(task))
        proc_exit(the_proc.exit_code);
    spin_lock(&the_proc.signal_lock);
    signal_pass_on(~task->blocked);
    pending_flush(&task->pending, ~0ul);
    spin_unlock(&the_proc.signal_lock);
    t->task = NULL;
    task_free(task);
    waitq_wake(&the_proc.task_waitq, EVENTS_ANY);
    thread_exit();
}

void task_kill_others(void)
{
    struct task *self = task_current();
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
    {
        struct task *other = list_entry(node, struct task, node);
        if (other == self)
            continue;
        other->exiting = true;
        thread_interrupt(other->thread);
    }
    spin_unlock(&the_proc.task_lock);
    waitq_wake(&the_proc.continue_waitq, EVENTS_ANY);
}

void task_end_others(void)
{
    if (task_current()->exiting) /* another thread was quicker with its exec or exit */
        task_end(0);
    task_kill_others();
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&the_proc.task_waitq, &w);
    for (;;) {
        waiter_arm(&w);
        if (the_proc.task_count == 1)
            break;
        if (the_proc.exiting)
            task_end(0);
        waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&the_proc.task_waitq, &w);
    task_current()->tid = PROC_PID;
}
