/* epoll: level and edge, one-shot, exclusive, nesting, removal, many waiters, bad requests. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/harness/guest.h"

static int add(int ep, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int change(int ep, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};
    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

static struct epoll_event got[8];

static int ready(int ep)
{
    return epoll_wait(ep, got, 8, 0);
}

static void level_triggered(void)
{
    uint64_t value;
    int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, EFD_NONBLOCK);
    CHECK(ep >= 0);
    CHECK_OK(add(ep, ev, EPOLLIN, 0x123456789abcdef0));
    CHECK_EQ(ready(ep), 0);
    eventfd_write(ev, 1);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(got[0].events, EPOLLIN);
    CHECK_EQ(got[0].data.u64, 0x123456789abcdef0);
    CHECK_EQ(ready(ep), 1); /* and again, as long as it is so */
    CHECK_EQ(read(ev, &value, 8), 8);
    CHECK_EQ(ready(ep), 0);
    CHECK_OK(change(ep, ev, EPOLLIN | EPOLLOUT, 2));
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(got[0].events, EPOLLOUT);
    CHECK_EQ(got[0].data.u64, 2);
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
    CHECK_EQ(ready(ep), 0);
    close(ev);
    close(ep);
}

static void edge_triggered(void)
{
    int ep = epoll_create1(0), fd[2];
    char c;
    CHECK_OK(pipe2(fd, O_NONBLOCK));
    CHECK_OK(add(ep, fd[0], EPOLLIN | EPOLLET, 1));
    CHECK_EQ(write(fd[1], "ab", 2), 2);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(ready(ep), 0); /* told once */
    CHECK_EQ(write(fd[1], "c", 1), 1);
    CHECK_EQ(ready(ep), 1); /* each arrival is an edge */
    CHECK_EQ(read(fd[0], &c, 1), 1);
    CHECK_EQ(ready(ep), 0);
    CHECK_OK(change(ep, fd[0], EPOLLIN | EPOLLET, 1));
    CHECK_EQ(ready(ep), 1); /* a change of the entry looks anew */
    close(fd[1]);
    CHECK_EQ(ready(ep), 1);
    CHECK(got[0].events & EPOLLHUP);
    close(fd[0]);
    close(ep);
}

static void one_shot(void)
{
    int ep = epoll_create1(0), ev = eventfd(1, 0);
    CHECK_OK(add(ep, ev, EPOLLIN | EPOLLONESHOT, 1));
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(ready(ep), 0);
    eventfd_write(ev, 1);
    CHECK_EQ(ready(ep), 0);
    CHECK_OK(change(ep, ev, EPOLLIN | EPOLLONESHOT, 1));
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(ready(ep), 0);
    close(ev);
    close(ep);
}

static void closing_removes(void)
{
    int ep = epoll_create1(0), ev = eventfd(1, 0), copy = dup(ev);
    CHECK_OK(add(ep, ev, EPOLLIN, 1));
    close(ev);
    CHECK_EQ(ready(ep), 1); /* the open file lives on */
    close(copy);
    CHECK_EQ(ready(ep), 0);
    close(ep);
}

static void several_at_once(void)
{
    int ep = epoll_create1(0), ev[20];
    for (int i = 0; i < 20; i++) {
        ev[i] = eventfd(1, 0);
        add(ep, ev[i], EPOLLIN, (uint64_t)i);
    }
    unsigned seen = 0;
    for (int round = 0; round < 5; round++) { /* eight at a time: all get their turn */
        int n = ready(ep);
        for (int i = 0; i < n; i++)
            seen |= 1u << got[i].data.u64;
    }
    CHECK_EQ(seen, (1u << 20) - 1);
    for (int i = 0; i < 20; i++)
        close(ev[i]);
    close(ep);
}

static void nested(void)
{
    int outer = epoll_create1(0), inner = epoll_create1(0), ev = eventfd(0, 0);
    CHECK_OK(add(inner, ev, EPOLLIN, 1));
    CHECK_OK(add(outer, inner, EPOLLIN, 2));
    CHECK_EQ(ready(outer), 0);
    eventfd_write(ev, 1);
    CHECK_EQ(ready(outer), 1);
    CHECK_EQ(got[0].data.u64, 2);
    CHECK_ERR(add(inner, outer, EPOLLIN, 3), ELOOP);
    CHECK_ERR(add(outer, outer, EPOLLIN, 3), EINVAL);
    close(ev);
    close(inner);
    close(outer);
}

