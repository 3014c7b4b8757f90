/*
 * timerfd: a timer of the kernel's makes the file readable; how often it expired is worked out when
 * it is read, so that a short interval costs nothing while nobody reads.
 *
 * When the real clock is set, timers at absolute times of it move. The step only wakes whoever
 * waits for them; the new expiry is worked out when the file is next looked at.
 */
#include "kernel/fd/timerfd.h"

#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include <linux/time.h>

#include "kernel/base/errno.h"
#include "kernel/fd/anonymous.h"
#include "kernel/mm/heap.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

struct timerfd {
    struct mutex lock;
    int clock;
    bool set;
    bool real;         /* expires at a real time */
    bool cancel;       /* tell when the real clock is set */
    uint8_t settime;   /* the flags of the last timerfd_settime */
    int64_t expiry_ns; /* of the real clock if real, else of the monotonic one */
    int64_t interval_ns;
    uint64_t clock_changes; /* seen so far */
    struct timer timer;
    struct waiter clock_waiter;
    struct waitq waitq;
};

static int64_t now_of(const struct timerfd *t)
{
    return t->real ? clock_realtime_ns() : (int64_t)clock_monotonic_ns();
}

static void expired(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);
    waitq_wake(&t->waitq, EPOLLIN | EPOLLRDNORM);
}

static bool clock_stepped(struct waiter *w, uint32_t events)
{
    (void)events;
    waitq_wake(&container_of(w, struct timerfd, clock_waiter)->waitq, EPOLLIN | EPOLLRDNORM);
    return false;
}

static void start_locked(struct timerfd *t)
{
    timer_set(&t->timer, t->real ? deadline_of_realtime(t->expiry_ns) : ns_of(t->expiry_ns));
}

/* Whether the real clock was set since the last look; moves the timer then. */
static bool clock_changed_locked(struct timerfd *t)
{
    uint64_t changes = clock_realtime_changes();
    if (!t->real || changes == t->clock_changes)
        return false;
    if (t->set && now_of(t) < t->expiry_ns)
        start_locked(t);
    if (!t->cancel)
        t->clock_changes = changes;
    return t->cancel;
}

/* Takes the number of times it expired, and starts it for the next. */
static uint64_t take_locked(struct timerfd *t)
{
    int64_t now = now_of(t);
    if (!t->set || now < t->expiry_ns)
        return 0;
    if (t->interval_ns == 0) {
        t->set = false;
        return 1;
    }
    uint64_t interval = (uint64_t)t->interval_ns;
    uint64_t count = periods_begun(ns_of(t->expiry_ns), ns_of(now), interval);
    t->expiry_ns = time_of_ns(ns_add(ns_of(t->expiry_ns), ns_mul(interval, count)));
    start_locked(t);
    return count;
}

static int64_t timerfd_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct timerfd *t = f->private;
    uint64_t count = 0;
    (void)pos;
    if (it->left < sizeof(count))
        return -EINVAL;
    mutex_lock(&t->lock);
    bool cancelled = clock_changed_locked(t);
    if (cancelled)
        t->clock_changes = clock_realtime_changes();
    else
        count = take_locked(t);
    mutex_unlock(&t->lock);
    if (cancelled)
        return -ECANCELED;
    if (count == 0)
        return -EAGAIN;
    return iter_write(it, &count, sizeof(count)) == sizeof(count) ? (int64_t)sizeof(count)
                                                                  : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f)
{
    struct timerfd *t = f->private;
    mutex_lock(&t->lock);
    bool ready = clock_changed_locked(t) || (t->set && now_of(t) >= t->expiry_ns);
    mutex_unlock(&t->lock);
    return ready ? EPOLLIN | EPOLLRDNORM : 0;
}

static struct waitq *timerfd_waitq(struct file *f)
{
    struct timerfd *t = f->private;
    return &t->waitq;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->private;
    waitq_remove(clock_realtime_waitq(), &t->clock_waiter);
    (void)timer_cancel(&t->timer);
    heap_free(t);
}

static size_t timerfd_fdinfo(struct file *f, char *buf, size_t size)
{
    struct timerfd *t = f->private;
    mutex_lock(&t->lock);
    int64_t now = now_of(t), interval = t->interval_ns;
    bool due = t->set && now >= t->expiry_ns; /* counted once until it is read */
    int64_t left = t->set && !due ? time_sub(t->expiry_ns, now) : 0, ns, interval_ns;
    int64_t seconds = time_split(left, &ns), interval_seconds = time_split(interval, &interval_ns);
    unsigned settime = t->settime;
    mutex_unlock(&t->lock);
    return format(buf, size,
                  "clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%ld, %ld)\n"
                  "it_interval: (%ld, %ld)\n",
                  t->clock, due, settime, seconds, ns, interval_seconds, interval_ns);
}

static const struct file_ops timerfd_ops = {
    .name = "timerfd",
    .read = timerfd_read,
    .poll = timerfd_poll,
    .waitq = timerfd_waitq,
    .getattr = anonymous_getattr,
    .no_splice = true,
    .describe = anonymous_describe,
    .fdinfo = timerfd_fdinfo,
    .release = timerfd_release,
};

struct file *timerfd_create(int clock, unsigned flags)
{
    struct timerfd *t = heap_zalloc_object(sizeof(*t));
    if (!t)
        return NULL;
    t->clock = clock;
    mutex_init(&t->lock, RANK_STREAM);
    waitq_init_rank(&t->waitq, RANK_WAITQ_INNER); /* woken under the clock's */
    timer_init(&t->timer, expired);
    waiter_init(&t->clock_waiter, EVENTS_ANY);
    t->clock_waiter.wake = clock_stepped;
    struct file *f = file_alloc(&timerfd_ops, O_RDWR | flags, NULL, t);
    if (!f)
        heap_free(t);
    return f;
}

bool timerfd_is(const struct file *f)
{
    return f->ops == &timerfd_ops;
}

static bool is_real_clock(int clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

void timerfd_set(struct file *f, const struct timerfd_setting *setting, bool absolute, bool cancel)
{
    struct timerfd *t = f->private;
    bool real = absolute && is_real_clock(t->clock);
    mutex_lock(&t->lock);
    (void)timer_cancel(&t->timer);
    if (real && !t->real)
        waitq_add(clock_realtime_waitq(), &t->clock_waiter);
    else if (!real && t->real)
        waitq_remove(clock_realtime_waitq(), &t->clock_waiter);
    t->real = real;
    t->cancel = real && cancel;
    t->settime = (uint8_t)(absolute | cancel << 1);
    t->clock_changes = clock_realtime_changes();
    t->interval_ns = setting->interval_ns;
    t->set = setting->value_ns != 0;
    if (t->set) {
        t->expiry_ns = absolute ? setting->value_ns : time_add(now_of(t), setting->value_ns);
        start_locked(t);
    }
    mutex_unlock(&t->lock);
}

void timerfd_get(struct file *f, struct timerfd_setting *setting)
{
    struct timerfd *t = f->private;
    mutex_lock(&t->lock);
    int64_t left = t->set ? time_sub(t->expiry_ns, now_of(t)) : 0;
    if (t->set && left <= 0) /* the period that has begun */
        left = t->interval_ns ? time_add(t->interval_ns, left % t->interval_ns) : 0;
    *setting = (struct timerfd_setting){t->interval_ns, left};
    mutex_unlock(&t->lock);
}
