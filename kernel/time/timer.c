/* Timers, kept in a tree by expiry; the hardware is set for the first. */
#include "kernel/time/timer.h"

#include "kernel/arch/cpu.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

static struct spinlock timer_lock = SPINLOCK_INIT(RANK_TIMER);
static struct rb_tree timers; /* GUARDED_BY(timer_lock) */
static struct rb_node *first; /* GUARDED_BY(timer_lock) */
static uint64_t armed_ns = UINT64_MAX;

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
static void arm_first(void)
{
    if (!first) {
        return; /* a needless interrupt later is cheaper than stopping the hardware each time */
    }
    uint64_t expires = timer_of(first)->expires_ns;
    if (expires >= armed_ns) {
        return;
    }
    uint64_t now = clock_monotonic_ns();
    armed_ns = expires;
    arch_timer_arm(expires > now ? expires - now : 1);
}

static void insert(struct timer *t)
{
    struct rb_node **link = &timers.root, *parent = NULL;
    bool is_first = true;
    while (*link) {
        parent = *link;
        bool before = t->expires_ns < timer_of(parent)->expires_ns;
        is_first = is_first && before;
        link = before ? &parent->left : &parent->right;
    }
    rb_insert(&timers, &t->node, parent, link);
    if (is_first) {
        first = &t->node;
    }
    t->set = true;
}

static void remove_timer(struct timer *t)
{
    if (first == &t->node) {
        first = rb_next(&t->node);
    }
    rb_erase(&timers, &t->node);
    t->set = false;
}

void timer_set(struct timer *t, uint64_t expires_ns)
{
    spin_lock(&timer_lock);
    if (t->set) {
        remove_timer(t);
    }
    t->expires_ns = expires_ns;
    insert(t);
    arm_first();
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

void timer_run(void)
{
    spin_lock(&timer_lock);
    uint64_t now = clock_monotonic_ns();
    while (first && timer_of(first)->expires_ns <= now) {
        struct timer *t = timer_of(first);
        remove_timer(t);
        spin_unlock(&timer_lock);
        t->expired(t);
        spin_lock(&timer_lock);
    }
    armed_ns = UINT64_MAX;
    arm_first();
    spin_unlock(&timer_lock);
}
