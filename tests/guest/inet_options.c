/* Options of Internet sockets that do something, and what they do. */
#include <net/if.h>
#include <netinet/udp.h>

#include "tests/harness/inet.h"

static char control[256] __attribute__((aligned(8)));
static struct msghdr message;

static ssize_t receive(int fd, void *bytes, size_t room)
{
    static struct iovec v;
    v = (struct iovec){bytes, room};
    message = (struct msghdr){
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    return recvmsg(fd, &message, 0);
}

static const void *told(int level, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == level && c->cmsg_type == type)
            return CMSG_DATA(c);
    return NULL;
}

/* Sends and receives a byte until its time is told: Linux begins a little after it was asked. */
static const void *time_told(int from, int to, int type)
{
    const void *time = NULL;
    for (int tries = 0; !time && tries < 2000; tries++) {
        char byte;
        CHECK_EQ(send(from, "x", 1, 0), 1);
        CHECK_EQ(receive(to, &byte, 1), 1);
        time = told(SOL_SOCKET, type);
        usleep(time ? 0 : 1000);
    }
    return time;
}

static void times(int from, int to)
{
    char byte;
    int64_t before = now_ns(CLOCK_REALTIME);
    CHECK_EQ(send(from, "x", 1, 0), 1);
    CHECK_EQ(receive(to, &byte, 1), 1);
    CHECK(told(SOL_SOCKET, SO_TIMESTAMPNS) == NULL);
    CHECK_OK(set_option(to, SOL_SOCKET, SO_TIMESTAMP, 1));
    CHECK_EQ(option_of(to, SOL_SOCKET, SO_TIMESTAMP), 1);
    const struct timeval *tv = time_told(from, to, SO_TIMESTAMP);
    CHECK(tv && tv->tv_sec >= before / 1000000000 && tv->tv_usec < 1000000);
    CHECK_OK(set_option(to, SOL_SOCKET, SO_TIMESTAMPNS, 1));
    CHECK_EQ(option_of(to, SOL_SOCKET, SO_TIMESTAMP), 0);
    const struct timespec *ts = time_told(from, to, SO_TIMESTAMPNS);
    CHECK(ts && ts->tv_sec * 1000000000 + ts->tv_nsec >= before);
    CHECK(ts && ts->tv_sec * 1000000000 + ts->tv_nsec <= now_ns(CLOCK_REALTIME));
    CHECK_OK(set_option(to, SOL_SOCKET, SO_TIMESTAMPNS, 0));
}

static void times_of_messages(void)
{
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0), s[2];
    CHECK_OK(connect4(from, "127.0.0.1", port));
    times(from, to);
    close(from);
    close(to);
    tcp_pair(s);
    times(s[0], s[1]);
    close(s[0]);
    close(s[1]);
}

