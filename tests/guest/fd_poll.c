/* poll, ppoll, select, pselect: what is ready, time-outs, signals, bad descriptors. */
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "tests/harness/guest.h"

static void poll_tells_what_is_ready(void)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    struct pollfd p[4] = {{.fd = fd[0], .events = POLLIN},
                          {.fd = fd[1], .events = POLLOUT},
                          {.fd = 9999, .events = POLLIN},
                          {.fd = -1, .events = POLLIN, .revents = 77}};
    CHECK_EQ(poll(p, 4, 1000), 2);
    CHECK_EQ(p[0].revents, 0);
    CHECK_EQ(p[1].revents, POLLOUT);
    CHECK_EQ(p[2].revents, POLLNVAL);
    CHECK_EQ(p[3].revents, 0);
    CHECK_EQ(poll(NULL, 0, 0), 0);
    int file = open("/proc/self/exe", O_RDONLY);
    struct pollfd plain = {.fd = file, .events = POLLIN | POLLOUT};
    CHECK_EQ(poll(&plain, 1, 0), 1);
    CHECK_EQ(plain.revents, POLLIN | POLLOUT); /* a plain file is always ready */
    close(file);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_EQ(poll(p, 1, 20), 0);
    int64_t took = now_ns(CLOCK_MONOTONIC) - before;
    CHECK(took >= 20 * NS_PER_MS && took < 5000 * NS_PER_MS);
    CHECK_ERR(syscall(SYS_poll, KERNEL_ADDRESS, 1, 0), EFAULT);
    CHECK_ERR(syscall(SYS_poll, p, 1u << 31, 0), EINVAL);
    close(fd[0]);
    close(fd[1]);
}

static void *write_later(void *arg)
{
    sleep_ms(20);
    return (void *)write((int)(long)arg, "x", 1);
}

static void poll_waits_for_another_thread(void)
{
    int fd[2];
    CHECK_OK(pipe(fd));
    struct pollfd p = {.fd = fd[0], .events = POLLIN};
    pthread_t thread = thread_start(write_later, (void *)(long)fd[1]);
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLIN);
    thread_join(thread);
    close(fd[0]);
    close(fd[1]);
}

static void select_sets(void)
{
    int fd[2];
    fd_set in, out;
    CHECK_OK(pipe(fd));
    struct timeval tv = {0, 0};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd[0], &in);
    FD_SET(fd[1], &out);
    CHECK_EQ(select(fd[1] + 1, &in, &out, NULL, &tv), 1);
    CHECK(!FD_ISSET(fd[0], &in) && FD_ISSET(fd[1], &out));
    CHECK_EQ(write(fd[1], "x", 1), 1);
    FD_SET(fd[0], &in);
    CHECK_EQ(select(fd[1] + 1, &in, &out, NULL, NULL), 2);
    CHECK(FD_ISSET(fd[0], &in));
    char c;
    CHECK_EQ(read(fd[0], &c, 1), 1);
    tv.tv_usec = 20000;
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_EQ(select(fd[0] + 1, &in, NULL, NULL, &tv), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 20 * NS_PER_MS);
    CHECK(!FD_ISSET(fd[0], &in));
    CHECK(tv.tv_sec == 0 && tv.tv_usec == 0); /* Linux tells what is left */
    int gone = fd[0];
    close(fd[0]);
    FD_ZERO(&in);
    FD_SET(gone, &in);
    CHECK_ERR(select(gone + 1, &in, NULL, NULL, NULL), EBADF);
    CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_select, 10, KERNEL_ADDRESS, NULL, NULL, NULL), EFAULT);
    tv.tv_usec = -5;
    CHECK_ERR(select(0, NULL, NULL, NULL, &tv), EINVAL);
    close(fd[1]);
}

static volatile int got;

static void on_signal(int sig)
{
    (void)sig;
    got++;
}

