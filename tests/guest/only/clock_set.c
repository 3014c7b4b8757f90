/* In the guest alone: the real-time clock is set, which a test must not do to the host. It goes as
 * far back and forth as Linux lets it, and no further; what waits for a real time notices, what
 * waits for a length of time does not; other threads go on. */
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

#include "tests/harness/guest.h"

#define LAST_SECOND 9223372036l
#define SETTABLE_LAST (LAST_SECOND - 30l * 365 * 24 * 3600)
#define FAR_FUTURE (SETTABLE_LAST - 10)
#define PRESENT 1800000000l

static int set(time_t seconds)
{
    struct timespec t = {seconds, 0};
    return clock_settime(CLOCK_REALTIME, &t);
}

static void where_it_can_be_set_to(void)
{
    struct timespec bad = {PRESENT, 1000000000};
    CHECK_ERR(set(0), EINVAL); /* it was started before 1970 then */
    CHECK_ERR(set(-1), EINVAL);
    CHECK_ERR(set(SETTABLE_LAST + 1), EINVAL);
    CHECK_ERR(set(LAST_SECOND), EINVAL);
    CHECK_ERR(set(LONG_MAX), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_REALTIME, &bad), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_TAI, &(struct timespec){1, 0}), EINVAL);
    CHECK_ERR(settimeofday(&(struct timeval){LONG_MAX, 0}, NULL), EINVAL);
    CHECK_ERR(settimeofday(&(struct timeval){0, 0}, NULL), EINVAL);
    CHECK_OK(set(1000));
    CHECK_EQ(time(NULL), 1000);
    CHECK_OK(set(FAR_FUTURE));
    CHECK_EQ(time(NULL), FAR_FUTURE);
    CHECK_OK(settimeofday(&(struct timeval){PRESENT, 999999}, NULL));
    CHECK(time(NULL) >= PRESENT);
}

static int step(long seconds, long fraction, unsigned modes)
{
    struct timex tx = {.modes = ADJ_SETOFFSET | modes, .time = {seconds, fraction}};
    return clock_adjtime(CLOCK_REALTIME, &tx);
}

static void steps(void)
{
    CHECK_OK(set(PRESENT));
    CHECK(step(100, 0, 0) >= 0);
    CHECK(time(NULL) >= PRESENT + 100 && time(NULL) < PRESENT + 110);
    CHECK(step(-100, 500000000, ADJ_NANO) >= 0);
    CHECK(time(NULL) >= PRESENT && time(NULL) < PRESENT + 10);
    CHECK_ERR(step(0, 1000000, 0), EINVAL);
    CHECK_ERR(step(0, 1000000000, ADJ_NANO), EINVAL);
    CHECK_ERR(step(0, -1, 0), EINVAL);
    CHECK_ERR(step(LONG_MAX, 0, 0), EINVAL);
    CHECK_ERR(step(LONG_MIN, 0, 0), EINVAL);
    CHECK_ERR(step(-PRESENT - 100, 0, 0), EINVAL);
    CHECK_ERR(step(LAST_SECOND, 999999, 0), EINVAL);
    struct timex tx = {.modes = ADJ_TICK, .tick = 8999};
    CHECK_ERR(adjtimex(&tx), EINVAL);
    tx.tick = 11001;
    CHECK_ERR(adjtimex(&tx), EINVAL);
    tx.tick = 10000;
    CHECK_OK(adjtimex(&tx));
    tx = (struct timex){.modes = ADJ_FREQUENCY, .freq = 1000}; /* not done, so refused */
    CHECK_ERR(adjtimex(&tx), EPERM);
    CHECK_ERR(adjtime(&(struct timeval){1, 0}, NULL), EPERM);
    tx = (struct timex){.modes = ADJ_STATUS | ADJ_NANO | ADJ_MAXERROR, .maxerror = 500};
    CHECK_EQ(adjtimex(&tx), TIME_OK);
    CHECK_EQ(tx.status & STA_NANO, STA_NANO);
    CHECK_EQ(tx.maxerror, 500);
}

static volatile int done, ticks, stop;
static struct timespec until;

static void *tick(void *arg)
{
    (void)arg;
    while (!stop) {
        sleep_ms(1);
        ticks++;
    }
    return NULL;
}

static void *sleep_until(void *arg)
{
    int err = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    (void)arg;
    CHECK_EQ(err, 0);
    done++;
    return NULL;
}

/* What found this: a sleep until the end of time, with the clock far back, took all CPUs. */
static void others_go_on_while_one_sleeps_for_ever(void)
{
    CHECK_OK(set(1000));
    until = (struct timespec){LAST_SECOND, 0};
    done = 0;
    pthread_detach(thread_start(sleep_until, NULL));
    sleep_ms(20);
    int before = ticks;
    CHECK(wait_for(&ticks, before + 10));
    CHECK_EQ(done, 0);
}

static void a_sleep_ends_when_the_clock_is_set_past_it(void)
{
    CHECK_OK(set(PRESENT));
    until = (struct timespec){PRESENT + 100000, 0};
    done = 0;
    pthread_t sleeper = thread_start(sleep_until, NULL);
    sleep_ms(20);
    CHECK_EQ(done, 0);
    CHECK_OK(set(1000));
    sleep_ms(20);
    CHECK_EQ(done, 0);
    CHECK_OK(set(PRESENT + 100001));
    CHECK(wait_for(&done, 1));
    thread_join(sleeper);
}

/* The ways to wait for a real time with a futex. */
static uint32_t word = 7;

