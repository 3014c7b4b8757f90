/* Several threads wait for one thing: each event lets as many go on as it can serve, the end of
 * what is waited for lets all go on, and who leaves without the event leaves it to the others. */
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "tests/harness/guest.h"

#define WAITERS 4

static int fd, other_fd;
static volatile int begun, done;
static volatile long sum;

static void *count(long value)
{
    __atomic_add_fetch(&sum, value, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void begin(void)
{
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
}

/* Starts threads that wait and lets them block. They are never joined: who doesn't come is told by
 * all_done(). */
static void start(int threads, void *(*wait)(void *))
{
    done = begun = 0;
    sum = 0;
    for (int i = 0; i < threads; i++)
        pthread_detach(thread_start(wait, (void *)(intptr_t)i));
    wait_for(&begun, threads);
    sleep_ms(30);
}

static bool all_done(int threads)
{
    return wait_for(&done, threads);
}

static int epoll_of(int watched, uint32_t events)
{
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = events, .data.u64 = (uint64_t)watched};
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, watched, &e));
    return ep;
}

static void *epoll_one(void *arg)
{
    struct epoll_event e;
    begin();
    (void)arg;
    return epoll_wait(fd, &e, 1, -1) == 1 ? count((long)e.data.u64) : NULL;
}

static void one_event_that_stays_wakes_all_on_an_epoll(void)
{
    uint32_t kinds[] = {EPOLLIN, EPOLLIN | EPOLLEXCLUSIVE};
    for (unsigned i = 0; i < 2; i++) {
        int event = eventfd(0, 0);
        fd = epoll_of(event, kinds[i]);
        start(8, epoll_one);
        eventfd_write(event, 1);
        CHECK(all_done(8));
        close(event);
        close(fd);
    }
}

/* Each edge and each one-shot is for one; one event at a time, all ready at once. */
static void as_many_events_as_threads_on_an_epoll(void)
{
    uint32_t kinds[] = {EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT};
    for (unsigned kind = 0; kind < 2; kind++) {
        int events[WAITERS];
        long expected = 0;
        fd = epoll_create1(0);
        for (int i = 0; i < WAITERS; i++) {
            struct epoll_event e = {.events = kinds[kind], .data.u64 = 1u << i};
            events[i] = eventfd(0, 0);
            CHECK_OK(epoll_ctl(fd, EPOLL_CTL_ADD, events[i], &e));
            expected += 1 << i;
        }
        start(WAITERS, epoll_one);
        for (int i = 0; i < WAITERS; i++)
            eventfd_write(events[i], 1);
        CHECK(all_done(WAITERS));
        CHECK_EQ(sum, expected);
        for (int i = 0; i < WAITERS; i++)
            close(events[i]);
        close(fd);
    }
}

/* The first instance has the event in its list, too, but nobody waits there. */
static void an_exclusive_event_goes_where_a_thread_waits(void)
{
    int event = eventfd(0, 0);
    int idle = epoll_of(event, EPOLLIN | EPOLLEXCLUSIVE);
    fd = epoll_of(event, EPOLLIN | EPOLLEXCLUSIVE);
    start(1, epoll_one);
    eventfd_write(event, 1);
    CHECK(all_done(1));
    close(event);
    close(fd);
    close(idle);
}

static void *epoll_other(void *arg)
{
    struct epoll_event e;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    begin();
    if ((intptr_t)arg < WAITERS)
        return epoll_wait(fd, &e, 1, -1) == 1 ? count(1) : NULL;
    while (begun < WAITERS)
        sleep_ms(1);
    sleep_ms(10);
    int n = (intptr_t)arg == WAITERS ? epoll_wait(other_fd, &e, 1, -1) : poll(&p, 1, -1);
    return n == 1 ? count(1) : NULL;
}

static void an_epoll_and_one_around_it(void)
{
    int event = eventfd(0, 0);
    fd = epoll_of(event, EPOLLIN);
    other_fd = epoll_of(fd, EPOLLIN);
    start(WAITERS + 2, epoll_other);
    eventfd_write(event, 1);
    CHECK(all_done(WAITERS + 2));
    close(event);
    close(fd);
    close(other_fd);
}

