/* Signals: handlers and what they are told, masks, pending signals, order, restart, queues. */
#include <sched.h>
#include <ucontext.h>

#include "tests/harness/guest.h"

static volatile int seen[65], order[64], order_count;
static siginfo_t last_info;
static volatile uintptr_t last_stack;

static void record(int sig, siginfo_t *info, void *context)
{
    (void)context;
    int local;
    last_stack = (uintptr_t)&local;
    last_info = *info;
    seen[sig]++;
    if (order_count < 64)
        order[order_count++] = sig;
}

static void handle(int sig, int flags)
{
    struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO | flags};
    sigaction(sig, &action, NULL);
    seen[sig] = order_count = 0;
}

static void block(int how, int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, NULL);
}

static void handlers_learn_who_sent(void)
{
    handle(SIGUSR1, 0);
    CHECK_OK(kill(getpid(), SIGUSR1));
    CHECK_EQ(seen[SIGUSR1], 1);
    CHECK_EQ(last_info.si_signo, SIGUSR1);
    CHECK_EQ(last_info.si_code, SI_USER);
    CHECK_EQ(last_info.si_pid, getpid());
    CHECK_EQ(last_info.si_uid, 0);
    CHECK_OK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
    CHECK_EQ(last_info.si_code, SI_TKILL);
    CHECK_OK(raise(SIGUSR1));
    CHECK_EQ(seen[SIGUSR1], 3);
    union sigval value = {.sival_ptr = (void *)0x1234567890};
    CHECK_OK(sigqueue(getpid(), SIGUSR1, value));
    CHECK_EQ(last_info.si_code, SI_QUEUE);
    CHECK_EQ((uintptr_t)last_info.si_value.sival_ptr, 0x1234567890);
    CHECK_EQ(last_info.si_pid, getpid());
    CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
    CHECK_EQ(seen[SIGUSR1], 5);
}

static void wrong_targets_are_refused(void)
{
    CHECK_OK(kill(getpid(), 0));
    CHECK_ERR(kill(getpid(), 65), EINVAL);
    CHECK_ERR(kill(999999, 0), ESRCH);
    CHECK_ERR(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1), ESRCH);
    CHECK_ERR(syscall(SYS_tgkill, 999999, gettid(), SIGUSR1), ESRCH);
    CHECK_ERR(syscall(SYS_tgkill, getpid(), gettid(), 65), EINVAL);
    CHECK_ERR(syscall(SYS_tgkill, getpid(), -1, SIGUSR1), EINVAL);
    CHECK_ERR(syscall(SYS_tkill, 999999, SIGUSR1), ESRCH);
    CHECK_ERR(sigqueue(999999, SIGUSR1, (union sigval){0}), ESRCH);
    CHECK_ERR(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, KERNEL_ADDRESS), EFAULT);
}

static void actions_are_checked_and_told(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN}, old;
    CHECK_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
    CHECK_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigaction, 65, &action, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigaction, 0, &action, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 4), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, KERNEL_ADDRESS, NULL, 8), EFAULT);
    CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL_PAGE_ADDRESS, 8), EFAULT);
    CHECK_OK(sigaction(SIGKILL, NULL, &old));
    handle(SIGUSR2, SA_RESTART | SA_NODEFER);
    CHECK_OK(sigaction(SIGUSR2, NULL, &old));
    CHECK(old.sa_sigaction == record);
    CHECK_EQ(old.sa_flags & (SA_SIGINFO | SA_RESTART | SA_NODEFER | SA_ONSTACK),
             SA_SIGINFO | SA_RESTART | SA_NODEFER);
    CHECK_OK(sigaction(SIGUSR2, &action, &old));
    CHECK_OK(raise(SIGUSR2)); /* ignored */
    CHECK_EQ(seen[SIGUSR2], 0);
}

static void blocked_signals_wait(void)
{
    handle(SIGUSR1, 0);
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(seen[SIGUSR1], 0);
    sigset_t pending;
    CHECK_OK(sigpending(&pending));
    CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
    CHECK_EQ(sigismember(&pending, SIGUSR2), 0);
    block(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQ(seen[SIGUSR1], 1); /* a standard signal is pending once */
    sigpending(&pending);
    CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN); /* ignoring drops what is pending */
    block(SIG_UNBLOCK, SIGUSR1);
    CHECK_EQ(seen[SIGUSR1], 1);
}

