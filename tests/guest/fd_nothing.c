/*
 * Reading, writing, receiving and sending nothing, on every kind of descriptor in every state that
 * matters: some calls end before they look at the descriptor's state, others don't.
 */
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/harness/inet.h"

enum { NOTHING, A_BYTE, AN_EMPTY_ONE, CLOSED, SHUT, PEER_SHUT, ALONE, LISTENS };

/* One of a connected pair, in a state. */
static int in_state(int fd, int other, int state)
{
    if (state == A_BYTE)
        CHECK_EQ(write(other, "a", 1), 1);
    if (state == AN_EMPTY_ONE)
        CHECK_EQ(send(other, "", 0, 0), 0);
    if (state == SHUT)
        CHECK_OK(shutdown(fd, SHUT_RDWR));
    if (state == PEER_SHUT)
        CHECK_OK(shutdown(other, SHUT_WR));
    if (state == CLOSED)
        close(other);
    sleep_ms(1);
    return fd;
}

static int unix_in(int type, int state)
{
    int s[2];
    struct sockaddr any = {.sa_family = AF_UNIX};
    if (state != ALONE && state != LISTENS) {
        CHECK_OK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
        return in_state(s[0], s[1], state);
    }
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    if (state == LISTENS) {
        CHECK_OK(bind(fd, &any, sizeof(any.sa_family)));
        CHECK_OK(listen(fd, 1));
    }
    return fd;
}

static int tcp_in(int state)
{
    int port, listener = tcp_server(&port);
    CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
    if (state == LISTENS)
        return listener;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (state != ALONE)
        CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    int other = state == ALONE ? -1 : accept(listener, NULL, NULL);
    return in_state(fd, other, state);
}

static int udp_in(int state)
{
    int other = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (state == ALONE)
        return fd;
    CHECK_OK(bind4(other, "127.0.0.1", 0));
    CHECK_OK(connect4(fd, "127.0.0.1", port_of(other, false)));
    CHECK_OK(connect4(other, "127.0.0.1", port_of(fd, false)));
    return in_state(fd, other, state);
}

static int pipe_in(bool writes, int state)
{
    int p[2];
    CHECK_OK(pipe2(p, O_NONBLOCK));
    if (state == A_BYTE)
        CHECK_EQ(write(p[1], "a", 1), 1);
    if (state == CLOSED)
        close(p[!writes]);
    return p[writes];
}

static long result(long n)
{
    return n < 0 ? -errno : n;
}

/* What read, readv, write and writev of nothing answer, and of sockets recv, peeking, send. */
#define CALLS 7
static void calls(int fd, long *got)
{
    char byte;
    struct iovec none[2] = {{&byte, 0}, {&byte, 0}};
    signal(SIGPIPE, SIG_IGN);
    got[0] = result(read(fd, &byte, 0));
    got[1] = result(readv(fd, none, 2));
    got[2] = result(write(fd, &byte, 0));
    got[3] = result(writev(fd, none, 2));
    got[4] = result(send(fd, &byte, 0, MSG_NOSIGNAL));
    got[5] = result(recv(fd, &byte, 0, MSG_PEEK));
    got[6] = result(recv(fd, &byte, 0, 0));
}

static void look(const char *name, int fd, const long *want)
{
    long got[CALLS];
    calls(fd, got);
    close(fd);
    for (unsigned n = 0; n < CALLS; n++)
        if (got[n] != want[n])
            printf("# %s, call %u: got %ld, want %ld\n", name, n, got[n], want[n]);
    CHECK(memcmp(got, want, sizeof(got)) == 0);
}

#define WANT(...) ((const long[CALLS]){__VA_ARGS__})

