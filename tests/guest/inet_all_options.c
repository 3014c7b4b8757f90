/*
 * Every option that the kernel knows, on every kind of socket: what it is at first, what it takes
 * and what is read back, what it refuses, also of wrong size or from nowhere; and that every other
 * number is refused. Where a Linux answers otherwise than this kernel, the option stands in
 * left_out, with the reason; docs/network.md lists the same.
 */
#include <netinet/udp.h>
#include <sys/un.h>

#include "tests/guest/inet_left_out.h"
#include "tests/harness/inet.h"

#define LEVEL_NETLINK 270
#define LEVEL_UDPLITE 136

enum {
    TCP4 = 1,
    TCP6 = 2,
    UDP4 = 4,
    UDP6 = 8,
    LITE4 = 16,
    LITE6 = 32,
    RAW4 = 64,
    RAW6 = 128,
    PING4 = 256,
    PING6 = 512,
    USTREAM = 1024,
    UDATAGRAM = 2048,
    UPACKET = 4096,
    NETLINK = 8192,
    KINDS = 14,
    TCPS = TCP4 | TCP6,
    UDPS = UDP4 | UDP6 | LITE4 | LITE6,
    UNIXES = USTREAM | UDATAGRAM | UPACKET,
    V6 = TCP6 | UDP6 | LITE6 | RAW6 | PING6,
    V4 = TCP4 | UDP4 | LITE4 | RAW4 | PING4,
    HAS_IP = V4 | (V6 & ~RAW6), /* IPPROTO_IP's options belong to IPv6's sockets, too */
    INET = V4 | V6,
    ALL = INET | UNIXES | NETLINK
};