static void realtime_signals_queue_in_order(void)
{
    int rt = SIGRTMIN;
    handle(rt, 0);
    handle(rt + 1, 0);
    handle(SIGUSR1, 0);
    block(SIG_BLOCK, rt);
    block(SIG_BLOCK, rt + 1);
    block(SIG_BLOCK, SIGUSR1);
    sigqueue(getpid(), rt + 1, (union sigval){.sival_int = 1});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 2});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 3});
    raise(SIGUSR1);
    order_count = 0;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    CHECK_EQ(seen[rt], 2);
    CHECK_EQ(seen[rt + 1], 1);
    CHECK_EQ(seen[SIGUSR1], 1);
    /* All handlers' frames are built before the first runs: the highest number runs first. */
    CHECK(order_count == 4);
    sigset_t wait;
    sigemptyset(&wait);
    sigaddset(&wait, rt);
    sigprocmask(SIG_BLOCK, &wait, NULL);
    siginfo_t info;
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), rt, (union sigval){.sival_int = 10 + i});
    int wrong = 0;
    for (int i = 0; i < 3; i++)
        wrong += sigwaitinfo(&wait, &info) != rt || info.si_value.sival_int != 10 + i;
    CHECK_EQ(wrong, 0);
    sigprocmask(SIG_UNBLOCK, &wait, NULL);
}

static void masks_are_checked(void)
{
    sigset_t set, old;
    sigfillset(&set);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, KERNEL_ADDRESS, NULL, 8), EFAULT);
    CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, KERNEL_ADDRESS, 8), EFAULT);
    CHECK_ERR(syscall(SYS_rt_sigpending, KERNEL_ADDRESS, 8), EFAULT);
    CHECK_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8));
    CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &old));
    CHECK_EQ(sigismember(&old, SIGKILL) + sigismember(&old, SIGSTOP), 0);
    CHECK_EQ(sigismember(&old, SIGTERM), 1);
    sigemptyset(&set);
    CHECK_OK(sigprocmask(SIG_SETMASK, &set, &old));
}

static volatile int depth, deepest, calls;

static void nest(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (++calls < 3)
        raise(sig);
    depth--;
}

static void nodefer_lets_a_handler_nest(void)
{
    struct sigaction action = {.sa_handler = nest};
    sigaction(SIGUSR1, &action, NULL);
    deepest = calls = 0;
    raise(SIGUSR1);
    CHECK_EQ(deepest, 1);
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    deepest = calls = 0;
    raise(SIGUSR1);
    CHECK_EQ(deepest, 3);
}

static void resethand_works_once(void)
{
    handle(SIGURG, SA_RESETHAND); /* SIGURG's default is to be ignored */
    raise(SIGURG);
    raise(SIGURG);
    CHECK_EQ(seen[SIGURG], 1);
    struct sigaction now;
    sigaction(SIGURG, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
}

static sigset_t mask_in_handler;

static void read_mask(int sig)
{
    (void)sig;
    sigprocmask(SIG_SETMASK, NULL, &mask_in_handler);
}

static void sa_mask_holds_during_the_handler(void)
{
    struct sigaction action = {.sa_handler = read_mask};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGUSR1), 1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGUSR2), 1);
    CHECK_EQ(sigismember(&mask_in_handler, SIGTERM), 0);
    sigset_t after;
    sigprocmask(SIG_SETMASK, NULL, &after);
    CHECK_EQ(sigismember(&after, SIGUSR1) + sigismember(&after, SIGUSR2), 0);
}

static void defaults_that_do_nothing(void)
{
    signal(SIGCHLD, SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    signal(SIGCONT, SIG_DFL);
    CHECK_OK(raise(SIGCHLD));
    CHECK_OK(raise(SIGWINCH));
    CHECK_OK(raise(SIGCONT));
}

static int pipe_fd[2];

static void *signal_then_write(void *target)
{
    sleep_ms(20);
    pthread_kill(*(pthread_t *)target, SIGUSR1);
    sleep_ms(20);
    if (write(pipe_fd[1], "x", 1) != 1)
        abort();
    return NULL;
}

static void read_is_restarted_or_interrupted(void)
{
    char c;
    pthread_t self = pthread_self();
    CHECK_OK(pipe(pipe_fd));
    handle(SIGUSR1, SA_RESTART);
    pthread_t thread = thread_start(signal_then_write, &self);
    CHECK_EQ(read(pipe_fd[0], &c, 1), 1);
    CHECK_EQ(seen[SIGUSR1], 1);
    thread_join(thread);
    handle(SIGUSR1, 0);
    thread = thread_start(signal_then_write, &self);
    CHECK_ERR(read(pipe_fd[0], &c, 1), EINTR);
    CHECK_EQ(read(pipe_fd[0], &c, 1), 1);
    thread_join(thread);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void *signal_soon(void *target)
{
    sleep_ms(20);
    pthread_kill(*(pthread_t *)target, SIGUSR1);
    return NULL;
}

static void sleep_tells_what_is_left(void)
{
    pthread_t self = pthread_self();
    struct timespec left = {0, 0}, ts = {5, 0};
    handle(SIGUSR1, SA_RESTART);
    pthread_t thread = thread_start(signal_soon, &self);
    CHECK_ERR(nanosleep(&ts, &left), EINTR);
    CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
    thread_join(thread);
    thread = thread_start(signal_soon, &self);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &left), EINTR);
    thread_join(thread);
    thread = thread_start(signal_soon, &self);
    CHECK_ERR(pause(), EINTR);
    thread_join(thread);
}

