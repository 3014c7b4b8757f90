/*
 * Sending, queueing and taking signals. All of it happens under the_proc.signal_lock; how a task
 * handles what it takes is in return.c.
 */
#include "kernel/proc/signal.h"

#include <asm/resource.h>
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/posix_timer.h"

#define REALTIME_MIN 32 /* signals from here on queue up instead of merging */

/* Faults come before everything else: they belong to the instruction we return to. */
#define SIGMASK_FAULTS                                                                             \
    (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) |   \
     SIGMASK(SIGSYS))
#define SIGMASK_DEFAULT_IGNORED                                                                    \
    (SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGURG) | SIGMASK(SIGWINCH))
#define SIGMASK_DUMPS                                                                              \
    (SIGMASK_FAULTS | SIGMASK(SIGQUIT) | SIGMASK(SIGABRT) | SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))

static uint64_t queued_count; /* entries on the heap; under signal_lock */

enum signal_default signal_default_of(int signo)
{
    sigmask_t bit = SIGMASK(signo);
    if (bit & SIGMASK_DEFAULT_IGNORED)
        return SIGNAL_IGNORED;
    if (bit & SIGMASK_STOP)
        return SIGNAL_STOPS;
    return bit & SIGMASK_DUMPS ? SIGNAL_DUMPS : SIGNAL_TERMINATES;
}

void pending_init(struct pending_signals *pending)
{
    pending->set = pending->bare = 0;
    list_init(&pending->queue);
}

static void entry_drop(struct sigqueue_entry *entry)
{
    list_remove(&entry->node);
    if (entry->timer)
        return;
    queued_count--;
    heap_free(entry);
}

/* A periodic timer waits for its signal to be taken: it goes on without. */
static void entry_flush(struct sigqueue_entry *entry)
{
    struct posix_timer *timer = entry->timer;
    entry_drop(entry);
    if (timer)
        posix_timer_lost(timer);
}

void pending_flush(struct pending_signals *pending, sigmask_t mask)
{
    pending->set &= ~mask;
    pending->bare &= ~mask;
    list_for_each_safe(node, next, &pending->queue)
    {
        struct sigqueue_entry *entry = list_entry(node, struct sigqueue_entry, node);
        if (mask & SIGMASK(entry->info.si_signo))
            entry_flush(entry);
    }
}

/* An entry of signo went: is it still pending? */
static void pending_update(struct pending_signals *pending, int signo)
{
    bool found = (pending->bare & SIGMASK(signo)) != 0;
    list_for_each(node, &pending->queue) found |=
        list_entry(node, struct sigqueue_entry, node)->info.si_signo == signo;
    if (!found)
        pending->set &= ~SIGMASK(signo);
}

/* Takes the first entry of signo out of the queue; info says where the signal came from. Returns
 * whether from a timer. */
static bool pending_take(struct pending_signals *pending, int signo, siginfo_t *info)
{
    bool found = false, more = false, from_timer = false;
    list_for_each_safe(node, next, &pending->queue)
    {
        struct sigqueue_entry *entry = list_entry(node, struct sigqueue_entry, node);
        if (entry->info.si_signo != signo)
            continue;
        more = found;
        if (found)
            break;
        found = true;
        *info = entry->info;
        from_timer = entry->timer != NULL;
        entry_drop(entry);
    }
    if (!found) { /* there was no memory for an entry */
        pending->bare &= ~SIGMASK(signo);
        memset(info, 0, sizeof(*info));
        info->si_signo = signo;
        info->si_code = SI_USER;
    }
    if (!more && !(pending->bare & SIGMASK(signo)))
        pending->set &= ~SIGMASK(signo);
    return from_timer;
}

static int first_signal(sigmask_t set)
{
    sigmask_t faults = set & SIGMASK_FAULTS;
    return __builtin_ctzl(faults ? faults : set) + 1;
}

int signal_take(sigmask_t wanted, siginfo_t *info)
{
    struct task *task = task_current();
    int signo = 0;
    bool from_timer = false;
    spin_lock(&the_proc.signal_lock);
    struct pending_signals *pending =
        task->pending.set & wanted ? &task->pending : &the_proc.pending;
    if (pending->set & wanted) {
        signo = first_signal(pending->set & wanted);
        from_timer = pending_take(pending, signo, info);
    }
    spin_unlock(&the_proc.signal_lock);
    if (from_timer)
        posix_timer_taken(info);
    return signo;
}

sigmask_t signal_pending_set(void)
{
    return task_current()->pending.set | the_proc.pending.set;
}

bool signal_pending(void)
{
    return thread_current()->interrupted;
}

