/* Descriptors that are events: eventfd, timerfd, signalfd, memfd with its seals. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/harness/guest.h"

static bool ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, 0) == 1 && (p.revents & events);
}

static void *add_later(void *arg)
{
    sleep_ms(20);
    eventfd_write((int)(long)arg, 3);
    return NULL;
}

static void counters(void)
{
    uint64_t value = 0;
    int fd = eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(ready(fd, POLLIN));
    CHECK_EQ(read(fd, &value, 8), 8);
    CHECK_EQ(value, 5);
    CHECK_ERR(read(fd, &value, 8), EAGAIN);
    CHECK(!ready(fd, POLLIN));
    CHECK(ready(fd, POLLOUT));
    value = 2;
    CHECK_EQ(write(fd, &value, 8), 8);
    CHECK_EQ(write(fd, &value, 8), 8);
    CHECK_EQ(read(fd, &value, 8), 8);
    CHECK_EQ(value, 4);
    CHECK_ERR(read(fd, &value, 7), EINVAL);
    CHECK_ERR(write(fd, &value, 4), EINVAL);
    value = UINT64_MAX;
    CHECK_ERR(write(fd, &value, 8), EINVAL);
    value = UINT64_MAX - 1;
    CHECK_EQ(write(fd, &value, 8), 8);
    CHECK(!ready(fd, POLLOUT));
    value = 1;
    CHECK_ERR(write(fd, &value, 8), EAGAIN);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE);
    CHECK_EQ(read(fd, &value, 8), 8);
    CHECK_EQ(value, 1);
    CHECK_EQ(read(fd, &value, 8), 8);
    pthread_t thread = thread_start(add_later, (void *)(long)fd);
    CHECK_EQ(read(fd, &value, 8), 8); /* waits */
    CHECK_EQ(value, 1);
    thread_join(thread);
    close(fd);
    CHECK_ERR(eventfd(0, 0x100), EINVAL);
}

static void timers(void)
{
    uint64_t count = 0;
    struct itimerspec set = {.it_value = ms_timespec(10), .it_interval = ms_timespec(5)}, now;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_OK(timerfd_gettime(fd, &now));
    CHECK_EQ(now.it_value.tv_nsec, 0);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_OK(timerfd_settime(fd, 0, &set, NULL));
    CHECK(!ready(fd, POLLIN));
    CHECK_EQ(read(fd, &count, 8), 8);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 10 * NS_PER_MS);
    CHECK(count >= 1);
    sleep_ms(30);
    CHECK(ready(fd, POLLIN));
    CHECK_EQ(read(fd, &count, 8), 8);
    CHECK(count >= 4);
    CHECK_OK(timerfd_gettime(fd, &now));
    CHECK_EQ(now.it_interval.tv_nsec, 5 * NS_PER_MS);
    CHECK(now.it_value.tv_nsec <= 5 * NS_PER_MS);
    CHECK_ERR(read(fd, &count, 4), EINVAL);
    memset(&set, 0, sizeof(set));
    CHECK_OK(timerfd_settime(fd, 0, &set, &now));
    CHECK_EQ(now.it_interval.tv_nsec, 5 * NS_PER_MS);
    CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    CHECK_ERR(read(fd, &count, 8), EAGAIN);
    int64_t past = now_ns(CLOCK_MONOTONIC) - NS_PER_MS;
    set.it_value = (struct timespec){past / 1000000000, past % 1000000000};
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 5000), 1);
    CHECK_EQ(read(fd, &count, 8), 8);
    CHECK_EQ(count, 1);
    set.it_value.tv_nsec = 1000000000;
    CHECK_ERR(timerfd_settime(fd, 0, &set, NULL), EINVAL);
    CHECK_ERR(timerfd_settime(fd, 0x100, &set, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_timerfd_settime, fd, 0, KERNEL_ADDRESS, NULL), EFAULT);
    CHECK_ERR(timerfd_settime(0, 0, &now, NULL), EINVAL);
    CHECK_ERR(timerfd_gettime(9999, &now), EBADF);
    close(fd);
    CHECK_ERR(timerfd_create(4711, 0), EINVAL);
    CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 0x7), EINVAL);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    int64_t soon = now_ns(CLOCK_REALTIME) + 10 * NS_PER_MS;
    set.it_value = (struct timespec){soon / 1000000000, soon % 1000000000};
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL));
    CHECK_EQ(read(fd, &count, 8), 8);
    CHECK(now_ns(CLOCK_REALTIME) >= soon);
    close(fd);
}