static void one_interface(void)
{
    char name[IFNAMSIZ] = "";
    socklen_t size = sizeof(name);
    int port, to = udp_socket("127.0.0.1", &port), fd = socket(AF_INET, SOCK_DGRAM, 0), t;
    CHECK_ERR(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 7), ENODEV);
    CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size));
    CHECK_EQ(size, 0);
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    size = sizeof(name);
    CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size));
    CHECK_EQ(size, 3);
    CHECK_STR(name, "lo");
    size = 3;
    CHECK_ERR(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size), EINVAL);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_EQ(recv(to, name, 1, 0), 1);
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 257)); /* there is none */
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 257);
    CHECK_ERR(send(fd, "x", 1, 0), ENODEV);
    CHECK_ERR(set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, -1), EINVAL);
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)if_nametoindex("lo")));
    close(fd);
    close(to);
    int server = tcp_server(&port);
    t = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(setsockopt(t, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    CHECK_OK(connect4(t, "127.0.0.1", port));
    close(t);
    close(server);
}

static void in_segments(void)
{
    static char bytes[3500], got[4000];
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(connect4(from, "127.0.0.1", port));
    CHECK_OK(set_option(from, IPPROTO_UDP, UDP_SEGMENT, 1000));
    CHECK_EQ(option_of(from, IPPROTO_UDP, UDP_SEGMENT), 1000);
    CHECK_ERR(set_option(from, IPPROTO_UDP, UDP_SEGMENT, 65536), EINVAL);
    CHECK_ERR(set_option(from, IPPROTO_UDP, UDP_SEGMENT, -1), EINVAL);
    bytes[3000] = 7;
    CHECK_EQ(send(from, bytes, sizeof(bytes), 0), sizeof(bytes));
    for (int n = 0; n < 3; n++)
        CHECK_EQ(recv(to, got, sizeof(got), 0), 1000);
    CHECK_EQ(recv(to, got, sizeof(got), 0), 500);
    CHECK_EQ(got[0], 7);
    CHECK_OK(set_option(from, IPPROTO_UDP, UDP_SEGMENT, 0));
    struct iovec v = {bytes, 300};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(uint16_t))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(uint16_t)), IPPROTO_UDP, UDP_SEGMENT};
    memcpy(CMSG_DATA(c), &(uint16_t){200}, sizeof(uint16_t));
    CHECK_EQ(sendmsg(from, &m, 0), 300);
    CHECK_EQ(recv(to, got, sizeof(got), 0), 200);
    CHECK_EQ(recv(to, got, sizeof(got), 0), 100);
    close(from);
    close(to);
}

/* Pieces that become one datagram. */
static void held_back(void)
{
    char got[64];
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(connect4(from, "127.0.0.1", port));
    CHECK_EQ(send(from, "one", 3, MSG_MORE), 3);
    CHECK_ERR(recv(to, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(from, "two", 3, 0), 3);
    CHECK_EQ(recv(to, got, sizeof(got), 0), 6);
    CHECK_EQ(memcmp(got, "onetwo", 6), 0);
    CHECK_OK(set_option(from, IPPROTO_UDP, UDP_CORK, 1));
    CHECK_EQ(send(from, "a", 1, 0), 1);
    CHECK_EQ(send(from, "b", 1, 0), 1);
    CHECK_ERR(recv(to, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
    CHECK_OK(set_option(from, IPPROTO_UDP, UDP_CORK, 0));
    CHECK_EQ(recv(to, got, sizeof(got), 0), 2);
    CHECK_EQ(send(from, "lost", 4, MSG_MORE), 4);
    close(from);
    close(to);
}

/* Each version has its own limit. */
static void hop_limits(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_TTL, 5));
    CHECK_EQ(option_of(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 6));
    CHECK_EQ(option_of(fd, IPPROTO_IP, IP_TTL), 5);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_TTL, -1));
    CHECK_EQ(option_of(fd, IPPROTO_IP, IP_TTL), 64);
    CHECK_ERR(set_option(fd, IPPROTO_IP, IP_TTL, 0), EINVAL);
    CHECK_ERR(set_option(fd, IPPROTO_IP, IP_TTL, 256), EINVAL);
    close(fd);
}

static void anybodys_address(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_ERR(bind4(fd, "203.0.113.7", 0), EADDRNOTAVAIL);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_FREEBIND, 1));
    CHECK_OK(bind4(fd, "203.0.113.7", 0));
    close(fd);
}

/* A port is taken when it is needed. */
static void late_port(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
    CHECK_OK(bind4(fd, "127.0.0.3", 0));
    CHECK_EQ(port_of(fd, false), 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK(port_of(fd, false) > 0);
    close(fd);
    close(server);
}

/* The source that a control message asks for. */
static void asked_source(void)
{
    char byte;
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in name = name4("127.0.0.1", port), sender;
    socklen_t size = sizeof(sender);
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000009)};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_name = &name,
                       .msg_namelen = sizeof(name),
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(info))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    CHECK_EQ(sendmsg(from, &m, 0), 1);
    CHECK_EQ(recvfrom(to, &byte, 1, 0, (struct sockaddr *)&sender, &size), 1);
    CHECK_EQ(sender.sin_addr.s_addr, htonl(0x7f000009));
    info.ipi_spec_dst.s_addr = inet_addr("203.0.113.7");
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    CHECK_ERR(sendmsg(from, &m, 0), ENETUNREACH);
    close(from);
    close(to);
}

