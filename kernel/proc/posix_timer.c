/*
 * Interval timers and POSIX timers, as one kind of thing: see the header.
 *
 * A periodic POSIX timer whose signal is queued isn't set again until the signal is taken; the
 * periods that pass meanwhile are its overruns. So a short period cannot flood the machine.
 */
#include "kernel/proc/posix_timer.h"

#include <linux/time.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

#define TIMERS_MAX 4096
#define OVERRUN_MAX INT32_MAX
#define CPU_CHECK_MIN_NS 1000000ul /* CPU timers are looked at no more often than this */
#define PERIOD_MIN_NS 100000ul     /* nor does an interval timer go off more often */
#define CPU_CLOCK_USER ((int)((~0u << 3) | 1u)) /* the process's time in ring 3: clocks.c */

struct posix_timer {
    struct list_node node;
    struct timer timer;
    struct sigqueue_entry entry;
    struct posix_timer_spec spec;
    int id;
    bool itimer; /* sends an ordinary signal of the process's, and is set again at once */
    bool armed;
    uint64_t expires_ns, period_ns; /* expires_ns: of the timer's clock */
    int overrun;
};

static struct spinlock timers_lock = SPINLOCK_INIT(RANK_POSIX_TIMER);
static struct list_node timers GUARDED_BY(timers_lock) = LIST_INIT(timers);
static int timer_count GUARDED_BY(timers_lock), next_id GUARDED_BY(timers_lock);

static struct posix_timer itimers[3] = {
    {.spec = {.clock = CLOCK_MONOTONIC, .signo = SIGALRM}, .itimer = true},
    {.spec = {.clock = CPU_CLOCK_USER, .signo = SIGVTALRM}, .itimer = true},
    {.spec = {.clock = CLOCK_PROCESS_CPUTIME_ID, .signo = SIGPROF}, .itimer = true},
};

static uint64_t now_of(const struct posix_timer *t)
{
    int64_t ns = 0;
    int err = clock_read(t->spec.clock, &ns);
    return err ? 0 : (uint64_t)ns; /* a thread's clock may have gone with it: never expires */
}

/* Sets the hardware for when the timer may be due. */
static void start(struct posix_timer *t)
{
    uint64_t now = now_of(t);
    uint64_t left = ns_sub(t->expires_ns, now);
    if (clock_is_cpu(t->spec.clock))
        left = max_u64(left, CPU_CHECK_MIN_NS);
    timer_set(&t->timer, ns_add(clock_monotonic_ns(), left));
}

/* Moves a periodic timer beyond now. Returns how many periods it skipped. */
static uint64_t advance(struct posix_timer *t, uint64_t now)
{
    uint64_t periods = periods_begun(t->expires_ns, now, t->period_ns);
    t->expires_ns = ns_add(t->expires_ns, ns_mul(t->period_ns, periods));
    return periods - 1;
}

static void rearm(struct posix_timer *t, uint64_t now)
{
    if (t->period_ns == 0) {
        t->armed = false;
        return;
    }
    advance(t, now);
    t->expires_ns = max_u64(t->expires_ns, ns_add(now, PERIOD_MIN_NS));
    start(t);
}

static void notify(struct posix_timer *t, uint64_t now)
{
    if (t->itimer) {
        (void)signal_send_process(t->spec.signo, NULL);
    } else if (t->spec.notify != SIGEV_NONE) {
        int tid = t->spec.notify & SIGEV_THREAD_ID ? t->spec.tid : 0;
        if (signal_send_timer(&t->entry, tid)) {
            t->armed = t->period_ns != 0; /* set again when the signal is taken */
            return;
        }
    }
    rearm(t, now);
}

static void expired(struct timer *timer)
{
    struct posix_timer *t = container_of(timer, struct posix_timer, timer);
    spin_lock(&timers_lock);
    if (t->armed) {
        uint64_t now = now_of(t);
        if (now < t->expires_ns)
            start(t);
        else
            notify(t, now);
    }
    spin_unlock(&timers_lock);
}

void posix_timer_lost(struct posix_timer *t)
{
    timer_set(&t->timer, ns_add(clock_monotonic_ns(), PERIOD_MIN_NS));
}

static struct posix_timer *find(int id)
{
    list_for_each(node, &timers)
    {
        struct posix_timer *t = list_entry(node, struct posix_timer, node);
        if (t->id == id)
            return t;
    }
    return NULL;
}

/* What is left, as timer_gettime(2) tells it: a timer that is due has 1 ns left. */
static void get(const struct posix_timer *t, struct interval *out)
{
    out->period_ns = t->period_ns;
    out->value_ns = 0;
    if (!t->armed)
        return;
    uint64_t now = now_of(t), expires = t->expires_ns;
    if (expires <= now && t->period_ns)
        expires = ns_add(expires, ns_mul(t->period_ns, periods_begun(expires, now, t->period_ns)));
    out->value_ns = max_u64(ns_sub(expires, now), 1);
}

