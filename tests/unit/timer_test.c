// UNIT: kernel/time/timer.c kernel/time/clock.c kernel/base/rbtree.c
// UNIT: kernel/sched/waitq.c tests/unit/fakes/page.c
/* Timers and clocks on a counter that the test turns. */
#include <linux/eventpoll.h>

#include "kernel/arch/cpu.h"
#include "kernel/arch/smp.h"
#include "kernel/base/errno.h"
#include "kernel/sched/sleep.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/time/clock_init.h"
#include "kernel/time/timer.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

bool lock_checks_on;
static struct thread only_thread;
#define AT(ns) (CLOCK_START_NS + (ns)) /* so long after the clock's start */

static uint64_t cycles, cycles_hz, reference_ns, armed_at, arm_count;
static unsigned wakes;

void panic(const char *fmt, ...)
{
    printf("Bail out! panic: %s\n", fmt);
    __builtin_trap();
}

uint64_t arch_cycles(void)
{
    return cycles;
}

uint64_t arch_cycles_hz(void)
{
    return cycles_hz;
}

uint64_t arch_reference_ns(void)
{
    cycles += 2500; /* a counter of 2.5 GHz */
    return reference_ns += 1000;
}

void arch_timer_arm(uint64_t delta_ns)
{
    armed_at = ns_add(clock_monotonic_ns(), delta_ns);
    arm_count++;
}

unsigned arch_cpu_index(void)
{
    return 0;
}

struct thread *thread_current(void)
{
    return &only_thread;
}

/* What others do when they are let in, which they are after each waiter then. */
static void (*others)(void);

bool cond_resched_due(void)
{
    return others != NULL;
}

void cond_resched(void)
{
    if (others)
        others();
}

void thread_wake(struct thread *t)
{
    wakes += t == &only_thread;
}

int thread_sleep_unless(const bool *woken, uint64_t deadline_ns, bool interruptible)
{
    (void)deadline_ns, (void)interruptible;
    return *woken ? 0 : -ETIMEDOUT;
}

/* ---- timers: the counter is in nanoseconds ---- */

static unsigned fired[64], fired_count;
static struct timer timers[64];

static void on_expiry(struct timer *t)
{
    fired[fired_count++ % 64] = (unsigned)(t - timers);
}

static void set_again(struct timer *t)
{
    on_expiry(t);
    if (fired_count < 5)
        timer_set(t, clock_monotonic_ns()); /* due at once */
}

static void start_clock(void)
{
    cycles_hz = 1000000000;
    cycles = 1000;
    clock_init(0, 0);
    for (unsigned i = 0; i < 64; i++)
        timer_init(&timers[i], on_expiry);
}

/* Time goes to ns; the hardware interrupts when it was told to. */
static void run_to(uint64_t ns)
{
    cycles = 1000 + ns;
    if (armed_at <= clock_monotonic_ns() + 1)
        timer_run();
}