/* Who connects is accepted with its first bytes. */
static void accepted_with_data(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(server, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5));
    CHECK_EQ(option_of(server, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7); /* 1 + 2 + 4 */
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(events_of(server, POLLIN, 50), 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_EQ(events_of(server, POLLIN, SOON_MS), POLLIN);
    int other = accept(server, NULL, NULL);
    CHECK(other >= 0);
    char byte;
    CHECK_EQ(recv(other, &byte, 1, MSG_DONTWAIT), 1);
    close(other);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    close(server); /* with one that waits */
    close(fd);
}

static void numbers_of_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), s[2];
    char bytes[8];
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 3));
    CHECK_EQ(option_of(fd, IPPROTO_TCP, TCP_SYNCNT), 3);
    CHECK_ERR(set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 128), EINVAL);
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384));
    CHECK_EQ(option_of(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16384);
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 8000));
    CHECK_EQ(option_of(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 8000);
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1));
    CHECK_EQ(option_of(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 1152);
    close(fd);
    tcp_pair(s);
    CHECK_OK(set_option(s[1], IPPROTO_TCP, 36 /* TCP_INQ */, 1));
    CHECK_EQ(send(s[0], "12345", 5, 0), 5);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    CHECK_EQ(receive(s[1], bytes, 2), 2);
    const int *left = told(IPPROTO_TCP, 36);
    CHECK(left && *left == 3);
    close(s[0]);
    close(s[1]);
}

/* What a connection's TCP_WINDOW_CLAMP is when the listener's was wanted so. */
static int clamp_of_child(int wanted, bool before_listen)
{
    struct sockaddr_in name = name4("127.0.0.1", 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    if (before_listen && wanted)
        CHECK_OK(set_option(listener, IPPROTO_TCP, TCP_WINDOW_CLAMP, wanted));
    CHECK_OK(listen(listener, 1));
    if (!before_listen && wanted)
        CHECK_OK(set_option(listener, IPPROTO_TCP, TCP_WINDOW_CLAMP, wanted));
    CHECK_EQ(option_of(listener, IPPROTO_TCP, TCP_WINDOW_CLAMP), wanted);
    CHECK_ERR(set_option(listener, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), EINVAL);
    CHECK_OK(connect4(client, "127.0.0.1", port_of(listener, false)));
    CHECK_EQ(option_of(client, IPPROTO_TCP, TCP_WINDOW_CLAMP), 65536);
    int child = accept(listener, NULL, NULL);
    int got = option_of(child, IPPROTO_TCP, TCP_WINDOW_CLAMP);
    CHECK_OK(set_option(child, IPPROTO_TCP, TCP_WINDOW_CLAMP, 70000));
    CHECK_EQ(option_of(child, IPPROTO_TCP, TCP_WINDOW_CLAMP), 70000);
    close(child);
    close(client);
    close(listener);
    return got;
}

static void the_windows_limit_of_a_connection(void)
{
    for (int before = 0; before < 2; before++) {
        CHECK_EQ(clamp_of_child(0, before), 65536); /* what it begins with */
        CHECK_EQ(clamp_of_child(5000, before), 5000);
        CHECK_EQ(clamp_of_child(70000, before), 65536);
        CHECK_EQ(clamp_of_child(10000000, before), 65536);
    }
}

static void kept_numbers(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t a = 0, b = 0;
    socklen_t size = sizeof(a);
    CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &a, &size));
    CHECK_OK(getsockopt(other, SOL_SOCKET, SO_COOKIE, &b, &size));
    CHECK(a && b && a != b);
    size = 4;
    CHECK_ERR(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &a, &size), EINVAL);
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_MARK, 77));
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_MARK), 77);
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_PRIORITY, 5));
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_PRIORITY), 5);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_INCOMING_CPU), -1);
    close(fd);
    close(other);
}

