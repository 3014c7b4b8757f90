/*
 * Threads: clone as the C libraries use it, thread ids, robust lists, rseq, membarrier, TLS.
 *
 * There is one process. What would make another (fork, vfork, clone without CLONE_THREAD, and so
 * posix_spawn) answers -ENOSYS, and one line tells the user why.
 */
#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <linux/sched.h>

#include "kernel/arch/exec.h"
#include "kernel/arch/regs.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/ipc/sem.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/priority.h"
#include "kernel/proc/rseq.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/grown.h"
#include "kernel/syscall/syscall.h"

/* What a thread shares with its process; other combinations are half processes. */
#define CLONE_NEEDED (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_KNOWN                                                                                \
    (CLONE_NEEDED | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |    \
     CLONE_CHILD_SETTID | CLONE_DETACHED | CLONE_IO | CLONE_PTRACE | CLONE_UNTRACED)
#define CLONE_ARGS_SIZE_MIN 64
#define RSEQ_SIZE_MIN 32
#define RSEQ_ALIGNMENT 32

struct clone_request {
    uint64_t flags, stack_end, tls;
    struct uptr parent_tid, child_tid;
};

static int64_t refuse_process(const char *call)
{
    static bool noted;
    if (!noted)
        log_note("a second process is never started in this machine: %s is refused (ENOSYS); most "
                 "programs have a switch for threads, or for doing without (docs/compatibility.md)",
                 call);
    noted = true;
    return -ENOSYS;
}

int64_t sys_fork(void)
{
    return refuse_process("fork");
}

int64_t sys_vfork(void)
{
    return refuse_process("vfork");
}

static void inherit(struct task *child, const struct clone_request *r)
{
    const struct task *self = task_current();
    struct thread *t = child->thread;
    memcpy(child->name, self->name, sizeof(child->name));
    child->blocked = self->blocked;
    child->timer_slack_ns = self->timer_slack_ns;
    child->io_priority = self->io_priority;
    if (r->flags & CLONE_CHILD_CLEARTID)
        child->clear_tid = r->child_tid;
    struct priority p;
    priority_get(self, &p);
    t->policy = (uint8_t)p.policy;
    t->nice = (int8_t)p.nice;
    t->rt_priority = (uint8_t)p.rt_priority;
    t->affinity = self->thread->affinity;
    t->cpu = self->thread->cpu;
    t->task = child;
}

static void set_child_regs(struct thread *t, const struct clone_request *r)
{
    struct thread *self = thread_current();
    struct user_regs *regs = arch_user_regs(t);
    *regs = *arch_user_regs(self);
    arch_clone_regs(regs, r->stack_end);
    arch_set_tls(t, r->flags & CLONE_SETTLS ? r->tls : arch_get_tls(self));
    arch_set_gs(t, arch_get_gs(self));
    arch_thread_to_user(t);
}

static int write_tids(const struct clone_request *r, int tid)
{
    int err = 0;
    if (r->flags & CLONE_PARENT_SETTID)
        err = copy_to_user(r->parent_tid, &tid, sizeof(tid));
    if (!err && (r->flags & CLONE_CHILD_SETTID))
        err = copy_to_user(r->child_tid, &tid, sizeof(tid));
    return err;
}

static int64_t start_thread(const struct clone_request *r)
{
    struct thread *t;
    if (the_proc.task_count >= task_max())
        return -EAGAIN;
    int err = thread_create(&t, NULL, NULL, "thread");
    if (err)
        return -EAGAIN;
    struct task *task = task_alloc(t, cred_current());
    if (!task) {
        err = -EAGAIN;
        goto destroy_thread;
    }
    err = arch_fpu_copy(t);
    if (err)
        goto free_task;
    task->tid = task_new_tid();
    inherit(task, r);
    set_child_regs(t, r);
    err = write_tids(r, task->tid);
    if (!err && r->flags & CLONE_SYSVSEM)
        err = sem_undo_share(task);
    if (err)
        goto free_task;
    int tid = task->tid; /* the thread may be gone before we return */
    if (!task_add(task)) {
        err = -EAGAIN;
        goto free_task;
    }
    sched_start_cpus();
    thread_start(t);
    return tid;

free_task:
    sem_undo_leave(task);
    t->task = NULL;
    task_free(task);
destroy_thread:
    thread_destroy(t);
    return err;
}

static int64_t do_clone(const struct clone_request *r)
{
    uint64_t flags = r->flags;
    if (((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) ||
        ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)))
        return -EINVAL;
    if (!(flags & CLONE_THREAD))
        return refuse_process(flags & CLONE_VFORK ? "posix_spawn" : "clone");
    bool shares_all = (flags & CLONE_NEEDED) == CLONE_NEEDED;
    if (!shares_all || (flags & ~(uint64_t)CLONE_KNOWN)) {
        log_info("clone: flags %#lx ask for a thread apart from the others", flags);
        return -EINVAL;
    }
    if ((flags & CLONE_SETTLS) && r->tls >= ARCH_USER_END)
        return -EPERM; /* the processor would refuse it, in the kernel */
    return start_thread(r);
}