static void test_timer_order(void)
{
    static const uint64_t due[] = {500, 100, 300, 300, 900, 200};
    for (unsigned i = 0; i < 6; i++)
        timer_set(&timers[i], AT(due[i]));
    CHECK_EQ(armed_at, AT(100));
    CHECK(timer_cancel(&timers[5]) && !timer_cancel(&timers[5]));
    timer_set(&timers[4], AT(50)); /* moved to the front */
    CHECK_EQ(armed_at, AT(50));
    run_to(49);
    run_to(400);
    static const unsigned order[] = {4, 1, 2, 3};
    CHECK_EQ(fired_count, 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(fired[i], order[i]);
    CHECK(!timer_is_set(&timers[1]) && timer_is_set(&timers[0]));
    CHECK_EQ(armed_at, AT(500));
    CHECK(timer_cancel(&timers[0]));
    run_to(1000);
    CHECK_EQ(fired_count, 4);
}

/* The hardware interrupts now and then with nothing to do, for wake-ups that got lost. */
static void test_never_unarmed(void)
{
    unsigned long before = arm_count;
    CHECK(!timer_run());
    CHECK_EQ(arm_count, before + 1);
    CHECK_EQ(armed_at, UINT64_MAX);
    timer_set(&timers[0], clock_monotonic_ns() + 100);
    CHECK_EQ(armed_at, clock_monotonic_ns() + 100);
    cycles += 100;
    CHECK(timer_run());
    CHECK_EQ(armed_at, UINT64_MAX);
    fired_count = 0;
}

/* After the first is taken back, the next one is still served, though later armed. */
static void test_timer_cancelled_first(void)
{
    fired_count = 0;
    timer_set(&timers[0], AT(2000));
    timer_set(&timers[1], AT(3000));
    CHECK(timer_cancel(&timers[0]));
    run_to(2000); /* the needless interrupt */
    CHECK_EQ(fired_count, 0);
    CHECK_EQ(armed_at, AT(3000));
    run_to(3000);
    CHECK_EQ(fired_count, 1);
}

static void test_timer_in_the_past(void)
{
    fired_count = 0;
    timer_init(&timers[7], set_again);
    timer_set(&timers[7], AT(5));
    CHECK_EQ(armed_at, AT(3001));
    run_to(3001);
    CHECK_EQ(fired_count, 5); /* it set itself */
    CHECK(!timer_is_set(&timers[7]));
}

static void test_many_timers(void)
{
    uint64_t state = 1, last = 0;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 7; i++)
        timer_init(&timers[i], on_expiry);
    timer_init(&timers[7], on_expiry);
    for (unsigned round = 0; round < 2000; round++) {
        state = state * 6364136223846793005ul + 1442695040888963407ul;
        struct timer *t = &timers[state >> 33 & 63];
        if (state >> 60 < 4)
            timer_cancel(t);
        else
            timer_set(t, CLOCK_START_NS + 10000 + (state >> 40) % 1000000);
    }
    unsigned set = 0;
    for (unsigned i = 0; i < 64; i++)
        set += timer_is_set(&timers[i]);
    fired_count = 0;
    timer_run(); /* forgets those that were taken back */
    while (fired_count < set) {
        unsigned before = fired_count;
        wrong += armed_at < last;
        last = armed_at;
        run_to(armed_at - CLOCK_START_NS);
        wrong += fired_count == before;
        if (wrong)
            break;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(fired_count, set);
}

/* ---- clocks ---- */

static void test_clock_rates(void)
{
    static const uint64_t rates[] = {1, 1000, 3579545, 1000000000, 2999999999, 10000000000};
    for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
        cycles_hz = rates[i];
        cycles = 77;
        clock_init(0, 1000000000000000000);
        CHECK_EQ(clock_monotonic_ns(), CLOCK_START_NS);
        cycles += 3600 * rates[i];
        int64_t off = (int64_t)(clock_monotonic_ns() - CLOCK_START_NS - 3600000000000);
        CHECK(off <= 0 && off > -100000); /* 30 ns a second */
        CHECK_EQ(clock_realtime_ns() - (int64_t)(clock_monotonic_ns() - CLOCK_START_NS),
                 1000000000000000000);
    }
    cycles_hz = 0;
    clock_init(0, 0); /* compared with the other clock */
    uint64_t before = clock_monotonic_ns();
    cycles += 2500000000;
    int64_t second = (int64_t)(clock_monotonic_ns() - before);
    CHECK(second > 990000000 && second < 1010000000);
}

static void test_clock_set(void)
{
    uint64_t changes = clock_realtime_changes();
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(clock_realtime_waitq(), &w);
    clock_realtime_set(-5);
    CHECK_EQ(clock_realtime_ns(), -5);
    CHECK_EQ(clock_realtime_changes(), changes + 1);
    CHECK_EQ(clock_params->sequence % 2, 0);
    CHECK(w.woken);
    waitq_remove(clock_realtime_waitq(), &w);
}

/* ---- wait queues ---- */

static bool refuse(struct waiter *w, uint32_t events)
{
    (void)w, (void)events;
    return false;
}

static void queue_up(struct waitq *q, struct waiter *w, unsigned count, unsigned exclusive_from)
{
    waitq_init(q);
    for (unsigned i = 0; i < count; i++) {
        waiter_init(&w[i], 1);
        w[i].exclusive = i >= exclusive_from;
        waitq_add(q, &w[i]);
    }
}

