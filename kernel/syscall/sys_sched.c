/* Scheduling calls. They tell the truth: what they set is what the scheduler uses. */
#include <asm/resource.h>
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "kernel/base/bitmap.h"
#include "kernel/base/string.h"
#include "kernel/proc/priority.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/grown.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/timespec.h"

#define RT_PRIORITY_MIN 1
#define RT_PRIORITY_MAX 99
#define NICE_MIN (-20)
#define NICE_MAX 19
#define NICE_REFUSED (-100)
#define SLICE_NS 4000000 /* what sched_rr_get_interval answers for time-sharing threads */
#define SLICE_RR_NS 100000000
#define ATTR_SIZE_FIRST 48

static bool is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* The task of a tid (0: the current one), or NULL. */
static struct task *find(int tid) REQUIRES(the_proc.task_lock)
{
    return tid ? task_find(tid) : task_current();
}

static int check(const struct priority *p)
{
    int lowest = is_realtime(p->policy) ? RT_PRIORITY_MIN : 0;
    int highest = is_realtime(p->policy) ? RT_PRIORITY_MAX : 0;
    bool known = is_realtime(p->policy) || p->policy == SCHED_NORMAL || p->policy == SCHED_BATCH ||
                 p->policy == SCHED_IDLE;
    return known && p->rt_priority >= lowest && p->rt_priority <= highest ? 0 : -EINVAL;
}

/* Whether a thread may be as favoured as nice says. */
static bool may_nice(int nice)
{
    return capable(CAP_SYS_NICE) || (uint64_t)(20 - nice) <= proc_limit(RLIMIT_NICE);
}

static bool may_change(const struct priority *from, const struct priority *to)
{
    uint64_t highest = proc_limit(RLIMIT_RTPRIO);
    if (capable(CAP_SYS_NICE))
        return true;
    if (is_realtime(to->policy))
        return (to->policy == from->policy || highest) &&
               (to->rt_priority <= from->rt_priority || (uint64_t)to->rt_priority <= highest);
    if (from->policy == SCHED_IDLE && to->policy != SCHED_IDLE && !may_nice(from->nice))
        return false;
    return to->nice >= from->nice || may_nice(to->nice);
}

static int apply(int tid, const struct priority *p)
{
    int err = check(p);
    if (err)
        return err;
    spin_lock(&the_proc.task_lock);
    struct task *task = find(tid);
    struct priority old;
    if (task) {
        priority_get(task, &old);
        err = may_change(&old, p) ? 0 : -EPERM;
    }
    if (task && !err)
        priority_set(task, p);
    spin_unlock(&the_proc.task_lock);
    return task ? err : -ESRCH;
}

static int look(int tid, struct priority *p)
{
    if (tid < 0)
        return -EINVAL;
    spin_lock(&the_proc.task_lock);
    const struct task *task = find(tid);
    if (task)
        priority_get(task, p);
    spin_unlock(&the_proc.task_lock);
    return task ? 0 : -ESRCH;
}

int64_t sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

int64_t sys_sched_setscheduler(int tid, int policy, struct uptr param)
{
    struct priority p;
    if (policy < 0 || uptr_is_null(param))
        return -EINVAL;
    int err = copy_from_user(&p.rt_priority, param, sizeof(p.rt_priority));
    if (err)
        return err;
    struct priority old;
    err = look(tid, &old);
    if (err)
        return err;
    p.policy = policy & ~SCHED_RESET_ON_FORK;
    p.nice = old.nice;
    return apply(tid, &p);
}

int64_t sys_sched_getscheduler(int tid)
{
    struct priority p;
    int err = look(tid, &p);
    return err ? err : p.policy;
}

int64_t sys_sched_setparam(int tid, struct uptr param)
{
    struct priority p;
    if (uptr_is_null(param))
        return -EINVAL;
    int err = look(tid, &p);
    if (!err)
        err = copy_from_user(&p.rt_priority, param, sizeof(p.rt_priority));
    return err ? err : apply(tid, &p);
}

int64_t sys_sched_getparam(int tid, struct uptr param)
{
    struct priority p;
    if (uptr_is_null(param))
        return -EINVAL;
    int err = look(tid, &p);
    return err ? err : copy_to_user(param, &p.rt_priority, sizeof(p.rt_priority));
}

