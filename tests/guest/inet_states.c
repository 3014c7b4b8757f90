/* Sockets at the edges of their lives: not connected, refused, connected to themselves, half or
 * wholly closed. */
#include <linux/sockios.h>
#include <sys/un.h>

#include "tests/harness/inet.h"

static int blocked_fd;
static volatile int blocked, result = -2, result_errno;

static void *receive_blocked(void *arg)
{
    char byte;
    (void)arg;
    blocked = 1;
    ssize_t n = recv(blocked_fd, &byte, 1, 0);
    result_errno = errno;
    __atomic_store_n(&result, (int)n, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Who waits is woken, though shutdown says that there is no connection. */
static void shut_without_a_peer(int family)
{
    char byte;
    blocked = 0;
    blocked_fd = socket(family, SOCK_DGRAM, 0);
    pthread_t t = thread_start(receive_blocked, NULL);
    CHECK(wait_for(&blocked, 1));
    sleep_ms(20);
    CHECK_ERR(shutdown(blocked_fd, SHUT_RDWR), ENOTCONN);
    pthread_join(t, NULL);
    CHECK_EQ(result, 0);
    CHECK_EQ(recv(blocked_fd, &byte, 1, 0), 0);
    struct sockaddr_in to = name4("127.0.0.1", 9);
    if (family == AF_INET)
        CHECK_ERR(sendto(blocked_fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)),
                  EPIPE);
    CHECK(events_of(blocked_fd, POLLIN, 0) & POLLHUP);
    close(blocked_fd);
}

static void shut_without_a_peer_both(void)
{
    shut_without_a_peer(AF_INET);
    shut_without_a_peer(AF_INET6);
}

static int peer_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    return getpeername(fd, (struct sockaddr *)&name, &size);
}

static void peer_until_both_have_closed(void)
{
    int s[2];
    char byte;
    tcp_pair(s);
    CHECK_OK(peer_of(s[0]));
    CHECK_OK(shutdown(s[0], SHUT_WR));
    CHECK_OK(peer_of(s[0]));
    CHECK_EQ(recv(s[1], &byte, 1, 0), 0);
    CHECK_OK(peer_of(s[1]));
    close(s[1]);
    CHECK_EQ(recv(s[0], &byte, 1, 0), 0);
    CHECK_ERR(peer_of(s[0]), ENOTCONN);
    CHECK_ERR(shutdown(s[0], SHUT_RD), ENOTCONN);
    CHECK(port_of(s[0], false) > 0);
    close(s[0]);
}

static void peer_after_a_reset(void)
{
    int s[2];
    char byte;
    struct linger none = {1, 0};
    tcp_pair(s);
    CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &none, sizeof(none)));
    close(s[1]);
    CHECK_EQ(events_of(s[0], POLLIN, SOON_MS) & POLLHUP, POLLHUP);
    CHECK_ERR(peer_of(s[0]), ENOTCONN);
    CHECK_ERR(recv(s[0], &byte, 1, 0), ECONNRESET);
    CHECK_EQ(recv(s[0], &byte, 1, 0), 0);
    close(s[0]);
}

static void connected_to_itself(void)
{
    char bytes[16];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    int port = port_of(fd, false);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(port_of(fd, true), port);
    CHECK_EQ(send(fd, "echo", 4, 0), 4);
    CHECK_EQ(recv(fd, bytes, sizeof(bytes), 0), 4);
    CHECK_EQ(memcmp(bytes, "echo", 4), 0);
    CHECK_OK(shutdown(fd, SHUT_WR));
    CHECK_EQ(recv(fd, bytes, sizeof(bytes), 0), 0);
    close(fd);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_OK(bind6(fd, "::1", 0));
    CHECK_OK(connect6(fd, "::1", port_of(fd, false)));
    CHECK_EQ(send(fd, "echo", 4, 0), 4);
    CHECK_EQ(recv(fd, bytes, sizeof(bytes), 0), 4);
    close(fd);
}

/* A port of 127.0.0.1 where nobody listens. */
static int closed_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    int port = port_of(fd, false);
    close(fd);
    return port;
}

static void refused(void)
{
    int port = closed_port(), fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNREFUSED);
    CHECK_ERR(peer_of(fd), ENOTCONN);
    CHECK_ERR(recv(fd, &byte, 1, 0), ENOTCONN);
    CHECK_ERR(send(fd, &byte, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNREFUSED);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind4(server, "127.0.0.1", port));
    CHECK_OK(listen(server, 1));
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    close(fd);
    close(server);
}

static void refused_without_waiting(void)
{
    int port = closed_port(), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char byte;
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT | POLLRDHUP, SOON_MS),
             POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(recv(fd, &byte, 1, 0), 0);
    CHECK_ERR(peer_of(fd), ENOTCONN);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNABORTED); /* of the attempt before */
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT | POLLERR | POLLHUP);
    CHECK_ERR(recv(fd, &byte, 1, 0), ECONNREFUSED);
    CHECK_EQ(recv(fd, &byte, 1, 0), 0);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT | POLLERR | POLLHUP);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNREFUSED);
    close(fd);
}

