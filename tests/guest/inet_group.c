/* Groups of multicast on loopback: who is a member, of what, from whom, and what is told of it. */
#include <net/if.h>

#include "tests/harness/inet.h"

#define GROUP4 "224.0.0.251"
#define OTHER4 "239.1.2.3"
#define GROUP6 "ff02::4:5"
#define WIDE6 "ff05::4:5"

static int lo;

static struct in_addr address4(const char *text)
{
    struct in_addr a = {0};
    inet_pton(AF_INET, text, &a);
    return a;
}

static int change4(int fd, int option, const char *group, int index, const char *own)
{
    struct ip_mreqn m = {address4(group), own ? address4(own) : (struct in_addr){0}, index};
    return setsockopt(fd, IPPROTO_IP, option, &m, sizeof(m));
}

static int source4(int fd, int option, const char *group, const char *source)
{
    struct ip_mreq_source m = {.imr_multiaddr = address4(group),
                               .imr_interface = address4("127.0.0.1"),
                               .imr_sourceaddr = address4(source)};
    return setsockopt(fd, IPPROTO_IP, option, &m, sizeof(m));
}

static int change6(int fd, int option, const char *group, unsigned index)
{
    struct ipv6_mreq m = {.ipv6mr_interface = index};
    inet_pton(AF_INET6, group, &m.ipv6mr_multiaddr);
    return setsockopt(fd, IPPROTO_IPV6, option, &m, sizeof(m));
}

static struct sockaddr_storage any_name(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in in = name4(text, 0);
    struct sockaddr_in6 in6 = name6(text, 0);
    if (strchr(text, ':'))
        memcpy(&out, &in6, sizeof(in6));
    else
        memcpy(&out, &in, sizeof(in));
    return out;
}

static int change(int fd, int level, int option, const char *group, unsigned index)
{
    struct group_req r = {.gr_interface = index, .gr_group = any_name(group)};
    return setsockopt(fd, level, option, &r, sizeof(r));
}

static int change_source(int fd, int level, int option, const char *group, const char *source)
{
    struct group_source_req r = {.gsr_interface = (unsigned)lo,
                                 .gsr_group = any_name(group),
                                 .gsr_source = any_name(source)};
    return setsockopt(fd, level, option, &r, sizeof(r));
}

/* A socket on a port that several may have. port 0: a new one. */
static int receiver(int family, int *port)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_OK(family == AF_INET ? bind4(fd, "0.0.0.0", *port) : bind6(fd, "::", *port));
    *port = port_of(fd, false);
    return fd;
}

static int sender4(const char *from)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ip_mreqn by = {.imr_ifindex = lo};
    CHECK_OK(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
    CHECK_OK(bind4(fd, from, 0));
    return fd;
}

static void send4(int fd, const char *group, int port)
{
    struct sockaddr_in to = name4(group, port);
    CHECK_EQ(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
}

/* How many datagrams wait, which are taken. What is sent to this machine is there at once. */
static int count(int fd)
{
    char room[64];
    int n = 0;
    while (recv(fd, room, sizeof(room), MSG_DONTWAIT) >= 0)
        n++;
    return n;
}

static void members_receive(void)
{
    int port = 0, other_port = 0;
    int a = receiver(AF_INET, &port), b = receiver(AF_INET, &port),
        c = receiver(AF_INET, &other_port);
    int s = sender4("127.0.0.1");
    CHECK_OK(set_option(b, IPPROTO_IP, IP_MULTICAST_ALL, 0));
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    CHECK_OK(change4(c, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    send4(s, GROUP4, port);
    CHECK_EQ(count(a), 1);
    CHECK_EQ(count(b), 0); /* no member, and wants to be one first */
    CHECK_EQ(count(c), 0); /* another port */
    CHECK_OK(change4(b, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    send4(s, GROUP4, port);
    CHECK_EQ(count(a), 1);
    CHECK_EQ(count(b), 1);
    send4(s, OTHER4, port);
    CHECK_EQ(count(a), 0);
    CHECK_OK(change4(a, IP_DROP_MEMBERSHIP, GROUP4, lo, NULL));
    CHECK_OK(set_option(a, IPPROTO_IP, IP_MULTICAST_ALL, 0));
    send4(s, GROUP4, port);
    CHECK_EQ(count(a), 0);
    CHECK_EQ(count(b), 1);
    CHECK_OK(set_option(a, IPPROTO_IP, IP_MULTICAST_ALL, 1)); /* somebody is a member */
    send4(s, GROUP4, port);
    CHECK_EQ(count(a), 1);
    close(b);
    close(c);
    send4(s, GROUP4, port); /* nobody is any more */
    CHECK_EQ(count(a), 0);
    close(a);
    close(s);
}

static void joining_refused(void)
{
    int port = 0, a = receiver(AF_INET, &port), t = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, "10.0.0.1", lo, NULL), EINVAL);
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, GROUP4, 77777, NULL), ENODEV);
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo + 256, NULL), ENODEV);
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, GROUP4, -255, NULL), ENODEV);
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, GROUP4, 0, "203.0.113.9"), ENODEV);
    CHECK_ERR(change4(a, IP_DROP_MEMBERSHIP, GROUP4, lo, NULL), EADDRNOTAVAIL);
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, GROUP4, 0, "127.0.0.1"));
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL), EADDRINUSE);
    CHECK_OK(change4(a, IP_DROP_MEMBERSHIP, GROUP4, lo, NULL));
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, "224.0.0.1", lo, NULL)); /* all are */
    CHECK_ERR(change4(t, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL), EPROTO);
    for (int n = 1; n < 20; n++) {
        char group[32];
        snprintf(group, sizeof(group), "239.9.9.%d", n);
        CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, group, lo, NULL));
    }
    CHECK_ERR(change4(a, IP_ADD_MEMBERSHIP, OTHER4, lo, NULL), ENOBUFS);
    close(a);
    close(t);
}

