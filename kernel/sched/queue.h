/*
 * Run queues, one for each CPU: per priority class a FIFO queue. Real-time threads (SCHED_FIFO,
 * SCHED_RR) go before others by priority; among the others the queue is fair by turns. A CPU that
 * finds its own queue empty takes from another's.
 *
 * All of it under sched_lock, which also guards threads' states.
 */
#pragma once

#include "kernel/arch/smp.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"

struct run_queue {
    struct list_node ready;
    struct list_node ready_rt;   /* by priority */
    struct list_node ready_idle; /* SCHED_IDLE */
    unsigned ready_count;
    uint64_t waiting_since_ns; /* while threads wait here for the one that runs; 0: none do */
    uint64_t waited_ns;        /* before that */
    unsigned cpu;
    struct thread *running;
    struct thread idle;
    struct thread *dead; /* its stack is freed by whoever runs next */
    struct timer slice_timer;
};

extern struct spinlock sched_lock;

void queue_init(struct run_queue *q, unsigned cpu, void *idle_stack);
/* From now on threads go to q's CPU. */
void queue_online(struct run_queue *q);
struct run_queue *queue_this(void);
/* The CPU's, or NULL if it doesn't run. */
struct run_queue *queue_of(unsigned cpu);

/* front: before others of the same real-time priority. */
void queue_add(struct run_queue *q, struct thread *t, bool front);
void queue_remove(struct thread *t);
/* Takes the thread that q's CPU shall run next: its own, another CPU's, or its idle thread. */
struct thread *queue_take(struct run_queue *q);

/* Where t is best put: now that it woke, or when its time slice is over. */
struct run_queue *queue_for_woken(const struct thread *t);
struct run_queue *queue_after_slice(const struct thread *t);
/* Whether t takes the CPU from running at once. */
bool queue_preempts(const struct thread *t, const struct run_queue *q);

/* Notes that t belongs to this CPU from now on. */
void thread_move(struct thread *t, unsigned cpu);
static inline bool thread_may_use(const struct thread *t, unsigned cpu)
{
    return !t->affinity || (t->affinity >> cpu & 1);
}