static void never_connected(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    CHECK_ERR(recv(fd, &byte, 1, 0), ENOTCONN);
    CHECK_ERR(send(fd, &byte, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
    CHECK_ERR(peer_of(fd), ENOTCONN);
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), POLLIN | POLLOUT | POLLHUP);
    CHECK_EQ(recv(fd, &byte, 1, 0), 0); /* shutdown has left something */
    close(fd);
}

/* Who doesn't wait is told of success by one more call. */
static void told_of_success(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EISCONN);
    int other = accept(server, NULL, NULL);
    CHECK_ERR(connect4(other, "127.0.0.1", port), EISCONN);
    close(other);
    CHECK_OK(shutdown(fd, SHUT_WR));
    CHECK(events_of(fd, POLLIN, SOON_MS) & POLLHUP);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EISCONN); /* it was, once */
    close(fd);
    close(server);
}

/* What was not sent at all is less than what was not acknowledged. */
static void bytes_unsent(void)
{
    int s[2], queued = -1, unsent = -1;
    static char bytes[400000];
    tcp_pair(s);
    CHECK_OK(ioctl(s[0], SIOCOUTQNSD, &unsent));
    CHECK_EQ(unsent, 0);
    CHECK(send(s[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0);
    while (send(s[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
    CHECK_OK(ioctl(s[0], SIOCOUTQ, &queued));
    CHECK_OK(ioctl(s[0], SIOCOUTQNSD, &unsent));
    CHECK(unsent >= 0 && unsent <= queued && queued > 0);
    close(s[0]);
    close(s[1]);
}

/* A listener of AF_UNIX is never ready to be written to. */
static void listener_events(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size =
        (socklen_t)(sizeof(name.sun_family) + 1 +
                    (size_t)snprintf(name.sun_path + 1, 64, "orris-states-%d", getpid()));
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
    CHECK_OK(bind(fd, (struct sockaddr *)&name, size));
    CHECK_OK(listen(fd, 1));
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(connect(client, (struct sockaddr *)&name, size));
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), POLLIN);
    CHECK_EQ(events_of(client, POLLIN | POLLOUT, 0), POLLOUT);
    close(client);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(listen(fd, 1));
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), 0);
    close(fd);
}

/* A level is another protocol's. */
static void levels_of_others(void)
{
    int u = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(set_option(u, IPPROTO_TCP, TCP_NODELAY, 1), ENOPROTOOPT);
    CHECK_EQ(option_of(u, IPPROTO_TCP, TCP_NODELAY), -EOPNOTSUPP);
    CHECK_ERR(set_option(t, IPPROTO_UDP, 1, 1), ENOPROTOOPT);
    CHECK_EQ(option_of(t, IPPROTO_UDP, 1), -EOPNOTSUPP);
    CHECK_ERR(set_option(u, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1), ENOPROTOOPT);
    close(u);
    close(t);
}

#define WRITABLE (POLLOUT | POLLWRNORM)
#define EVERY (POLLIN | POLLRDNORM | POLLPRI | POLLRDHUP | WRITABLE | POLLWRBAND)

/* What poll tells of each kind that was just made, and of one that is shut for reading. */
static void events_at_first(void)
{
    static const struct {
        int family, type, protocol, events, shut;
    } kinds[] = {
        {AF_INET, SOCK_STREAM, 0, WRITABLE | POLLHUP, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_INET, SOCK_DGRAM, 0, WRITABLE | POLLWRBAND, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_INET6, SOCK_DGRAM, 0, WRITABLE | POLLWRBAND, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_INET, SOCK_RAW, 253, WRITABLE | POLLWRBAND, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_INET6, SOCK_RAW, 253, WRITABLE | POLLWRBAND, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_UNIX, SOCK_STREAM, 0, WRITABLE | POLLWRBAND | POLLHUP, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_UNIX, SOCK_DGRAM, 0, WRITABLE | POLLWRBAND, POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_UNIX, SOCK_SEQPACKET, 0, WRITABLE | POLLWRBAND | POLLHUP,
         POLLIN | POLLRDNORM | POLLRDHUP},
        {AF_NETLINK, SOCK_RAW, 0, WRITABLE | POLLWRBAND, 0},
    };
    for (unsigned n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++) {
        int fd = socket(kinds[n].family, kinds[n].type, kinds[n].protocol);
        CHECK_EQ(events_of(fd, EVERY, 0), kinds[n].events);
        (void)shutdown(fd, SHUT_RD);
        CHECK_EQ(events_of(fd, EVERY, 0), kinds[n].events | kinds[n].shut);
        close(fd);
    }
}

/* Who doesn't want to wait is told to come again, who would is told the end. */
static void datagrams_shut_for_reading(void)
{
    int fds[3], pair[2];
    char byte;
    fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
    fds[1] = socket(AF_INET6, SOCK_RAW, 253);
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    fds[2] = pair[0];
    for (int n = 0; n < 3; n++) {
        (void)shutdown(fds[n], SHUT_RD);
        CHECK_ERR(recv(fds[n], &byte, 1, MSG_DONTWAIT), EAGAIN);
        CHECK_EQ(recv(fds[n], &byte, 1, 0), 0);
        CHECK_EQ(read(fds[n], &byte, 1), 0);
        close(fds[n]);
    }
    close(pair[1]);
}

/* No bytes wanted: recv waits for some all the same, read doesn't. */
static void nothing_wanted(void)
{
    int s[2];
    char byte;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            tcp_pair(s);
        else
            CHECK_OK(socketpair(AF_UNIX, kind == 1 ? SOCK_STREAM : SOCK_DGRAM, 0, s));
        CHECK_ERR(recv(s[0], &byte, 0, MSG_DONTWAIT), EAGAIN);
        CHECK_EQ(read(s[0], &byte, 0), 0);
        CHECK_EQ(send(s[1], "x", 1, 0), 1);
        CHECK_EQ(events_of(s[0], POLLIN, SOON_MS), POLLIN);
        CHECK_EQ(recv(s[0], &byte, 0, MSG_PEEK), 0);
        close(s[0]);
        close(s[1]);
    }
}

