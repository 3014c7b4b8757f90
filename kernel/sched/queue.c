/* Run queues: what waits for which CPU. */
#include "kernel/sched/queue.h"

#include <linux/sched.h>

struct spinlock sched_lock = SPINLOCK_INIT(RANK_SCHED);
static struct run_queue *queues[CPUS_MAX]; /* NULL: the CPU does not run */
static unsigned queue_end;                 /* above the last one that does */

void queue_init(struct run_queue *q, unsigned cpu, void *idle_stack)
{
    list_init(&q->ready);
    list_init(&q->ready_rt);
    list_init(&q->ready_idle);
    q->cpu = cpu;
    q->running = &q->idle;
    q->idle.name = "idle";
    q->idle.state = THREAD_RUNNING;
    q->idle.policy = SCHED_IDLE;
    q->idle.stack_top = idle_stack;
    q->idle.cpu = cpu;
    timer_init(&q->idle.sleep_timer, NULL);
    list_init(&q->idle.run_node);
}

void queue_online(struct run_queue *q)
{
    queues[q->cpu] = q;
    if (queue_end <= q->cpu) {
        queue_end = q->cpu + 1;
    }
}

struct run_queue *queue_this(void)
{
    return queues[arch_cpu_index()];
}

struct run_queue *queue_of(unsigned cpu)
{
    return cpu < CPUS_MAX ? queues[cpu] : NULL;
}

static bool is_realtime(const struct thread *t)
{
    return t->policy == SCHED_FIFO || t->policy == SCHED_RR;
}

static void add_rt(struct run_queue *q, struct thread *t, bool front)
{
    struct list_node *at = q->ready_rt.next;
    for (; at != &q->ready_rt; at = at->next) {
        const struct thread *other = list_entry(at, struct thread, run_node);
        if (other->rt_priority < t->rt_priority ||
            (front && other->rt_priority == t->rt_priority)) {
            break;
        }
    }
    list_insert_before(at, &t->run_node);
}

void thread_move(struct thread *t, unsigned cpu)
{
    t->moved = t->moved || t->cpu != cpu;
    t->cpu = cpu;
}

void queue_add(struct run_queue *q, struct thread *t, bool front)
{
    thread_move(t, q->cpu);
    if (t == &q->idle) {
        return;
    }
    q->ready_count++;
    if (is_realtime(t)) {
        add_rt(q, t, front);
    } else {
        list_add_tail(t->policy == SCHED_IDLE ? &q->ready_idle : &q->ready, &t->run_node);
    }
}

void queue_remove(struct thread *t)
{
    list_remove(&t->run_node);
    queues[t->cpu]->ready_count--;
}

/* The first one of list that may run on cpu, or NULL. */
static struct thread *first_for(struct list_node *list, unsigned cpu)
{
    list_for_each(node, list)
    {
        struct thread *t = list_entry(node, struct thread, run_node);
        if (thread_may_use(t, cpu)) {
            return t;
        }
    }
    return NULL;
}

static struct thread *best_for(struct run_queue *from, unsigned cpu)
{
    struct thread *t = first_for(&from->ready_rt, cpu);
    t = t ? t : first_for(&from->ready, cpu);
    return t ? t : first_for(&from->ready_idle, cpu);
}

/* What another CPU has waiting and this one may run. */
static struct thread *find_elsewhere(const struct run_queue *q)
{
    for (unsigned i = 1; i < queue_end; i++) {
        struct run_queue *other = queues[(q->cpu + i) % queue_end];
        struct thread *t = other && other->ready_count ? best_for(other, q->cpu) : NULL;
        if (t) {
            return t;
        }
    }
    return NULL;
}

struct thread *queue_take(struct run_queue *q)
{
    struct thread *t = q->ready_count ? best_for(q, q->cpu) : NULL;
    t = t ? t : find_elsewhere(q);
    if (!t) {
        return &q->idle;
    }
    queue_remove(t);
    return t;
}

static bool is_idle(const struct run_queue *q)
{
    return q->running == &q->idle && !q->ready_count;
}

bool queue_preempts(const struct thread *t, const struct run_queue *q)
{
    const struct thread *running = q->running;
    if (running == &q->idle || !is_realtime(t)) {
        return false;
    }
    return !is_realtime(running) || t->rt_priority > running->rt_priority;
}

/* Threads that want the CPU. */
static unsigned load_of(const struct run_queue *q)
{
    return q->ready_count + (q->running != &q->idle);
}

/* A CPU that t may use and that fits it at once; else NULL. */
static struct run_queue *find_free(const struct thread *t)
{
    struct run_queue *preempted = NULL;
    for (unsigned i = 0; i < queue_end; i++) {
        struct run_queue *q = queues[i];
        if (!q || !thread_may_use(t, i)) {
            continue;
        }
        if (is_idle(q)) {
            return q;
        }
        if (!preempted && queue_preempts(t, q)) {
            preempted = q;
        }
    }
    return preempted;
}

static struct run_queue *least_loaded(const struct thread *t)
{
    struct run_queue *best = NULL;
    for (unsigned i = 0; i < queue_end; i++) {
        struct run_queue *q = queues[i];
        if (q && thread_may_use(t, i) && (!best || load_of(q) < load_of(best))) {
            best = q;
        }
    }
    return best ? best : queue_this(); /* those it may use have not started yet */
}

struct run_queue *queue_for_woken(const struct thread *t)
{
    struct run_queue *last = queues[t->cpu];
    if (queue_end == 1 || (is_idle(last) && thread_may_use(t, t->cpu))) {
        return last;
    }
    struct run_queue *q = find_free(t);
    if (q) {
        return q;
    }
    return thread_may_use(t, t->cpu) ? last : least_loaded(t);
}

/* With three threads for two CPUs each gets its turn on the CPU where nobody waits. */
struct run_queue *queue_after_slice(const struct thread *t)
{
    struct run_queue *own = queues[t->cpu];
    if (queue_end == 1) {
        return own;
    }
    if (is_realtime(t) || !thread_may_use(t, t->cpu)) {
        struct run_queue *q = find_free(t);
        return q ? q : thread_may_use(t, t->cpu) ? own : least_loaded(t);
    }
    struct run_queue *other = least_loaded(t);
    return own->ready_count && load_of(other) <= own->ready_count ? other : own;
}
