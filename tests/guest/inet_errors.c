/* What ICMP tells of packets that did not arrive: as an error, and in the queue that MSG_ERRQUEUE
 * reads. */
#include "tests/harness/inet.h"

// clang-format off: it wants struct timespec, which the above brings
#include <linux/errqueue.h>
// clang-format on

static char control[512] __attribute__((aligned(8)));
static char bytes[256];
static struct sockaddr_storage name;
static struct msghdr message;

static ssize_t read_queue(int fd, size_t room)
{
    static struct iovec v;
    v = (struct iovec){bytes, room};
    message = (struct msghdr){.msg_name = &name,
                              .msg_namelen = sizeof(name),
                              .msg_iov = &v,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control)};
    return recvmsg(fd, &message, MSG_ERRQUEUE);
}

static const void *told(int level, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == level && c->cmsg_type == type)
            return CMSG_DATA(c);
    return NULL;
}

/* A port where nobody is. */
static int closed_port(int family)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    CHECK_OK(family == AF_INET ? bind4(fd, "127.0.0.1", 0) : bind6(fd, "::1", 0));
    int port = port_of(fd, false);
    close(fd);
    return port;
}

static void check_extended(const struct sock_extended_err *e, unsigned error, unsigned origin,
                           unsigned type, unsigned code)
{
    CHECK(e != NULL);
    if (!e)
        return;
    CHECK_EQ(e->ee_errno, error);
    CHECK_EQ(e->ee_origin, origin);
    CHECK_EQ(e->ee_type, type);
    CHECK_EQ(e->ee_code, code);
}

static void port_of_nobody(void)
{
    int port = closed_port(AF_INET), fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name4("127.0.0.1", port), *from;
    CHECK_ERR(read_queue(fd, 64), EAGAIN); /* never waits */
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_RECVERR, 1));
    CHECK_EQ(option_of(fd, IPPROTO_IP, IP_RECVERR), 1);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_RECVTTL, 1));
    CHECK_EQ(sendto(fd, "lost words", 10, 0, (struct sockaddr *)&to, sizeof(to)), 10);
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, SOON_MS) & POLLERR, POLLERR);
    CHECK_EQ(read_queue(fd, 64), 10);
    CHECK_EQ(memcmp(bytes, "lost words", 10), 0);
    CHECK(message.msg_flags & MSG_ERRQUEUE);
    from = (struct sockaddr_in *)&name;
    CHECK_EQ(from->sin_port, htons((uint16_t)port));
    CHECK_EQ(from->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    const struct sock_extended_err *e = told(IPPROTO_IP, IP_RECVERR);
    check_extended(e, ECONNREFUSED, SO_EE_ORIGIN_ICMP, 3, 3);
    if (e) {
        from = (struct sockaddr_in *)SO_EE_OFFENDER(e);
        CHECK_EQ(from->sin_family, AF_INET);
        CHECK_EQ(from->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    }
    const int *ttl = told(IPPROTO_IP, IP_TTL);
    CHECK(ttl && *ttl == 64);
    CHECK_EQ(events_of(fd, POLLOUT, 0), POLLOUT);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), 0);
    CHECK_ERR(read_queue(fd, 64), EAGAIN);
    close(fd);
}

/* The error is told by the next call, too, and each stands in the queue. */
static void errors_in_a_row(void)
{
    int port = closed_port(AF_INET), fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_RECVERR, 1));
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(send(fd, "1", 1, 0), 1);
    CHECK_EQ(events_of(fd, POLLIN, SOON_MS) & POLLERR, POLLERR);
    CHECK_ERR(send(fd, "2", 1, 0), ECONNREFUSED);
    CHECK_EQ(send(fd, "3", 1, 0), 1);
    CHECK_EQ(events_of(fd, POLLIN, SOON_MS) & POLLERR, POLLERR);
    CHECK_EQ(read_queue(fd, 0), 0);
    CHECK(message.msg_flags & MSG_TRUNC);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED); /* of the next */
    CHECK_EQ(read_queue(fd, 64), 1);
    CHECK_EQ(bytes[0], '3');
    CHECK_ERR(read_queue(fd, 64), EAGAIN);
    close(fd);
}