/* More sockets than a byte counts. */
static void many_members(void)
{
    static int fds[300];
    int port = 0, s = sender4("127.0.0.1");
    for (int n = 0; n < 300; n++) {
        fds[n] = receiver(AF_INET, &port);
        CHECK_OK(change4(fds[n], IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    }
    for (int n = 0; n < 299; n++)
        close(fds[n]);
    send4(s, GROUP4, port);
    CHECK_EQ(count(fds[299]), 1);
    close(fds[299]);
    close(s);
}

static void by_sources(void)
{
    int port = 0, a = receiver(AF_INET, &port);
    int s1 = sender4("127.0.0.1"), s2 = sender4("127.0.0.2");
    CHECK_OK(source4(a, IP_ADD_SOURCE_MEMBERSHIP, OTHER4, "127.0.0.2"));
    CHECK_ERR(source4(a, IP_ADD_SOURCE_MEMBERSHIP, OTHER4, "127.0.0.2"), EADDRNOTAVAIL);
    send4(s1, OTHER4, port);
    CHECK_EQ(count(a), 0);
    send4(s2, OTHER4, port);
    CHECK_EQ(count(a), 1);
    CHECK_ERR(source4(a, IP_BLOCK_SOURCE, OTHER4, "127.0.0.1"), EINVAL);
    CHECK_OK(source4(a, IP_DROP_SOURCE_MEMBERSHIP, OTHER4, "127.0.0.2"));
    send4(s2, OTHER4, port);
    CHECK_EQ(count(a), 0);
    CHECK_ERR(source4(a, IP_DROP_SOURCE_MEMBERSHIP, OTHER4, "127.0.0.2"), EINVAL);
    /* All but one. */
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, OTHER4, lo, NULL));
    CHECK_OK(source4(a, IP_BLOCK_SOURCE, OTHER4, "127.0.0.1"));
    send4(s1, OTHER4, port);
    send4(s2, OTHER4, port);
    CHECK_EQ(count(a), 1);
    CHECK_OK(source4(a, IP_UNBLOCK_SOURCE, OTHER4, "127.0.0.1"));
    CHECK_ERR(source4(a, IP_UNBLOCK_SOURCE, OTHER4, "127.0.0.1"), EADDRNOTAVAIL);
    send4(s1, OTHER4, port);
    CHECK_EQ(count(a), 1);
    close(a);
    close(s1);
    close(s2);
}

