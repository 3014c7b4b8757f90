/*
 * The one process and its threads (tasks): ids, signals, limits, what exec set up.
 *
 * There is never a second process. Its pid is PROC_PID, and so is the main thread's tid.
 */
#pragma once

#include <linux/signal.h>

#include "kernel/arch/uaccess.h"
#include "kernel/base/list.h"
#include "kernel/proc/cred.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/spinlock.h"

struct dentry;
struct futex_waiter;
struct sem_undo_list;
struct sigqueue_entry;
struct user_regs;

#define PROC_PID 2 /* pid 1 is special to programs (signals, reaping): so it is not ours */
#define SIGNAL_COUNT 64

typedef uint64_t sigmask_t; /* bit n-1: signal n */

struct pending_signals {
    sigmask_t set;
    sigmask_t bare;         /* of those, pending without an entry: there was no memory */
    struct list_node queue; /* struct sigqueue_entry: siginfo of each, in order */
};

struct task {
    struct thread *thread;
    int tid;
    struct list_node node; /* in the_proc.tasks */
    char name[16];         /* PR_SET_NAME, /proc/self/task/TID/comm */
    struct cred cred;
    /* Signals: under the_proc.signal_lock. */
    sigmask_t blocked;
    sigmask_t saved_blocked; /* to restore after sigsuspend, ppoll … */
    bool restore_blocked;
    struct pending_signals pending;
    uint64_t altstack_base, altstack_size;
    uint32_t altstack_flags;
    struct waitq signal_waitq; /* sigtimedwait */
    /* Thread death. */
    struct uptr clear_tid; /* set to 0 and futex-woken when it ends */
    struct uptr robust_list;
    uint64_t robust_size;
    /* rseq(2). */
    struct uptr rseq;
    uint32_t rseq_size, rseq_signature;
    uint64_t timer_slack_ns;
#define DEFAULT_SLACK_NS 50000
    /* What sched_setscheduler(2) set, while a PI futex lends it more: proc/priority.c. */
    bool borrows;
    uint8_t own_policy, own_rt_priority;
    uint16_t io_priority;     /* ioprio_set(2) */
    uint64_t memory_nodes;    /* set_mempolicy(2): syscall/sys_mempolicy.c */
    uint64_t restart_data[4]; /* restart_syscall(2) */
    int restart_kind;
    int exit_status;
    bool exiting; /* exit_group or exec by another thread: ends at its next return */
    /* The last fault, as signal frames show it. */
    uint64_t fault_addr, fault_error;
    uint32_t fault_trapno;
    int memory_policy;                  /* with memory_nodes */
    struct futex_waiter *futex_pi_wait; /* the PI futex it waits for: proc/futex_pi.c */
    struct sem_undo_list *sem_undo;     /* what its end undoes, or NULL: ipc/sem.c */
};

struct sigaction_kernel { /* as rt_sigaction(2) passes it */
    uint64_t handler, flags, restorer, mask;
};

struct proc {
    struct spinlock task_lock;
    struct list_node tasks GUARDED_BY(task_lock);
    unsigned task_count GUARDED_BY(task_lock);
    struct spinlock signal_lock;
    struct sigaction_kernel actions[SIGNAL_COUNT] GUARDED_BY(signal_lock);
    struct pending_signals pending GUARDED_BY(signal_lock); /* of the whole process */
    struct waitq signalfd_waitq; /* woken when any signal becomes pending */
    bool stopped;                /* by SIGSTOP, SIGTSTP …: threads wait in task_return_work() */
    struct waitq continue_waitq;
    uint32_t umask;
    struct dentry *exe;     /* the executable, for /proc/self/exe */
    struct dentry *program; /* what the first exec named: that file, or a script */
    char comm[16];
    uint64_t arg_start, arg_end, env_start, env_end, auxv_start, auxv_size; /* user addresses */
    uint64_t limits[16][2]; /* RLIMIT_*: soft, hard */
    uint64_t start_ns;      /* monotonic */
    int session, pgrp;
    bool dumpable;
    bool exiting;
    int exit_code;                  /* as of wait(2): status << 8, or the signal */
    struct waitq task_waitq;        /* woken when a task ends */
    uint64_t dead_ns, dead_user_ns; /* CPU time of the tasks that ended */
    uint64_t dead_switches[2];      /* theirs: voluntary, involuntary */
    uint64_t vdso_base;             /* user address of the vDSO, or 0 */
};

extern struct proc the_proc;

struct task *task_current(void); /* NULL in a kernel thread */

/* Boot: makes the main task on the current thread, which has its FPU state. It is root's. */
MUST_CHECK int proc_init(void);
/* Boot: the current task becomes whom the run record names. Returns 0 or -ENOMEM. */
MUST_CHECK int proc_take_user(void);

/* Replaces the address space by the program at path (scripts with #! too): exec(2). On success
 * registers of the current thread are those of the program's first instruction. path is looked up
 * from the current directory. Returns 0 or -errno; after the point of no return kills instead. */
struct exec_args {
    const char *path;
    char *const *argv; /* NULL-terminated, kernel memory */
    char *const *envp;
};
MUST_CHECK int proc_exec(const struct exec_args *args);

/* Makes a task, in no list yet, for thread t, with these credentials. NULL if there is no memory.
 */
struct task *task_alloc(struct thread *t, const struct cred *cred);
/* Frees one that was never in the list, or is no more. */
void task_free(struct task *task);
/* A new thread id. */
int task_new_tid(void);
/* Puts task into the_proc.tasks, or answers false because the process is ending. */
bool task_add(struct task *task);
/* Ends the current task; the process with it if it is the last. status as of exit(2). */
NORETURN void task_end(int status);
/* Makes all other tasks end at their next return to ring 3. */
void task_kill_others(void);
/* The same, and waits until they have (exec). The current task becomes the main one. */
void task_end_others(void);

/* What stands between a trap or call and ring 3 when thread->interrupted, ->resched or ->moved
 * ask for it: delivers signals, restarts calls, ends the thread. Called by arch code, any number
 * of times until nothing is left. */
void task_return_work(struct user_regs *regs);

/* Ends the whole process: status as of wait(2). Does not return if called by a task. */
void proc_exit(int wait_status);
/* How many threads there may be: their stacks take an eighth of memory at most. */
uint32_t task_max(void);
/* Ends the program by SIGKILL on its next way out of the kernel, and says why, once: memory that it
 * can't go on without is not to be had. */
void proc_out_of_memory(void);

/* Sends a signal to the process, or to one task. info NULL: as the kernel sends (SI_KERNEL).
 * May be called under spin locks below RANK_SIGNAL, from interrupts too. Returns 0, -EAGAIN. */
int signal_send_process(int signo, const siginfo_t *info);
int signal_send_task(struct task *t, int signo, const siginfo_t *info);
/* A fault of the current thread: forces the signal even if blocked or ignored. */
void signal_force_fault(int signo, int code, uint64_t addr, int trapno, uint64_t error_code);
/* True if a signal is to be handled by the current task. */
bool signal_pending(void);
/* True if one is that will end the process, or the task is to end: for calls that go on for long
 * and that no other signal interrupts. */
bool signal_fatal_pending(void);

struct task *task_find(int tid); /* under task_lock, or NULL */
/* A descriptive text of why the program died, with registers and backtrace, sent as a REPORT. */
void report_fatal_signal(int signo, const siginfo_t *info, const struct user_regs *regs);

/* Per-resource soft limit (RLIMIT_*). */
static inline uint64_t proc_limit(int resource)
{
    return the_proc.limits[resource][0];
}
