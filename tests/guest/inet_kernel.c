/* What the kernel tells of the network: ioctl, netlink, /proc/net, /proc/sys/net, /sys/class/net.
 */
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>

#include "tests/harness/inet.h"

static char text[65536];

static const char *file(const char *path)
{
    int fd = open(path, O_RDONLY);
    size_t size = 0;
    ssize_t n;
    while (fd >= 0 && (n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    if (fd >= 0)
        close(fd);
    CHECK(fd >= 0);
    return text;
}

/* The number of a column in the pair of lines that begins with a word; -1: there is none. */
static long column(const char *path, const char *line, const char *name)
{
    char names[4096], values[4096];
    const char *at = strstr(file(path), line);
    if (!at || sscanf(at, "%4095[^\n]\n%4095[^\n]", names, values) != 2)
        return -1;
    char *n1, *n2, *v = strtok_r(values, " ", &n2);
    for (char *n = strtok_r(names, " ", &n1); n && v;
         n = strtok_r(NULL, " ", &n1), v = strtok_r(NULL, " ", &n2))
        if (strcmp(n, name) == 0)
            return atol(v);
    return -1;
}

static void counters(void)
{
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0), s[2];
    long in = column("/proc/net/snmp", "Udp:", "InDatagrams");
    long out = column("/proc/net/snmp", "Udp:", "OutDatagrams");
    long opens = column("/proc/net/snmp", "Tcp:", "PassiveOpens");
    long segments = column("/proc/net/snmp", "Tcp:", "InSegs");
    CHECK(in >= 0 && out >= 0 && opens >= 0 && segments >= 0);
    char byte;
    CHECK_OK(connect4(from, "127.0.0.1", port));
    for (int n = 0; n < 10; n++) {
        CHECK_EQ(send(from, "x", 1, 0), 1);
        CHECK_EQ(recv(to, &byte, 1, 0), 1);
    }
    tcp_pair(s);
    CHECK(column("/proc/net/snmp", "Udp:", "InDatagrams") >= in + 10);
    CHECK(column("/proc/net/snmp", "Udp:", "OutDatagrams") >= out + 10);
    CHECK(column("/proc/net/snmp", "Tcp:", "PassiveOpens") > opens);
    CHECK(column("/proc/net/snmp", "Tcp:", "InSegs") >= segments + 2);
    CHECK_EQ(column("/proc/net/snmp", "Ip:", "DefaultTTL"), 64);
    CHECK(column("/proc/net/snmp", "Icmp:", "InMsgs") >= 0);
    CHECK(column("/proc/net/netstat", "IpExt:", "InOctets") > 0);
    close(to);
    close(from);
    close(s[0]);
    close(s[1]);
}

static int field(const char *line, const char *name)
{
    const char *at = strstr(text, line);
    at = at ? strstr(at, name) : NULL;
    return at ? atoi(at + strlen(name)) : -1;
}

/* The sockets that /proc/net/protocols counts of one. */
static int sockets_of(const char *name)
{
    int size, count;
    const char *at = strstr(file("/proc/net/protocols"), name);
    return at && sscanf(at, "%*s %d %d", &size, &count) == 2 && size > 0 ? count : -1;
}

static void usage(void)
{
    int port, u = udp_socket("127.0.0.1", &port), used, udp;
    file("/proc/net/sockstat");
    used = field("sockets:", "used");
    udp = field("UDP:", "inuse");
    CHECK(used >= 1 && udp >= 1 && field("TCP:", "inuse") >= 0);
    int v = udp_socket("127.0.0.1", &port);
    file("/proc/net/sockstat");
    CHECK(field("sockets:", "used") > used - 5);
    CHECK_EQ(field("UDP:", "inuse"), udp + 1);
    close(u);
    close(v);
    CHECK(strncmp(file("/proc/net/sockstat6"), "TCP6: inuse ", 12) == 0);
    CHECK(strstr(file("/proc/net/protocols"), "\nTCP ") != NULL);
    CHECK(sockets_of("\nPINGv6 ") >= 0);
    int tcp = sockets_of("\nTCP "), raw6 = sockets_of("\nRAWv6 "), local = sockets_of("\nUNIX ");
    int fds[3] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6),
                  socket(AF_UNIX, SOCK_DGRAM, 0)};
    CHECK(tcp >= 0 && sockets_of("\nTCP ") >= tcp); /* Linux counts them in lots */
    CHECK(sockets_of("\nRAWv6 ") > raw6);
    CHECK(sockets_of("\nUNIX ") > local);
    for (int n = 0; n < 3; n++)
        close(fds[n]);
    CHECK(strstr(text, "\nUDP ") != NULL);
}

static void groups(void)
{
    struct ip_mreqn m = {.imr_ifindex = (int)if_nametoindex("lo")};
    struct ipv6_mreq m6 = {.ipv6mr_interface = if_nametoindex("lo")};
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0);
    inet_pton(AF_INET, "239.7.6.5", &m.imr_multiaddr);
    inet_pton(AF_INET6, "ff05::7:6:5", &m6.ipv6mr_multiaddr);
    CHECK(strstr(file("/proc/net/igmp"), "010000E0") != NULL);
    CHECK(strstr(text, "050607EF") == NULL);
    CHECK_OK(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
    CHECK_OK(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof(m6)));
    CHECK(strstr(file("/proc/net/igmp"), "050607EF     1 0:") != NULL);
    CHECK(
        strstr(file("/proc/net/igmp6"), "1    lo              ff050000000000000000000000070006") ||
        strstr(text, "ff05000000000000000000070006000"));
    close(a);
    close(b);
    CHECK(strstr(file("/proc/net/igmp"), "050607EF") == NULL);
}