/* An edge of the outer instance is a wake-up of the inner one, not that its event was looked at. */
static void looking_inside_is_no_edge_outside(void)
{
    int event = eventfd(1, 0), inner = epoll_of(event, EPOLLIN);
    int outer = epoll_of(inner, EPOLLIN | EPOLLET);
    struct epoll_event e;
    CHECK_EQ(epoll_wait(outer, &e, 1, 0), 1);
    CHECK_EQ(epoll_wait(outer, &e, 1, 0), 0);
    CHECK_EQ(epoll_wait(inner, &e, 1, 0), 1);
    CHECK_EQ(epoll_wait(outer, &e, 1, 0), 0);
    eventfd_write(event, 1);
    CHECK_EQ(epoll_wait(outer, &e, 1, 0), 1);
    close(event);
    close(inner);
    close(outer);
}

static struct sockaddr_storage address;
static socklen_t address_size;

static int listener(int family)
{
    int s = socket(family, SOCK_STREAM, 0);
    memset(&address, 0, sizeof(address));
    address.ss_family = (sa_family_t)family;
    if (family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_OK(bind(s, (void *)&address,
                  family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(sa_family_t)));
    CHECK_OK(listen(s, 64));
    address_size = sizeof(address);
    CHECK_OK(getsockname(s, (void *)&address, &address_size));
    return s;
}

static int connected(void)
{
    int s = socket(address.ss_family, SOCK_STREAM, 0);
    CHECK_OK(connect(s, (void *)&address, address_size));
    return s;
}

static void *accept_one(void *arg)
{
    (void)arg;
    begin();
    int s = accept(other_fd, NULL, NULL);
    int error = errno;
    if (s >= 0)
        close(s);
    return count(s >= 0 ? 1 : error == EINVAL ? 100 : 10000);
}

static void *epoll_and_accept(void *arg)
{
    struct epoll_event e;
    begin();
    for (;;) {
        epoll_wait(fd, &e, 1, -1);
        int s = accept4(other_fd, NULL, NULL, 0);
        if (s >= 0)
            close(s);
        if (s >= 0)
            return count(1);
        (void)arg;
    }
}

static void connect_and_count(void *(*wait)(void *))
{
    int client[WAITERS];
    start(WAITERS, wait);
    for (int i = 0; i < WAITERS; i++)
        client[i] = connected();
    CHECK(all_done(WAITERS));
    CHECK_EQ(sum, WAITERS);
    for (int i = 0; i < WAITERS; i++)
        close(client[i]);
}

static void as_many_connections_as_threads(void)
{
    int families[] = {AF_INET, AF_UNIX};
    for (int i = 0; i < 2; i++) {
        other_fd = listener(families[i]);
        connect_and_count(accept_one);
        fcntl(other_fd, F_SETFL, O_NONBLOCK);
        fd = epoll_of(other_fd, EPOLLIN);
        connect_and_count(epoll_and_accept);
        close(fd);
        close(other_fd);
    }
}

static void the_end_of_a_listener_ends_all_accepts(void)
{
    int families[] = {AF_INET, AF_UNIX};
    for (int i = 0; i < 2; i++) {
        other_fd = listener(families[i]);
        start(WAITERS, accept_one);
        CHECK_OK(shutdown(other_fd, SHUT_RDWR));
        CHECK(all_done(WAITERS));
        CHECK_EQ(sum, 100 * WAITERS);
        close(other_fd);
    }
}

static void nothing(int signo)
{
    (void)signo;
}

/* Signals and time-outs end some of the waits while connections come. */
static pthread_t waiting[WAITERS];

static void *accept_until_one(void *arg)
{
    waiting[(intptr_t)arg] = pthread_self();
    begin();
    for (;;) {
        int s = accept(other_fd, NULL, NULL);
        if (s >= 0)
            close(s);
        if (s >= 0)
            return count(1);
    }
}

static void who_is_interrupted_takes_no_connection_along(void)
{
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    other_fd = listener(AF_INET);
    struct timeval soon = {.tv_usec = 1000};
    setsockopt(other_fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
    start(WAITERS, accept_until_one);
    int client[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        client[i] = connected();
        for (int k = 0; k < WAITERS && !done; k++)
            pthread_kill(waiting[k], SIGUSR1);
    }
    CHECK(all_done(WAITERS));
    for (int i = 0; i < WAITERS; i++)
        close(client[i]);
    close(other_fd);
}

static void *read_some(void *arg)
{
    char buffer[64];
    begin();
    ssize_t n = read(fd, buffer, (size_t)(intptr_t)other_fd);
    (void)arg;
    return n >= 0 ? count(n) : NULL;
}

static void a_pipe_with_many_readers(void)
{
    int p[2];
    CHECK_OK(pipe(p));
    fd = p[0];
    other_fd = 1;
    start(WAITERS, read_some);
    CHECK_EQ(write(p[1], "abcd", WAITERS), WAITERS);
    CHECK(all_done(WAITERS));
    start(WAITERS, read_some);
    close(p[1]);
    CHECK(all_done(WAITERS));
    CHECK_EQ(sum, 0);
    close(p[0]);
}

static void *write_page(void *arg)
{
    static char page[PAGE];
    (void)arg;
    begin();
    return write(other_fd, page, PAGE) == PAGE ? count(1) : NULL;
}

static void a_pipe_with_many_writers(void)
{
    int p[2];
    char page[PAGE];
    CHECK_OK(pipe2(p, O_NONBLOCK));
    memset(page, 1, PAGE);
    while (write(p[1], page, PAGE) > 0)
        ;
    fcntl(p[1], F_SETFL, 0);
    other_fd = p[1];
    start(WAITERS, write_page);
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(read(p[0], page, PAGE), PAGE);
    CHECK(all_done(WAITERS));
    close(p[0]);
    close(p[1]);
}

static void *write_event(void *arg)
{
    (void)arg;
    begin();
    return eventfd_write(fd, 1) == 0 ? count(1) : NULL;
}

static void an_eventfd_with_many_readers_and_writers(void)
{
    fd = eventfd(0, EFD_SEMAPHORE);
    other_fd = 8;
    start(WAITERS, read_some);
    eventfd_write(fd, WAITERS);
    CHECK(all_done(WAITERS));
    eventfd_write(fd, 0xfffffffffffffffe);
    start(WAITERS, write_event);
    for (int i = 0; i < WAITERS; i++) {
        eventfd_t value;
        CHECK_OK(eventfd_read(fd, &value));
    }
    CHECK(all_done(WAITERS));
    close(fd);
}

static void a_timerfd_with_many_readers(void)
{
    struct itimerspec spec = {{0, 2000000}, {0, 2000000}};
    fd = timerfd_create(CLOCK_MONOTONIC, 0);
    other_fd = 8;
    start(WAITERS, read_some);
    CHECK_OK(timerfd_settime(fd, 0, &spec, NULL));
    CHECK(all_done(WAITERS));
    close(fd);
}

static void *read_event(void *arg)
{
    struct inotify_event e;
    (void)arg;
    begin();
    return read(fd, &e, sizeof(e)) == sizeof(e) ? count(1) : NULL;
}

static void inotify_with_many_readers(void)
{
    CHECK(file_put("f", "x"));
    int file = open("f", O_RDWR);
    fd = inotify_init();
    CHECK_OK(inotify_add_watch(fd, "f", IN_MODIFY | IN_ATTRIB));
    start(WAITERS, read_event);
    for (int i = 0; i < WAITERS; i++) {
        if (i % 2)
            CHECK_EQ(write(file, "y", 1), 1);
        else
            CHECK_OK(fchmod(file, 0600));
    }
    CHECK(all_done(WAITERS));
    close(file);
    close(fd);
    CHECK_OK(unlink("f"));
}

static sigset_t waited_for;

static void *wait_for_signal(void *arg)
{
    siginfo_t info;
    (void)arg;
    begin();
    while (sigwaitinfo(&waited_for, &info) < 0) /* EINTR: another one was quicker */
        ;
    return count(info.si_value.sival_int);
}

static void *read_signal(void *arg)
{
    struct signalfd_siginfo info;
    (void)arg;
    begin();
    return read(fd, &info, sizeof(info)) == sizeof(info) ? count(info.ssi_int) : NULL;
}

static void signal_and_count(void *(*wait)(void *))
{
    start(WAITERS, wait);
    for (int i = 0; i < WAITERS; i++)
        CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1 << 4 * i}));
    CHECK(all_done(WAITERS));
    CHECK_EQ(sum, 0x1111);
}

