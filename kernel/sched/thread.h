/*
 * Kernel threads. A program's thread is a kernel thread with a task (kernel/proc/task.h) attached.
 * The kernel is never pre-empted inside itself: a thread runs until it sleeps, yields, or returns
 * to ring 3, where the timer may take the CPU from it.
 */
#pragma once

#include "kernel/arch/thread.h"
#include "kernel/base/list.h"
#include "kernel/sched/waitq.h"
#include "kernel/time/timer.h"

struct task;

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

struct thread {
    struct arch_thread arch; /* saved context: stack pointer, FS/GS base, FPU state */
    struct task *task;       /* the program's thread, or NULL */
    void *stack_top;         /* of the kernel stack */
    struct list_node run_node;
    enum thread_state state;
    bool interrupted;   /* a signal is to be handled: interruptible sleeps end (-EINTR), and the
                           return to ring 3 calls task_return_work() */
    bool interruptible; /* sleeping so */
    bool resched;       /* its time slice is over */
    bool moved;         /* to another CPU, since it was last in ring 3 */
    uint8_t policy;     /* SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE */
    int8_t nice;
    uint8_t rt_priority;      /* 1 to 99 for SCHED_FIFO and SCHED_RR, else 0 */
    uint32_t cpu;             /* the CPU it runs on, waits for, or last ran on */
    uint64_t affinity;        /* CPUs it may run on; 0: all */
    uint64_t slice_end_ns;    /* monotonic */
    uint64_t give_way_cycles; /* of the counter: when cond_resched() is to let others in again */
    uint64_t run_since_ns;    /* monotonic: when it last got the CPU */
    uint64_t run_ns;          /* CPU time used before that */
    uint64_t user_ns;         /* the part of it in ring 3 (sampled at entry when accounted) */
    uint64_t voluntary_switches, involuntary_switches;
    struct timer sleep_timer;
    int64_t sleep_real_ns;    /* what it sleeps for is a time of the real clock; or 0 */
    void (*entry)(void *arg); /* kernel threads: what they run */
    void *arg;
    const char *name;
};

struct thread *thread_current(void);

/* Makes a kernel thread, not yet started. Returns 0 or -ENOMEM. */
MUST_CHECK int thread_create(struct thread **out, void (*entry)(void *), void *arg,
                             const char *name);
/* Frees a thread that was never started. */
void thread_destroy(struct thread *t);
void thread_start(struct thread *t);
/* Ends the current thread; its stack is freed once nobody runs on it. */
NORETURN void thread_exit(void);
/* Lets another thread that is ready run. */
void thread_yield(void);
/* For loops whose length the program chooses, in each round: four times a millisecond takes
 * interrupts, lets other CPUs into the kernel, and gives the CPU away if another thread's turn has
 * come. Holds no spin lock, and no mutex that a page fault, an open or an mmap may wait for. */
void cond_resched(void);
/* Whether it is time for that: to give locks back first. */
bool cond_resched_due(void);
/* Makes a sleeping thread ready (no-op otherwise). May be called under spin locks. */
void thread_wake(struct thread *t);
/* Sets t->interrupted and ends an interruptible sleep: a signal came for it. */
void thread_interrupt(struct thread *t);
/* Sleeps until the deadline. Returns 0 when it passed, or -EINTR (interruptible). */
int thread_sleep_until(uint64_t deadline_ns, bool interruptible);
/* CPU time used so far, in nanoseconds. */
uint64_t thread_cpu_ns(const struct thread *t);

/* Scheduling parameters changed (policy, nice, rt_priority, affinity set by the caller): requeue.
 */
void sched_update(struct thread *t);
/* Starts the machine's other CPUs, if that has not been done: there is work for them. */
void sched_start_cpus(void);
/* Memory barriers on all CPUs that run the program (membarrier(2)). restart: their threads also
 * leave restartable sequences. */
void sched_barrier(bool restart);
/* CPUs the program may count on, and the one we are on. */
unsigned sched_cpu_count(void);
unsigned sched_cpu_current(void);
/* Nanoseconds the CPU was idle since boot; for /proc/stat and sysinfo's load. */
uint64_t sched_idle_ns(unsigned cpu);
uint64_t sched_idle_mean_ns(void); /* of all CPUs */
/* Nanoseconds that threads waited for a CPU that others had, since boot: the mean of all CPUs. */
uint64_t sched_waited_ns(void);
/* Threads ready or running now. */
unsigned sched_running(void);
uint64_t sched_switches(void);
