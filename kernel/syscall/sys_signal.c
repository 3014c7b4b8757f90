/* Signal calls. Queues and masks are in kernel/proc/signal.c, delivery in kernel/proc/return.c. */
#include "kernel/arch/regs.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/pidfd.h"
#include "kernel/fs/procfs.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define SA_KNOWN                                                                                   \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |             \
     SA_RESETHAND | SA_RESTORER | 0x00000800 /* SA_EXPOSE_TAGBITS */)

/* A signal that comes to be ignored is no longer pending. */
static void flush_if_ignored(int signo, uint64_t handler)
{
    bool ignored = handler == (uint64_t)SIG_IGN ||
                   (handler == (uint64_t)SIG_DFL && signal_default_of(signo) == SIGNAL_IGNORED);
    if (!ignored)
        return;
    pending_flush(&the_proc.pending, SIGMASK(signo));
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
        pending_flush(&list_entry(node, struct task, node)->pending, SIGMASK(signo));
    spin_unlock(&the_proc.task_lock);
}

int64_t sys_rt_sigaction(int signo, struct uptr new, struct uptr old, size_t size)
{
    struct sigaction_kernel action, before;
    if (size != sizeof(sigmask_t) || !signal_valid(signo))
        return -EINVAL;
    bool set = !uptr_is_null(new);
    if (set) {
        int err = copy_from_user(&action, new, sizeof(action));
        if (err)
            return err;
        if (SIGMASK(signo) & SIGMASK_FORCED)
            return -EINVAL;
        action.mask &= ~SIGMASK_FORCED;
        action.flags &= SA_KNOWN; /* as Linux: the rest reads back as 0, so programs can probe */
    }
    spin_lock(&the_proc.signal_lock);
    before = the_proc.actions[signo - 1];
    if (set) {
        the_proc.actions[signo - 1] = action;
        flush_if_ignored(signo, action.handler);
    }
    spin_unlock(&the_proc.signal_lock);
    return uptr_is_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

int64_t sys_rt_sigprocmask(int how, struct uptr set, struct uptr old, size_t size)
{
    if (size != sizeof(sigmask_t))
        return -EINVAL;
    sigmask_t before = task_current()->blocked, mask;
    if (!uptr_is_null(set)) {
        int err = copy_from_user(&mask, set, sizeof(mask));
        if (err)
            return err;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
            return -EINVAL;
        if (how == SIG_BLOCK)
            mask |= before;
        else if (how == SIG_UNBLOCK)
            mask = before & ~mask;
        signal_set_blocked(mask);
    }
    return uptr_is_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

int64_t sys_rt_sigpending(struct uptr set, size_t size)
{
    sigmask_t pending = signal_pending_set() & task_current()->blocked;
    if (size > sizeof(pending))
        return -EINVAL;
    return copy_to_user(set, &pending, size);
}

int64_t sys_rt_sigreturn(void)
{
    struct user_regs *regs = arch_user_regs(thread_current());
    if (sigframe_pop(regs))
        signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
    return (int64_t)regs->rax;
}

int64_t sys_sigaltstack(struct uptr new, struct uptr old)
{
    const struct user_regs *regs = arch_user_regs(thread_current());
    struct altstack_kernel stack, before;
    altstack_get(regs, &before);
    if (!uptr_is_null(new)) {
        int err = copy_from_user(&stack, new, sizeof(stack));
        if (!err)
            err = altstack_set(regs, &stack);
        if (err)
            return err;
    }
    return uptr_is_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

/* Sleeps until a signal is to be handled. */
static void wait_for_signal(void)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waiter_arm(&w);
    while (waiter_sleep(&w, DEADLINE_NONE, true) != -EINTR)
        waiter_arm(&w);
}

int64_t sys_pause(void)
{
    wait_for_signal();
    return -ERESTARTNOHAND;
}

int64_t sys_rt_sigsuspend(struct uptr set, size_t size)
{
    sigmask_t mask;
    int err = signal_read_mask(set, size, &mask);
    if (err)
        return err;
    struct task *task = task_current();
    task->saved_blocked = task->blocked;
    task->restore_blocked = true;
    signal_set_blocked(mask);
    wait_for_signal();
    return -ERESTARTNOHAND;
}

/* Waits until one of wanted can be taken. Returns its number, -EAGAIN (deadline), -EINTR. */
static int wait_and_take(sigmask_t wanted, siginfo_t *info, uint64_t deadline_ns)
{
    struct task *task = task_current();
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&task->signal_waitq, &w);
    int result;
    for (;;) {
        waiter_arm(&w);
        result = signal_take(wanted, info);
        if (result)
            break;
        int err = waiter_sleep(&w, deadline_ns, true);
        if (err) {
            result = signal_take(wanted, info);
            if (!result)
                result = err == -ETIMEDOUT ? -EAGAIN : -EINTR;
            break;
        }
    }
    waitq_remove(&task->signal_waitq, &w);
    return result;
}

int64_t sys_rt_sigtimedwait(struct uptr set, struct uptr info_out, struct uptr timeout, size_t size)
{
    sigmask_t wanted;
    siginfo_t info;
    int err = signal_read_mask(set, size, &wanted);
    if (err)
        return err;
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t ns;
        err = timespec_read(timeout, &ns);
        if (err)
            return err;
        deadline = deadline_after(clock_monotonic_ns(), ns);
    }
    int signo = wait_and_take(wanted & ~SIGMASK_FORCED, &info, deadline);
    if (signo > 0 && !uptr_is_null(info_out) && copy_to_user(info_out, &info, sizeof(info)))
        return -EFAULT;
    return signo;
}

