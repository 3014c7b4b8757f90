/* Timers that send signals: setitimer, alarm, timer_create with all its ways of telling. */
#include <sys/time.h>

#include "tests/harness/guest.h"

static volatile int fired;
static siginfo_t info_seen;

static void on_timer(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    info_seen = *info;
    __atomic_add_fetch(&fired, 1, __ATOMIC_SEQ_CST);
}

static void handle(int sig)
{
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(sig, &action, NULL);
    fired = 0;
}

static struct itimerval interval(long first_ms, long every_ms)
{
    return (struct itimerval){.it_value = {first_ms / 1000, first_ms % 1000 * 1000},
                              .it_interval = {every_ms / 1000, every_ms % 1000 * 1000}};
}

static void interval_timer_repeats(void)
{
    struct itimerval set = interval(10, 10), now;
    handle(SIGALRM);
    CHECK_OK(setitimer(ITIMER_REAL, &set, NULL));
    CHECK(wait_for(&fired, 3));
    CHECK_OK(getitimer(ITIMER_REAL, &now));
    CHECK(now.it_interval.tv_usec == 10000 && now.it_value.tv_usec <= 10000);
    set = interval(0, 0);
    CHECK_OK(setitimer(ITIMER_REAL, &set, &now));
    CHECK_EQ(now.it_interval.tv_usec, 10000);
    sleep_ms(15);
    int count = fired;
    sleep_ms(30);
    CHECK_EQ(fired, count);
    CHECK_EQ(info_seen.si_code, SI_KERNEL);
    set.it_value.tv_usec = 1000000;
    CHECK_ERR(setitimer(ITIMER_REAL, &set, NULL), EINVAL);
    set = interval(5, 0);
    CHECK_ERR(setitimer(77, &set, NULL), EINVAL);
    CHECK_ERR(getitimer(77, &now), EINVAL);
    CHECK_ERR(syscall(SYS_getitimer, ITIMER_REAL, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(syscall(SYS_setitimer, ITIMER_REAL, KERNEL_ADDRESS, NULL), EFAULT);
}

static void alarm_tells_seconds_left(void)
{
    handle(SIGALRM);
    CHECK_EQ(alarm(100), 0);
    unsigned left = alarm(0);
    CHECK(left == 100 || left == 99);
    CHECK_EQ(fired, 0);
}

static void processor_time_timers_count_work(void)
{
    struct itimerval set = interval(20, 0);
    handle(SIGVTALRM);
    CHECK_OK(setitimer(ITIMER_VIRTUAL, &set, NULL));
    for (int64_t start = now_ns(CLOCK_MONOTONIC);
         !fired && now_ns(CLOCK_MONOTONIC) - start < 10000 * NS_PER_MS;)
        for (volatile int i = 0; i < 100000; i++)
            ;
    CHECK_EQ(fired, 1);
    handle(SIGPROF);
    CHECK_OK(setitimer(ITIMER_PROF, &set, NULL));
    for (int64_t start = now_ns(CLOCK_MONOTONIC);
         !fired && now_ns(CLOCK_MONOTONIC) - start < 10000 * NS_PER_MS;)
        for (volatile int i = 0; i < 100000; i++)
            ;
    CHECK_EQ(fired, 1);
}

static struct itimerspec spec(long first_ms, long every_ms)
{
    return (struct itimerspec){.it_value = ms_timespec(first_ms),
                               .it_interval = ms_timespec(every_ms)};
}

static void posix_timers_signal_with_their_value(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    event.sigev_value.sival_int = 4242;
    timer_t timer;
    struct itimerspec set = spec(5, 5), now;
    handle(SIGRTMIN + 2);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    CHECK_OK(timer_gettime(timer, &now));
    CHECK_EQ(now.it_value.tv_nsec, 0);
    CHECK_OK(timer_settime(timer, 0, &set, NULL));
    CHECK(wait_for(&fired, 3));
    CHECK_EQ(info_seen.si_code, SI_TIMER);
    CHECK_EQ(info_seen.si_value.sival_int, 4242);
    CHECK_OK(timer_gettime(timer, &now));
    CHECK_EQ(now.it_interval.tv_nsec, 5 * NS_PER_MS);
    CHECK(timer_getoverrun(timer) >= 0);
    CHECK_OK(timer_delete(timer));
    sleep_ms(10);
    int count = fired;
    sleep_ms(20);
    CHECK_EQ(fired, count);
    CHECK_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
    CHECK_ERR(syscall(SYS_timer_gettime, 12345, &now), EINVAL);
    CHECK_ERR(syscall(SYS_timer_settime, 12345, 0, &set, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_timer_create, 12345, &event, &timer), EINVAL);
    event.sigev_signo = 99;
    CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer), EINVAL);
    CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, KERNEL_ADDRESS, &timer), EFAULT);
}