static void test_wait_queue(void)
{
    struct waitq q;
    struct waiter w[5];
    waitq_init(&q);
    CHECK(!waitq_wake(&q, EVENTS_ANY));
    CHECK(!waitq_wake_one(&q));
    queue_up(&q, w, 5, 2);
    w[0].events = 4;
    w[2].wake = refuse; /* passed over */
    CHECK(waitq_wake(&q, 1));
    CHECK(!w[0].woken && w[1].woken && !w[2].woken && w[3].woken && !w[4].woken);
    CHECK(!waitq_wake(&q, 4));
    CHECK(w[0].woken && !w[4].woken);
    CHECK_EQ(waiter_sleep(&w[0], DEADLINE_NONE, false), 0);
    waiter_arm(&w[0]);
    CHECK_EQ(waiter_sleep(&w[0], 5, false), -ETIMEDOUT);
    for (unsigned i = 0; i < 5; i++) {
        waitq_remove(&q, &w[i]);
        waitq_remove(&q, &w[i]); /* harmless */
    }
    CHECK(waitq_empty(&q));
}

static void test_each_event_wakes_another(void)
{
    struct waitq q;
    struct waiter w[4], late;
    queue_up(&q, w, 4, 0);
    waiter_init(&late, 1);
    waitq_add(&q, &late); /* not exclusive: before all that are */
    CHECK(waitq_wake(&q, 1) && w[0].woken && late.woken && !w[1].woken);
    CHECK(waitq_wake(&q, 1) && w[1].woken && !w[2].woken);
    CHECK(waitq_wake_one(&q) && w[2].woken && !w[3].woken);
    CHECK(waitq_wake_one(&q) && w[3].woken);
    CHECK(!waitq_wake_one(&q) && !waitq_wake(&q, 1));
    for (unsigned i = 0; i < 4; i++)
        waiter_arm(&w[i]);
    waitq_wake(&q, EPOLLHUP | 1); /* the end */
    CHECK(w[0].woken && w[1].woken && w[2].woken && w[3].woken);
}

static void test_a_wakeup_is_passed_on(void)
{
    struct waitq q;
    struct waiter w[3];
    queue_up(&q, w, 3, 0);
    waitq_wake(&q, 1);
    waitq_remove(&q, &w[0]); /* leaves without having acted on it */
    CHECK(w[1].woken && !w[2].woken);
    waiter_arm(&w[1]);
    waitq_remove(&q, &w[1]);
    CHECK(!w[2].woken);
}

static struct waitq long_queue;
static struct waiter many[6], late;
static unsigned pauses;

/* The first time the next one goes, and one comes that is not exclusive. */
static void one_goes_one_comes(void)
{
    if (pauses++ > 0)
        return;
    waitq_remove(&long_queue, &many[1]);
    waiter_init(&late, EPOLLIN);
    waitq_add(&long_queue, &late);
}

static void long_queues_let_others_in(void)
{
    waitq_init(&long_queue);
    for (int i = 0; i < 6; i++) {
        waiter_init(&many[i], i == 2 ? EPOLLOUT : EPOLLIN);
        many[i].exclusive = i >= 4;
        waitq_add(&long_queue, &many[i]);
    }
    others = one_goes_one_comes;
    waitq_wake_long(&long_queue, EPOLLIN);
    others = NULL;
    CHECK(pauses > 2);
    CHECK(many[0].woken && !many[1].woken && !many[2].woken && many[3].woken);
    CHECK(late.woken && many[4].woken && !many[5].woken);
    CHECK(long_queue.waiters.next == &many[0].node && many[0].node.next == &many[2].node);
    CHECK(many[3].node.next == &late.node && late.node.next == &many[4].node);
    CHECK(many[5].node.next == &long_queue.waiters);
    pauses = 1;
    others = one_goes_one_comes;
    waitq_wake_long(&long_queue, EPOLLIN | EPOLLHUP);
    others = NULL;
    CHECK(many[5].woken);
}

int main(void)
{
    start_clock();
    RUN(test_timer_order);
    RUN(test_timer_cancelled_first);
    RUN(test_timer_in_the_past);
    RUN(test_never_unarmed);
    RUN(test_many_timers);
    RUN(test_clock_rates);
    RUN(test_clock_set);
    RUN(test_wait_queue);
    RUN(test_each_event_wakes_another);
    RUN(test_a_wakeup_is_passed_on);
    RUN(long_queues_let_others_in);
    return check_done();
}