static void fill_user_info(siginfo_t *info, int signo, int code)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = signo;
    info->si_code = code;
    info->si_pid = PROC_PID;
    info->si_uid = cred_current()->uid[CRED_REAL];
}

/* Sends to one thread; tgid 0: of any process. Returns 0, -EINVAL, -ESRCH, -EAGAIN. */
static int64_t send_to_thread(int tgid, int tid, int signo, const siginfo_t *info)
{
    if (signo < 0 || signo > SIGNAL_COUNT || tid <= 0 || tgid < 0)
        return -EINVAL;
    if (tgid && tgid != PROC_PID)
        return -ESRCH;
    /* A task can only end on its own CPU while we don't hold task_lock, and this one has a CPU:
     * sending takes the lock again, so it can't be held meanwhile. */
    spin_lock(&the_proc.task_lock);
    struct task *task = task_find(tid);
    spin_unlock(&the_proc.task_lock);
    if (!task)
        return -ESRCH;
    return signo ? signal_send_task(task, signo, info) : 0;
}

/* A process group of ours, or the process by its pid or any thread's tid. */
static bool is_ours(int pid)
{
    if (pid == 0 || pid == PROC_PID || pid == -the_proc.pgrp)
        return true;
    spin_lock(&the_proc.task_lock);
    bool found = pid > 0 && task_find(pid);
    spin_unlock(&the_proc.task_lock);
    return found;
}

int64_t sys_kill(int pid, int signo)
{
    if (signo < 0 || signo > SIGNAL_COUNT)
        return -EINVAL;
    /* kill(-1) reaches all processes but oneself, and there are no others. */
    if (!is_ours(pid))
        return -ESRCH;
    siginfo_t info;
    fill_user_info(&info, signo, SI_USER);
    return signo ? signal_send_process(signo, &info) : 0;
}

int64_t sys_tkill(int tid, int signo)
{
    siginfo_t info;
    fill_user_info(&info, signo, SI_TKILL);
    return send_to_thread(0, tid, signo, &info);
}

int64_t sys_tgkill(int tgid, int tid, int signo)
{
    if (tgid <= 0)
        return -EINVAL;
    siginfo_t info;
    fill_user_info(&info, signo, SI_TKILL);
    return send_to_thread(tgid, tid, signo, &info);
}

static int read_info(struct uptr from, int signo, siginfo_t *info)
{
    int err = copy_from_user(info, from, sizeof(*info));
    info->si_signo = signo;
    return err;
}

int64_t sys_rt_sigqueueinfo(int pid, int signo, struct uptr from)
{
    siginfo_t info;
    int err = read_info(from, signo, &info);
    if (err)
        return err;
    if (signo < 0 || signo > SIGNAL_COUNT)
        return -EINVAL;
    if (pid != PROC_PID)
        return -ESRCH;
    return signo ? signal_send_process(signo, &info) : 0;
}

int64_t sys_rt_tgsigqueueinfo(int tgid, int tid, int signo, struct uptr from)
{
    siginfo_t info;
    if (tgid <= 0)
        return -EINVAL;
    int err = read_info(from, signo, &info);
    return err ? err : send_to_thread(tgid, tid, signo, &info);
}

/* Whether fd is the process's: a pidfd, or /proc/PID. */
static int check_process(int fd)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    err = pidfd_is(f) || proc_is_process(f->inode) ? 0 : -EBADF;
    file_put(f);
    return err;
}

/* To the process; PIDFD_SIGNAL_PROCESS_GROUP and _THREAD are not there (PART). */
int64_t sys_pidfd_send_signal(int fd, int signo, struct uptr from, unsigned flags)
{
    siginfo_t info;
    if (flags)
        return -EINVAL;
    int err = check_process(fd);
    if (err)
        return err;
    fill_user_info(&info, signo, SI_USER);
    err = uptr_is_null(from) ? 0 : copy_from_user(&info, from, sizeof(info));
    if (!err && (info.si_signo != signo || signo < 0 || signo > SIGNAL_COUNT))
        err = -EINVAL;
    return err || !signo ? err : signal_send_process(signo, &info);
}

int64_t sys_restart_syscall(void)
{
    struct task *task = task_current();
    int kind = task->restart_kind;
    task->restart_kind = RESTART_NONE;
    switch (kind) {
    case RESTART_NANOSLEEP:
        return sys_nanosleep_restart(task->restart_data);
    case RESTART_FUTEX:
        return sys_futex_restart(task->restart_data);
    case RESTART_POLL:
        return sys_poll_restart(task->restart_data);
    default:
        return -EINTR;
    }
}
