/* What is told of a datagram beside its bytes, and what one may ask for: address, hop limit, class.
 */
#include "tests/harness/inet.h"

static int from, to;
static struct sockaddr_storage name;
static socklen_t name_size;

/* Two sockets of a family on loopback; name is that of to. */
static void sockets(int family)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    from = socket(family, SOCK_DGRAM, 0);
    to = socket(family, SOCK_DGRAM, 0);
    name_size = family == AF_INET ? sizeof(in) : sizeof(in6);
    memcpy(&name, family == AF_INET ? (void *)&in : (void *)&in6, name_size);
    CHECK_OK(bind(to, (struct sockaddr *)&name, name_size));
    CHECK_OK(getsockname(to, (struct sockaddr *)&name, &name_size));
}

static void sockets_close(void)
{
    close(from);
    close(to);
}

static void want(int level, int option)
{
    int value = 0;
    CHECK_OK(setsockopt(to, level, option, &(int){1}, sizeof(int)));
    CHECK_OK(getsockopt(to, level, option, &value, &(socklen_t){sizeof(value)}));
    CHECK_EQ(value, 1);
}

static void set(int level, int option, int value)
{
    CHECK_OK(setsockopt(from, level, option, &value, sizeof(value)));
}

/* Sends a byte, with one control message of size bytes if size isn't 0. */
static ssize_t send_with(int level, int type, const void *data, size_t size)
{
    char control[64] __attribute__((aligned(8))) = {0};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_name = &name, .msg_namelen = name_size, .msg_iov = &v, .msg_iovlen = 1};
    if (size) {
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(size), level, type};
        memcpy(CMSG_DATA(c), data, size);
    }
    return sendmsg(from, &m, 0);
}

static char got[256] __attribute__((aligned(8)));
static struct msghdr received;

/* Receives the byte with room bytes for control messages. */
static void receive(size_t room)
{
    static char byte;
    static struct iovec v = {&byte, 1};
    received =
        (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = got, .msg_controllen = room};
    CHECK_EQ(recvmsg(to, &received, 0), 1);
}

/* The number in a control message, or -1: there is none. */
static int told(int level, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&received); c; c = CMSG_NXTHDR(&received, c)) {
        int number = 0;
        if (c->cmsg_level != level || c->cmsg_type != type)
            continue;
        memcpy(&number, CMSG_DATA(c), c->cmsg_len == CMSG_LEN(1) ? 1 : sizeof(number));
        return number;
    }
    return -1;
}

static void nothing_is_told_unasked(void)
{
    sockets(AF_INET);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(received.msg_controllen, 0);
    CHECK_EQ(received.msg_flags, 0);
    sockets_close();
}

static void where_a_datagram_came_to(void)
{
    sockets(AF_INET);
    want(IPPROTO_IP, IP_PKTINFO);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    struct cmsghdr *c = CMSG_FIRSTHDR(&received);
    CHECK(c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO);
    if (c) {
        struct in_pktinfo *info = (void *)CMSG_DATA(c);
        CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(*info)));
        CHECK_EQ(ntohl(info->ipi_addr.s_addr), INADDR_LOOPBACK);
        CHECK_EQ(ntohl(info->ipi_spec_dst.s_addr), INADDR_LOOPBACK);
        CHECK_EQ(info->ipi_ifindex, 1); /* lo */
    }
    sockets_close();
}

static void where_a_datagram_of_ipv6_came_to(void)
{
    sockets(AF_INET6);
    want(IPPROTO_IPV6, IPV6_RECVPKTINFO);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    struct cmsghdr *c = CMSG_FIRSTHDR(&received);
    CHECK(c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO);
    if (c) {
        struct in6_pktinfo *info = (void *)CMSG_DATA(c);
        CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(*info)));
        CHECK(IN6_IS_ADDR_LOOPBACK(&info->ipi6_addr));
        CHECK_EQ(info->ipi6_ifindex, 1);
    }
    sockets_close();
}

static void ttl_and_tos_are_told(void)
{
    sockets(AF_INET);
    want(IPPROTO_IP, IP_RECVTTL);
    want(IPPROTO_IP, IP_RECVTOS);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IP, IP_TTL), 64);
    CHECK_EQ(told(IPPROTO_IP, IP_TOS), 0);
    set(IPPROTO_IP, IP_TTL, 9);
    set(IPPROTO_IP, IP_TOS, 0x10);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IP, IP_TTL), 9);
    CHECK_EQ(told(IPPROTO_IP, IP_TOS), 0x10);
    sockets_close();
}

