/*
 * What stands between the kernel and ring 3: giving the CPU away, signals, restarted calls, the
 * end of the thread.
 */
#include "abi/control.h"
#include "kernel/arch/regs.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/rseq.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

#define NR_RESTART_SYSCALL 219
#define NOT_A_SYSCALL (~0ul)

/* Whether the call in regs ended with one of the codes that ask for a restart. */
static int64_t restart_code(const struct user_regs *regs)
{
    if (regs->orig_rax == NOT_A_SYSCALL)
        return 0;
    switch ((int64_t)regs->rax) {
    case -ERESTARTSYS:
    case -ERESTARTNOINTR:
    case -ERESTARTNOHAND:
    case -ERESTART_RESTARTBLOCK:
        return (int64_t)regs->rax;
    default:
        return 0;
    }
}

/* No handler runs: the call goes on as if nothing had happened. */
static void restart_quietly(struct user_regs *regs)
{
    int64_t code = restart_code(regs);
    if (!code)
        return;
    regs_restart_syscall(regs,
                         code == -ERESTART_RESTARTBLOCK ? NR_RESTART_SYSCALL : regs->orig_rax);
}

/* A handler runs first; what the call's result is after it. */
static void restart_around_handler(struct user_regs *regs, uint64_t sa_flags)
{
    int64_t code = restart_code(regs);
    if (!code)
        return;
    bool again = code == -ERESTARTNOINTR || (code == -ERESTARTSYS && (sa_flags & SA_RESTART));
    if (again)
        regs_restart_syscall(regs, regs->orig_rax);
    else
        regs->rax = (uint64_t)-EINTR;
}

/* Takes the next signal to handle and what to do with it; one-shot handlers are used up. */
static int next_signal(siginfo_t *info, struct sigaction_kernel *action)
{
    const struct task *task = task_current();
    int signo = signal_take(~task->blocked, info);
    if (!signo)
        return 0;
    spin_lock(&the_proc.signal_lock);
    struct sigaction_kernel *set = &the_proc.actions[signo - 1];
    *action = *set;
    bool has_handler = set->handler != (uint64_t)SIG_DFL && set->handler != (uint64_t)SIG_IGN;
    if (has_handler && (set->flags & SA_RESETHAND))
        set->handler = (uint64_t)SIG_DFL;
    spin_unlock(&the_proc.signal_lock);
    return signo;
}

static void run_handler(struct user_regs *regs, int signo, const siginfo_t *info,
                        const struct sigaction_kernel *action)
{
    struct task *task = task_current();
    restart_around_handler(regs, action->flags);
    rseq_resume(regs);
    sigmask_t old = task->restore_blocked ? task->saved_blocked : task->blocked;
    if (sigframe_push(regs, action, signo, info, old)) {
        if (signo == SIGSEGV) /* its handler can't be reached: it would fault for ever */
            signal_kill_self(SIGSEGV);
        else
            signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
        return;
    }
    task->restore_blocked = false;
    regs->orig_rax = NOT_A_SYSCALL;
    sigmask_t also = action->flags & SA_NODEFER ? 0 : SIGMASK(signo);
    signal_set_blocked(task->blocked | action->mask | also);
}

static void stop_process(int signo)
{
    uint32_t payload = (uint32_t)signo;
    spin_lock(&the_proc.signal_lock);
    the_proc.stopped = true;
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
        thread_interrupt(list_entry(node, struct task, node)->thread);
    spin_unlock(&the_proc.task_lock);
    spin_unlock(&the_proc.signal_lock);
    control_send(ORRIS_MSG_STOPPED, &payload, sizeof(payload), true);
}

static void wait_while_stopped(void)
{
    if (!the_proc.stopped)
        return;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&the_proc.continue_waitq, &w);
    for (;;) {
        waiter_arm(&w);
        if (!the_proc.stopped || task_current()->exiting)
            break;
        waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&the_proc.continue_waitq, &w);
}

static void do_default(struct user_regs *regs, int signo, const siginfo_t *info)
{
    switch (signal_default_of(signo)) {
    case SIGNAL_IGNORED:
        break;
    case SIGNAL_STOPS:
        stop_process(signo);
        break;
    case SIGNAL_DUMPS:
        report_fatal_signal(signo, info, regs);
        proc_exit(signo);
        break;
    case SIGNAL_TERMINATES:
        proc_exit(signo);
        break;
    }
}

static void handle_signals(struct user_regs *regs)
{
    struct task *task = task_current();
    siginfo_t info;
    struct sigaction_kernel action;
    for (;;) {
        task->thread->interrupted = false; /* before looking: what comes later sets it again */
        if (task->exiting)
            task_end(0);
        wait_while_stopped();
        int signo = next_signal(&info, &action);
        if (!signo && !task->exiting && !the_proc.stopped)
            break;
        if (!signo || action.handler == (uint64_t)SIG_IGN)
            continue;
        if (action.handler == (uint64_t)SIG_DFL)
            do_default(regs, signo, &info);
        else
            run_handler(regs, signo, &info, &action);
    }
    restart_quietly(regs);
    signal_mask_end(false);
}

void task_return_work(struct user_regs *regs)
{
    struct thread *t = thread_current();
    if (t->resched) {
        thread_yield();
        t->moved = true;
    }
    if (t->moved) {
        t->moved = false;
        rseq_resume(regs);
    }
    if (t->interrupted)
        handle_signals(regs);
}