static void unix_sockets(void)
{
    look("AF_UNIX stream, NOTHING", unix_in(SOCK_STREAM, NOTHING),
         WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("AF_UNIX stream, A_BYTE", unix_in(SOCK_STREAM, A_BYTE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX stream, AN_EMPTY_ONE", unix_in(SOCK_STREAM, AN_EMPTY_ONE),
         WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("AF_UNIX stream, CLOSED", unix_in(SOCK_STREAM, CLOSED),
         WANT(0, 0, -EPIPE, 0, -EPIPE, 0, 0));
    look("AF_UNIX stream, SHUT", unix_in(SOCK_STREAM, SHUT), WANT(0, 0, -EPIPE, 0, -EPIPE, 0, 0));
    look("AF_UNIX stream, PEER_SHUT", unix_in(SOCK_STREAM, PEER_SHUT), WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX stream, ALONE", unix_in(SOCK_STREAM, ALONE),
         WANT(0, 0, -ENOTCONN, 0, -ENOTCONN, -EINVAL, -EINVAL));
    look("AF_UNIX stream, LISTENS", unix_in(SOCK_STREAM, LISTENS),
         WANT(0, 0, -ENOTCONN, 0, -ENOTCONN, -EINVAL, -EINVAL));
    look("AF_UNIX datagrams, NOTHING", unix_in(SOCK_DGRAM, NOTHING),
         WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("AF_UNIX datagrams, A_BYTE", unix_in(SOCK_DGRAM, A_BYTE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX datagrams, AN_EMPTY_ONE", unix_in(SOCK_DGRAM, AN_EMPTY_ONE),
         WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX datagrams, CLOSED", unix_in(SOCK_DGRAM, CLOSED),
         WANT(0, 0, -ECONNREFUSED, 0, -ENOTCONN, -EAGAIN, -EAGAIN));
    look("AF_UNIX datagrams, SHUT", unix_in(SOCK_DGRAM, SHUT),
         WANT(0, 0, -EPIPE, 0, -EPIPE, -EAGAIN, -EAGAIN));
    look("AF_UNIX datagrams, PEER_SHUT", unix_in(SOCK_DGRAM, PEER_SHUT),
         WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("AF_UNIX datagrams, ALONE", unix_in(SOCK_DGRAM, ALONE),
         WANT(0, 0, -ENOTCONN, 0, -ENOTCONN, -EAGAIN, -EAGAIN));
    look("AF_UNIX packets, NOTHING", unix_in(SOCK_SEQPACKET, NOTHING),
         WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("AF_UNIX packets, A_BYTE", unix_in(SOCK_SEQPACKET, A_BYTE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX packets, AN_EMPTY_ONE", unix_in(SOCK_SEQPACKET, AN_EMPTY_ONE),
         WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX packets, CLOSED", unix_in(SOCK_SEQPACKET, CLOSED),
         WANT(0, 0, -EPIPE, 0, -EPIPE, 0, 0));
    look("AF_UNIX packets, SHUT", unix_in(SOCK_SEQPACKET, SHUT),
         WANT(0, 0, -EPIPE, 0, -EPIPE, 0, 0));
    look("AF_UNIX packets, PEER_SHUT", unix_in(SOCK_SEQPACKET, PEER_SHUT),
         WANT(0, 0, 0, 0, 0, 0, 0));
    look("AF_UNIX packets, ALONE", unix_in(SOCK_SEQPACKET, ALONE),
         WANT(0, 0, -ENOTCONN, 0, -ENOTCONN, -ENOTCONN, -ENOTCONN));
    look("AF_UNIX packets, LISTENS", unix_in(SOCK_SEQPACKET, LISTENS),
         WANT(0, 0, -ENOTCONN, 0, -ENOTCONN, -ENOTCONN, -ENOTCONN));
}

static void internet_sockets(void)
{
    look("TCP, NOTHING", tcp_in(NOTHING), WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("TCP, A_BYTE", tcp_in(A_BYTE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("TCP, CLOSED", tcp_in(CLOSED), WANT(0, 0, 0, 0, 0, 0, 0));
    look("TCP, SHUT", tcp_in(SHUT), WANT(0, 0, -EPIPE, 0, -EPIPE, 0, 0));
    look("TCP, PEER_SHUT", tcp_in(PEER_SHUT), WANT(0, 0, 0, 0, 0, 0, 0));
    look("TCP, ALONE", tcp_in(ALONE), WANT(0, 0, -EPIPE, 0, -EPIPE, -ENOTCONN, -ENOTCONN));
    look("TCP, LISTENS", tcp_in(LISTENS), WANT(0, 0, -EPIPE, 0, -EPIPE, -ENOTCONN, -ENOTCONN));
    look("UDP, NOTHING", udp_in(NOTHING), WANT(0, 0, 0, 0, 0, -EAGAIN, -EAGAIN));
    look("UDP, A_BYTE", udp_in(A_BYTE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("UDP, AN_EMPTY_ONE", udp_in(AN_EMPTY_ONE), WANT(0, 0, 0, 0, 0, 0, 0));
    look("UDP, SHUT", udp_in(SHUT), WANT(0, 0, -EPIPE, 0, -EPIPE, -EAGAIN, -EAGAIN));
    look("UDP, ALONE", udp_in(ALONE),
         WANT(0, 0, -EDESTADDRREQ, 0, -EDESTADDRREQ, -EAGAIN, -EAGAIN));
    look("netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0),
         WANT(0, 0, -ENODATA, 0, -ENODATA, -EAGAIN, -EAGAIN));
}

static void other_descriptors(void)
{
    look("pipe to read, NOTHING", pipe_in(false, NOTHING),
         WANT(0, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("pipe to read, A_BYTE", pipe_in(false, A_BYTE),
         WANT(0, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("pipe to read, CLOSED", pipe_in(false, CLOSED),
         WANT(0, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("pipe to write, NOTHING", pipe_in(true, NOTHING),
         WANT(-EBADF, -EBADF, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("pipe to write, A_BYTE", pipe_in(true, A_BYTE),
         WANT(-EBADF, -EBADF, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("pipe to write, CLOSED", pipe_in(true, CLOSED),
         WANT(-EBADF, -EBADF, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("eventfd", eventfd(1, EFD_NONBLOCK),
         WANT(-EINVAL, 0, -EINVAL, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
         WANT(-EINVAL, 0, -EINVAL, -EINVAL, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("inotify", inotify_init1(IN_NONBLOCK),
         WANT(-EAGAIN, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("epoll", epoll_create1(0),
         WANT(-EINVAL, -EINVAL, -EINVAL, -EINVAL, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("memfd", memfd_create("x", 0), WANT(0, 0, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("/dev/null", open("/dev/null", O_RDWR), WANT(0, 0, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("/dev/zero", open("/dev/zero", O_RDWR), WANT(0, 0, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("/dev/full", open("/dev/full", O_RDWR),
         WANT(0, 0, -ENOSPC, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("/dev/urandom", open("/dev/urandom", O_RDWR),
         WANT(0, 0, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("folder", open("/", O_RDONLY),
         WANT(-EISDIR, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("/proc file", open("/proc/self/status", O_RDONLY),
         WANT(0, 0, -EBADF, -EBADF, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
    look("path", open("/", O_PATH), WANT(-EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF));
    look("terminal", posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK),
         WANT(0, 0, 0, 0, -ENOTSOCK, -ENOTSOCK, -ENOTSOCK));
}

int main(void)
{
    RUN(unix_sockets);
    RUN(internet_sockets);
    RUN(other_descriptors);
    return check_done();
}