static void *kill_later(void *arg)
{
    sleep_ms(20);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void signals_interrupt_despite_restart(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t self = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread = thread_start(kill_later, &self);
    CHECK_ERR(poll(NULL, 0, 10000), EINTR);
    thread_join(thread);
    thread = thread_start(kill_later, &self);
    CHECK_ERR(select(0, NULL, NULL, NULL, NULL), EINTR);
    thread_join(thread);
    CHECK_EQ(got, 2);
}

static void masks_are_swapped_while_waiting(void)
{
    sigset_t block, none;
    struct timespec ts = {10, 0}, zero = {0, 0};
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    got = 0;
    CHECK_EQ(ppoll(NULL, 0, &zero, NULL), 0);
    CHECK_EQ(got, 0);
    CHECK_ERR(ppoll(NULL, 0, &ts, &none), EINTR);
    CHECK_EQ(got, 1);
    raise(SIGUSR1);
    CHECK_ERR(pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
    CHECK_EQ(got, 2);
    sigset_t now;
    sigprocmask(SIG_UNBLOCK, &block, &now);
    CHECK_EQ(sigismember(&now, SIGUSR1), 1);
    ts.tv_nsec = 1000000000;
    CHECK_ERR(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_ppoll, NULL, 0, KERNEL_ADDRESS, NULL, 8), EFAULT);
    CHECK_ERR(syscall(SYS_ppoll, NULL, 0, &zero, &none, 3), EINVAL);
}

static void many_descriptors(void)
{
    enum { COUNT = 300 };
    static struct pollfd p[COUNT];
    int fd[2];
    CHECK_OK(pipe(fd));
    for (int i = 0; i < COUNT; i++)
        p[i] = (struct pollfd){.fd = dup(fd[0]), .events = POLLIN};
    CHECK_EQ(poll(p, COUNT, 0), 0);
    CHECK_EQ(write(fd[1], "x", 1), 1);
    CHECK_EQ(poll(p, COUNT, -1), COUNT);
    for (int i = 0; i < COUNT; i++)
        close(p[i].fd);
    close(fd[0]);
    close(fd[1]);
}

/* RLIMIT_NOFILE rules how many there may be; up to it they work, however many that are. */
static void as_many_as_may_be_open(void)
{
    struct rlimit before, limit;
    int fd[2];
    CHECK_OK(pipe(fd));
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &before));
    limit = before;
    limit.rlim_cur = limit.rlim_max < 1000000 ? limit.rlim_max : 1000000;
    unsigned long count = limit.rlim_cur;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    struct pollfd *p = (struct pollfd *)pages((count + 1) * sizeof(*p) / PAGE + 1);
    for (unsigned long i = 0; i <= count; i++)
        p[i] = (struct pollfd){.fd = i % 3 ? -1 : fd[0], .events = POLLIN, .revents = 77};
    CHECK_ERR(poll(p, count + 1, 0), EINVAL);
    CHECK_EQ(p[0].revents, 77);
    CHECK_EQ(poll(p, count, 0), 0);
    CHECK_EQ(p[0].revents | p[count - 1].revents, 0);
    CHECK_EQ(p[count].revents, 77);
    p[count - 1].fd = fd[1];
    p[count - 1].events = POLLOUT;
    p[count / 2].fd = 9999;
    CHECK_EQ(poll(p, count, -1), 2);
    CHECK_EQ(p[count - 1].revents, POLLOUT);
    CHECK_EQ(p[count / 2].revents, POLLNVAL);
    CHECK_ERR(poll(p, count | 1ul << 31, 0), EINVAL);
    limit.rlim_cur = 100;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_ERR(poll(p, 101, 0), EINVAL);
    CHECK_EQ(poll(p + 1, 2, 0), 0);
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &before));
    munmap(p, ((count + 1) * sizeof(*p) / PAGE + 1) * PAGE);
    close(fd[0]);
    close(fd[1]);
}

/* More than a set of the library's holds. */
static void select_of_many(void)
{
    enum { COUNT = 3000, WORDS = 64 };
    static unsigned long in[WORDS], out[WORDS];
    static int copies[COUNT];
    struct rlimit before, limit;
    int fd[2];
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &before));
    limit = before;
    if (limit.rlim_max > 20000)
        limit.rlim_max = 20000;
    limit.rlim_cur = limit.rlim_max;
    limit.rlim_max = before.rlim_max;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_OK(pipe(fd));
    for (int i = 0; i < COUNT; i++) {
        copies[i] = dup(fd[0]);
        if (copies[i] >= 0 && copies[i] < WORDS * 64)
            in[copies[i] / 64] |= 1ul << copies[i] % 64;
    }
    out[fd[1] / 64] |= 1ul << fd[1] % 64;
    struct timeval now = {0, 0};
    CHECK_EQ(syscall(SYS_select, copies[COUNT - 1] + 1, in, out, NULL, &now), 1);
    CHECK_EQ(in[copies[COUNT - 1] / 64], 0);
    CHECK_EQ(out[fd[1] / 64], 1ul << fd[1] % 64);
    for (int i = 0; i < COUNT; i++)
        in[copies[i] / 64] |= 1ul << copies[i] % 64;
    CHECK_EQ(write(fd[1], "x", 1), 1);
    CHECK_EQ(syscall(SYS_select, copies[COUNT - 1] + 1, in, out, NULL, NULL), COUNT + 1);
    close(copies[COUNT / 2]);
    CHECK_ERR(syscall(SYS_select, copies[COUNT - 1] + 1, in, out, NULL, &now), EBADF);
    for (int i = 0; i < COUNT; i++)
        close(copies[i]);
    close(fd[0]);
    close(fd[1]);
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &before));
}

static void select_carries_microseconds_over(void)
{
    static const struct {
        long time[2];
        int error;
    } of[] = {{{-1, 1000000}, 0}, {{-1, 999999}, EINVAL}, {{0, -1}, EINVAL},
              {{1, -1000000}, 0}, {{-2, 2000000}, 0},     {{INT64_MAX, 1000000}, EINVAL}};
    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
        long time[2] = {of[i].time[0], of[i].time[1]};
        errno = 0;
        CHECK_EQ(syscall(SYS_select, 0, NULL, NULL, NULL, time), of[i].error ? -1 : 0);
        CHECK_EQ(errno, of[i].error);
    }
}

int main(void)
{
    RUN(poll_tells_what_is_ready);
    RUN(poll_waits_for_another_thread);
    RUN(select_sets);
    RUN(signals_interrupt_despite_restart);
    RUN(masks_are_swapped_while_waiting);
    RUN(many_descriptors);
    RUN(as_many_as_may_be_open);
    RUN(select_of_many);
    RUN(select_carries_microseconds_over);
    return check_done();
}