static void *wait_for_word(void *arg)
{
    struct futex_waitv v = {.uaddr = (uintptr_t)&word, .val = 7, .flags = FUTEX_32};
    int op = (int)(intptr_t)arg;
    long result = op == -1 ? syscall(SYS_futex_waitv, &v, 1, 0, &until, CLOCK_REALTIME)
                           : syscall(SYS_futex, &word, op, 7, &until, NULL, FUTEX_BITSET_MATCH_ANY);
    CHECK(result == -1 && errno == ETIMEDOUT);
    done++;
    return NULL;
}

static void nothing(int signo)
{
    (void)signo;
}

static void a_wait_ends_when_the_clock_is_set_past_it(void)
{
    static const int ops[] = {FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, FUTEX_LOCK_PI, -1};
    struct sigaction restarts = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &restarts, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(set(PRESENT));
        until = (struct timespec){PRESENT + 100000, 0};
        done = 0;
        word = ops[i] == FUTEX_LOCK_PI ? (uint32_t)getpid() : 7;
        pthread_t sleeper = thread_start(wait_for_word, (void *)(intptr_t)ops[i]);
        sleep_ms(20);
        CHECK_OK(set(1000));
        sleep_ms(20);
        if (ops[i] == FUTEX_LOCK_PI)
            pthread_kill(sleeper, SIGUSR1); /* it goes on by the same clock */
        sleep_ms(20);
        CHECK_EQ(done, 0);
        CHECK_OK(set(PRESENT + 100001));
        CHECK(wait_for(&done, 1));
        thread_join(sleeper);
    }
}

static void a_descriptor_tells_that_the_clock_is_set(void)
{
    CHECK_OK(set(PRESENT));
    struct itimerspec spec = {{0, 0}, {PRESENT + 100000, 0}};
    uint64_t expired;
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL));
    CHECK_OK(set(1000));
    CHECK_ERR(read(fd, &expired, 8), ECANCELED);
    CHECK_OK(set(PRESENT + 100001));
    CHECK_ERR(read(fd, &expired, 8), ECANCELED);
    CHECK_EQ(read(fd, &expired, 8), 8);
    close(fd);
}

static volatile int signalled;

static void count(int signo)
{
    (void)signo;
    signalled++;
}

static void timers_of_a_clock_that_is_set(void)
{
    CHECK_OK(set(PRESENT));
    signal(SIGUSR2, count);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    timer_t timer;
    CHECK_OK(timer_create(CLOCK_REALTIME, &event, &timer));
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct itimerspec spec = {{LAST_SECOND, 0}, {PRESENT + 1000, 0}}, now;
    uint64_t expired;
    CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &spec, NULL));
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
    CHECK_OK(set(1000));
    sleep_ms(5);
    CHECK_EQ(signalled, 0);
    CHECK_ERR(read(fd, &expired, 8), EAGAIN);
    CHECK_OK(set(FAR_FUTURE));
    CHECK(wait_for(&signalled, 1));
    CHECK_EQ(read(fd, &expired, 8), 8);
    CHECK_EQ(expired, 1);
    CHECK_OK(timer_gettime(timer, &now));
    CHECK(now.it_value.tv_sec > 0 && now.it_value.tv_nsec >= 0);
    CHECK_OK(timerfd_gettime(fd, &now));
    CHECK(now.it_value.tv_sec > 0 && now.it_value.tv_nsec >= 0);
    CHECK_OK(set(PRESENT));
    spec.it_interval = (struct timespec){0, 1}; /* as many as fit into 200 years */
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
    CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &spec, NULL));
    CHECK_OK(set(FAR_FUTURE));
    CHECK_EQ(read(fd, &expired, 8), 8);
    CHECK(expired > (uint64_t)(FAR_FUTURE - PRESENT - 1001) * 1000000000u);
    CHECK(wait_for(&signalled, 2));
    CHECK_OK(timer_delete(timer));
    CHECK_OK(set(PRESENT));
    close(fd);
}

static void lengths_of_time_stay(void)
{
    int64_t began = now_ns(CLOCK_MONOTONIC);
    struct itimerspec spec = {{0, 0}, {1000, 0}}, now;
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    CHECK_OK(timerfd_settime(fd, 0, &spec, NULL));
    CHECK_OK(set(FAR_FUTURE));
    CHECK_OK(timerfd_gettime(fd, &now));
    CHECK(now.it_value.tv_sec > 900 && now.it_value.tv_sec <= 1000);
    sleep_ms(1);
    CHECK(now_ns(CLOCK_MONOTONIC) - began < 100 * 1000 * NS_PER_MS);
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    CHECK(boot.tv_sec < 100000);
    CHECK_OK(set(PRESENT));
    close(fd);
}

static void files_of_far_times(void)
{
    struct stat st;
    time_t times[] = {1000, FAR_FUTURE};
    scratch_enter();
    for (int i = 0; i < 2; i++) {
        CHECK_OK(set(times[i]));
        CHECK(file_put("f", "x"));
        CHECK_OK(stat("f", &st));
        CHECK(st.st_mtim.tv_sec >= times[i] && st.st_mtim.tv_sec < times[i] + 100);
        CHECK_OK(unlink("f"));
    }
    CHECK_OK(set(PRESENT));
    CHECK(scratch_leave());
}

int main(void)
{
    pthread_t ticker = thread_start(tick, NULL);
    RUN(where_it_can_be_set_to);
    RUN(steps);
    RUN(others_go_on_while_one_sleeps_for_ever);
    RUN(a_sleep_ends_when_the_clock_is_set_past_it);
    RUN(a_wait_ends_when_the_clock_is_set_past_it);
    RUN(a_descriptor_tells_that_the_clock_is_set);
    RUN(timers_of_a_clock_that_is_set);
    RUN(lengths_of_time_stay);
    RUN(files_of_far_times);
    stop = 1;
    thread_join(ticker);
    return check_done();
}
