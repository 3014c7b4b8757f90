/* In the guest alone: Linux delivers the signal of a timer that was deleted or set anew until 6.13,
 * and tells of it as pending ever since, though it no longer comes. Here it is gone with what it
 * told of, and no other signal is. */
#include "tests/harness/guest.h"

static volatile int came, last_code, last_value;

static void note(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    came++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
}

static sigset_t set;

static void block(int how)
{
    sigprocmask(how, &set, NULL);
}

static bool pending(void)
{
    sigset_t now;
    sigpending(&now);
    return sigismember(&now, SIGRTMIN) || sigismember(&now, SIGUSR1);
}

static timer_t timer_of(int signo, int value)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signo, .sigev_value.sival_int = value};
    timer_t timer;
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    return timer;
}

static void start(timer_t timer, long period_ms, long ms)
{
    struct itimerspec spec = {ms_timespec(period_ms), ms_timespec(ms)};
    CHECK_OK(timer_settime(timer, 0, &spec, NULL));
}

static void wait_pending(void)
{
    for (int i = 0; i < 5000 && !pending(); i++)
        sleep_ms(1);
    CHECK(pending());
}

static int taken(void)
{
    came = 0;
    block(SIG_UNBLOCK);
    block(SIG_BLOCK);
    return came;
}

static void a_deleted_timer_tells_nothing(void)
{
    for (int periodic = 0; periodic < 2; periodic++) {
        timer_t timer = timer_of(SIGRTMIN, 1);
        start(timer, periodic, 1);
        wait_pending();
        CHECK_OK(timer_delete(timer));
        CHECK(!pending());
        CHECK_EQ(taken(), 0);
        CHECK_ERR(sigtimedwait(&set, NULL, &(struct timespec){0, 0}), EAGAIN);
    }
}

static void a_timer_set_anew_tells_of_that(void)
{
    timer_t timer = timer_of(SIGRTMIN, 1);
    start(timer, 0, 1);
    wait_pending();
    start(timer, 0, 100000);
    CHECK(!pending());
    start(timer, 1, 1);
    wait_pending();
    start(timer, 0, 0);
    CHECK(!pending());
    CHECK_EQ(taken(), 0);
    start(timer, 0, 1);
    wait_pending();
    CHECK_EQ(taken(), 1);
    CHECK_EQ(last_code, SI_TIMER);
    CHECK_OK(timer_delete(timer));
}

static void others_of_the_same_number_stay(void)
{
    int numbers[] = {SIGRTMIN, SIGUSR1};
    for (int i = 0; i < 2; i++) {
        timer_t first = timer_of(numbers[i], 1), second = timer_of(numbers[i], 2);
        start(first, 0, 1);
        wait_pending();
        start(second, 0, 1);
        sleep_ms(20);
        CHECK_OK(timer_delete(first));
        CHECK(pending());
        CHECK_EQ(taken(), 1);
        CHECK_EQ(last_value, 2);
        CHECK_EQ(last_code, SI_TIMER);
        CHECK_OK(timer_delete(second));
        CHECK(!pending());
    }
    timer_t timer = timer_of(SIGRTMIN, 1);
    start(timer, 0, 1);
    wait_pending();
    CHECK_OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 3}));
    CHECK_OK(timer_delete(timer));
    CHECK_EQ(taken(), 1);
    CHECK_EQ(last_value, 3);
    CHECK_EQ(last_code, SI_QUEUE);
}

/* Its signal is dropped with the handler, but the next ones come. */
static void a_periodic_timer_goes_on_after_its_signal_was_ignored(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    timer_t timer = timer_of(SIGRTMIN, 1);
    start(timer, 1, 1);
    wait_pending();
    signal(SIGRTMIN, SIG_IGN);
    sigaction(SIGRTMIN, &action, NULL);
    wait_pending();
    CHECK(taken() >= 1);
    wait_pending();
    CHECK_OK(timer_delete(timer));
    CHECK(!pending());
}

static void *end_with_it_pending(void *arg)
{
    timer_t *timer = arg;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event._sigev_un._tid = gettid();
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, timer));
    start(*timer, 1, 1);
    wait_pending();
    return NULL;
}

static void the_thread_that_was_told_ended(void)
{
    timer_t timer;
    thread_join(thread_start(end_with_it_pending, &timer));
    CHECK(!pending());
    sleep_ms(5);
    CHECK(!pending());
    CHECK_OK(timer_delete(timer));
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGUSR1);
    block(SIG_BLOCK);
    RUN(a_deleted_timer_tells_nothing);
    RUN(a_timer_set_anew_tells_of_that);
    RUN(others_of_the_same_number_stay);
    RUN(a_periodic_timer_goes_on_after_its_signal_was_ignored);
    RUN(the_thread_that_was_told_ended);
    return check_done();
}