static void set(struct posix_timer *t, bool absolute, const struct interval *new)
{
    timer_cancel(&t->timer);
    if (!t->itimer) /* a signal of the setting before */
        signal_recall_timer(&t->entry);
    t->armed = new->value_ns != 0;
    t->period_ns = new->period_ns;
    t->overrun = 0;
    if (!t->armed)
        return;
    uint64_t start_ns = absolute ? 0 : now_of(t);
    t->expires_ns = ns_add(start_ns, new->value_ns);
    start(t);
}

int posix_timer_create(const struct posix_timer_spec *spec)
{
    struct posix_timer *t = heap_zalloc_object(sizeof(*t));
    if (!t)
        return -ENOMEM;
    timer_init(&t->timer, expired);
    list_init(&t->entry.node);
    t->entry.timer = t;
    t->spec = *spec;
    siginfo_t *info = &t->entry.info;
    spin_lock(&timers_lock);
    if (timer_count == TIMERS_MAX) {
        spin_unlock(&timers_lock);
        heap_free(t);
        return -EAGAIN;
    }
    while (find(next_id))
        next_id = (next_id + 1) & INT32_MAX;
    t->id = next_id;
    next_id = (next_id + 1) & INT32_MAX;
    timer_count++;
    info->si_signo = spec->signo;
    info->si_code = SI_TIMER;
    info->si_tid = t->id;
    if (spec->value_is_id)
        info->si_int = t->id;
    else
        info->si_value = spec->value;
    list_add_tail(&timers, &t->node);
    spin_unlock(&timers_lock);
    return t->id;
}

int posix_timer_set(int id, bool absolute, const struct interval *new, struct interval *old)
{
    spin_lock(&timers_lock);
    struct posix_timer *t = find(id);
    if (t) {
        get(t, old);
        set(t, absolute, new);
    }
    spin_unlock(&timers_lock);
    return t ? 0 : -EINVAL;
}

int posix_timer_get(int id, struct interval *out)
{
    spin_lock(&timers_lock);
    const struct posix_timer *t = find(id);
    if (t)
        get(t, out);
    spin_unlock(&timers_lock);
    return t ? 0 : -EINVAL;
}

int posix_timer_overrun(int id)
{
    spin_lock(&timers_lock);
    const struct posix_timer *t = find(id);
    int overrun = t ? t->overrun : -EINVAL;
    spin_unlock(&timers_lock);
    return overrun;
}

static void destroy(struct posix_timer *t)
{
    timer_cancel(&t->timer);
    signal_recall_timer(&t->entry);
    list_remove(&t->node);
    timer_count--;
    heap_free(t);
}

int posix_timer_delete(int id)
{
    spin_lock(&timers_lock);
    struct posix_timer *t = find(id);
    if (t)
        destroy(t);
    spin_unlock(&timers_lock);
    return t ? 0 : -EINVAL;
}

void posix_timer_delete_all(void)
{
    spin_lock(&timers_lock);
    list_for_each_safe(node, next, &timers) destroy(list_entry(node, struct posix_timer, node));
    spin_unlock(&timers_lock);
}

void posix_timer_taken(siginfo_t *info)
{
    spin_lock(&timers_lock);
    struct posix_timer *t = find(info->si_tid);
    if (t) {
        uint64_t now = now_of(t);
        t->overrun = 0;
        if (t->armed && t->period_ns && now >= t->expires_ns) {
            t->overrun = (int)min_u64(advance(t, now), OVERRUN_MAX);
            start(t);
        }
        info->si_overrun = t->overrun;
    }
    spin_unlock(&timers_lock);
}

void posix_timer_clock_set(void)
{
    spin_lock(&timers_lock);
    list_for_each(node, &timers)
    {
        struct posix_timer *t = list_entry(node, struct posix_timer, node);
        if (t->armed && t->spec.clock == CLOCK_REALTIME && timer_is_set(&t->timer))
            start(t);
    }
    spin_unlock(&timers_lock);
}

void itimer_get(int which, struct interval *out)
{
    spin_lock(&timers_lock);
    get(&itimers[which], out);
    spin_unlock(&timers_lock);
}

void itimer_set(int which, const struct interval *new, struct interval *old)
{
    struct posix_timer *t = &itimers[which];
    struct interval keep = *new;
    if (which == ITIMER_REAL && keep.value_ns == 0)
        keep.period_ns = 0; /* the others keep the period of a timer that stands */
    spin_lock(&timers_lock);
    if (!t->timer.expired)
        timer_init(&t->timer, expired);
    get(t, old);
    set(t, false, &keep);
    spin_unlock(&timers_lock);
}