static void hop_limit_and_class_are_told(void)
{
    sockets(AF_INET6);
    want(IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    want(IPPROTO_IPV6, IPV6_RECVTCLASS);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_TCLASS), 0);
    set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
    set(IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_HOPLIMIT), 7);
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_TCLASS), 0x20);
    sockets_close();
}

/* By RFC 2292's names, which older programs use, also when they send. */
static void hop_limit_and_address_by_their_old_names(void)
{
    struct in6_pktinfo info = {.ipi6_ifindex = 1};
    int hops = 33;
    sockets(AF_INET6);
    want(IPPROTO_IPV6, IPV6_2292PKTINFO);
    want(IPPROTO_IPV6, IPV6_2292HOPLIMIT);
    CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_2292HOPLIMIT, &hops, sizeof(hops)), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_2292HOPLIMIT), 33);
    CHECK(told(IPPROTO_IPV6, IPV6_2292PKTINFO) != -1);
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_HOPLIMIT), -1);
    CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_2292PKTINFO, &info, sizeof(info)), 1);
    sockets_close();
}

/* IPV6_PKTINFO as an option: the interface of all that is sent, but to IPv4's addresses. */
static void the_interface_of_all_datagrams(void)
{
    struct in6_pktinfo info = {.ipi6_ifindex = 1};
    char long_one[64] = {1};
    sockets(AF_INET6);
    CHECK_OK(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)));
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    info.ipi6_ifindex = 999;
    CHECK_OK(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)));
    CHECK_ERR(send_with(0, 0, NULL, 0), ENETUNREACH);
    CHECK_ERR(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info) - 1), EINVAL);
    CHECK_ERR(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, NULL, sizeof(info)), EINVAL);
    CHECK_ERR(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, KERNEL_ADDRESS, sizeof(info)), EFAULT);
    CHECK_ERR(getsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, &(socklen_t){sizeof(info)}),
              ENOPROTOOPT);
    CHECK_OK(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, long_one, sizeof(long_one)));
    set(SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, 1);
    CHECK_ERR(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), EINVAL);
    sockets_close();
    sockets(AF_INET);
    CHECK_ERR(setsockopt(from, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), ENOPROTOOPT);
    sockets_close();
}

static void one_datagram_may_have_its_own(void)
{
    sockets(AF_INET);
    want(IPPROTO_IP, IP_RECVTTL);
    CHECK_EQ(send_with(IPPROTO_IP, IP_TTL, &(int){3}, sizeof(int)), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IP, IP_TTL), 3);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IP, IP_TTL), 64);
    sockets_close();
    sockets(AF_INET6);
    want(IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){5}, sizeof(int)), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_HOPLIMIT), 5);
    CHECK_EQ(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){-1}, sizeof(int)), 1);
    receive(sizeof(got));
    CHECK_EQ(told(IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
    sockets_close();
}

static void requests_are_checked(void)
{
    sockets(AF_INET);
    CHECK_ERR(send_with(IPPROTO_IP, IP_TTL, &(int){0}, sizeof(int)), EINVAL);
    CHECK_ERR(send_with(IPPROTO_IP, IP_TTL, &(int){256}, sizeof(int)), EINVAL);
    CHECK_ERR(send_with(IPPROTO_IP, IP_TTL, &(int){5}, 2), EINVAL);
    CHECK_ERR(send_with(IPPROTO_IP, IP_PKTINFO, &(int){5}, sizeof(int)), EINVAL);
    CHECK_ERR(send_with(IPPROTO_IP, 77, &(int){5}, sizeof(int)), EINVAL);
    sockets_close();
    sockets(AF_INET6);
    CHECK_ERR(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){256}, sizeof(int)), EINVAL);
    CHECK_ERR(send_with(IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){5}, 2), EINVAL);
    sockets_close();
}

static void too_little_room_is_told(void)
{
    sockets(AF_INET6);
    want(IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(0);
    CHECK_EQ(received.msg_flags, MSG_CTRUNC);
    CHECK_EQ(send_with(0, 0, NULL, 0), 1);
    receive(CMSG_LEN(1));
    CHECK_EQ(received.msg_flags, MSG_CTRUNC);
    CHECK_EQ(received.msg_controllen, CMSG_LEN(1));
    sockets_close();
}

int main(void)
{
    RUN(nothing_is_told_unasked);
    RUN(where_a_datagram_came_to);
    RUN(where_a_datagram_of_ipv6_came_to);
    RUN(ttl_and_tos_are_told);
    RUN(hop_limit_and_class_are_told);
    RUN(hop_limit_and_address_by_their_old_names);
    RUN(the_interface_of_all_datagrams);
    RUN(one_datagram_may_have_its_own);
    RUN(requests_are_checked);
    RUN(too_little_room_is_told);
    return check_done();
}
