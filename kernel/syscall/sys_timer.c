/* Interval timers, alarm and POSIX timers; kernel/proc/posix_timer.c runs them. */
#include <linux/signal.h>
#include <linux/time.h>

#include "kernel/base/string.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/timespec.h"

/* of <asm/siginfo.h>, which hides it */
struct sigevent_kernel {
    sigval_t value;
    int signo, notify, tid;
    int pad[11];
};
_Static_assert(sizeof(struct sigevent_kernel) == 64, "sigevent layout");

#define US_ROUND_UP 999 /* ns */

struct itimerval_kernel {
    struct timeval_kernel period, value;
};
struct itimerspec_kernel {
    struct timespec_kernel period, value;
};

static int timeval_ns(const struct timeval_kernel *tv, uint64_t *ns)
{
    if (tv->sec < 0 || tv->usec < 0 || tv->usec >= US_PER_SECOND)
        return -EINVAL;
    *ns = ns_of(time_of_us(tv->sec, tv->usec));
    return 0;
}

/* A remainder below a microsecond must not look like "not set". */
static struct timeval_kernel timeval_up(uint64_t ns)
{
    return timeval_of(time_of_ns(ns_add(ns, US_ROUND_UP)));
}

static int write_itimer(struct uptr to, const struct interval *in)
{
    struct itimerval_kernel it = {timeval_up(in->period_ns), timeval_up(in->value_ns)};
    return copy_to_user(to, &it, sizeof(it));
}

int64_t sys_getitimer(int which, struct uptr to)
{
    struct interval now;
    if (which < 0 || which > ITIMER_PROF)
        return -EINVAL;
    itimer_get(which, &now);
    return write_itimer(to, &now);
}

int64_t sys_setitimer(int which, struct uptr from, struct uptr old)
{
    struct itimerval_kernel it;
    struct interval new = {0, 0}, before;
    if (which < 0 || which > ITIMER_PROF)
        return -EINVAL;
    if (!uptr_is_null(from)) {
        int err = copy_from_user(&it, from, sizeof(it));
        if (!err)
            err = timeval_ns(&it.value, &new.value_ns);
        if (!err)
            err = timeval_ns(&it.period, &new.period_ns);
        if (err)
            return err;
    }
    itimer_set(which, &new, &before);
    return uptr_is_null(old) ? 0 : write_itimer(old, &before);
}

int64_t sys_alarm(unsigned seconds)
{
    struct interval new = {ns_mul(NS_PER_SECOND, seconds), 0}, before;
    itimer_set(ITIMER_REAL, &new, &before);
    uint64_t left = before.value_ns / NS_PER_SECOND;
    uint64_t rest = before.value_ns % NS_PER_SECOND;
    return (int64_t)left + ((left == 0 && rest) || rest >= NS_PER_SECOND / 2);
}

static int check_event(const struct sigevent_kernel *event)
{
    if (event->notify == SIGEV_NONE)
        return 0;
    if ((event->notify & ~SIGEV_THREAD_ID) != SIGEV_SIGNAL || !signal_valid(event->signo))
        return -EINVAL;
    if (!(event->notify & SIGEV_THREAD_ID))
        return 0;
    spin_lock(&the_proc.task_lock);
    bool found = task_find(event->tid) != NULL;
    spin_unlock(&the_proc.task_lock);
    return found ? 0 : -EINVAL;
}

int64_t sys_timer_create(int clock, struct uptr from, struct uptr to)
{
    struct sigevent_kernel event = {.notify = SIGEV_SIGNAL, .signo = SIGALRM};
    int64_t now;
    if (clock_read(clock, &now) || clock == CLOCK_REALTIME_COARSE ||
        clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW)
        return -EINVAL;
    int err = uptr_is_null(from) ? 0 : copy_from_user(&event, from, sizeof(event));
    if (!err)
        err = check_event(&event);
    if (!err && (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) &&
        !capable(CAP_WAKE_ALARM))
        err = -EPERM;
    if (err)
        return err;
    /* The caller's thread clock means the creator's, whoever looks at the timer later. */
    if (clock == CLOCK_THREAD_CPUTIME_ID)
        clock = (int)(~(unsigned)task_current()->tid << 3 | 6u);
    struct posix_timer_spec spec = {
        .clock = clock,
        .notify = event.notify,
        .signo = event.signo,
        .tid = event.tid,
        .value_is_id = uptr_is_null(from),
        .value = event.value,
    };
    int id = posix_timer_create(&spec);
    if (id < 0)
        return id;
    err = copy_to_user(to, &id, sizeof(id));
    if (err) {
        int gone = posix_timer_delete(id);
        (void)gone;
    }
    return err;
}

static int write_itimerspec(struct uptr to, const struct interval *in)
{
    struct itimerspec_kernel it = {timespec_of(time_of_ns(in->period_ns)),
                                   timespec_of(time_of_ns(in->value_ns))};
    return copy_to_user(to, &it, sizeof(it));
}

int64_t sys_timer_settime(int id, int flags, struct uptr from, struct uptr old)
{
    struct itimerspec_kernel it;
    struct interval before;
    if (uptr_is_null(from))
        return -EINVAL;
    int err = copy_from_user(&it, from, sizeof(it));
    if (err)
        return err;
    if (!timespec_valid(&it.value) || !timespec_valid(&it.period))
        return -EINVAL;
    struct interval new = {(uint64_t)timespec_ns(&it.value), (uint64_t)timespec_ns(&it.period)};
    err = posix_timer_set(id, flags & TIMER_ABSTIME, &new, &before);
    if (err || uptr_is_null(old))
        return err;
    return write_itimerspec(old, &before);
}

int64_t sys_timer_gettime(int id, struct uptr to)
{
    struct interval now;
    int err = posix_timer_get(id, &now);
    return err ? err : write_itimerspec(to, &now);
}

int64_t sys_timer_getoverrun(int id)
{
    return posix_timer_overrun(id);
}

int64_t sys_timer_delete(int id)
{
    return posix_timer_delete(id);
}
