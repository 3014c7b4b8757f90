/* Calls that take a time, with the longest there are: they wait, other threads go on, and a signal
 * ends them; with impossible ones: they are refused. */
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

#include "tests/harness/guest.h"

#define LAST_SECOND 9223372036l /* of 64-bit nanoseconds */

static const struct timespec far[] = {
    {LAST_SECOND - 1, 0},     {LAST_SECOND, 854775806},
    {LAST_SECOND, 854775807}, {LAST_SECOND, 854775808},
    {LAST_SECOND + 1, 0},     {2 * LAST_SECOND, 500},
    {LONG_MAX / 2, 0},        {LONG_MAX, 0},
    {LONG_MAX, 999999999},    {LONG_MAX - 1600000000l, 0},
};
static const struct timespec bad[] = {
    {-1, 0}, {0, -1}, {0, 1000000000}, {0, LONG_MAX}, {LONG_MIN, 0}};

#define EACH(list, name)                                                                           \
    for (const struct timespec *name = list; name < list + sizeof(list) / sizeof(*list); name++)

static void nothing(int signo)
{
    (void)signo;
}

static pthread_t main_thread;
static volatile int stop;

static void *knock(void *arg)
{
    (void)arg;
    while (!stop) {
        sleep_ms(2);
        pthread_kill(main_thread, SIGUSR1);
    }
    return NULL;
}

static int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
#define CLOCK_COUNT (sizeof(clocks) / sizeof(clocks[0]))

/* Positive numbers of clock_nanosleep(). */
#define CHECK_INTERRUPTED(call) CHECK_EQ(call, EINTR)

static void sleeping(void)
{
    EACH(far, t)
    {
        struct timespec left = {-1, -1};
        CHECK_ERR(nanosleep(t, &left), EINTR);
        CHECK(left.tv_sec > LAST_SECOND / 2 && left.tv_nsec >= 0 && left.tv_nsec < 1000000000);
        for (unsigned i = 0; i < CLOCK_COUNT; i++) {
            left.tv_sec = -1;
            CHECK_INTERRUPTED(clock_nanosleep(clocks[i], 0, t, &left));
            CHECK(left.tv_sec > LAST_SECOND / 2);
            CHECK_INTERRUPTED(clock_nanosleep(clocks[i], TIMER_ABSTIME, t, NULL));
        }
        CHECK_INTERRUPTED(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, t, NULL));
        CHECK_INTERRUPTED(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, t, &left));
    }
    EACH(bad, t)
    {
        CHECK_ERR(nanosleep(t, NULL), EINVAL);
        for (unsigned i = 0; i < CLOCK_COUNT; i++)
            CHECK_EQ(clock_nanosleep(clocks[i], TIMER_ABSTIME, t, NULL), EINVAL);
    }
}

static void waiting_for_files(void)
{
    int fd = eventfd(0, 0), ep = epoll_create1(0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct epoll_event e = {.events = EPOLLIN};
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    CHECK_ERR(poll(&p, 1, INT_MAX), EINTR);
    CHECK_ERR(poll(&p, 1, INT_MIN), EINTR);
    CHECK_ERR(epoll_wait(ep, &e, 1, INT_MAX), EINTR);
    EACH(far, t)
    {
        struct timespec copy = *t;
        CHECK_ERR(syscall(SYS_ppoll, &p, 1, &copy, NULL, 8), EINTR);
        CHECK(copy.tv_sec > LAST_SECOND / 2);
        struct timeval tv = {t->tv_sec, 999999};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        CHECK_ERR(select(fd + 1, &set, NULL, NULL, &tv), EINTR);
        CHECK(tv.tv_sec > LAST_SECOND / 2 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
        CHECK_ERR(pselect(fd + 1, &set, NULL, NULL, t, NULL), EINTR);
        CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &e, 1, t, NULL, 8), EINTR);
    }
    EACH(bad, t)
    {
        CHECK_ERR(ppoll(&p, 1, t, NULL), EINVAL);
        CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &e, 1, t, NULL, 8), EINVAL);
    }
    close(fd);
    close(ep);
}

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *t, uint32_t bits)
{
    return syscall(SYS_futex, word, op, value, t, NULL, bits);
}

