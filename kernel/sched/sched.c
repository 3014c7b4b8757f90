/*
 * The scheduler: whose turn it is on each CPU. A time slice each; niceness makes slices shorter or
 * longer.
 *
 * sched_lock guards states, queues and slices. It is held across the switch itself: the thread
 * switched to releases it. So a thread that is in a queue has its registers saved.
 */
#include <linux/sched.h>

#include "kernel/arch/cpu.h"
#include "kernel/arch/switch.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/stack.h"
#include "kernel/platform/run.h"
#include "kernel/sched/queue.h"
#include "kernel/sched/sleep.h"
#include "kernel/time/clock.h"

#define SLICE_NS 10000000ul
#define WAKE_LATENCY_NS 1000000ul
#define RR_SLICE_NS 100000000ul
#define GIVE_WAY_NS 250000ul /* how long a call goes on before it lets others in */

static struct run_queue boot_queue;
static uint64_t switches; /* under sched_lock */
static unsigned cpu_limit = CPUS_MAX;

static uint64_t slice_ns(const struct thread *t)
{
    if (t->policy == SCHED_RR) {
        return RR_SLICE_NS;
    }
    return t->nice <= 0 ? ns_mul(SLICE_NS, (uint64_t)(1 - t->nice / 5))
                        : SLICE_NS / (uint64_t)(1 + t->nice / 4);
}

/* A slice needs an end only if somebody waits for it. */
static void slice_start(struct run_queue *q, struct thread *t, uint64_t now)
{
    t->slice_end_ns = ns_add(now, slice_ns(t));
    if (q->ready_count && t != &q->idle && t->policy != SCHED_FIFO) {
        timer_set(&q->slice_timer, t->slice_end_ns);
    }
}

static void kick(const struct run_queue *q)
{
    if (q->cpu != arch_cpu_index()) {
        arch_cpu_kick(q->cpu);
    }
}

/* Makes the CPU choose again, when what it does comes back from ring 3 or wakes from idling. */
static void interrupt_running(struct run_queue *q)
{
    if (q->running != &q->idle) {
        q->running->resched = true;
    }
    kick(q);
}

static void slice_expired(struct timer *timer)
{
    struct run_queue *q = container_of(timer, struct run_queue, slice_timer);
    if (q->running != &q->idle && q->ready_count) {
        interrupt_running(q);
    }
}

static void reap(void)
{
    struct run_queue *q = queue_this();
    struct thread *t = q->dead;
    q->dead = NULL;
    if (t) {
        stack_free(t->stack_top);
        heap_free(t);
    }
}

/* The turn of the one that ran is over: how long did others wait for it? */
static inline void waited(struct run_queue *q, uint64_t now)
{
    if (q->waiting_since_ns) {
        q->waited_ns = ns_add(q->waited_ns, ns_sub(now, q->waiting_since_ns));
    }
    q->waiting_since_ns = q->ready_count ? now : 0;
}