static const struct {
    int family, type, protocol;
} kinds[KINDS] = {
    {AF_INET, SOCK_STREAM, 0},
    {AF_INET6, SOCK_STREAM, 0},
    {AF_INET, SOCK_DGRAM, 0},
    {AF_INET6, SOCK_DGRAM, 0},
    {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE},
    {AF_INET, SOCK_RAW, IPPROTO_ICMP},
    {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
    {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
    {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
    {AF_UNIX, SOCK_STREAM, 0},
    {AF_UNIX, SOCK_DGRAM, 0},
    {AF_UNIX, SOCK_SEQPACKET, 0},
    {AF_NETLINK, SOCK_RAW, 0},
};

#define NONE 0
#define SAME INT32_MIN /* what is set is read back */

/* An option that is a number: its first value, one that is taken, what is read back then, and one
 * that is refused, with its errno. */
static const struct row {
    int level, option, kinds, first, taken, back, bad, error;
} rows[] = {
#define SWITCH(level, option, kinds, first)                                                        \
    {                                                                                              \
        level, option, kinds, first, -7, 1, 0, NONE                                                \
    }
    SWITCH(SOL_SOCKET, SO_DEBUG, ALL, 0),
    SWITCH(SOL_SOCKET, SO_REUSEADDR, ALL & ~(RAW4 | RAW6 | PING4 | PING6), 0),
    SWITCH(SOL_SOCKET, SO_REUSEADDR, RAW4 | RAW6 | PING4 | PING6, 1),
    SWITCH(SOL_SOCKET, SO_DONTROUTE, ALL, 0),
    SWITCH(SOL_SOCKET, SO_BROADCAST, ALL, 0),
    SWITCH(SOL_SOCKET, SO_KEEPALIVE, ALL, 0),
    SWITCH(SOL_SOCKET, SO_OOBINLINE, ALL, 0),
    SWITCH(SOL_SOCKET, SO_REUSEPORT, INET, 0),
    {SOL_SOCKET, SO_REUSEPORT, UNIXES | NETLINK, 0, 0, 0, 1, EOPNOTSUPP},
    SWITCH(SOL_SOCKET, SO_NO_CHECK, ALL, 0),
    SWITCH(SOL_SOCKET, SO_RXQ_OVFL, ALL, 0),
    SWITCH(SOL_SOCKET, SO_SELECT_ERR_QUEUE, ALL, 0),
    SWITCH(SOL_SOCKET, SO_TIMESTAMP, ALL, 0),
    SWITCH(SOL_SOCKET, SO_TIMESTAMPNS, ALL, 0),
    SWITCH(SOL_SOCKET, 63 /* SO_TIMESTAMP_NEW */, ALL, 0),
    SWITCH(SOL_SOCKET, 64 /* SO_TIMESTAMPNS_NEW */, ALL, 0),
    SWITCH(SOL_SOCKET, SO_PASSCRED, UNIXES | NETLINK, 0),
    SWITCH(SOL_SOCKET, SO_PASSSEC, UNIXES | NETLINK, 0),
    {SOL_SOCKET, SO_PRIORITY, ALL, 0, 5, SAME, 0, NONE},
    {SOL_SOCKET, SO_MARK, ALL, 0, 77, SAME, 0, NONE},
    {SOL_SOCKET, SO_PEEK_OFF, TCPS | UDPS | UNIXES, -1, 9, SAME, 0, NONE},
    {SOL_SOCKET, SO_INCOMING_CPU, ALL, -1, 0, SAME, 0, NONE},
    {SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, ALL, 0, 1, SAME, -1, EINVAL},
    {SOL_SOCKET, SO_RCVLOWAT, ALL, 1, 0, 1, 0, NONE},
    {SOL_SOCKET, SO_SNDBUF, ALL & ~TCPS, 212992, 10000, 20000, 0, NONE},
    {SOL_SOCKET, SO_RCVBUF, ALL & ~TCPS, 212992, 10000, 20000, 0, NONE},
    {SOL_SOCKET, SO_SNDBUF, TCPS, SAME, 1, 4608, 0, NONE},
    {SOL_SOCKET, SO_RCVBUF, TCPS, 131072, 1, 2304, 0, NONE},
    {IPPROTO_IP, IP_TOS, HAS_IP, 0, 0x68, SAME, 0, NONE},
    {IPPROTO_IP, IP_TTL, HAS_IP, 64, 9, SAME, 256, EINVAL},
    {IPPROTO_IP, IP_MULTICAST_TTL, HAS_IP & ~TCPS, 1, 9, SAME, 256, EINVAL},
    {IPPROTO_IP, IP_MULTICAST_TTL, TCPS, 1, SAME, SAME, 1, EINVAL},
    {IPPROTO_IP, IP_MTU_DISCOVER, HAS_IP, 1, 2, SAME, 6, EINVAL},
    {IPPROTO_IP, IP_MINTTL, HAS_IP, 0, 9, SAME, 256, EINVAL},
    {IPPROTO_IP, IP_MULTICAST_ALL, V4, 1, 0, SAME, 2, EINVAL},
    {IPPROTO_IP, IP_MULTICAST_ALL, HAS_IP & ~V4, SAME, 0, SAME, 2, EINVAL},
    SWITCH(IPPROTO_IP, IP_MULTICAST_LOOP, HAS_IP, 1),
    SWITCH(IPPROTO_IP, IP_RECVERR, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_FREEBIND, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_PKTINFO, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_RECVTTL, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_RECVTOS, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_RECVOPTS, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_RETOPTS, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_RECVORIGDSTADDR, HAS_IP, 0),
    SWITCH(IPPROTO_IP, IP_HDRINCL, RAW4, 0),
    {IPPROTO_IP, IP_HDRINCL, HAS_IP & ~RAW4, 0, SAME, 0, 1, ENOPROTOOPT},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, V6, 64, 9, SAME, 256, EINVAL},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, V6 & ~TCP6, 1, 9, SAME, 256, EINVAL},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, TCP6, 1, SAME, 0, 1, ENOPROTOOPT},
    {IPPROTO_IPV6, IPV6_TCLASS, V6, 0, 0x68, SAME, 256, EINVAL},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, V6, 1, 2, SAME, 6, EINVAL},
    {IPPROTO_IPV6, IPV6_MINHOPCOUNT, V6, 0, 9, SAME, 256, EINVAL},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, V6, 1, 0, SAME, 2, EINVAL},
    SWITCH(IPPROTO_IPV6, 29 /* IPV6_MULTICAST_ALL */, V6, 1),
    SWITCH(IPPROTO_IPV6, IPV6_V6ONLY, TCP6 | UDP6 | LITE6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_V6ONLY, PING6, 1),
    {IPPROTO_IPV6, IPV6_V6ONLY, RAW6, 0, SAME, 0, 1, EINVAL},
    SWITCH(IPPROTO_IPV6, IPV6_RECVERR, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_FREEBIND, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_DONTFRAG, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_RECVPKTINFO, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_RECVTCLASS, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_2292PKTINFO, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_2292HOPLIMIT, V6, 0),
    SWITCH(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, V6, 0),
    {IPPROTO_TCP, TCP_MAXSEG, TCPS, 536, 1000, SAME, 87, EINVAL},
    SWITCH(IPPROTO_TCP, TCP_NODELAY, TCPS, 0),
    SWITCH(IPPROTO_TCP, TCP_CORK, TCPS, 0),
    {IPPROTO_TCP, TCP_KEEPIDLE, TCPS, 7200, 9, SAME, 32768, EINVAL},
    {IPPROTO_TCP, TCP_KEEPINTVL, TCPS, 75, 9, SAME, 0, EINVAL},
    {IPPROTO_TCP, TCP_KEEPCNT, TCPS, 9, 1, SAME, 128, EINVAL},
    {IPPROTO_TCP, TCP_SYNCNT, TCPS, 6, 1, SAME, 0, EINVAL},
    {IPPROTO_TCP, TCP_LINGER2, TCPS, 60, 121, 120, 0, NONE},
    {IPPROTO_TCP, TCP_LINGER2, TCPS, 60, -9, -1, 0, NONE},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, TCPS, 0, 4, 7, 0, NONE},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, TCPS, 0, 9000, SAME, 0, NONE},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, TCPS, 0, 9000, SAME, -1, EINVAL},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCPS, 0, -5, SAME, 0, NONE},
    {IPPROTO_TCP, 36 /* TCP_INQ */, TCPS, 0, 1, SAME, 2, EINVAL},
    SWITCH(IPPROTO_UDP, UDP_CORK, UDPS, 0),
    {IPPROTO_UDP, 103 /* UDP_SEGMENT */, UDP4 | UDP6, 0, 1000, SAME, 65536, EINVAL},
    {LEVEL_UDPLITE, 10 /* UDPLITE_SEND_CSCOV */, LITE4 | LITE6, 0, 20, SAME, 0, NONE},
    {LEVEL_UDPLITE, 11 /* UDPLITE_RECV_CSCOV */, LITE4 | LITE6, 0, 20, SAME, 0, NONE},
    SWITCH(LEVEL_NETLINK, 3 /* NETLINK_PKTINFO */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 4 /* NETLINK_BROADCAST_ERROR */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 5 /* NETLINK_NO_ENOBUFS */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 8 /* NETLINK_LISTEN_ALL_NSID */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 10 /* NETLINK_CAP_ACK */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 11 /* NETLINK_EXT_ACK */, NETLINK, 0),
    SWITCH(LEVEL_NETLINK, 12 /* NETLINK_GET_STRICT_CHK */, NETLINK, 0),
};