static void overruns_are_counted(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    timer_t timer;
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec every = spec(2, 2);
    CHECK_OK(timer_settime(timer, 0, &every, NULL));
    sleep_ms(40);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 2);
    CHECK(info.si_overrun >= 3);
    CHECK(timer_getoverrun(timer) >= 3);
    CHECK_OK(timer_delete(timer));
    struct timespec zero = {0, 0};
    sigtimedwait(&set, &info, &zero);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void absolute_times_work(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    timer_t timer;
    struct itimerspec set = {0};
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
    for (int i = 0; i < 2; i++) {
        handle(SIGRTMIN + 2);
        CHECK_OK(timer_create(clocks[i], &event, &timer));
        int64_t until = now_ns(clocks[i]) + 10 * NS_PER_MS;
        set.it_value = (struct timespec){until / 1000000000, until % 1000000000};
        CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &set, NULL));
        CHECK(wait_for(&fired, 1));
        CHECK(now_ns(clocks[i]) >= until);
        CHECK_OK(timer_delete(timer));
    }
}

static volatile pid_t handler_tid;

static void note_tid(int sig)
{
    (void)sig;
    handler_tid = gettid();
    fired = 1;
}

struct target {
    volatile int started;
    pid_t tid;
};

static void *wait_in_thread(void *arg)
{
    struct target *target = arg;
    target->tid = gettid();
    target->started = 1;
    wait_for(&fired, 1);
    return NULL;
}

static void a_timer_may_name_its_thread(void)
{
    struct sigaction action = {.sa_handler = note_tid, .sa_flags = SA_RESTART};
    struct target target = {0};
    sigaction(SIGRTMIN + 3, &action, NULL);
    fired = 0;
    pthread_t thread = thread_start(wait_in_thread, &target);
    wait_for(&target.started, 1);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 3};
    event._sigev_un._tid = target.tid;
    timer_t timer;
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec set = spec(2, 0);
    CHECK_OK(timer_settime(timer, 0, &set, NULL));
    CHECK(wait_for(&fired, 1));
    CHECK_EQ(handler_tid, target.tid);
    thread_join(thread);
    CHECK_OK(timer_delete(timer));
    event._sigev_un._tid = 999999;
    CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
}

static void run_in_new_thread(union sigval value)
{
    __atomic_store_n((volatile int *)value.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

static void a_timer_may_start_a_thread(void)
{
    volatile int ran = 0;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = run_in_new_thread};
    event.sigev_value.sival_ptr = (void *)&ran;
    timer_t timer;
    struct itimerspec set = spec(2, 0);
    CHECK_OK(timer_create(CLOCK_REALTIME, &event, &timer));
    CHECK_OK(timer_settime(timer, 0, &set, NULL));
    CHECK(wait_for(&ran, 1));
    CHECK_OK(timer_delete(timer));
}

int main(void)
{
    RUN(interval_timer_repeats);
    RUN(alarm_tells_seconds_left);
    RUN(processor_time_timers_count_work);
    RUN(posix_timers_signal_with_their_value);
    RUN(overruns_are_counted);
    RUN(absolute_times_work);
    RUN(a_timer_may_name_its_thread);
    RUN(a_timer_may_start_a_thread);
    return check_done();
}
