/* Clocks and sleeping. */
#include <linux/time.h>
#include <linux/timex.h>

#include "kernel/base/string.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/restart.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define COARSE_TICK_NS 1000000 /* what the coarse clocks say of themselves */
#define ADJ_ADJTIME 0x8000     /* in ADJ_OFFSET_SINGLESHOT and ADJ_OFFSET_SS_READ */
#define MAXTC 10               /* of the loop constant */
#define TICK_US 10000
#define ERROR_MAX_US 16000000
#define UPTIME_MAX_SECONDS (30ll * 365 * 24 * 3600) /* that the clock can go on after being set */

int64_t sys_clock_gettime(int clock, struct uptr to)
{
    int64_t ns;
    int err = clock_read(clock, &ns);
    return err ? err : timespec_write(to, ns);
}

int64_t sys_clock_getres(int clock, struct uptr to)
{
    int64_t ns;
    int err = clock_read(clock, &ns);
    if (err)
        return err;
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    return uptr_is_null(to) ? 0 : timespec_write(to, coarse ? COARSE_TICK_NS : 1);
}

/* As on Linux the machine can't have started before 1970, nor may the clock come to its end. */
static int set_realtime(int64_t ns)
{
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (ns < (int64_t)clock_monotonic_ns() ||
        ns / NS_PER_SECOND >= SECONDS_MAX - UPTIME_MAX_SECONDS)
        return -EINVAL;
    clock_realtime_set(ns);
    posix_timer_clock_set();
    return 0;
}

int64_t sys_clock_settime(int clock, struct uptr from)
{
    int64_t ns;
    if (clock != CLOCK_REALTIME && clock >= 0)
        return -EINVAL;
    int err = timespec_read(from, &ns);
    if (!err && clock < 0) /* nobody may set a CPU clock */
        err = clock_read(clock, &ns) ? -EINVAL : -EPERM;
    return err ? err : set_realtime(ns);
}

int64_t sys_gettimeofday(struct uptr to, struct uptr zone)
{
    if (!uptr_is_null(to)) {
        struct timeval_kernel tv = timeval_of(clock_realtime_ns());
        if (copy_to_user(to, &tv, sizeof(tv)))
            return -EFAULT;
    }
    return !uptr_is_null(zone) && clear_user_partial(zone, sizeof(struct timezone)) ? -EFAULT : 0;
}

int64_t sys_settimeofday(struct uptr from, struct uptr zone)
{
    (void)zone; /* the kernel's time zone means nothing here */
    if (uptr_is_null(from))
        return 0;
    struct timeval_kernel tv;
    int err = copy_from_user(&tv, from, sizeof(tv));
    if (err)
        return err;
    if (tv.usec < 0 || tv.usec >= US_PER_SECOND || tv.sec < 0)
        return -EINVAL;
    return set_realtime(time_of_us(tv.sec, tv.usec));
}

int64_t sys_time(struct uptr to)
{
    int64_t seconds = clock_realtime_ns() / NS_PER_SECOND;
    int err = uptr_is_null(to) ? 0 : copy_to_user(to, &seconds, sizeof(seconds));
    return err ? err : seconds;
}

/* What adjtimex(2) keeps. Frequency and tick can't be changed, nor is the clock slewed. */
static struct {
    int status;
    long max_error, estimated_error, constant;
} discipline = {STA_UNSYNC, ERROR_MAX_US, ERROR_MAX_US, 2};

static int64_t step_of(const struct __kernel_timex *tx)
{
    bool nano = tx->modes & ADJ_NANO;
    return nano ? time_of(tx->time.tv_sec, tx->time.tv_usec)
                : time_of_us(tx->time.tv_sec, tx->time.tv_usec);
}

/* Whether the values that the modes take are in range: 0 or -EINVAL. */
static int check_timex(const struct __kernel_timex *tx)
{
    if (tx->modes & ADJ_ADJTIME && !(tx->modes & ADJ_OFFSET))
        return -EINVAL;
    if (!(tx->modes & ADJ_ADJTIME) && tx->modes & ADJ_TICK &&
        (tx->tick < TICK_US / 10 * 9 || tx->tick > TICK_US / 10 * 11))
        return -EINVAL;
    if (!(tx->modes & ADJ_SETOFFSET))
        return 0;
    int64_t limit = tx->modes & ADJ_NANO ? NS_PER_SECOND : US_PER_SECOND;
    return tx->time.tv_usec < 0 || tx->time.tv_usec >= limit ? -EINVAL : 0;
}

/* Changes of the clock's rate are refused as where CAP_SYS_TIME is missing. */
static bool slews(const struct __kernel_timex *tx)
{
    if (tx->modes & ADJ_ADJTIME)
        return tx->modes != ADJ_OFFSET_SS_READ && tx->offset != 0;
    return (tx->modes & ADJ_OFFSET && tx->offset != 0) ||
           (tx->modes & ADJ_FREQUENCY && tx->freq != 0) ||
           (tx->modes & ADJ_TICK && tx->tick != TICK_US);
}

