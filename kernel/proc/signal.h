/*
 * Signals inside kernel/proc and the system calls: pending queues, masks, frames.
 *
 * A signal that comes is queued, either on one task or on the process, and a task that does not
 * block it is interrupted (thread_interrupt). It is taken from its queue by the task itself, on
 * the way back to ring 3 or in sigtimedwait and signalfd.
 */
#pragma once

#include "kernel/proc/task.h"

struct posix_timer;

struct sigqueue_entry {
    struct list_node node;
    siginfo_t info;
    struct posix_timer *timer;  /* whose part the entry is, or NULL: on the heap */
    struct pending_signals *in; /* a timer's: where it is queued */
};

#define SIGMASK(signo) (1ul << ((signo)-1))
/* Cannot be blocked, caught or ignored. */
#define SIGMASK_FORCED (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGMASK_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))

static inline bool signal_valid(int signo)
{
    return signo >= 1 && signo <= SIGNAL_COUNT;
}

void pending_init(struct pending_signals *pending);
/* Drops every pending signal of mask. */
void pending_flush(struct pending_signals *pending, sigmask_t mask);

/* Takes the first pending signal among wanted from the current task's or the process's queue.
 * Returns its number with *info filled, or 0. For sigtimedwait and signalfd. */
int signal_take(sigmask_t wanted, siginfo_t *info);
/* What is pending for the current task, blocked or not. */
sigmask_t signal_pending_set(void);

/* The current task will not handle the process's pending signals of mask, which it may have been
 * woken for: other tasks shall. signal_lock is held. */
void signal_pass_on(sigmask_t mask);

/* Sets the current task's mask (SIGKILL and SIGSTOP are left out of it). */
void signal_set_blocked(sigmask_t mask);
/* Reads a mask of the program's. Returns 0, -EINVAL (size), -EFAULT. */
MUST_CHECK int signal_read_mask(struct uptr mask, size_t size, sigmask_t *out);
/* ppoll and the like: sets the mask for the length of the call, if mask isn't null. After it,
 * signal_mask_end() with whether the call ended by a signal, which is then handled under the
 * temporary mask. Returns 0, -EINVAL, -EFAULT. */
MUST_CHECK int signal_mask_begin(struct uptr mask, size_t size);
void signal_mask_end(bool interrupted);

/* Queues a timer's own entry, or counts an overrun if it is still queued. tid 0: the process.
 * Returns whether it was queued; false: it still is, or the signal is ignored. */
bool signal_send_timer(struct sigqueue_entry *entry, int tid);
/* Takes the entry out of the queue it may be in: its signal is no longer pending. */
void signal_recall_timer(struct sigqueue_entry *entry);

/* What a signal does by default. */
enum signal_default { SIGNAL_TERMINATES, SIGNAL_DUMPS, SIGNAL_IGNORED, SIGNAL_STOPS };
enum signal_default signal_default_of(int signo);

/* Makes the current task die of signo at its next return to ring 3, whatever it has set up. */
void signal_kill_self(int signo);

/* arch: builds the frame for a handler on the program's stack and points regs at the handler.
 * mask is what sigreturn restores. Returns 0 or -EFAULT. */
MUST_CHECK int sigframe_push(struct user_regs *regs, const struct sigaction_kernel *action,
                             int signo, const siginfo_t *info, sigmask_t mask);
/* arch: restores registers, mask, FPU state and alternate stack from the frame at the stack
 * pointer. Returns 0 or -EFAULT. */
MUST_CHECK int sigframe_pop(struct user_regs *regs);
/* arch: goes back to the call instruction, to make it again with number nr. */
void regs_restart_syscall(struct user_regs *regs, uint64_t nr);
/* arch: whether [base, base + size) holds the stack pointer. */
bool regs_stack_in(const struct user_regs *regs, uint64_t base, uint64_t size);

/* Alternate stacks, as sigaltstack(2) passes them. */
struct altstack_kernel {
    uint64_t sp;
    int32_t flags;
    uint32_t pad;
    uint64_t size;
};
void altstack_get(const struct user_regs *regs, struct altstack_kernel *out);
/* Returns 0, -EPERM (in use), -EINVAL, -ENOMEM (too small). */
MUST_CHECK int altstack_set(const struct user_regs *regs, const struct altstack_kernel *stack);
