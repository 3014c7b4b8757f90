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
#define STATE_ERROR 5          /* adjtimex: the clock is not synchronized */
#define TICK_US 10000
#define ERROR_MAX_US 16000000
#define REALTIME_MAX_NS (INT64_MAX / 2)
#define STEP_MAX_SECONDS (SECONDS_MAX / 4)

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

static int set_realtime(int64_t ns)
{
    if (ns < 0 || ns > REALTIME_MAX_NS)
        return -EINVAL;
    clock_realtime_set(ns);
    posix_timer_clock_set();
    return 0;
}

int64_t sys_clock_settime(int clock, struct uptr from)
{
    int64_t ns;
    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    int err = timespec_read(from, &ns);
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
    if (tv.usec < 0 || tv.usec >= US_PER_SECOND || tv.sec < 0 || tv.sec >= SECONDS_MAX)
        return -EINVAL;
    return set_realtime(tv.sec * NS_PER_SECOND + tv.usec * NS_PER_US);
}

int64_t sys_time(struct uptr to)
{
    int64_t seconds = clock_realtime_ns() / NS_PER_SECOND;
    int err = uptr_is_null(to) ? 0 : copy_to_user(to, &seconds, sizeof(seconds));
    return err ? err : seconds;
}

/* Reads the state, and steps the clock (ADJ_SETOFFSET); slewing is missing (PART). */
int64_t sys_clock_adjtime(int clock, struct uptr buf)
{
    struct __kernel_timex tx;
    if (clock != CLOCK_REALTIME)
        return -EINVAL;
    int err = copy_from_user(&tx, buf, sizeof(tx));
    if (err)
        return err;
    if (tx.modes & ADJ_SETOFFSET) {
        int64_t fraction = tx.time.tv_usec;
        if (!(tx.modes & ADJ_NANO) && fraction >= 0 && fraction < US_PER_SECOND)
            fraction *= NS_PER_US;
        if (fraction < 0 || fraction >= NS_PER_SECOND || tx.time.tv_sec > STEP_MAX_SECONDS ||
            tx.time.tv_sec < -STEP_MAX_SECONDS)
            return -EINVAL;
        err = set_realtime(clock_realtime_ns() + tx.time.tv_sec * NS_PER_SECOND + fraction);
        if (err)
            return err;
    }
    uint32_t modes = tx.modes;
    struct timeval_kernel now = timeval_of(clock_realtime_ns());
    memset(&tx, 0, sizeof(tx));
    tx.modes = modes;
    tx.status = STA_UNSYNC;
    tx.maxerror = tx.esterror = ERROR_MAX_US;
    tx.constant = 2;
    tx.precision = 1;
    tx.tolerance = 32768000;
    tx.tick = TICK_US;
    tx.time.tv_sec = now.sec;
    tx.time.tv_usec = now.usec;
    err = copy_to_user(buf, &tx, sizeof(tx));
    return err ? err : STATE_ERROR;
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
    if (!uptr_is_null(left) && timespec_write(left, (int64_t)(deadline - now)))
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
    return err ? err : sleep_relative(deadline_after(clock_monotonic_ns(), ns), left);
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
        int64_t deadline = until_ns - clock_realtime_offset_ns();
        err = waiter_sleep(&w, deadline > 0 ? (uint64_t)deadline : 0, true);
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
        uint64_t left = max_u64((uint64_t)(until_ns - now), COARSE_TICK_NS);
        err = thread_sleep_until(clock_monotonic_ns() + left, true);
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
    if (err)
        return err;
    if (flags & TIMER_ABSTIME)
        return sleep_absolute(clock, ns);
    if (clock_is_cpu(clock))
        return sleep_absolute(clock, ns > INT64_MAX - now ? INT64_MAX : now + ns);
    return sleep_relative(deadline_after(clock_monotonic_ns(), ns), left);
}
