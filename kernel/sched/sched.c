/*
 * The scheduler: per priority class a FIFO queue; a time slice each. Real-time threads (SCHED_FIFO,
 * SCHED_RR) go before others by priority; among the others the queue is fair by turns, and niceness
 * makes slices shorter or longer.
 *
 * sched_lock guards states, queues and slices. It is held across the switch itself: the thread
 * switched to releases it.
 */
#include <linux/sched.h>

#include "kernel/arch/cpu.h"
#include "kernel/arch/regs.h"
#include "kernel/arch/switch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/sched/sleep.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define SLICE_NS 10000000ul
#define WAKE_LATENCY_NS 1000000ul
#define RR_SLICE_NS 100000000ul

static struct spinlock sched_lock = SPINLOCK_INIT(RANK_SCHED);
static struct list_node ready = LIST_INIT(ready);           /* GUARDED_BY(sched_lock) */
static struct list_node ready_rt = LIST_INIT(ready_rt);     /* by priority; same lock */
static struct list_node ready_idle = LIST_INIT(ready_idle); /* SCHED_IDLE; same lock */
static unsigned ready_count;
static struct thread idle_thread;
static struct thread *dead; /* its stack is freed by whoever runs next */
static struct timer slice_timer;
static uint64_t switches;

static bool is_realtime(const struct thread *t)
{
    return t->policy == SCHED_FIFO || t->policy == SCHED_RR;
}

static void enqueue_rt(struct thread *t, bool front)
{
    struct list_node *at = ready_rt.next;
    for (; at != &ready_rt; at = at->next) {
        const struct thread *other = list_entry(at, struct thread, run_node);
        if (other->rt_priority < t->rt_priority ||
            (front && other->rt_priority == t->rt_priority)) {
            break;
        }
    }
    list_insert_before(at, &t->run_node);
}

static void enqueue(struct thread *t, bool front)
{
    if (t == &idle_thread) {
        return;
    }
    ready_count++;
    if (is_realtime(t)) {
        enqueue_rt(t, front);
    } else {
        list_add_tail(t->policy == SCHED_IDLE ? &ready_idle : &ready, &t->run_node);
    }
}

static struct thread *dequeue(void)
{
    struct list_node *queue = !list_empty(&ready_rt) ? &ready_rt
                              : !list_empty(&ready)  ? &ready
                                                     : &ready_idle;
    if (list_empty(queue)) {
        return &idle_thread;
    }
    struct thread *t = list_entry(queue->next, struct thread, run_node);
    list_remove(&t->run_node);
    ready_count--;
    return t;
}

static uint64_t slice_ns(const struct thread *t)
{
    if (t->policy == SCHED_RR) {
        return RR_SLICE_NS;
    }
    return t->nice <= 0 ? SLICE_NS * (uint64_t)(1 - t->nice / 5)
                        : SLICE_NS / (uint64_t)(1 + t->nice / 4);
}

/* A slice needs an end only if somebody waits for it. */
static void slice_start(struct thread *t, uint64_t now)
{
    t->slice_end_ns = now + slice_ns(t);
    if (ready_count && t != &idle_thread && t->policy != SCHED_FIFO) {
        timer_set(&slice_timer, t->slice_end_ns);
    }
}

static void slice_expired(struct timer *timer)
{
    (void)timer;
    struct thread *t = thread_current();
    if (t != &idle_thread && ready_count) {
        t->resched = true;
    }
}

static void reap(void)
{
    struct thread *t = dead;
    dead = NULL;
    if (t) {
        stack_free(t->stack_top);
        heap_free(t);
    }
}

/* Runs the next ready thread; the current one's new state is set already. Holds sched_lock. */
static void switch_away(void)
{
    struct thread *from = thread_current();
    struct thread *to = dequeue();
    to->state = THREAD_RUNNING;
    from->resched = false;
    uint64_t now = clock_monotonic_ns();
    slice_start(to, now);
    if (to == from) {
        return;
    }
    from->run_ns += now - from->run_since_ns;
    to->run_since_ns = now;
    switches++;
    arch_switch(from, to);
    reap();
}

void thread_switched_in(void) NO_LOCK_ANALYSIS
{
    reap();
    spin_unlock(&sched_lock);
}

void thread_started(void)
{
    thread_switched_in();
    struct thread *t = thread_current();
    t->entry(t->arg);
    thread_exit();
}

int thread_create(struct thread **out, void (*entry)(void *), void *arg, const char *name)
{
    struct thread *t = heap_zalloc(sizeof(*t));
    if (!t) {
        return -ENOMEM;
    }
    t->stack_top = stack_alloc();
    if (!t->stack_top) {
        heap_free(t);
        return -ENOMEM;
    }
    t->state = THREAD_SLEEPING;
    t->entry = entry;
    t->arg = arg;
    t->name = name;
    list_init(&t->run_node);
    timer_init(&t->sleep_timer, NULL);
    arch_thread_init(t);
    *out = t;
    return 0;
}

void thread_destroy(struct thread *t)
{
    arch_fpu_free(t);
    stack_free(t->stack_top);
    heap_free(t);
}

static bool preempts(const struct thread *t, const struct thread *running)
{
    if (running == &idle_thread || !is_realtime(t)) {
        return false;
    }
    return !is_realtime(running) || t->rt_priority > running->rt_priority;
}

