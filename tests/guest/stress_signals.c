/* Signals to threads that run on other processors and never enter the kernel on their own. */
#include <sched.h>
#include <sys/signalfd.h>

#include "tests/harness/stress.h"

#define TARGETS 4
static volatile long handled[TARGETS];
static __thread int self = -1;
static pthread_t target[TARGETS];
static volatile int ready, targets_stop;

static void on_signal(int sig)
{
    (void)sig;
    if (self >= 0)
        handled[self]++;
}

static void *spin(void *arg)
{
    self = (int)(intptr_t)arg;
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    volatile long n = 0;
    while (!targets_stop)
        n++;
    return NULL;
}

static void begin_targets(void)
{
    ready = targets_stop = 0;
    for (int i = 0; i < TARGETS; i++) {
        handled[i] = 0;
        target[i] = thread_start(spin, (void *)(intptr_t)i);
    }
    wait_for(&ready, TARGETS);
}

static void end_targets(void)
{
    targets_stop = 1;
    for (int i = 0; i < TARGETS; i++)
        thread_join(target[i]);
}

/* One at a time: it is handled though its thread only computes. */
static void a_busy_thread_handles_signals(void)
{
    begin_targets();
    int64_t end = now_ns(CLOCK_MONOTONIC) + stress_ms / 4 * NS_PER_MS;
    long rounds = 0, late = 0;
    while (now_ns(CLOCK_MONOTONIC) < end) {
        int i = (int)(rounds++ % TARGETS);
        long before = handled[i];
        pthread_kill(target[i], SIGUSR1);
        for (int wait = 0; handled[i] == before && wait < 10000; wait++)
            sleep_ms(1);
        late += handled[i] == before;
    }
    end_targets();
    CHECK_EQ(late, 0);
    CHECK(rounds > 0);
}

/* Real-time signals queue up: none is lost, none comes twice. */
static long queued[TARGETS];

static void *send_queued(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg + 1;
    while (!stress_stop) {
        unsigned i = stress_random(&seed) % TARGETS;
        if (pthread_sigqueue(target[i], SIGRTMIN, (union sigval){0}) == 0)
            __atomic_fetch_add(&queued[i], 1, __ATOMIC_RELAXED);
        else
            sched_yield();
    }
    return NULL;
}

static void queued_signals_all_come(void)
{
    begin_targets();
    stress(3, send_queued, 4);
    for (int i = 0; i < TARGETS; i++) {
        for (int wait = 0; handled[i] < queued[i] && wait < 10000; wait++)
            sleep_ms(1);
        CHECK_EQ(handled[i], queued[i]);
        CHECK(queued[i] > 0);
    }
    end_targets();
}

/* To the process: somebody handles each, however many block it and unblock it. */
static volatile long process_handled;

static void on_process_signal(int sig)
{
    (void)sig;
    __atomic_fetch_add(&process_handled, 1, __ATOMIC_RELAXED);
}

static void *block_and_unblock(void *arg)
{
    sigset_t set;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    while (!stress_stop) {
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
    return NULL;
}

static long process_sent;

static void *send_to_process(void *arg)
{
    (void)arg;
    while (!stress_stop) {
        if (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){0}) == 0)
            __atomic_fetch_add(&process_sent, 1, __ATOMIC_RELAXED);
        else
            sched_yield();
    }
    return NULL;
}

static void *block_or_send(void *arg)
{
    return (intptr_t)arg ? block_and_unblock(arg) : send_to_process(arg);
}

static void signals_to_the_process_all_come(void)
{
    stress(4, block_or_send, 4);
    for (int wait = 0; process_handled < process_sent && wait < 10000; wait++)
        sleep_ms(1);
    CHECK_EQ(process_handled, process_sent);
    CHECK(process_sent > 0);
}

/* Timers go off on whatever processor set them. */
static void *set_timers(void *arg)
{
    long wrong = 0;
    (void)arg;
    while (!stress_stop) {
        timer_t timer;
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
        struct itimerspec soon = {.it_value.tv_nsec = 200000, .it_interval.tv_nsec = 100000};
        wrong += timer_create(CLOCK_MONOTONIC, &event, &timer) != 0;
        wrong += timer_settime(timer, 0, &soon, NULL) != 0;
        sched_yield();
        struct timespec ts = {.tv_nsec = 300000};
        nanosleep(&ts, NULL);
        wrong += timer_delete(timer) != 0;
    }
    return (void *)wrong;
}

static void timers_come_and_go(void)
{
    CHECK_EQ(stress(6, set_timers, 4), 0);
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    action.sa_handler = on_process_signal;
    sigaction(SIGRTMIN + 1, &action, NULL);
    RUN(a_busy_thread_handles_signals);
    RUN(queued_signals_all_come);
    RUN(signals_to_the_process_all_come);
    RUN(timers_come_and_go);
    return check_done();
}