/* Those that are no plain numbers, or that only some values can be set to: other tests have them.
 */
static const struct {
    int level, options[32];
} other_tests[] = {
    {SOL_SOCKET,
     {SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_LINGER, 14 /* SO_BSDCOMPAT */, SO_RCVTIMEO, SO_SNDTIMEO,
      66 /* SO_RCVTIMEO_NEW */, 67 /* SO_SNDTIMEO_NEW */, SO_BINDTODEVICE}},
    {IPPROTO_IP,
     {IP_UNICAST_IF, IP_MULTICAST_IF, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_UNBLOCK_SOURCE,
      IP_BLOCK_SOURCE, IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_MSFILTER,
      MCAST_JOIN_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE, MCAST_LEAVE_GROUP,
      MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_MSFILTER}},
    {IPPROTO_IPV6,
     {IPV6_MULTICAST_IF, IPV6_UNICAST_IF, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_CHECKSUM,
      IPV6_PKTINFO}},
    {IPPROTO_TCP, {TCP_QUICKACK, TCP_CONGESTION}},
    {IPPROTO_ICMPV6, {1 /* ICMPV6_FILTER */}},
    {255, {1 /* ICMP_FILTER */}},
    {LEVEL_NETLINK, {1 /* NETLINK_ADD_MEMBERSHIP */, 2}},
};

static unsigned wrong;

/* One line for each difference: there are thousands of looks. */
static void expect(const char *what, unsigned kind, const struct row *r, int got, int want)
{
    if (got == want)
        return;
    printf("# kind %u, level %d, option %d, %s: got %d, want %d\n", kind, r->level, r->option, what,
           got, want);
    wrong++;
}

/* -1: a Linux that lets nobody have this kind. */
static int make(unsigned kind)
{
    int fd = socket(kinds[kind].family, kinds[kind].type, kinds[kind].protocol);
    if (fd < 0 && !(errno == EACCES && 1u << kind & (PING4 | PING6)))
        wrong++;
    return fd;
}

static int set(int fd, const struct row *r, const void *value, int size)
{
    return setsockopt(fd, r->level, r->option, value, (socklen_t)size) ? -errno : 0;
}

static int get(int fd, const struct row *r, void *value, socklen_t *size)
{
    return getsockopt(fd, r->level, r->option, value, size) ? -errno : 0;
}