static void as_many_signals_as_threads(void)
{
    sigemptyset(&waited_for);
    sigaddset(&waited_for, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &waited_for, NULL);
    fd = signalfd(-1, &waited_for, 0);
    signal_and_count(wait_for_signal);
    signal_and_count(read_signal);
    close(fd);
}

static volatile int handled;

static void handle(int signo)
{
    (void)signo;
    handled++;
}

/* One thread is chosen for the signal, but its call ends by what it waited for, and then it blocks
 * the signal again: another one handles it. */
static volatile int rounds, stop;

static void *block_but_in_ppoll(void *arg)
{
    sigset_t none;
    sigemptyset(&none);
    (void)arg;
    begin();
    while (!stop) {
        eventfd_t value;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (ppoll(&p, 1, NULL, &none) == 1)
            eventfd_read(fd, &value);
        rounds++;
    }
    return count(1);
}

static void *let_signals_come(void *arg)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    (void)arg;
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    begin();
    while (!stop)
        sleep_ms(10000);
    return count(1);
}

static void who_blocks_a_signal_leaves_it_to_others(void)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    fd = eventfd(0, 0);
    start(1, block_but_in_ppoll);
    pthread_detach(thread_start(let_signals_come, NULL));
    wait_for(&begun, 2);
    sleep_ms(30);
    for (int i = 0; i < 50; i++) {
        int before = rounds;
        eventfd_write(fd, 1);
        kill(getpid(), SIGUSR1);
        if (!wait_for(&handled, i + 1))
            break;
        wait_for(&rounds, before + 1);
    }
    CHECK_EQ(handled, 50);
    stop = 1;
    eventfd_write(fd, 1);
}