static void sigsuspend_swaps_the_mask(void)
{
    sigset_t none, now;
    sigemptyset(&none);
    handle(SIGUSR1, SA_RESTART);
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(seen[SIGUSR1], 0);
    CHECK_ERR(sigsuspend(&none), EINTR);
    CHECK_EQ(seen[SIGUSR1], 1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK_EQ(sigismember(&now, SIGUSR1), 1);
    block(SIG_UNBLOCK, SIGUSR1);
    CHECK_ERR(syscall(SYS_rt_sigsuspend, KERNEL_ADDRESS, 8), EFAULT);
    CHECK_ERR(syscall(SYS_rt_sigsuspend, &none, 9), EINVAL);
}

static void sigtimedwait_takes_without_a_handler(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec zero = {0, 0}, some = ms_timespec(10);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    handle(SIGUSR1, 0);
    block(SIG_BLOCK, SIGUSR1);
    CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_ERR(sigtimedwait(&set, &info, &some), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 10 * NS_PER_MS);
    raise(SIGUSR1);
    CHECK_EQ(sigtimedwait(&set, &info, &zero), SIGUSR1);
    CHECK_EQ(info.si_signo, SIGUSR1);
    CHECK_EQ(seen[SIGUSR1], 0);
    pthread_t self = pthread_self(), thread = thread_start(signal_soon, &self);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    thread_join(thread);
    handle(SIGUSR2, 0);
    CHECK_ERR(syscall(SYS_rt_sigtimedwait, &set, KERNEL_ADDRESS, &zero, 4), EINVAL);
    CHECK_ERR(syscall(SYS_rt_sigtimedwait, KERNEL_ADDRESS, &info, &zero, 8), EFAULT);
    some.tv_nsec = -1;
    CHECK_ERR(sigtimedwait(&set, &info, &some), EINVAL);
    block(SIG_UNBLOCK, SIGUSR1);
}

static volatile int worker_got;
static volatile pid_t worker_tid;

static void note_thread(int sig)
{
    (void)sig;
    worker_tid = gettid();
    worker_got = 1;
}

static void *worker_pause(void *arg)
{
    *(pid_t *)arg = gettid();
    wait_for(&worker_got, 1);
    return NULL;
}

static void process_signals_go_to_a_thread_that_takes_them(void)
{
    struct sigaction action = {.sa_handler = note_thread};
    sigaction(SIGUSR1, &action, NULL);
    pid_t tid = 0;
    pthread_t thread = thread_start(worker_pause, &tid); /* inherits an open mask */
    block(SIG_BLOCK, SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(wait_for(&worker_got, 1));
    thread_join(thread);
    CHECK_EQ(worker_tid, tid);
    block(SIG_UNBLOCK, SIGUSR1);
}

static void *report_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return NULL;
}

static void threads_inherit_the_mask(void)
{
    sigset_t set;
    block(SIG_BLOCK, SIGHUP);
    thread_join(thread_start(report_mask, &set));
    CHECK_EQ(sigismember(&set, SIGHUP), 1);
    CHECK_EQ(sigismember(&set, SIGTERM), 0);
    block(SIG_UNBLOCK, SIGHUP);
}

static volatile int storm_count;

static void count_storm(int sig)
{
    (void)sig;
    __atomic_add_fetch(&storm_count, 1, __ATOMIC_SEQ_CST);
}

static volatile int storm_stop;

static void *storm_target(void *arg)
{
    unsigned long sum = 0;
    while (!storm_stop)
        sum = sum * 3 + (unsigned long)arg;
    return (void *)sum;
}

/* Signals hit a thread at any instruction; nothing may be lost for ever or break. */
static void storm_of_signals(void)
{
    struct sigaction action = {.sa_handler = count_storm};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread = thread_start(storm_target, NULL);
    int got = 0;
    for (int i = 0; i < 500; i++) {
        int before = storm_count;
        pthread_kill(thread, SIGUSR1);
        got += wait_for(&storm_count, before + 1);
    }
    storm_stop = 1;
    thread_join(thread);
    CHECK_EQ(got, 500);
}

int main(void)
{
    RUN(handlers_learn_who_sent);
    RUN(wrong_targets_are_refused);
    RUN(actions_are_checked_and_told);
    RUN(blocked_signals_wait);
    RUN(realtime_signals_queue_in_order);
    RUN(masks_are_checked);
    RUN(nodefer_lets_a_handler_nest);
    RUN(resethand_works_once);
    RUN(sa_mask_holds_during_the_handler);
    RUN(defaults_that_do_nothing);
    RUN(read_is_restarted_or_interrupted);
    RUN(sleep_tells_what_is_left);
    RUN(sigsuspend_swaps_the_mask);
    RUN(sigtimedwait_takes_without_a_handler);
    RUN(process_signals_go_to_a_thread_that_takes_them);
    RUN(threads_inherit_the_mask);
    RUN(storm_of_signals);
    return check_done();
}