/* Runs the next ready thread; the current one's new state is set already. Holds sched_lock. */
static void switch_away(void)
{
    struct run_queue *q = queue_this();
    struct thread *from = q->running;
    struct thread *to = queue_take(q);
    to->state = THREAD_RUNNING;
    thread_move(to, q->cpu);
    from->resched = false;
    uint64_t now = clock_monotonic_ns();
    slice_start(q, to, now);
    waited(q, now);
    if (to == from) {
        return;
    }
    q->running = to;
    from->run_ns = ns_add(from->run_ns, ns_sub(now, from->run_since_ns));
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
    struct thread *t = heap_zalloc_object(sizeof(*t));
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

/* t has been put into q: does its CPU have to know? */
static void announce(struct run_queue *q, const struct thread *t)
{
    const struct thread *running = q->running;
    if (running == &q->idle) {
        kick(q);
    } else if (queue_preempts(t, q)) {
        interrupt_running(q);
    } else if (q->ready_count == 1 && running->policy != SCHED_FIFO) {
        /* Nobody waited so far: who comes waits a little, not for the whole slice. */
        uint64_t now = clock_monotonic_ns();
        q->waiting_since_ns = now;
        timer_set(&q->slice_timer,
                  min_u64(max_u64(running->slice_end_ns, now), ns_add(now, WAKE_LATENCY_NS)));
    }
}

static void make_ready(struct thread *t)
{
    struct run_queue *q = queue_for_woken(t);
    t->state = THREAD_READY;
    queue_add(q, t, false);
    announce(q, t);
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
    } else if (t->state == THREAD_RUNNING) {
        kick(queue_of(t->cpu)); /* it may be in ring 3 on another CPU */
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

bool cond_resched_due(void)
{
    return arch_cycles() >= thread_current()->give_way_cycles;
}

/* Threads that wake each other in turns may never leave the kernel, nor find it idle: so a timer or
 * a card would not be heard. */
static void look_around(struct thread *t)
{
    if (UNLIKELY(cond_resched_due())) {
        arch_poll_interrupts();
        t->give_way_cycles = arch_cycles() + clock_cycles(GIVE_WAY_NS);
    }
}

int thread_sleep_unless(const bool *woken, uint64_t deadline_ns, bool interruptible)
{
    struct thread *t = thread_current();
    lock_check_sleep("sleep");
    look_around(t);
    for (;;) {
        if (is_set(woken)) {
            return 0;
        }
        if (interruptible && t->interrupted) {
            return -EINTR;
        }
        if (deadline_ns != DEADLINE_NONE) {
            if (UNLIKELY(t->sleep_real_ns != 0)) { /* the clock may have been set */
                deadline_ns = deadline_of_realtime(t->sleep_real_ns);
            }
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
    struct run_queue *q =
        preempted || !thread_may_use(t, t->cpu) ? queue_after_slice(t) : queue_this();
    t->state = THREAD_READY;
    bool moves = t->cpu != q->cpu;
    queue_add(q, t, preempted && t->policy == SCHED_FIFO); /* it keeps its turn */
    if (moves) {
        announce(q, t);
    }
    switch_away();
    spin_unlock(&sched_lock);
}

static SLOW_PATH void give_way(struct thread *t)
{
    lock_check_sleep("cond_resched");
    arch_poll_interrupts();
    if (t->resched) {
        thread_yield();
        t->moved = true;
    }
    t->give_way_cycles = arch_cycles() + clock_cycles(GIVE_WAY_NS);
}

void cond_resched(void)
{
    if (UNLIKELY(cond_resched_due())) {
        give_way(thread_current());
    }
}

void thread_exit(void)
{
    struct thread *t = thread_current();
    timer_cancel(&t->sleep_timer);
    arch_fpu_free(t);
    spin_lock(&sched_lock);
    t->state = THREAD_DEAD;
    struct run_queue *q = queue_this();
    ASSERT(!q->dead);
    q->dead = t;
    switch_away();
    panic("a dead thread runs");
}

uint64_t thread_cpu_ns(const struct thread *t)
{
    uint64_t ns = t->run_ns;
    if (t->state == THREAD_RUNNING) {
        ns = ns_add(ns, ns_sub(clock_monotonic_ns(), t->run_since_ns));
    }
    return ns;
}

void sched_update(struct thread *t)
{
    spin_lock(&sched_lock);
    if (t->state == THREAD_READY) {
        struct run_queue *q = queue_of(t->cpu);
        queue_remove(t);
        q = thread_may_use(t, q->cpu) ? q : queue_for_woken(t);
        queue_add(q, t, false);
        announce(q, t);
    } else if (t->state == THREAD_RUNNING) {
        struct run_queue *q = queue_of(t->cpu);
        if (q->ready_count || !thread_may_use(t, q->cpu)) {
            interrupt_running(q);
        }
    }
    spin_unlock(&sched_lock);
}

void sched_barrier(bool restart)
{
    spin_lock(&sched_lock);
    for (unsigned cpu = 0; restart && cpu < CPUS_MAX; cpu++) {
        struct run_queue *q = queue_of(cpu);
        if (q && q->running != &q->idle && q->running != thread_current()) {
            q->running->resched = true;
        }
    }
    spin_unlock(&sched_lock);
    arch_cpus_sync();
}

unsigned sched_cpu_count(void)
{
    uint32_t told = the_run.options.cpus;
    return told < 1 ? 1 : told < cpu_limit ? told : cpu_limit;
}

unsigned sched_cpu_current(void)
{
    return arch_cpu_index();
}

uint64_t sched_idle_ns(unsigned cpu)
{
    struct run_queue *q = queue_of(cpu);
    return q ? thread_cpu_ns(&q->idle) : clock_monotonic_ns();
}

uint64_t sched_idle_mean_ns(void)
{
    unsigned count = sched_cpu_count(), cpu = 0;
    uint64_t idle = 0;
    do {
        idle = ns_add(idle, sched_idle_ns(cpu));
    } while (++cpu < count);
    return idle / cpu;
}

unsigned sched_running(void)
{
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        const struct run_queue *q = queue_of(cpu);
        count += q ? q->ready_count + (q->running != &q->idle) : 0;
    }
    return count;
}

uint64_t sched_waited_ns(void)
{
    uint64_t sum = 0;
    spin_lock(&sched_lock);
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        const struct run_queue *q = queue_of(cpu);
        if (q && q->waiting_since_ns) {
            sum = ns_add(sum, ns_sub(clock_monotonic_ns(), q->waiting_since_ns));
        }
        sum = ns_add(sum, q ? q->waited_ns : 0);
    }
    spin_unlock(&sched_lock);
    return sum / sched_cpu_count();
}

uint64_t sched_switches(void)
{
    return switches;
}

extern char boot_stack_end[];

void sched_init(void)
{
    queue_init(&boot_queue, 0, boot_stack_end);
    timer_init(&boot_queue.slice_timer, slice_expired);
    queue_online(&boot_queue);
    arch_thread_begin(&boot_queue.idle);
}

/* The thread that another CPU's run queue belongs to, with the queue around it. */
static struct run_queue *queue_make(unsigned cpu)
{
    struct run_queue *q = heap_zalloc(sizeof(*q));
    void *stack = q ? stack_alloc() : NULL;
    if (!stack) {
        heap_free(q);
        return NULL;
    }
    queue_init(q, cpu, stack);
    timer_init(&q->slice_timer, slice_expired);
    if (!arch_cpu_prepare(cpu, &q->idle)) {
        stack_free(stack);
        heap_free(q);
        return NULL;
    }
    return q;
}

void sched_start_cpus(void)
{
    static bool started;
    if (LIKELY(started || sched_cpu_count() == 1)) {
        return;
    }
    started = true;
    for (unsigned cpu = 1; cpu < sched_cpu_count(); cpu++) {
        if (!queue_make(cpu)) {
            log_note("too little memory to use more than %u of %u processors", cpu,
                     sched_cpu_count());
            cpu_limit = cpu;
        }
    }
    arch_cpus_start();
}

void sched_cpu_started(void)
{
    struct run_queue *q = container_of(thread_current(), struct run_queue, idle);
    q->idle.run_since_ns = clock_monotonic_ns();
    q->idle.run_ns = q->idle.run_since_ns; /* it has been idle since the start */
    spin_lock(&sched_lock);
    queue_online(q);
    spin_unlock(&sched_lock);
    sched_idle();
}

void sched_idle(void)
{
    struct run_queue *q = queue_this();
    for (;;) {
        spin_lock(&sched_lock);
        if (q->ready_count || arch_many_cpus) {
            q->idle.state = THREAD_READY;
            switch_away();
        }
        spin_unlock(&sched_lock);
        arch_idle();
    }
}