bool signal_fatal_pending(void)
{
    const struct task *task = task_current();
    if (LIKELY(!thread_current()->interrupted))
        return false;
    sigmask_t set = signal_pending_set() & ~task->blocked;
    bool fatal = task->exiting;
    for (; set && !fatal; set &= set - 1) {
        int signo = __builtin_ctzl(set) + 1;
        fatal = the_proc.actions[signo - 1].handler == (uint64_t)SIG_DFL &&
                signal_default_of(signo) <= SIGNAL_DUMPS;
    }
    return fatal;
}

/* A signal that nobody will see isn't even queued. A blocked one may be waited for. */
static bool is_ignored(int signo, sigmask_t blocked)
{
    uint64_t handler = the_proc.actions[signo - 1].handler;
    if (blocked & SIGMASK(signo))
        return false;
    return handler == (uint64_t)SIG_IGN ||
           (handler == (uint64_t)SIG_DFL && signal_default_of(signo) == SIGNAL_IGNORED);
}

/* What any task blocks. */
static sigmask_t blocked_by_any(void)
{
    sigmask_t blocked = 0;
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks) blocked |= list_entry(node, struct task, node)->blocked;
    spin_unlock(&the_proc.task_lock);
    return blocked;
}

static void flush_everywhere(sigmask_t mask)
{
    pending_flush(&the_proc.pending, mask);
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
        pending_flush(&list_entry(node, struct task, node)->pending, mask);
    spin_unlock(&the_proc.task_lock);
}

/* Stop and continue cancel each other, handled or not. */
static void cancel_opposite(int signo)
{
    sigmask_t bit = SIGMASK(signo);
    if (bit & SIGMASK_STOP)
        flush_everywhere(SIGMASK(SIGCONT));
    if (signo == SIGCONT)
        flush_everywhere(SIGMASK_STOP);
    if (signo == SIGCONT || signo == SIGKILL) {
        the_proc.stopped = false;
        waitq_wake(&the_proc.continue_waitq, EVENTS_ANY);
    }
}

/* Wakes whoever shall handle a signal that is now pending: of a task, or of the process (NULL). */
static void wake_for(struct task *target, int signo)
{
    sigmask_t bit = SIGMASK(signo);
    bool chosen = false;
    waitq_wake(&the_proc.signalfd_waitq, EPOLLIN);
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
    {
        struct task *task = list_entry(node, struct task, node);
        if (target && task != target)
            continue;
        if (!chosen && !(task->blocked & bit)) {
            chosen = true;
            thread_interrupt(task->thread);
        }
        waitq_wake(&task->signal_waitq, EVENTS_ANY);
    }
    spin_unlock(&the_proc.task_lock);
}

void signal_pass_on(sigmask_t mask)
{
    sigmask_t left = the_proc.pending.set & mask;
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
    {
        struct task *other = list_entry(node, struct task, node);
        if (other == task_current() || !(left & ~other->blocked))
            continue;
        left &= other->blocked;
        thread_interrupt(other->thread);
    }
    spin_unlock(&the_proc.task_lock);
}

static void fill_kernel_info(siginfo_t *info, int signo)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = signo;
    info->si_code = SI_KERNEL;
}

static int queue_locked(struct task *target, int signo, struct sigqueue_entry **entry, bool must)
{
    cancel_opposite(signo);
    if (is_ignored(signo, target ? target->blocked : blocked_by_any()))
        return 0;
    struct pending_signals *pending = target ? &target->pending : &the_proc.pending;
    if (signo < REALTIME_MIN && (pending->set & SIGMASK(signo)))
        return 0;
    if (*entry) {
        list_add_tail(&pending->queue, &(*entry)->node);
        queued_count++;
        *entry = NULL;
    } else if (must) {
        return -EAGAIN;
    } else {
        pending->bare |= SIGMASK(signo);
    }
    pending->set |= SIGMASK(signo);
    wake_for(target, signo);
    return 0;
}

static int send(struct task *target, int signo, const siginfo_t *info)
{
    bool from_queue = info && info->si_code != SI_USER && info->si_code < 0;
    bool over = from_queue && queued_count >= proc_limit(RLIMIT_SIGPENDING);
    struct sigqueue_entry *entry =
        over ? NULL : heap_zalloc_flags(sizeof(*entry), ALLOC_OBJECT | ALLOC_LOCKED);
    if (entry) {
        list_init(&entry->node);
        if (info)
            entry->info = *info;
        else
            fill_kernel_info(&entry->info, signo);
        entry->info.si_signo = signo;
    }
    spin_lock(&the_proc.signal_lock);
    int err = queue_locked(target, signo, &entry, from_queue && signo >= REALTIME_MIN);
    spin_unlock(&the_proc.signal_lock);
    heap_free(entry);
    return err;
}