static void whole_filters(void)
{
    int port = 0, a = receiver(AF_INET, &port), s = sender4("127.0.0.1");
    union {
        struct ip_msfilter f;
        char room[IP_MSFILTER_SIZE(12)];
    } u = {.f = {.imsf_multiaddr = address4(OTHER4),
                 .imsf_interface = address4("127.0.0.1"),
                 .imsf_fmode = MCAST_EXCLUDE,
                 .imsf_numsrc = 2}};
    u.f.imsf_slist[0] = address4("127.0.0.1");
    u.f.imsf_slist[1] = address4("127.0.0.9");
    CHECK_ERR(setsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, IP_MSFILTER_SIZE(2)), EINVAL);
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, OTHER4, lo, NULL));
    CHECK_ERR(setsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, IP_MSFILTER_SIZE(1)), EINVAL);
    CHECK_OK(setsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, IP_MSFILTER_SIZE(2)));
    send4(s, OTHER4, port);
    CHECK_EQ(count(a), 0);
    u.f.imsf_numsrc = 1;
    u.f.imsf_fmode = 9;
    u.f.imsf_slist[0].s_addr = 0;
    socklen_t size = sizeof(u);
    CHECK_OK(getsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, &size));
    CHECK_EQ(size, IP_MSFILTER_SIZE(1));
    CHECK_EQ(u.f.imsf_fmode, MCAST_EXCLUDE);
    CHECK_EQ(u.f.imsf_numsrc, 2);
    CHECK_EQ(u.f.imsf_slist[0].s_addr, htonl(INADDR_LOOPBACK));
    u.f.imsf_numsrc = 11;
    CHECK_ERR(setsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, sizeof(u)), ENOBUFS);
    u.f.imsf_fmode = MCAST_INCLUDE;
    u.f.imsf_numsrc = 0;
    CHECK_OK(setsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, IP_MSFILTER_SIZE(0))); /* leaves */
    size = sizeof(u);
    CHECK_ERR(getsockopt(a, IPPROTO_IP, IP_MSFILTER, &u, &size), EADDRNOTAVAIL);
    close(a);
    close(s);
}

static void any_protocol(void)
{
    int port = 0, a = receiver(AF_INET, &port), s1 = sender4("127.0.0.1");
    CHECK_OK(change(a, IPPROTO_IP, MCAST_JOIN_GROUP, OTHER4, (unsigned)lo));
    send4(s1, OTHER4, port);
    CHECK_EQ(count(a), 1);
    CHECK_OK(change_source(a, IPPROTO_IP, MCAST_BLOCK_SOURCE, OTHER4, "127.0.0.1"));
    send4(s1, OTHER4, port);
    CHECK_EQ(count(a), 0);
    CHECK_OK(change(a, IPPROTO_IP, MCAST_LEAVE_GROUP, OTHER4, (unsigned)lo));
    CHECK_OK(change_source(a, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, OTHER4, "127.0.0.1"));
    send4(s1, OTHER4, port);
    CHECK_EQ(count(a), 1);
    CHECK_OK(change_source(a, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, OTHER4, "127.0.0.1"));
    CHECK_ERR(change(a, IPPROTO_IP, MCAST_JOIN_GROUP, WIDE6, (unsigned)lo), EINVAL);
    CHECK_ERR(change(a, IPPROTO_IP, MCAST_JOIN_GROUP, OTHER4, 300), ENODEV);
    close(a);
    close(s1);
}

static int sender6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, lo));
    return fd;
}

/* Sends, and says how many of two sockets got it: bit 0 is a, bit 1 is b. Linux's loopback has no
 * way for groups of IPv6, unless somebody adds one: then it is -1. */
static int sent6(int fd, const char *group, int port, int a, int b)
{
    struct sockaddr_in6 to = name6(group, port);
    if (sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)) == 5)
        return count(a) | count(b) << 1;
    CHECK_EQ(errno, ENETUNREACH);
    return -1;
}

#define CHECK_SENT(group, port, want)                                                              \
    do {                                                                                           \
        int got_ = sent6(s, group, port, a, b);                                                    \
        CHECK_EQ(got_, got_ < 0 ? -1 : (want));                                                    \
    } while (0)

static void version_6(const char *group)
{
    int port = 0, a = receiver(AF_INET6, &port), b = receiver(AF_INET6, &port), s = sender6();
    CHECK_OK(set_option(b, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0));
    CHECK_OK(change6(a, IPV6_JOIN_GROUP, group, (unsigned)lo));
    CHECK_ERR(change6(a, IPV6_JOIN_GROUP, group, (unsigned)lo), EADDRINUSE);
    CHECK_ERR(change6(a, IPV6_JOIN_GROUP, group, 70000), ENODEV);
    CHECK_ERR(change6(a, IPV6_JOIN_GROUP, "::1", (unsigned)lo), EINVAL);
    CHECK_SENT(group, port, 1);
    CHECK_OK(change_source(b, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, group, "::1"));
    CHECK_SENT(group, port, 3);
    CHECK_OK(change_source(a, IPPROTO_IPV6, MCAST_BLOCK_SOURCE, group, "::1"));
    CHECK_SENT(group, port, 2);
    CHECK_OK(change6(a, IPV6_LEAVE_GROUP, group, (unsigned)lo));
    CHECK_ERR(change6(a, IPV6_LEAVE_GROUP, group, (unsigned)lo), EADDRNOTAVAIL);
    CHECK_OK(change(a, IPPROTO_IPV6, MCAST_JOIN_GROUP, group, (unsigned)lo));
    CHECK_SENT(group, port, 3);
    close(a);
    close(b);
    close(s);
}