static void *raise_later(void *arg)
{
    sleep_ms(20);
    kill(getpid(), (int)(long)arg);
    return NULL;
}

static void signals_by_descriptor(void)
{
    struct signalfd_siginfo info[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_ERR(read(fd, info, sizeof(info)), EAGAIN);
    CHECK(!ready(fd, POLLIN));
    CHECK_OK(raise(SIGUSR1));
    CHECK_OK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 77}));
    CHECK(ready(fd, POLLIN));
    CHECK_EQ(read(fd, info, sizeof(info)), 2 * sizeof(*info));
    CHECK_EQ(info[0].ssi_signo, SIGUSR1);
    CHECK_EQ(info[0].ssi_pid, getpid());
    CHECK_EQ(info[1].ssi_signo, SIGUSR2);
    CHECK_EQ(info[1].ssi_int, 77);
    CHECK_EQ(info[1].ssi_code, SI_QUEUE);
    CHECK_ERR(read(fd, info, sizeof(*info) - 1), EINVAL);
    CHECK_OK(fcntl(fd, F_SETFL, 0));
    pthread_t thread = thread_start(raise_later, (void *)SIGUSR1);
    CHECK_EQ(read(fd, info, sizeof(info)), sizeof(*info)); /* waits */
    CHECK_EQ(info[0].ssi_signo, SIGUSR1);
    thread_join(thread);
    sigdelset(&set, SIGUSR1);
    CHECK_EQ(signalfd(fd, &set, 0), fd); /* another mask */
    raise(SIGUSR1);
    CHECK(!ready(fd, POLLIN));
    siginfo_t taken;
    sigaddset(&set, SIGUSR1);
    CHECK_EQ(sigwaitinfo(&set, &taken), SIGUSR1);
    CHECK_ERR(signalfd(0, &set, 0), EINVAL);
    CHECK_ERR(signalfd(-1, &set, 0x7), EINVAL);
    CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
    CHECK_ERR(syscall(SYS_signalfd4, -1, KERNEL_ADDRESS, 8, 0), EFAULT);
    close(fd);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void sealed_memory(void)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "12345678", 8), 8);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
    CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
    CHECK_ERR(ftruncate(fd, 4), EPERM);
    CHECK_ERR(ftruncate(fd, 16), EPERM);
    CHECK_ERR(pwrite(fd, "x", 1, 8), EPERM);
    CHECK_EQ(pwrite(fd, "y", 1, 7), 1);
    char *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    munmap(p, 8);
    CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CHECK_ERR(write(fd, "x", 1), EPERM);
    CHECK_ERR(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED && p[0] == '1');
    munmap(p, 8);
    CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    close(fd);
    fd = memfd_create("closed", 0);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    char path[64], link[128] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    CHECK_STR(link, "/memfd:closed (deleted)");
    close(fd);
    CHECK_ERR(memfd_create("x", 0x8000), EINVAL);
    CHECK_ERR(syscall(SYS_memfd_create, KERNEL_ADDRESS, 0), EFAULT);
    char name[300];
    memset(name, 'm', 299);
    name[299] = 0;
    CHECK_ERR(memfd_create(name, 0), EINVAL);
}

int main(void)
{
    RUN(counters);
    RUN(timers);
    RUN(signals_by_descriptor);
    RUN(sealed_memory);
    return check_done();
}