static void waiting_for_words_and_signals(void)
{
    uint32_t word = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    struct futex_waitv vector = {.uaddr = (uintptr_t)&word, .flags = FUTEX_32};
    EACH(far, t)
    {
        CHECK_ERR(futex(&word, FUTEX_WAIT, 0, t, 0), EINTR);
        CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, t, 1), EINTR);
        CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, t, 1), EINTR);
        CHECK_ERR(syscall(SYS_futex_waitv, &vector, 1, 0, t, CLOCK_REALTIME), EINTR);
        CHECK_ERR(syscall(SYS_futex_waitv, &vector, 1, 0, t, CLOCK_MONOTONIC), EINTR);
        CHECK_ERR(sigtimedwait(&set, NULL, t), EINTR);
    }
    EACH(bad, t)
    {
        CHECK_ERR(futex(&word, FUTEX_WAIT, 0, t, 0), EINVAL);
        CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, t, 1), EINVAL);
        CHECK_ERR(syscall(SYS_futex_waitv, &vector, 1, 0, t, CLOCK_REALTIME), EINVAL);
        CHECK_ERR(sigtimedwait(&set, NULL, t), EINVAL);
    }
}

static void timers_that_never_go_off(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    for (unsigned i = 0; i < CLOCK_COUNT; i++) {
        timer_t timer;
        CHECK_OK(timer_create(clocks[i], &event, &timer));
        EACH(far, t)
        {
            struct itimerspec spec = {*t, *t}, now = {0};
            for (int flags = 0; flags <= TIMER_ABSTIME; flags += TIMER_ABSTIME) {
                CHECK_OK(timer_settime(timer, flags, &spec, NULL));
                CHECK_OK(timer_gettime(timer, &now));
                CHECK(now.it_value.tv_sec > LAST_SECOND / 2 && now.it_value.tv_nsec >= 0);
                CHECK(now.it_interval.tv_sec > LAST_SECOND / 2);
            }
            spec = (struct itimerspec){*t, {0, 1}}; /* once, then never more */
            CHECK_OK(timer_settime(timer, 0, &spec, NULL));
        }
        EACH(bad, t)
        {
            struct itimerspec spec = {{0, 0}, *t};
            CHECK_ERR(timer_settime(timer, 0, &spec, NULL), EINVAL);
        }
        CHECK_OK(timer_delete(timer));
    }
}

static void files_of_timers(void)
{
    for (unsigned i = 0; i < CLOCK_COUNT - 1; i++) {
        int fd = timerfd_create(clocks[i], TFD_NONBLOCK);
        EACH(far, t)
        {
            struct itimerspec spec = {*t, *t}, now = {0};
            uint64_t count;
            for (int flags = 0; flags <= TFD_TIMER_ABSTIME; flags += TFD_TIMER_ABSTIME) {
                CHECK_OK(timerfd_settime(fd, flags, &spec, NULL));
                CHECK_OK(timerfd_gettime(fd, &now));
                CHECK(now.it_value.tv_sec > LAST_SECOND / 2 && now.it_value.tv_nsec >= 0);
                CHECK_ERR(read(fd, &count, sizeof(count)), EAGAIN);
            }
            spec = (struct itimerspec){*t, {0, 1}}; /* goes off once, and then never */
            CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
            struct pollfd p = {.fd = fd, .events = POLLIN};
            while (poll(&p, 1, -1) != 1)
                ;
            CHECK_EQ(read(fd, &count, sizeof(count)), 8);
            CHECK_EQ(count, 1);
            CHECK_ERR(read(fd, &count, sizeof(count)), EAGAIN);
            CHECK_OK(timerfd_gettime(fd, &now));
            CHECK(now.it_value.tv_sec > LAST_SECOND / 4);
        }
        close(fd);
    }
}