static void make_ready(struct thread *t)
{
    t->state = THREAD_READY;
    enqueue(t, false);
    struct thread *running = thread_current();
    if (preempts(t, running)) {
        running->resched = true;
    } else if (running != &idle_thread && ready_count == 1 && running->policy != SCHED_FIFO) {
        /* Nobody waited so far: who comes waits a little, not for the whole slice. */
        timer_set(&slice_timer, min_u64(max_u64(running->slice_end_ns, clock_monotonic_ns()),
                                        clock_monotonic_ns() + WAKE_LATENCY_NS));
    }
}

void thread_start(struct thread *t)
{
    thread_wake(t);
}

void thread_wake(struct thread *t)
{
    spin_lock(&sched_lock);
    if (t->state == THREAD_SLEEPING) {
        make_ready(t);
    }
    spin_unlock(&sched_lock);
}

void thread_interrupt(struct thread *t)
{
    spin_lock(&sched_lock);
    t->interrupted = true;
    if (t->state == THREAD_SLEEPING && t->interruptible) {
        make_ready(t);
    }
    spin_unlock(&sched_lock);
}

static void sleep_expired(struct timer *timer)
{
    thread_wake(container_of(timer, struct thread, sleep_timer));
}

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

int thread_sleep_unless(const bool *woken, uint64_t deadline_ns, bool interruptible)
{
    struct thread *t = thread_current();
    lock_check_sleep("sleep");
    for (;;) {
        if (is_set(woken)) {
            return 0;
        }
        if (interruptible && t->interrupted) {
            return -EINTR;
        }
        if (deadline_ns != DEADLINE_NONE) {
            if (clock_monotonic_ns() >= deadline_ns) {
                return -ETIMEDOUT;
            }
            t->sleep_timer.expired = sleep_expired;
            timer_set(&t->sleep_timer, deadline_ns);
        }
        spin_lock(&sched_lock);
        if (!is_set(woken) && !(interruptible && t->interrupted)) {
            t->state = THREAD_SLEEPING;
            t->interruptible = interruptible;
            t->voluntary_switches++;
            switch_away();
        }
        spin_unlock(&sched_lock);
        if (deadline_ns != DEADLINE_NONE) {
            timer_cancel(&t->sleep_timer);
        }
    }
}

int thread_sleep_until(uint64_t deadline_ns, bool interruptible)
{
    bool never = false;
    int err = thread_sleep_unless(&never, deadline_ns, interruptible);
    return err == -ETIMEDOUT ? 0 : err;
}

void thread_yield(void)
{
    struct thread *t = thread_current();
    arch_poll_interrupts();
    spin_lock(&sched_lock);
    bool preempted = t->resched;
    if (preempted) {
        t->involuntary_switches++;
    } else {
        t->voluntary_switches++;
    }
    t->state = THREAD_READY;
    enqueue(t, preempted && t->policy == SCHED_FIFO); /* it keeps its turn */
    switch_away();
    spin_unlock(&sched_lock);
}

void thread_exit(void)
{
    struct thread *t = thread_current();
    timer_cancel(&t->sleep_timer);
    arch_fpu_free(t);
    spin_lock(&sched_lock);
    t->state = THREAD_DEAD;
    ASSERT(!dead);
    dead = t;
    switch_away();
    panic("a dead thread runs");
}

uint64_t thread_cpu_ns(const struct thread *t)
{
    uint64_t ns = t->run_ns;
    if (t->state == THREAD_RUNNING) {
        ns += clock_monotonic_ns() - t->run_since_ns;
    }
    return ns;
}

void sched_update(struct thread *t)
{
    spin_lock(&sched_lock);
    if (t->state == THREAD_READY) {
        list_remove(&t->run_node);
        ready_count--;
        enqueue(t, false);
        if (preempts(t, thread_current())) {
            thread_current()->resched = true;
        }
    } else if (t == thread_current() && ready_count) {
        t->resched = true;
    }
    spin_unlock(&sched_lock);
}

unsigned sched_cpu_count(void)
{
    return 1;
}

unsigned sched_cpu_current(void)
{
    return 0;
}

uint64_t sched_idle_ns(unsigned cpu)
{
    return cpu == 0 ? thread_cpu_ns(&idle_thread) : 0;
}

unsigned sched_running(void)
{
    return ready_count + (thread_current() != &idle_thread);
}

uint64_t sched_switches(void)
{
    return switches;
}

extern char boot_stack_end[];

void sched_init(void)
{
    timer_init(&slice_timer, slice_expired);
    timer_init(&idle_thread.sleep_timer, NULL);
    idle_thread.name = "idle";
    idle_thread.state = THREAD_RUNNING;
    idle_thread.policy = SCHED_IDLE;
    idle_thread.stack_top = boot_stack_end;
    list_init(&idle_thread.run_node);
    cpu_current()->thread = &idle_thread;
}

void sched_idle(void)
{
    for (;;) {
        spin_lock(&sched_lock);
        if (ready_count) {
            idle_thread.state = THREAD_READY;
            switch_away();
        }
        spin_unlock(&sched_lock);
        if (!ready_count) {
            arch_idle();
        }
    }
}