int64_t sys_clone(uint64_t flags, uint64_t stack_end, struct uptr parent_tid, struct uptr child_tid,
                  uint64_t tls)
{
    struct clone_request r = {
        .flags = flags & ~(uint64_t)CSIGNAL,
        .stack_end = stack_end,
        .tls = tls,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
    };
    return do_clone(&r);
}

/* Reads args of any size from the first version's on; what we don't know must be zero. */
static int read_clone_args(struct uptr from, size_t size, struct clone_args *args)
{
    if (size < CLONE_ARGS_SIZE_MIN)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    return grown_get(args, sizeof(*args), from, size);
}

int64_t sys_clone3(struct uptr from, size_t size)
{
    struct clone_args args;
    int err = read_clone_args(from, size, &args);
    if (err)
        return err;
    if ((args.flags & (CSIGNAL | CLONE_DETACHED)) || (args.stack == 0) != (args.stack_size == 0) ||
        args.exit_signal > SIGNAL_COUNT)
        return -EINVAL;
    if ((args.flags & CLONE_THREAD) && args.exit_signal)
        return -EINVAL;
    struct clone_request r = {
        .flags = args.flags,
        .stack_end = args.stack ? args.stack + args.stack_size : 0,
        .tls = args.tls,
        .parent_tid = {args.parent_tid},
        .child_tid = {args.child_tid},
    };
    return do_clone(&r);
}

int64_t sys_unshare(unsigned flags)
{
    unsigned shared = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    if (flags & shared & ~(the_proc.task_count == 1 ? shared : 0))
        return -EINVAL;
    unsigned harmless = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | shared;
    if (flags & ~harmless)
        return -EPERM;
    if (the_proc.task_count > 1 && flags & (CLONE_FS | CLONE_FILES))
        return -EINVAL;
    if (flags & CLONE_SYSVSEM)
        sem_undo_leave(task_current());
    return 0;
}

int64_t sys_gettid(void)
{
    return task_current()->tid;
}

int64_t sys_set_tid_address(struct uptr addr)
{
    struct task *task = task_current();
    task->clear_tid = addr;
    return task->tid;
}

int64_t sys_set_robust_list(struct uptr head, size_t size)
{
    struct task *task = task_current();
    if (size != 24)
        return -EINVAL;
    task->robust_list = head;
    task->robust_size = size;
    return 0;
}

int64_t sys_get_robust_list(int tid, struct uptr head, struct uptr size)
{
    spin_lock(&the_proc.task_lock);
    const struct task *task = tid ? task_find(tid) : task_current();
    struct uptr list = task ? task->robust_list : (struct uptr){0};
    spin_unlock(&the_proc.task_lock);
    if (!task)
        return -ESRCH;
    size_t list_size = 24;
    int err = copy_to_user(size, &list_size, sizeof(list_size));
    return err ? err : copy_to_user(head, &list.addr, sizeof(list.addr));
}

int64_t sys_rseq(struct uptr area, unsigned size, unsigned flags, uint64_t signature)
{
    struct task *task = task_current();
    if (flags & RSEQ_FLAG_UNREGISTER) {
        if (flags != RSEQ_FLAG_UNREGISTER || task->rseq.addr != area.addr ||
            task->rseq_size != size || uptr_is_null(area))
            return -EINVAL;
        if (task->rseq_signature != (uint32_t)signature)
            return -EPERM;
        task->rseq = (struct uptr){0};
        return 0;
    }
    if (flags)
        return -EINVAL;
    if (!uptr_is_null(task->rseq)) {
        if (task->rseq.addr != area.addr || task->rseq_size != size)
            return -EINVAL;
        return task->rseq_signature == (uint32_t)signature ? -EBUSY : -EPERM;
    }
    if (area.addr % RSEQ_ALIGNMENT || size < RSEQ_SIZE_MIN)
        return -EINVAL;
    if (!user_range_ok(area, size))
        return -EFAULT;
    task->rseq = area;
    task->rseq_size = size;
    task->rseq_signature = (uint32_t)signature;
    int err = rseq_update_cpu();
    if (err)
        task->rseq = (struct uptr){0};
    return err;
}

int64_t sys_membarrier(int command, unsigned flags, int cpu)
{
    static const int known =
        MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
        MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
    static int registered; /* commands whose registration came */
    (void)cpu;
    if (flags && !(command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ && flags == 1))
        return -EINVAL;
    if (command == MEMBARRIER_CMD_QUERY)
        return known;
    if ((command & ~known) || (command & (command - 1)))
        return -EINVAL;
    static const int registrations = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                                     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
                                     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
    static const int expedited = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                                 MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                                 MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
    if (command & registrations)
        registered |= command >> 1;
    if ((command & expedited) && !(registered & command))
        return -EPERM;
    if (command & (expedited | MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED))
        sched_barrier(command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
    return 0;
}

int64_t sys_arch_prctl(int code, uint64_t addr)
{
    struct thread *t = thread_current();
    uint64_t value;
    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (addr >= ARCH_USER_END)
            return -EPERM;
        if (code == ARCH_SET_FS)
            arch_set_tls(t, addr);
        else
            arch_set_gs(t, addr);
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        value = code == ARCH_GET_FS ? arch_get_tls(t) : arch_get_gs(t);
        return copy_to_user((struct uptr){addr}, &value, sizeof(value));
    case ARCH_GET_CPUID:
        return 1;
    default:
        return -EINVAL;
    }
}
