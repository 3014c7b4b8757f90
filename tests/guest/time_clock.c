/* Clocks and sleeping: every clock, relative and absolute sleeps, processor time, settime refused.
 */
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

#include "tests/harness/guest.h"

static void clocks_exist_and_advance(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                                       CLOCK_BOOTTIME, CLOCK_TAI};
    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        int64_t before = now_ns(clocks[i]);
        sleep_ms(5);
        int64_t after = now_ns(clocks[i]);
        CHECK(before > 0 && after - before >= 4 * NS_PER_MS && after - before < 3000 * NS_PER_MS);
    }
    struct timespec ts;
    CHECK_ERR(syscall(SYS_clock_gettime, 4711, &ts), EINVAL);
    CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(syscall(SYS_gettimeofday, KERNEL_ADDRESS, NULL), EFAULT);
    CHECK_ERR(syscall(SYS_clock_getres, 4711, &ts), EINVAL);
    CHECK_OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
}

static void clocks_agree_with_each_other(void)
{
    int64_t real = now_ns(CLOCK_REALTIME), mono = now_ns(CLOCK_MONOTONIC);
    sleep_ms(50);
    int64_t real2 = now_ns(CLOCK_REALTIME) - real, mono2 = now_ns(CLOCK_MONOTONIC) - mono;
    CHECK(llabs(real2 - mono2) < 5 * NS_PER_MS);
    int64_t coarse = now_ns(CLOCK_MONOTONIC_COARSE);
    CHECK(llabs(now_ns(CLOCK_MONOTONIC) - coarse) < 100 * NS_PER_MS);
}

static void sleeping(void)
{
    struct timespec ts = ms_timespec(20), zero = {0, 0};
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_OK(nanosleep(&ts, NULL));
    int64_t took = now_ns(CLOCK_MONOTONIC) - before;
    CHECK(took >= 20 * NS_PER_MS && took < 2000 * NS_PER_MS);
    CHECK_OK(nanosleep(&zero, NULL));
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0);
    int64_t until = now_ns(CLOCK_MONOTONIC) + 20 * NS_PER_MS;
    ts = (struct timespec){until / 1000000000, until % 1000000000};
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) >= until);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &zero, NULL), 0); /* long over */
    ts = (struct timespec){0, 1000000000};
    CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(4711, 0, &zero, NULL), EINVAL);
    ts = (struct timespec){-1, 0};
    CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_nanosleep, KERNEL_ADDRESS, NULL), EFAULT);
}

static void *sleep_some(void *arg)
{
    int64_t before = now_ns(CLOCK_MONOTONIC);
    sleep_ms((long)arg);
    return (void *)(long)((now_ns(CLOCK_MONOTONIC) - before) / NS_PER_MS);
}

static void many_sleepers_wake_in_time(void)
{
    enum { COUNT = 40 };
    pthread_t thread[COUNT];
    int early = 0, late = 0;
    for (long i = 0; i < COUNT; i++)
        thread[i] = thread_start(sleep_some, (void *)(10 + i * 7 % 30));
    for (long i = 0; i < COUNT; i++) {
        long ms = (long)thread_join(thread[i]);
        early += ms < 10 + i * 7 % 30;
        late += ms > 1000;
    }
    CHECK_EQ(early, 0);
    CHECK_EQ(late, 0);
}

static void processor_time_counts_work_not_sleep(void)
{
    int64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID), thread = now_ns(CLOCK_THREAD_CPUTIME_ID);
    sleep_ms(50);
    CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 30 * NS_PER_MS);
    CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) - thread < 30 * NS_PER_MS);
    int64_t wall = now_ns(CLOCK_MONOTONIC);
    cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 20 * NS_PER_MS &&
           now_ns(CLOCK_MONOTONIC) - wall < 5000 * NS_PER_MS)
        ;
    CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu >= 20 * NS_PER_MS);
    struct rusage usage;
    CHECK_OK(getrusage(RUSAGE_SELF, &usage));
    CHECK(usage.ru_utime.tv_sec * 1000000l + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec +
              usage.ru_stime.tv_usec >
          0);
    CHECK(usage.ru_maxrss > 0);
    CHECK(usage.ru_minflt > 0);
    CHECK_OK(getrusage(RUSAGE_THREAD, &usage));
    CHECK_OK(getrusage(RUSAGE_CHILDREN, &usage));
    CHECK_EQ(usage.ru_maxrss, 0);
    CHECK_ERR(getrusage(77, &usage), EINVAL);
    CHECK_ERR(syscall(SYS_getrusage, RUSAGE_SELF, KERNEL_ADDRESS), EFAULT);
    struct tms tms;
    CHECK(times(&tms) > 0);
    CHECK(tms.tms_utime + tms.tms_stime >= 1);
    clockid_t clock;
    CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
    CHECK(now_ns(clock) > 0);
    CHECK_EQ(clock_getcpuclockid(0, &clock), 0);
    CHECK(now_ns(clock) > 0);
}