int64_t sys_sched_get_priority_max(int policy)
{
    struct priority p = {.policy = policy, .rt_priority = is_realtime(policy) ? 1 : 0};
    int err = check(&p);
    return err ? err : is_realtime(policy) ? RT_PRIORITY_MAX : 0;
}

int64_t sys_sched_get_priority_min(int policy)
{
    struct priority p = {.policy = policy, .rt_priority = is_realtime(policy) ? 1 : 0};
    int err = check(&p);
    return err ? err : is_realtime(policy) ? RT_PRIORITY_MIN : 0;
}

int64_t sys_sched_rr_get_interval(int tid, struct uptr to)
{
    struct priority p;
    int err = look(tid, &p);
    if (err)
        return err;
    int64_t slice = p.policy == SCHED_RR ? SLICE_RR_NS : p.policy == SCHED_FIFO ? 0 : SLICE_NS;
    return timespec_write(to, slice);
}

static uint64_t all_cpus(void)
{
    unsigned count = sched_cpu_count();
    return count >= 64 ? ~0ul : (1ul << count) - 1;
}

int64_t sys_sched_setaffinity(int tid, size_t size, struct uptr from)
{
    uint64_t mask = 0;
    int err = copy_from_user(&mask, from, min_u64(size, sizeof(mask)));
    if (err)
        return err;
    mask &= all_cpus();
    if (mask && mask != all_cpus()) {
        sched_start_cpus(); /* the thread may have to wait for one */
        mask &= all_cpus();
    }
    spin_lock(&the_proc.task_lock);
    struct task *task = find(tid);
    if (task && mask) {
        task->thread->affinity = mask == all_cpus() ? 0 : mask;
        sched_update(task->thread);
    }
    spin_unlock(&the_proc.task_lock);
    if (!task)
        return -ESRCH;
    return mask ? 0 : -EINVAL;
}

int64_t sys_sched_getaffinity(int tid, size_t size, struct uptr to)
{
    uint64_t mask;
    if (size * 8 < sched_cpu_count() || size % sizeof(mask))
        return -EINVAL;
    spin_lock(&the_proc.task_lock);
    const struct task *task = find(tid);
    mask = task && task->thread->affinity ? task->thread->affinity : all_cpus();
    spin_unlock(&the_proc.task_lock);
    if (!task)
        return -ESRCH;
    int err = copy_to_user(to, &mask, sizeof(mask));
    return err ? err : (int64_t)sizeof(mask);
}

int64_t sys_getcpu(struct uptr cpu, struct uptr node, struct uptr cache)
{
    (void)cache;
    uint32_t number = sched_cpu_current(), zero = 0;
    int err = uptr_is_null(cpu) ? 0 : copy_to_user(cpu, &number, sizeof(number));
    if (!err && !uptr_is_null(node))
        err = copy_to_user(node, &zero, sizeof(zero));
    return err;
}

/* A size that we can't take is answered with the one that we know. */
static int read_attr(struct uptr from, struct sched_attr *attr)
{
    uint32_t size;
    int err = copy_from_user(&size, from, sizeof(size));
    if (err)
        return err;
    if (size == 0)
        size = ATTR_SIZE_FIRST;
    err = size < ATTR_SIZE_FIRST || size > PAGE_SIZE ? -E2BIG
                                                     : grown_get(attr, sizeof(*attr), from, size);
    if (err != -E2BIG)
        return err;
    size = sizeof(*attr);
    return copy_to_user(from, &size, sizeof(size)) ? -EFAULT : -E2BIG;
}

static int clamp_nice(int nice)
{
    return nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice;
}

int64_t sys_sched_setattr(int tid, struct uptr from, unsigned flags)
{
    struct sched_attr attr;
    if (uptr_is_null(from) || tid < 0 || flags)
        return -EINVAL;
    int err = read_attr(from, &attr);
    if (err)
        return err;
    if ((int)attr.sched_policy < 0)
        return -EINVAL;
    struct priority p;
    err = look(tid, &p);
    if (err)
        return err;
    if (attr.sched_policy > SCHED_IDLE || attr.sched_priority > RT_PRIORITY_MAX ||
        (attr.sched_flags & ~(uint64_t)SCHED_FLAG_ALL))
        return -EINVAL;
    p.policy = (int)attr.sched_policy;
    p.rt_priority = (int)attr.sched_priority;
    if (!is_realtime(p.policy))
        p.nice = clamp_nice(attr.sched_nice);
    return apply(tid, &p);
}

