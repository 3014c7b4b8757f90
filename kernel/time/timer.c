/* Timers, kept in trees by expiry, one for each CPU; its hardware is set for the first. A timer
 * goes off on the CPU that set it. */
#include "kernel/time/timer.h"

#include "kernel/arch/cpu.h"
#include "kernel/arch/smp.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

static struct spinlock timer_lock = SPINLOCK_INIT(RANK_TIMER);

static struct timer_queue {
    struct rb_tree timers;
    struct rb_node *first;
    uint64_t armed_ns; /* when the hardware goes off; 0: not armed */
} queues[CPUS_MAX];    /* GUARDED_BY(timer_lock) */

static struct timer *timer_of(struct rb_node *n)
{
    return rb_entry(n, struct timer, node);
}

void timer_init(struct timer *t, void (*expired)(struct timer *))
{
    t->set = false;
    t->expired = expired;
}

/* Programs the hardware for the first timer, unless it is already. */
static void arm_first(struct timer_queue *q)
{
    if (!q->first) {
        arch_timer_arm(UINT64_MAX); /* as seldom as it can */
        return;
    }
    uint64_t expires = max_u64(timer_of(q->first)->expires_ns, 1);
    if (q->armed_ns && expires >= q->armed_ns) {
        return;
    }
    uint64_t now = clock_monotonic_ns();
    q->armed_ns = expires;
    arch_timer_arm(max_u64(ns_sub(expires, now), 1));
}

static void insert(struct timer_queue *q, struct timer *t)
{
    struct rb_node **link = &q->timers.root, *parent = NULL;
    bool is_first = true;
    while (*link) {
        parent = *link;
        bool before = t->expires_ns < timer_of(parent)->expires_ns;
        is_first = is_first && before;
        link = before ? &parent->left : &parent->right;
    }
    rb_insert(&q->timers, &t->node, parent, link);
    if (is_first) {
        q->first = &t->node;
    }
    t->cpu = (uint8_t)(q - queues);
    t->set = true;
}

static void remove_timer(struct timer *t)
{
    struct timer_queue *q = &queues[t->cpu];
    if (q->first == &t->node) {
        q->first = rb_next(&t->node);
    }
    rb_erase(&q->timers, &t->node);
    t->set = false;
}

void timer_set(struct timer *t, uint64_t expires_ns)
{
    spin_lock(&timer_lock);
    if (t->set) {
        remove_timer(t);
    }
    t->expires_ns = expires_ns;
    struct timer_queue *q = &queues[arch_cpu_index()];
    insert(q, t);
    arm_first(q);
    spin_unlock(&timer_lock);
}

bool timer_cancel(struct timer *t)
{
    if (!__atomic_load_n(&t->set, __ATOMIC_RELAXED)) {
        return false;
    }
    spin_lock(&timer_lock);
    bool was_set = t->set;
    if (was_set) {
        remove_timer(t);
    }
    spin_unlock(&timer_lock);
    return was_set;
}

bool timer_run(void)
{
    bool any = false;
    struct timer_queue *q = &queues[arch_cpu_index()];
    spin_lock(&timer_lock);
    uint64_t now = clock_monotonic_ns();
    while (q->first && timer_of(q->first)->expires_ns <= now) {
        struct timer *t = timer_of(q->first);
        remove_timer(t);
        any = true;
        spin_unlock(&timer_lock);
        t->expired(t);
        spin_lock(&timer_lock);
    }
    q->armed_ns = 0;
    arm_first(q);
    spin_unlock(&timer_lock);
    return any;
}