static void set_discipline(const struct __kernel_timex *tx)
{
    if (tx->modes & ADJ_ADJTIME)
        return;
    if (tx->modes & ADJ_STATUS)
        discipline.status = tx->status & ~STA_RONLY;
    if (tx->modes & ADJ_MAXERROR)
        discipline.max_error = tx->maxerror;
    if (tx->modes & ADJ_ESTERROR)
        discipline.estimated_error = tx->esterror;
    if (tx->modes & ADJ_TIMECONST)
        discipline.constant = tx->constant < 0 ? 0 : tx->constant > MAXTC ? MAXTC : tx->constant;
    if (tx->modes & ADJ_NANO)
        discipline.status |= STA_NANO;
    if (tx->modes & ADJ_MICRO)
        discipline.status &= ~STA_NANO;
}

static void tell_discipline(struct __kernel_timex *tx)
{
    uint32_t modes = tx->modes;
    int64_t rest, seconds = time_split(clock_realtime_ns(), &rest);
    memset(tx, 0, sizeof(*tx));
    tx->modes = modes;
    tx->status = discipline.status;
    tx->maxerror = discipline.max_error;
    tx->esterror = discipline.estimated_error;
    tx->constant = discipline.constant;
    tx->precision = 1;
    tx->tolerance = 32768000;
    tx->tick = TICK_US;
    tx->time.tv_sec = seconds;
    tx->time.tv_usec = discipline.status & STA_NANO ? rest : rest / NS_PER_US;
}

/* Reads the state, and steps the clock (ADJ_SETOFFSET); slewing is missing (PART). */
int64_t sys_clock_adjtime(int clock, struct uptr buf)
{
    struct __kernel_timex tx;
    int64_t now;
    int err = copy_from_user(&tx, buf, sizeof(tx));
    if (err)
        return err;
    if (clock != CLOCK_REALTIME)
        return clock_read(clock, &now) ? -EINVAL : -EOPNOTSUPP;
    err = check_timex(&tx);
    if (!err && tx.modes && tx.modes != ADJ_OFFSET_SS_READ && !capable(CAP_SYS_TIME))
        err = -EPERM;
    if (!err && slews(&tx))
        err = -EPERM;
    if (!err && tx.modes & ADJ_SETOFFSET)
        err = set_realtime(time_add(clock_realtime_ns(), step_of(&tx)));
    if (err)
        return err;
    set_discipline(&tx);
    tell_discipline(&tx);
    err = copy_to_user(buf, &tx, sizeof(tx));
    return err ? err : discipline.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

int64_t sys_adjtimex(struct uptr buf)
{
    return sys_clock_adjtime(CLOCK_REALTIME, buf);
}

/* Sleeps, and on a signal tells what is left. */
static int64_t sleep_relative(uint64_t deadline, struct uptr left)
{
    if (thread_sleep_until(deadline, true) != -EINTR)
        return 0;
    uint64_t now = clock_monotonic_ns();
    if (now >= deadline)
        return 0;
    if (!uptr_is_null(left) && timespec_write(left, deadline_left(deadline, now)))
        return -EFAULT;
    return restart_later(RESTART_NANOSLEEP, deadline, left.addr, 0, 0);
}

int64_t sys_nanosleep_restart(const uint64_t data[4])
{
    return sleep_relative(data[0], (struct uptr){data[1]});
}

int64_t sys_nanosleep(struct uptr request, struct uptr left)
{
    int64_t ns;
    int err = timespec_read(request, &ns);
    return err ? err : sleep_relative(deadline_in(ns), left);
}

/* Sleeps until the real-time clock says so, also if somebody sets it meanwhile. */
static int sleep_until_realtime(int64_t until_ns)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(clock_realtime_waitq(), &w);
    int err = 0;
    while (err != -EINTR) {
        waiter_arm(&w);
        if (clock_realtime_ns() >= until_ns) {
            err = 0;
            break;
        }
        err = waiter_sleep(&w, deadline_of_realtime(until_ns), true);
    }
    waitq_remove(clock_realtime_waitq(), &w);
    return err;
}

/* CPU clocks: looked at when the time could be over at the earliest. */
static int sleep_until_cpu(int clock, int64_t until_ns)
{
    for (;;) {
        int64_t now;
        int err = clock_read(clock, &now);
        if (err || now >= until_ns)
            return err;
        int64_t left = time_sub(until_ns, now);
        err = thread_sleep_until(deadline_in(left > COARSE_TICK_NS ? left : COARSE_TICK_NS), true);
        if (err)
            return err;
    }
}

static int64_t sleep_absolute(int clock, int64_t until_ns)
{
    int err;
    if (clock_is_cpu(clock))
        err = sleep_until_cpu(clock, until_ns);
    else if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI)
        err = sleep_until_realtime(until_ns);
    else
        err = thread_sleep_until((uint64_t)until_ns, true);
    return err == -EINTR ? -ERESTARTNOHAND : err;
}

int64_t sys_clock_nanosleep(int clock, int flags, struct uptr request, struct uptr left)
{
    int64_t now, ns;
    int err = clock_read(clock, &now);
    if (err)
        return err;
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
        clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_THREAD_CPUTIME_ID)
        return -EOPNOTSUPP;
    err = timespec_read(request, &ns);
    if (!err && clock_is_own_thread(clock)) /* it would not wake */
        err = -EINVAL;
    if (err)
        return err;
    if (flags & TIMER_ABSTIME)
        return sleep_absolute(clock, ns);
    if (clock_is_cpu(clock))
        return sleep_absolute(clock, time_add(now, ns));
    return sleep_relative(deadline_in(ns), left);
}