static void of_version_6(void)
{
    version_6(GROUP6);
    version_6(WIDE6);
}

/* The address and hop limit that a datagram came with. */
static void what_is_told(void)
{
    int port = 0, a = receiver(AF_INET, &port), s = sender4("127.0.0.1");
    char control[128] __attribute__((aligned(8))), byte[8];
    struct iovec v = {byte, sizeof(byte)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    CHECK_OK(set_option(a, IPPROTO_IP, IP_PKTINFO, 1));
    CHECK_OK(set_option(a, IPPROTO_IP, IP_RECVTTL, 1));
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    CHECK_EQ(option_of(s, IPPROTO_IP, IP_MULTICAST_TTL), 1);
    CHECK_OK(set_option(s, IPPROTO_IP, IP_MULTICAST_TTL, 7));
    CHECK_OK(set_option(s, IPPROTO_IP, IP_TTL, 9)); /* of no matter for groups */
    send4(s, GROUP4, port);
    CHECK_EQ(recvmsg(a, &m, MSG_DONTWAIT), 5);
    int ttl = 0;
    struct in_pktinfo info = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        memcpy(c->cmsg_type == IP_TTL ? (void *)&ttl : &info, CMSG_DATA(c),
               c->cmsg_type == IP_TTL ? sizeof(ttl) : sizeof(info));
    CHECK_EQ(ttl, 7);
    CHECK_EQ(info.ipi_ifindex, lo);
    CHECK_EQ(info.ipi_addr.s_addr, address4(GROUP4).s_addr);
    CHECK_EQ(info.ipi_spec_dst.s_addr, htonl(INADDR_LOOPBACK));
    close(a);
    close(s);
}

/* As Java's MulticastSocket and mDNS do it: one socket that sends to its own group. */
static void to_oneself(void)
{
    int port = 0, a = receiver(AF_INET, &port);
    struct ip_mreqn by = {.imr_ifindex = lo};
    struct in_addr out;
    socklen_t size = sizeof(out);
    CHECK_OK(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
    by.imr_address = address4("127.0.0.1");
    CHECK_OK(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &by.imr_address, sizeof(by.imr_address)));
    CHECK_OK(getsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &out, &size));
    CHECK_EQ(out.s_addr, htonl(INADDR_LOOPBACK));
    by.imr_ifindex = lo + 256;
    CHECK_ERR(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)), EADDRNOTAVAIL);
    CHECK_ERR(set_option(a, IPPROTO_IP, IP_MULTICAST_IF, (int)address4("203.0.113.9").s_addr),
              EADDRNOTAVAIL);
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    send4(a, GROUP4, port);
    CHECK_EQ(count(a), 1);
    close(a);
}

/* A socket whose own address is the group's. */
static void bound_to_the_group(void)
{
    int a = socket(AF_INET, SOCK_DGRAM, 0), s = sender4("127.0.0.1");
    CHECK_OK(bind4(a, GROUP4, 0));
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, GROUP4, lo, NULL));
    CHECK_OK(change4(a, IP_ADD_MEMBERSHIP, OTHER4, lo, NULL));
    send4(s, GROUP4, port_of(a, false));
    CHECK_EQ(count(a), 1);
    send4(s, OTHER4, port_of(a, false));
    CHECK_EQ(count(a), 0);
    close(a);
    close(s);
}

/* Memberships of IPv6 have no number of their own: the socket's share of memory ends them. */
static void as_many_as_there_is_memory(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), joined = 0;
    struct ipv6_mreq m = {.ipv6mr_interface = if_nametoindex("lo")};
    inet_pton(AF_INET6, "ff05::1:0:0", &m.ipv6mr_multiaddr);
    while (joined < 60000) {
        m.ipv6mr_multiaddr.s6_addr[14] = (uint8_t)(joined >> 8);
        m.ipv6mr_multiaddr.s6_addr[15] = (uint8_t)joined;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)))
            break;
        joined++;
    }
    CHECK(joined > 50 && joined < 60000);
    CHECK_ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)), ENOMEM);
    close(fd);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m)));
    close(fd);
}

int main(void)
{
    lo = (int)if_nametoindex("lo");
    CHECK(lo > 0);
    RUN(members_receive);
    RUN(joining_refused);
    RUN(many_members);
    RUN(by_sources);
    RUN(whole_filters);
    RUN(any_protocol);
    RUN(what_is_told);
    RUN(to_oneself);
    RUN(bound_to_the_group);
    RUN(of_version_6);
    RUN(as_many_as_there_is_memory);
    return check_done();
}