static void interval_timers(void)
{
    signal(SIGALRM, nothing);
    EACH(far, t)
    {
        struct itimerval spec = {{t->tv_sec, 999999}, {t->tv_sec, 999999}}, now;
        for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
            CHECK_OK(setitimer(which, &spec, NULL));
            CHECK_OK(getitimer(which, &now));
            if (which == ITIMER_REAL) /* the others wrap on Linux */
                CHECK(now.it_value.tv_sec > LAST_SECOND / 2 && now.it_value.tv_usec >= 0);
            CHECK(now.it_interval.tv_sec > LAST_SECOND / 2 && now.it_interval.tv_usec >= 0);
            CHECK_OK(setitimer(which, &(struct itimerval){0}, NULL));
        }
    }
    CHECK_EQ(alarm(UINT_MAX), 0);
    CHECK(alarm(0) > UINT_MAX - 10);
}

static void sockets(void)
{
    int s[2];
    char c;
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    EACH(far, t)
    {
        struct timeval tv = {t->tv_sec, 999999};
        CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
        CHECK_ERR(recv(s[0], &c, 1, 0), EINTR);
        CHECK_OK(setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
        CHECK_ERR(recv(udp, &c, 1, 0), EINTR);
    }
    close(s[0]);
    close(s[1]);
    close(udp);
}

static void times_of_files(void)
{
    scratch_enter();
    CHECK(file_put("f", "x"));
    struct stat st;
    EACH(far, t)
    {
        struct timespec times[2] = {*t, *t};
        CHECK_OK(utimensat(AT_FDCWD, "f", times, 0));
        CHECK_OK(stat("f", &st));
        CHECK(st.st_mtim.tv_nsec >= 0 && st.st_mtim.tv_nsec < 1000000000);
        times[0].tv_sec = times[1].tv_sec = -t->tv_sec;
        CHECK_OK(utimensat(AT_FDCWD, "f", times, 0));
        CHECK_OK(stat("f", &st));
        CHECK(st.st_mtim.tv_nsec >= 0 && st.st_mtim.tv_nsec < 1000000000);
    }
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
}

/* What is refused before it is asked whether the caller may. */
static void discipline(void)
{
    struct timex tx = {.modes = 0};
    CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
    CHECK_ERR(clock_adjtime(CLOCK_BOOTTIME, &tx), EOPNOTSUPP);
    CHECK_ERR(clock_adjtime(CLOCK_TAI, &tx), EOPNOTSUPP);
    CHECK_ERR(clock_adjtime(CLOCK_REALTIME_COARSE, &tx), EOPNOTSUPP);
    CHECK_ERR(clock_adjtime(CLOCK_PROCESS_CPUTIME_ID, &tx), EOPNOTSUPP);
    CHECK_ERR(clock_adjtime(77, &tx), EINVAL);
    CHECK_ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME, NULL), EFAULT);
    CHECK_ERR(syscall(SYS_clock_adjtime, 77, NULL), EFAULT);
    CHECK(clock_adjtime(CLOCK_REALTIME, &tx) >= 0);
    tx.modes = 0x8000; /* ADJ_ADJTIME without ADJ_OFFSET */
    CHECK_ERR(clock_adjtime(CLOCK_REALTIME, &tx), EINVAL);
    tx.modes = ADJ_OFFSET_SS_READ;
    CHECK(adjtimex(&tx) >= 0);
    struct timeval delta;
    CHECK_OK(adjtime(NULL, &delta));
}

int main(void)
{
    struct sigaction action = {.sa_handler = nothing};
    main_thread = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    RUN(times_of_files);
    RUN(discipline);
    pthread_t knocker = thread_start(knock, NULL);
    RUN(sleeping);
    RUN(waiting_for_files);
    RUN(waiting_for_words_and_signals);
    RUN(timers_that_never_go_off);
    RUN(files_of_timers);
    RUN(interval_timers);
    RUN(sockets);
    stop = 1;
    thread_join(knocker);
    return check_done();
}