/* SO_PEEK_OFF: who peeks goes on where the last one ended; who reads takes it back. */
static void peek_further(int from, int to, bool stream, int then)
{
    char got[8] = "";
    CHECK_OK(set_option(to, SOL_SOCKET, SO_PEEK_OFF, 1));
    CHECK_EQ(send(from, "abcdef", 6, 0), 6);
    CHECK_EQ(events_of(to, POLLIN, SOON_MS), POLLIN);
    CHECK_EQ(recv(to, got, 2, MSG_PEEK), 2);
    CHECK_EQ(memcmp(got, "bc", 2), 0);
    CHECK_EQ(option_of(to, SOL_SOCKET, SO_PEEK_OFF), 3);
    CHECK_EQ(recv(to, got, 8, MSG_PEEK), 3);
    CHECK_EQ(memcmp(got, "def", 3), 0);
    CHECK_EQ(option_of(to, SOL_SOCKET, SO_PEEK_OFF), 6);
    CHECK_ERR(recv(to, got, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(recv(to, got, 4, 0), 4);
    CHECK_EQ(memcmp(got, "abcd", 4), 0);
    CHECK_EQ(option_of(to, SOL_SOCKET, SO_PEEK_OFF), then);
    if (stream)
        CHECK_EQ(recv(to, got, 8, 0), 2);
    CHECK_EQ(send(from, "ghi", 3, 0), 3);
    CHECK_EQ(events_of(to, POLLIN, SOON_MS), POLLIN);
    CHECK_OK(set_option(to, SOL_SOCKET, SO_PEEK_OFF, 2));
    CHECK_EQ(recv(to, got, 8, MSG_PEEK), 1);
    CHECK_EQ(got[0], 'i');
    CHECK_OK(set_option(to, SOL_SOCKET, SO_PEEK_OFF, -1));
    CHECK_EQ(recv(to, got, 1, MSG_PEEK), 1);
    CHECK_EQ(recv(to, got, 1, MSG_PEEK), 1);
    CHECK_EQ(got[0], 'g');
}

static void peeking_further(void)
{
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0), s[2];
    CHECK_OK(connect4(from, "127.0.0.1", port));
    peek_further(from, to, false, 2);
    close(from);
    close(to);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    peek_further(s[0], s[1], true, 2);
    close(s[0]);
    close(s[1]);
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    peek_further(s[0], s[1], false, 0); /* all of the message counts */
    close(s[0]);
    close(s[1]);
}

static void times_of_local_messages(void)
{
    int s[2];
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    times(s[0], s[1]);
    close(s[0]);
    close(s[1]);
}

static void small_segments(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_MAXSEG, 700));
    CHECK_EQ(option_of(fd, IPPROTO_TCP, TCP_MAXSEG), 700);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    int other = accept(server, NULL, NULL);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_MAXSEG) <= 700);
    CHECK(option_of(other, IPPROTO_TCP, TCP_MAXSEG) <= 700); /* it was told */
    close(other);
    close(fd);
    CHECK_OK(set_option(server, IPPROTO_TCP, TCP_MAXSEG, 600));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK(option_of(fd, IPPROTO_TCP, TCP_MAXSEG) <= 600);
    close(fd);
    close(server);
}

/* Whether /proc/net/tcp has a connection from a port to another that only waits for the other's
 * end. */