static void *poll_or_select(void *arg)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    begin();
    int n = (intptr_t)arg % 2 ? poll(&p, 1, -1) : select(fd + 1, &set, NULL, NULL, NULL);
    return n == 1 ? count(1) : NULL;
}

static void all_that_poll(void)
{
    fd = eventfd(0, 0);
    start(WAITERS, poll_or_select);
    eventfd_write(fd, 1);
    CHECK(all_done(WAITERS));
    close(fd);
}

static void *lock_shared(void *arg)
{
    int file = open("f", O_RDWR);
    (void)arg;
    begin();
    int err = flock(file, LOCK_SH);
    count(err == 0);
    if (wait_for(&done, WAITERS)) /* all of them hold it at the same time */
        close(file);
    return NULL;
}

static void all_that_share_a_lock(void)
{
    CHECK(file_put("f", "x"));
    int file = open("f", O_RDWR);
    CHECK_OK(flock(file, LOCK_EX));
    start(WAITERS, lock_shared);
    CHECK_EQ(done, 0);
    CHECK_OK(flock(file, LOCK_UN));
    CHECK(all_done(WAITERS));
    CHECK_EQ(sum, WAITERS);
    close(file);
    CHECK_OK(unlink("f"));
}

static void a_terminal_with_many_readers(void)
{
    int master;
    CHECK_OK(openpty(&master, &fd, NULL, NULL, NULL));
    other_fd = 64;
    start(WAITERS, read_some);
    CHECK_EQ(write(master, "a\nb\nc\nd\n", 8), 8);
    CHECK(all_done(WAITERS));
    CHECK_EQ(sum, 8);
    close(master);
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(one_event_that_stays_wakes_all_on_an_epoll);
    RUN(as_many_events_as_threads_on_an_epoll);
    RUN(an_exclusive_event_goes_where_a_thread_waits);
    RUN(an_epoll_and_one_around_it);
    RUN(looking_inside_is_no_edge_outside);
    RUN(as_many_connections_as_threads);
    RUN(the_end_of_a_listener_ends_all_accepts);
    RUN(who_is_interrupted_takes_no_connection_along);
    RUN(a_pipe_with_many_readers);
    RUN(a_pipe_with_many_writers);
    RUN(an_eventfd_with_many_readers_and_writers);
    RUN(a_timerfd_with_many_readers);
    RUN(inotify_with_many_readers);
    RUN(as_many_signals_as_threads);
    RUN(all_that_poll);
    RUN(all_that_share_a_lock);
    RUN(a_terminal_with_many_readers);
    RUN(who_blocks_a_signal_leaves_it_to_others);
    CHECK(scratch_leave());
    return check_done();
}