int signal_send_process(int signo, const siginfo_t *info)
{
    return send(NULL, signo, info);
}

int signal_send_task(struct task *t, int signo, const siginfo_t *info)
{
    return send(t, signo, info);
}

bool signal_send_timer(struct sigqueue_entry *entry, int tid)
{
    int signo = entry->info.si_signo;
    bool queued = false;
    spin_lock(&the_proc.signal_lock);
    struct task *target = NULL;
    if (tid) {
        spin_lock(&the_proc.task_lock);
        target = task_find(tid);
        spin_unlock(&the_proc.task_lock);
    }
    bool gone = tid && !target;
    cancel_opposite(signo);
    if (!gone && list_empty(&entry->node) &&
        !is_ignored(signo, target ? target->blocked : blocked_by_any())) {
        struct pending_signals *pending = target ? &target->pending : &the_proc.pending;
        list_add_tail(&pending->queue, &entry->node);
        entry->in = pending;
        pending->set |= SIGMASK(signo);
        wake_for(target, signo);
        queued = true;
    }
    spin_unlock(&the_proc.signal_lock);
    return queued;
}

void signal_recall_timer(struct sigqueue_entry *entry)
{
    spin_lock(&the_proc.signal_lock);
    if (!list_empty(&entry->node)) {
        list_remove(&entry->node);
        pending_update(entry->in, entry->info.si_signo);
    }
    spin_unlock(&the_proc.signal_lock);
}

/* Sends a signal to the current task that it cannot escape from: blocking or ignoring it, it
 * would run into the same fault for ever, so then it dies. */
static void force(const siginfo_t *info)
{
    struct task *task = task_current();
    sigmask_t bit = SIGMASK(info->si_signo);
    spin_lock(&the_proc.signal_lock);
    struct sigaction_kernel *action = &the_proc.actions[info->si_signo - 1];
    if ((task->blocked & bit) || action->handler == (uint64_t)SIG_IGN)
        action->handler = (uint64_t)SIG_DFL;
    task->blocked &= ~bit;
    pending_flush(&task->pending, bit);
    spin_unlock(&the_proc.signal_lock);
    (void)signal_send_task(task, info->si_signo, info);
    thread_interrupt(task->thread);
}

void signal_force_fault(int signo, int code, uint64_t addr, int trapno, uint64_t error_code)
{
    struct task *task = task_current();
    task->fault_addr = addr;
    task->fault_trapno = (uint32_t)trapno;
    task->fault_error = error_code;
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_signo = signo;
    info.si_code = code;
    if (code != SI_KERNEL)
        info.si_addr = (void *)addr;
    force(&info);
}

void signal_kill_self(int signo)
{
    spin_lock(&the_proc.signal_lock);
    the_proc.actions[signo - 1].handler = (uint64_t)SIG_DFL;
    spin_unlock(&the_proc.signal_lock);
    siginfo_t info;
    fill_kernel_info(&info, signo);
    force(&info);
}

void signal_set_blocked(sigmask_t mask)
{
    struct task *task = task_current();
    spin_lock(&the_proc.signal_lock);
    sigmask_t added = mask & ~SIGMASK_FORCED & ~task->blocked;
    if (the_proc.pending.set & added)
        signal_pass_on(added);
    task->blocked = mask & ~SIGMASK_FORCED;
    bool due = (signal_pending_set() & ~task->blocked) != 0;
    spin_unlock(&the_proc.signal_lock);
    if (due)
        thread_interrupt(task->thread);
}

int signal_read_mask(struct uptr mask, size_t size, sigmask_t *out)
{
    if (size != sizeof(*out))
        return -EINVAL;
    return copy_from_user(out, mask, sizeof(*out));
}

int signal_mask_begin(struct uptr mask, size_t size)
{
    if (uptr_is_null(mask))
        return 0;
    sigmask_t temporary;
    int err = signal_read_mask(mask, size, &temporary);
    if (err)
        return err;
    struct task *task = task_current();
    task->saved_blocked = task->blocked;
    task->restore_blocked = true;
    signal_set_blocked(temporary);
    return 0;
}

void signal_mask_end(bool interrupted)
{
    struct task *task = task_current();
    if (!task->restore_blocked)
        return;
    if (interrupted) { /* return.c restores it, after the handler's frame is made */
        thread_interrupt(task->thread);
        return;
    }
    task->restore_blocked = false;
    signal_set_blocked(task->saved_blocked);
}