static bool half_closed(int from, int to)
{
    char text[65536], wanted[64];
    int fd = open("/proc/net/tcp", O_RDONLY);
    ssize_t size = 0, n;
    while ((n = read(fd, text + size, sizeof(text) - 1 - (size_t)size)) > 0)
        size += n;
    close(fd);
    text[size] = 0;
    snprintf(wanted, sizeof(wanted), " 0100007F:%04X 0100007F:%04X 05", (unsigned)from,
             (unsigned)to);
    return strstr(text, wanted) != NULL;
}

static bool becomes_half_closed(int from, int to, bool wanted)
{
    for (int n = 0; n < 3000; n++) {
        if (half_closed(from, to) == wanted)
            return true;
        sleep_ms(10);
    }
    return false;
}

static void information(void)
{
    int s[2];
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    tcp_pair(s);
    CHECK_OK(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &size));
    CHECK_EQ(info.tcpi_state, TCP_ESTABLISHED);
    CHECK(info.tcpi_rto >= 100000 && info.tcpi_rto <= 3000000); /* microseconds */
    CHECK(info.tcpi_pmtu >= 65535);                             /* loopback's */
    CHECK(info.tcpi_snd_mss >= 536 && info.tcpi_snd_cwnd >= 1 && info.tcpi_snd_ssthresh > 0);
    CHECK_EQ(info.tcpi_unacked, 0);
    size = 8;
    CHECK_OK(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &size));
    CHECK_EQ(size, 8);
    close(s[0]);
    close(s[1]);
}

/* TCP_LINGER2: how long a closed socket's connection waits for the other side's end. */
static void end_of_the_other_side(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_TCP, TCP_LINGER2, 1));
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    int other = accept(server, NULL, NULL), from = port_of(fd, false);
    close(fd);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK(becomes_half_closed(from, port, true));
    CHECK(becomes_half_closed(from, port, false));
    CHECK(now_ns(CLOCK_MONOTONIC) - start < 15000000000); /* not the default's 60 s */
    close(other);
    close(server);
}

/* TCP_SYNCNT: each time-out is twice the one before, and the last one counts. */
static void attempts_to_connect(void)
{
    int port, server = tcp_server(&port), filler[64], count = 0, fd[2];
    CHECK_OK(listen(server, 0));
    struct pollfd p = {.events = POLLOUT};
    do { /* what is beyond the queue gets no answer */
        p.fd = filler[count++] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK_ERR(connect4(p.fd, "127.0.0.1", port), EINPROGRESS);
    } while (count < 64 && poll(&p, 1, 500) == 1);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    for (int n = 0; n < 2; n++) {
        fd[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK_OK(set_option(fd[n], IPPROTO_TCP, TCP_SYNCNT, n + 1));
        CHECK_ERR(connect4(fd[n], "127.0.0.1", port), EINPROGRESS);
    }
    for (int n = 0; n < 2; n++) { /* 1 + 2, 1 + 2 + 4 seconds */
        CHECK(events_of(fd[n], POLLOUT, 60000) & POLLERR);
        CHECK(now_ns(CLOCK_MONOTONIC) - start > (n ? 6500000000 : 2500000000));
        CHECK_EQ(option_of(fd[n], SOL_SOCKET, SO_ERROR), ETIMEDOUT);
        close(fd[n]);
    }
    while (count)
        close(filler[--count]);
    close(server);
}

int main(void)
{
    RUN(times_of_messages);
    RUN(one_interface);
    RUN(in_segments);
    RUN(held_back);
    RUN(hop_limits);
    RUN(anybodys_address);
    RUN(late_port);
    RUN(asked_source);
    RUN(accepted_with_data);
    RUN(numbers_of_tcp);
    RUN(the_windows_limit_of_a_connection);
    RUN(kept_numbers);
    RUN(peeking_further);
    RUN(times_of_local_messages);
    RUN(small_segments);
    RUN(information);
    RUN(end_of_the_other_side);
    RUN(attempts_to_connect);
    return check_done();
}