/* Names: without a family, too short, of another family; the port that a call took stays. */
static void names_of_datagrams(void)
{
    struct sockaddr_in none = {0}, own = name4("127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
    CHECK(port_of(fd, false) > 0);
    CHECK_ERR(bind4(fd, "127.0.0.1", 0), EINVAL);
    CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&none, sizeof(none)), EINVAL);
    CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&none, 1), EINVAL);
    (void)shutdown(fd, SHUT_WR);
    CHECK_ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&none, sizeof(none)));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    own.sin_family = AF_UNSPEC;
    CHECK_ERR(bind(fd, (struct sockaddr *)&own, sizeof(own)), EAFNOSUPPORT);
    CHECK_OK(connect4(fd, "127.0.0.1", 0));
    CHECK_ERR(peer_of(fd), ENOTCONN); /* without a port it is none */
    close(fd);
    fd = socket(AF_INET, SOCK_RAW, 253);
    CHECK_EQ(port_of(fd, false), 253); /* the protocol */
    close(fd);
}

static void local_ends(void)
{
    int s[2];
    char byte;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "nowhere"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)shutdown(fd, SHUT_RD);
    CHECK_ERR(recv(fd, &byte, 1, MSG_DONTWAIT), EINVAL);
    close(fd);
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    (void)shutdown(fd, SHUT_RD);
    CHECK_ERR(recv(fd, &byte, 1, MSG_DONTWAIT), ENOTCONN);
    close(fd);
    CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s)); /* takes no notice of names */
    CHECK_EQ(sendto(s[0], "x", 1, 0, (struct sockaddr *)&name, sizeof(name)), 1);
    close(s[0]);
    close(s[1]);
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    close(s[1]);
    CHECK_ERR(send(s[0], "x", 1, 0), ECONNREFUSED);
    CHECK_ERR(send(s[0], "x", 1, 0), ENOTCONN); /* it has no peer any more */
    CHECK_ERR(peer_of(s[0]), ENOTCONN);
    close(s[0]);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    close(s[1]);
    CHECK_ERR(send(s[0], "", 0, MSG_NOSIGNAL), EPIPE);
    name.sun_family = AF_UNSPEC;
    CHECK_ERR(connect(s[0], (struct sockaddr *)&name, sizeof(name)), EINVAL);
    close(s[0]);
}

/* Who shut both directions gets no more: what still comes ends the connection. */
static void bytes_for_nobody(void)
{
    int s[2], port, server = tcp_server(&port), fd;
    tcp_pair(s);
    CHECK_OK(shutdown(s[0], SHUT_RDWR));
    CHECK_EQ(events_of(s[1], POLLRDHUP, SOON_MS), POLLRDHUP);
    CHECK_EQ(send(s[1], "x", 1, MSG_NOSIGNAL), 1);
    CHECK(events_of(s[1], POLLERR, SOON_MS) & POLLERR);
    CHECK_EQ(option_of(s[0], SOL_SOCKET, SO_ERROR), ECONNRESET);
    close(s[0]);
    close(s[1]);
    CHECK_OK(shutdown(server, SHUT_WR)); /* a listener goes on */
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    int other = accept(server, NULL, NULL);
    close(other);
    CHECK_EQ(events_of(fd, POLLRDHUP, SOON_MS), POLLRDHUP);
    CHECK_OK(shutdown(fd, SHUT_RDWR));
    CHECK_ERR(listen(fd, 1), EINVAL); /* it was connected */
    close(fd);
    close(server);
}

int main(void)
{
    RUN(shut_without_a_peer_both);
    RUN(peer_until_both_have_closed);
    RUN(peer_after_a_reset);
    RUN(connected_to_itself);
    RUN(refused);
    RUN(refused_without_waiting);
    RUN(never_connected);
    RUN(told_of_success);
    RUN(bytes_unsent);
    RUN(listener_events);
    RUN(levels_of_others);
    RUN(events_at_first);
    RUN(datagrams_shut_for_reading);
    RUN(nothing_wanted);
    RUN(names_of_datagrams);
    RUN(local_ends);
    RUN(bytes_for_nobody);
    return check_done();
}