static void bad_requests(void)
{
    int ep = epoll_create1(0), ev = eventfd(0, 0);
    int file = open("/proc/self/exe", O_RDONLY);
    struct epoll_event e = {.events = EPOLLIN};
    CHECK_ERR(epoll_create1(0x7), EINVAL);
    CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_ERR(add(ep, 9999, EPOLLIN, 0), EBADF);
    CHECK_ERR(add(9999, ev, EPOLLIN, 0), EBADF);
    CHECK_ERR(add(ev, ep, EPOLLIN, 0), EINVAL);
    CHECK_ERR(add(ep, file, EPOLLIN, 0), EPERM);
    CHECK_ERR(change(ep, ev, EPOLLIN, 0), ENOENT);
    CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, ev, &e), ENOENT);
    CHECK_OK(add(ep, ev, EPOLLIN, 0));
    CHECK_ERR(add(ep, ev, EPOLLIN, 0), EEXIST);
    CHECK_ERR(epoll_ctl(ep, 77, ev, &e), EINVAL);
    CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, ev, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(epoll_wait(ep, got, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_epoll_wait, ep, got, -1, 0), EINVAL);
    CHECK_ERR(epoll_wait(ev, got, 8, 0), EINVAL);
    eventfd_write(ev, 1);
    CHECK_ERR(syscall(SYS_epoll_wait, ep, KERNEL_ADDRESS, 8, 0), EFAULT);
    close(file);
    close(ev);
    close(ep);
}

static void time_outs_and_masks(void)
{
    int ep = epoll_create1(0);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_EQ(epoll_wait(ep, got, 8, 15), 0);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 15 * NS_PER_MS);
    sigset_t none;
    sigemptyset(&none);
    CHECK_EQ(epoll_pwait(ep, got, 8, 1, &none), 0);
    struct timespec ts = ms_timespec(1);
    CHECK_EQ(syscall(SYS_epoll_pwait2, ep, got, 8, &ts, NULL, 8), 0);
    close(ep);
}

struct waiter {
    int ep;
    volatile int woken;
};

static void *wait_once(void *arg)
{
    struct waiter *w = arg;
    struct epoll_event e;
    int n = epoll_wait(w->ep, &e, 1, 2000);
    if (n == 1)
        __atomic_add_fetch(&w->woken, 1, __ATOMIC_SEQ_CST);
    return (void *)(long)n;
}

static void an_edge_wakes_one_of_many_waiters(void)
{
    struct waiter w = {.ep = epoll_create1(0)};
    int ev = eventfd(0, 0);
    pthread_t thread[3];
    CHECK_OK(add(w.ep, ev, EPOLLIN | EPOLLET, 1));
    for (int i = 0; i < 3; i++)
        thread[i] = thread_start(wait_once, &w);
    sleep_ms(30);
    eventfd_write(ev, 1);
    CHECK(wait_for(&w.woken, 1));
    sleep_ms(30);
    CHECK_EQ(w.woken, 1);
    eventfd_write(ev, 1);
    eventfd_write(ev, 1);
    for (int i = 0; i < 3; i++)
        thread_join(thread[i]);
    CHECK(w.woken >= 2);
    close(ev);
    close(w.ep);
}

static void exclusive_entries(void)
{
    int ep = epoll_create1(0), ev = eventfd(1, 0);
    CHECK_OK(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE, 9));
    CHECK_EQ(ready(ep), 1);
    CHECK_ERR(change(ep, ev, EPOLLIN | EPOLLEXCLUSIVE, 9), EINVAL);
    close(ev);
    ev = eventfd(1, 0);
    CHECK_ERR(add(ep, ev, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 9), EINVAL);
    close(ev);
    close(ep);
}

static void *add_while_waiting(void *arg)
{
    int *fds = arg;
    sleep_ms(20);
    return (void *)(long)add(fds[0], fds[1], EPOLLIN, 5);
}

static void entries_added_during_a_wait_count(void)
{
    int fds[2] = {epoll_create1(0), eventfd(1, 0)};
    pthread_t thread = thread_start(add_while_waiting, fds);
    CHECK_EQ(epoll_wait(fds[0], got, 8, 5000), 1);
    CHECK_EQ(got[0].data.u64, 5);
    thread_join(thread);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    RUN(level_triggered);
    RUN(edge_triggered);
    RUN(one_shot);
    RUN(closing_removes);
    RUN(several_at_once);
    RUN(nested);
    RUN(bad_requests);
    RUN(time_outs_and_masks);
    RUN(an_edge_wakes_one_of_many_waiters);
    RUN(exclusive_entries);
    RUN(entries_added_during_a_wait_count);
    return check_done();
}