static void values(int fd, unsigned kind, const struct row *r)
{
    socklen_t size = 1;
    char byte;
    if (r->first != SAME)
        expect("first", kind, r, option_of(fd, r->level, r->option), r->first);
    if (r->level != LEVEL_NETLINK) {
        expect("a byte", kind, r, get(fd, r, &byte, &size), 0);
        expect("its size", kind, r, (int)size, 1);
    }
    if (r->error)
        expect("refused", kind, r, set(fd, r, &r->bad, 4), -r->error);
    if (r->taken == SAME)
        return;
    expect("taken", kind, r, set(fd, r, &r->taken, 4), 0);
    expect("read back", kind, r, option_of(fd, r->level, r->option),
           r->back == SAME ? r->taken : r->back);
}

/* What is wrong with sizes and places is told before the value is looked at. */
static void sizes(int fd, unsigned kind, const struct row *r)
{
    int value = 1;
    socklen_t size = (socklen_t)-1;
    if (r->level != IPPROTO_IPV6)
        expect("get, size -1", kind, r, get(fd, r, &value, &size), -EINVAL);
    size = sizeof(value);
    expect("get to nowhere", kind, r, get(fd, r, NULL, &size), -EFAULT);
    expect("get without a size", kind, r, get(fd, r, &value, NULL), -EFAULT);
    expect("set, size -1", kind, r, set(fd, r, &value, -1), -EINVAL);
    if (r->level != IPPROTO_IP && r->level != IPPROTO_IPV6 && r->level != LEVEL_NETLINK)
        expect("set, size 3", kind, r, set(fd, r, &value, 3), -EINVAL);
    if (r->level != IPPROTO_IPV6)
        expect("set from nowhere", kind, r, set(fd, r, NULL, 4), -EFAULT);
}

static void each(void (*look)(int fd, unsigned kind, const struct row *r))
{
    wrong = 0;
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
        for (unsigned k = 0; k < KINDS; k++) {
            int fd = rows[n].kinds >> k & 1 ? make(k) : -1;
            if (fd < 0)
                continue;
            look(fd, k, &rows[n]);
            close(fd);
        }
    CHECK_EQ(wrong, 0);
}

static void numbers_are_read_back(void)
{
    each(values);
}

static void wrong_sizes(void)
{
    each(sizes);
}

static bool has(const int *options, unsigned count, int option)
{
    for (unsigned n = 0; n < count && options[n]; n++)
        if (options[n] == option)
            return true;
    return false;
}

static bool is_listed(int level, int option, unsigned kind)
{
    bool udp = level == LEVEL_UDPLITE || level == IPPROTO_UDP; /* they share their options */
    int as = udp && (option == UDP_CORK || option >= 100) ? IPPROTO_UDP
             : udp                                        ? LEVEL_UDPLITE
                                                          : level;
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
        if (rows[n].level == as && rows[n].option == option && (rows[n].kinds >> kind & 1 || udp))
            return true;
    for (unsigned n = 0; n < sizeof(other_tests) / sizeof(other_tests[0]); n++)
        if (other_tests[n].level == level && has(other_tests[n].options, 32, option))
            return true;
    for (unsigned n = 0; n < sizeof(left_out) / sizeof(left_out[0]); n++)
        if (left_out[n].level == as && has(left_out[n].options, 40, option))
            return true;
    return level == IPPROTO_IPV6 && option >= MCAST_JOIN_GROUP && option <= MCAST_MSFILTER;
}

/* Nothing is taken of which no table knows. */
static void others_are_refused(void)
{
    static const int levels[] = {
        SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6,  IPPROTO_TCP, IPPROTO_UDP, 255, IPPROTO_ICMPV6,
        132,        263,        LEVEL_UDPLITE, 270,         282,         284, 999};
    wrong = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        int fd = make(k);
        if (fd < 0)
            continue;
        for (unsigned l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
            for (int option = 0; option < 200; option++) {
                if (levels[l] == IPPROTO_IP && option >= 64 && option < 100)
                    continue; /* a firewall's */
                const struct row r = {.level = levels[l], .option = option};
                if (is_listed(levels[l], option, k) || set_option(fd, levels[l], option, 1))
                    continue;
                expect("neither listed nor refused", k, &r, 0, -1);
                close(fd);
                fd = make(k);
            }
        close(fd);
    }
    CHECK_EQ(wrong, 0);
}

int main(void)
{
    RUN(numbers_are_read_back);
    RUN(wrong_sizes);
    RUN(others_are_refused);
    return check_done();
}