static volatile int stop, begun;
static volatile clockid_t worker_clock;

static void *work(void *arg)
{
    clockid_t clock;
    (void)arg;
    CHECK_EQ(pthread_getcpuclockid(pthread_self(), &clock), 0);
    worker_clock = clock;
    struct timespec t = {0, 1};
    CHECK_EQ(clock_nanosleep(clock, 0, &t, NULL), EINVAL); /* its own */
    /* The clock of the process by the thread's number, for its reader alone. */
    CHECK_OK(clock_gettime((clockid_t)(~(unsigned)gettid() << 3 | 2), &t));
    begun = 1;
    while (!stop)
        ;
    return NULL;
}

static void processor_clocks_of_others(void)
{
    pthread_t worker = thread_start(work, NULL);
    struct timespec t;
    CHECK(wait_for(&begun, 1));
    clockid_t clock = worker_clock;
    int64_t before = now_ns(clock), own = now_ns(CLOCK_THREAD_CPUTIME_ID);
    t = (struct timespec){0, 20 * NS_PER_MS};
    CHECK_EQ(clock_nanosleep(clock, 0, &t, NULL), 0);
    CHECK(now_ns(clock) - before >= 20 * NS_PER_MS);
    CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) - own < now_ns(clock) - before);
    CHECK_OK(clock_getres(clock, &t));
    CHECK_ERR(clock_settime(clock, &t), EPERM);
    CHECK_ERR(syscall(SYS_clock_settime, clock, NULL), EFAULT);
    stop = 1;
    thread_join(worker);
    while (clock_gettime(clock, &t) ==
           0) /* until Linux has forgotten it, just after it was joined */
        usleep(1000);
    CHECK_ERR(clock_gettime(clock, &t), EINVAL);
    CHECK_ERR(clock_getres(clock, &t), EINVAL);
    CHECK_ERR(clock_settime(clock, &t), EINVAL);
    CHECK_EQ(clock_nanosleep(clock, 0, &(struct timespec){0, 1}, NULL), EINVAL);
    timer_t timer;
    CHECK_ERR(timer_create(clock, NULL, &timer), EINVAL);
    CHECK_EQ(clock_getcpuclockid(999999, &clock), ESRCH);
    CHECK_EQ(clock_getcpuclockid(getpid(), &clock), 0);
    CHECK(now_ns(clock) > 0);
    CHECK_ERR(clock_gettime((clockid_t)(~0u << 3 | 3), &t), EINVAL); /* counts nothing known */
    CHECK_ERR(clock_gettime((clockid_t)(~0u << 3 | 7), &t), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &t), EINVAL);
}

static void reading_the_clock_discipline(void)
{
    struct timex tx = {.modes = 0};
    CHECK(adjtimex(&tx) >= 0);
}

/* A time of zero seconds is one that was never read, to many a program. */
static void no_clock_begins_at_zero(void)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE,
                                       CLOCK_BOOTTIME};
    for (unsigned n = 0; n < sizeof(clocks) / sizeof(clocks[0]); n++)
        CHECK(now_ns(clocks[n]) >= 5000 * NS_PER_MS);
}

int main(void)
{
    RUN(no_clock_begins_at_zero);
    RUN(clocks_exist_and_advance);
    RUN(clocks_agree_with_each_other);
    RUN(sleeping);
    RUN(many_sleepers_wake_in_time);
    RUN(processor_time_counts_work_not_sleep);
    RUN(processor_clocks_of_others);
    RUN(reading_the_clock_discipline);
    return check_done();
}