static void settings(void)
{
    CHECK_STR(file("/proc/sys/net/ipv4/ip_default_ttl"), "64\n");
    CHECK_STR(file("/proc/sys/net/ipv4/ip_forward"), "0\n");
    CHECK(strstr(file("/proc/sys/net/ipv4/tcp_available_congestion_control"), "reno") != NULL);
    CHECK_STR(file("/proc/sys/net/ipv6/conf/all/disable_ipv6"), "0\n");
    CHECK_STR(file("/proc/sys/net/ipv6/conf/lo/forwarding"), "0\n");
    CHECK_STR(file("/proc/sys/net/ipv4/conf/lo/forwarding"), "0\n");
    CHECK_STR(file("/proc/sys/net/ipv4/igmp_max_memberships"), "20\n");
}

static void devices(void)
{
    CHECK_STR(file("/sys/class/net/lo/ifindex"), "1\n");
    CHECK_STR(file("/sys/class/net/lo/mtu"), "65536\n");
    CHECK_STR(file("/sys/class/net/lo/flags"), "0x9\n");
    CHECK_STR(file("/sys/class/net/lo/type"), "772\n");
    CHECK_STR(file("/sys/class/net/lo/operstate"), "unknown\n");
    CHECK_STR(file("/sys/class/net/lo/address"), "00:00:00:00:00:00\n");
    long before = atol(file("/sys/class/net/lo/statistics/rx_bytes"));
    int s[2];
    tcp_pair(s);
    CHECK(atol(file("/sys/class/net/lo/statistics/rx_bytes")) > before);
    CHECK_EQ(access("/sys/class/net/nothing", F_OK), -1);
    close(s[0]);
    close(s[1]);
}

static void hardware(void)
{
    struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
    struct ethtool_cmd old = {.cmd = ETHTOOL_GSET};
    struct ifreq r = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    r.ifr_data = (void *)&link;
    CHECK_OK(ioctl(fd, SIOCETHTOOL, &r));
    CHECK_EQ(link.data, 1);
    r.ifr_data = (void *)&old;
    CHECK_ERR(ioctl(fd, SIOCETHTOOL, &r), EOPNOTSUPP);
    r.ifr_data = (void *)8;
    CHECK_ERR(ioctl(fd, SIOCETHTOOL, &r), EFAULT);
    r.ifr_data = (void *)&link;
    strcpy(r.ifr_name, "nothing");
    CHECK_ERR(ioctl(fd, SIOCETHTOOL, &r), ENODEV);
    close(fd);
}

static int netlink_port(int fd)
{
    struct sockaddr_nl name = {0};
    socklen_t size = sizeof(name);
    CHECK_OK(getsockname(fd, (struct sockaddr *)&name, &size));
    return (int)name.nl_pid;
}

static int netlink_bind(int fd, int port, unsigned groups)
{
    struct sockaddr_nl name = {
        .nl_family = AF_NETLINK, .nl_pid = (uint32_t)port, .nl_groups = groups};
    return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static void netlink_ports(void)
{
    int a = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    int b = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    CHECK_EQ(netlink_port(a), 0);
    CHECK_OK(netlink_bind(a, 0, 0));
    CHECK_EQ(netlink_port(a), getpid());
    CHECK_ERR(netlink_bind(b, getpid(), 0), EADDRINUSE);
    CHECK_OK(netlink_bind(b, 0, 1));
    CHECK(netlink_port(b) != 0 && netlink_port(b) != getpid());
    CHECK_ERR(netlink_bind(a, 0, 0), EINVAL);
    CHECK_ERR(netlink_bind(a, 12345, 0), EINVAL);
    CHECK_OK(netlink_bind(a, getpid(), 0));
    close(b);
    close(a);
}

/* All neighbours, of whom a test knows none: each message is one, and the last ends the list. */
static void neighbours(void)
{
    struct {
        struct nlmsghdr head;
        struct ndmsg body;
    } request = {{sizeof(request), RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 7, 0},
                 {.ndm_family = AF_INET}};
    static char answer[16384] __attribute__((aligned(8)));
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), over = 0;
    CHECK_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
    for (int reads = 0; reads < 10 && !over; reads++) {
        int size = (int)recv(fd, answer, sizeof(answer), 0);
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
            CHECK(h->nlmsg_type == RTM_NEWNEIGH || h->nlmsg_type == NLMSG_DONE);
            CHECK_EQ(h->nlmsg_seq, 7);
            over |= h->nlmsg_type == NLMSG_DONE;
        }
    }
    CHECK(over);
    close(fd);
    CHECK(strncmp(file("/proc/net/arp"), "IP address ", 11) == 0);
}

int main(void)
{
    RUN(counters);
    RUN(usage);
    RUN(groups);
    RUN(settings);
    RUN(devices);
    RUN(hardware);
    RUN(netlink_ports);
    RUN(neighbours);
    return check_done();
}