/* Without the option only who is connected is told, and once. */
static void without_a_queue(void)
{
    int port = closed_port(AF_INET), fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name4("127.0.0.1", port);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    CHECK_EQ(events_of(fd, POLLOUT, 0), POLLOUT);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT | POLLERR);
    CHECK_ERR(recv(fd, bytes, 1, MSG_DONTWAIT), ECONNREFUSED);
    CHECK_ERR(recv(fd, bytes, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_ERR(read_queue(fd, 64), EAGAIN);
    close(fd);
}

static void of_version_6(void)
{
    int port = closed_port(AF_INET6), fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 to = name6("::1", port);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
    CHECK_EQ(sendto(fd, "lost words", 10, 0, (struct sockaddr *)&to, sizeof(to)), 10);
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, SOON_MS) & POLLERR, POLLERR);
    CHECK_EQ(read_queue(fd, 64), 10);
    CHECK_EQ(memcmp(bytes, "lost words", 10), 0);
    const struct sock_extended_err *e = told(IPPROTO_IPV6, IPV6_RECVERR);
    check_extended(e, ECONNREFUSED, SO_EE_ORIGIN_ICMP6, 1, 4);
    CHECK_EQ(((struct sockaddr_in6 *)&name)->sin6_port, htons((uint16_t)port));
    if (e) {
        const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)SO_EE_OFFENDER(e);
        CHECK_EQ(from->sin6_family, AF_INET6);
        CHECK(IN6_IS_ADDR_LOOPBACK(&from->sin6_addr));
    }
    close(fd);
}

/* What must not be cut up and is too large is told by the sender's own machine. */
static void too_large(void)
{
    static char large[65507];
    int port, to = udp_socket("127.0.0.1", &port), fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    int mtu = option_of(fd, IPPROTO_IP, IP_MTU);
    CHECK(mtu >= 1500);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO));
    CHECK_EQ(option_of(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
    CHECK_ERR(set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, 6), EINVAL);
    if (mtu < 65535)
        CHECK_ERR(send(fd, large, sizeof(large), 0), EMSGSIZE);
    CHECK_EQ(send(fd, large, 1000, 0), 1000);
    CHECK_EQ(recv(to, large, sizeof(large), 0), 1000);
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_ERR(option_of(fd, IPPROTO_IP, IP_MTU) < 0 ? (errno = ENOTCONN, -1) : 0, ENOTCONN);
    close(fd);
    close(to);
}

/* More than any packet has, in the queue, too: tracepath looks there for the path's size. */
static void larger_than_any_packet(void)
{
    static char large[128000];
    int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(set_option(four, IPPROTO_IP, IP_RECVERR, 1));
    CHECK_OK(connect4(four, "127.0.0.1", 9));
    CHECK_ERR(send(four, large, 65508, 0), EMSGSIZE);
    CHECK_EQ(read_queue(four, sizeof(control)), 0);
    const struct sock_extended_err *e = told(IPPROTO_IP, IP_RECVERR);
    CHECK(e && e->ee_errno == EMSGSIZE && e->ee_origin == SO_EE_ORIGIN_LOCAL);
    CHECK(e && e->ee_info >= 1500);
    CHECK_ERR(send(four, large, 65536, 0), EMSGSIZE);
    CHECK_ERR(read_queue(four, sizeof(control)), EAGAIN);
    CHECK_OK(set_option(six, IPPROTO_IPV6, IPV6_RECVERR, 1));
    CHECK_OK(connect6(six, "::1", 9));
    CHECK_ERR(send(six, large, sizeof(large), 0), EMSGSIZE);
    CHECK_EQ(read_queue(six, sizeof(control)), 0);
    e = told(IPPROTO_IPV6, IPV6_RECVERR);
    CHECK(e && e->ee_errno == EMSGSIZE && e->ee_origin == SO_EE_ORIGIN_LOCAL);
    CHECK(e && e->ee_info >= 1500);
    close(four);
    close(six);
}

int main(void)
{
    RUN(port_of_nobody);
    RUN(errors_in_a_row);
    RUN(without_a_queue);
    RUN(of_version_6);
    RUN(too_large);
    RUN(larger_than_any_packet);
    return check_done();
}