int64_t sys_sched_getattr(int tid, struct uptr to, unsigned size, unsigned flags)
{
    if (uptr_is_null(to) || tid < 0 || flags || size < ATTR_SIZE_FIRST || size > PAGE_SIZE)
        return -EINVAL;
    struct priority p;
    int err = look(tid, &p);
    if (err)
        return err;
    struct sched_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.size = (uint32_t)min_u64(size, sizeof(attr));
    attr.sched_policy = (uint32_t)p.policy;
    attr.sched_nice = is_realtime(p.policy) ? 0 : p.nice;
    attr.sched_priority = (uint32_t)p.rt_priority;
    return copy_to_user(to, &attr, attr.size);
}

/* Whether who of which names this process; PRIO_PROCESS may also name one thread. */
static bool names_process(int which, int who)
{
    if (who == 0)
        return true;
    if (which == PRIO_PGRP)
        return who == the_proc.pgrp;
    return which == PRIO_USER && (uint32_t)who == cred_current()->uid[CRED_REAL];
}

/* Calls for the tasks that which and who name. Returns how many. */
static int for_tasks(int which, int who, void (*each)(struct task *task, int *value), int *value)
{
    int count = 0;
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
    {
        struct task *task = list_entry(node, struct task, node);
        bool named = which == PRIO_PROCESS ? task->tid == (who ? who : task_current()->tid)
                                           : names_process(which, who);
        if (!named)
            continue;
        each(task, value);
        count++;
    }
    spin_unlock(&the_proc.task_lock);
    return count;
}

/* *value: NICE_REFUSED from a task on for which it was. */
static void set_nice(struct task *task, int *value)
{
    if (*value == NICE_REFUSED || (*value < task->thread->nice && !may_nice(*value))) {
        *value = NICE_REFUSED;
        return;
    }
    task->thread->nice = (int8_t)*value;
    sched_update(task->thread);
}

static void lowest_nice(struct task *task, int *value)
{
    if (task->thread->nice < *value)
        *value = (int)task->thread->nice;
}

int64_t sys_setpriority(int which, int who, int nice)
{
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = clamp_nice(nice);
    int count = for_tasks(which, who, set_nice, &nice);
    return !count ? -ESRCH : nice == NICE_REFUSED ? -EACCES : 0;
}

/* The kernel's answer is 20 - nice, so that it is never negative. */
int64_t sys_getpriority(int which, int who)
{
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    int nice = NICE_MAX;
    return for_tasks(which, who, lowest_nice, &nice) ? 20 - nice : -ESRCH;
}

/* Priorities of I/O: kept for each thread, as a Linux does whose disk has no scheduler that looks
 * at them. */

/* What a thread that has set none counts with: its nice value's. */
static int io_priority_of(const struct task *task)
{
    struct priority p;
    if (IOPRIO_PRIO_CLASS(task->io_priority) != IOPRIO_CLASS_NONE)
        return task->io_priority;
    priority_get(task, &p);
    int class = is_realtime(p.policy)    ? IOPRIO_CLASS_RT
                : p.policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE
                                         : IOPRIO_CLASS_BE;
    return IOPRIO_PRIO_VALUE(class, (p.nice - NICE_MIN) / 5);
}

static int check_io_priority(int value)
{
    switch (IOPRIO_PRIO_CLASS(value)) {
    case IOPRIO_CLASS_NONE:
        return value % IOPRIO_NR_LEVELS ? -EINVAL : 0;
    case IOPRIO_CLASS_RT:
        return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

static void set_io_priority(struct task *task, int *value)
{
    task->io_priority = (uint16_t)*value;
}

static void own_io_priority(struct task *task, int *value)
{
    *value = task->io_priority;
}

static void best_io_priority(struct task *task, int *value)
{
    int own = io_priority_of(task);
    if (own < *value)
        *value = own;
}

/* IOPRIO_WHO_... are PRIO_... and one. */
int64_t sys_ioprio_set(int which, int who, int value)
{
    int err = check_io_priority(value);
    if (err)
        return err;
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    return for_tasks(which - IOPRIO_WHO_PROCESS, who, set_io_priority, &value) ? 0 : -ESRCH;
}

int64_t sys_ioprio_get(int which, int who)
{
    int value = UINT16_MAX;
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    int count = for_tasks(which - IOPRIO_WHO_PROCESS, who,
                          which == IOPRIO_WHO_PROCESS ? own_io_priority : best_io_priority, &value);
    return count ? value : -ESRCH;
}
