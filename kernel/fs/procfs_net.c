/* /proc/net: interfaces, routes, sockets. */
#include <linux/in.h>

#include "kernel/base/format.h"
#include "kernel/fs/procfs.h"
#include "kernel/net/inet_list.h"
#include "kernel/net/interface.h"
#include "kernel/net/socket.h"

#define SOCKET_HEADING                                                                             \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "          \
    "timeout inode"
#define SOCKET6_HEADING                                                                            \
    "  sl  local_address                         remote_address                        st "        \
    "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

/* Calls put for each interface. */
static void each_interface(struct text *out,
                           void (*put)(struct text *out, const struct interface_info *i))
{
    struct interface_info i;
    for (unsigned index = 1; interface_next(index, &i); index = i.index + 1)
        put(out, &i);
}

static void put_device(struct text *out, const struct interface_info *i)
{
    text_format(out, "%6s: %7lu %7lu    0 %4lu    0     0          0         0 ", i->name,
                i->received_bytes, i->received_packets, i->received_lost);
    text_format(out, "%8lu %7lu    0 %4lu    0     0       0          0\n", i->sent_bytes,
                i->sent_packets, i->sent_lost);
}

static void net_dev(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out,
                "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|"
                "bytes    packets errs drop fifo colls carrier compressed\n");
    each_interface(out, put_device);
}

static void put_address6(struct text *out, const uint8_t address[16])
{
    for (unsigned b = 0; b < 16; b++)
        text_format(out, "%02x", address[b]);
}

static void put_addresses6(struct text *out, const struct interface_info *i)
{
    for (unsigned n = 0; n < i->address6_count; n++) {
        put_address6(out, i->address6[n].address);
        text_format(out, " %02x %02x %02x 80 %8s\n", i->index, i->address6[n].prefix,
                    i->loopback ? 0x10 : 0, i->name);
    }
}

static void net_if_inet6(struct text *out, pseudo_key_t key)
{
    (void)key;
    each_interface(out, put_addresses6);
}

static void put_routes(struct text *out, const struct interface_info *i)
{
    if (i->loopback || !i->address)
        return;
    if (i->gateway)
        text_format(out, "%s\t00000000\t%08X\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", i->name,
                    i->gateway);
    text_format(out, "%s\t%08X\t00000000\t0001\t0\t0\t0\t%08X\t0\t0\t0\n", i->name,
                i->address & i->netmask, i->netmask);
}

static void net_route(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\t"
                     "Window\tIRTT\n");
    each_interface(out, put_routes);
}

static void put_routes6(struct text *out, const struct interface_info *i)
{
    static const uint8_t any[16];
    struct interface_route6 routes[INTERFACE_ADDRESSES + 1];
    unsigned count = interface_routes6(i, routes);
    for (const struct interface_route6 *r = routes; r < routes + count; r++) {
        put_address6(out, r->to);
        text_format(out, " %02x ", r->prefix);
        put_address6(out, any);
        text_string(out, " 00 ");
        put_address6(out, r->gateway);
        text_format(out, " %08x 00000001 00000000 %08x %8s\n", r->metric, r->prefix ? 1 : 3,
                    i->name);
    }
}

static void net_ipv6_route(struct text *out, pseudo_key_t key)
{
    (void)key;
    each_interface(out, put_routes6);
}

static void net_tcp(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, SOCKET_HEADING "\n");
    inet_list(out, AF_INET, IPPROTO_TCP);
}

static void net_tcp6(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, SOCKET6_HEADING "\n");
    inet_list(out, AF_INET6, IPPROTO_TCP);
}

static void put_datagrams(struct text *out, int family, int protocol)
{
    text_string(out, family == AF_INET ? SOCKET_HEADING : SOCKET6_HEADING);
    text_string(out, " ref pointer drops\n");
    inet_list(out, family, protocol);
}

static void net_udp(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_datagrams(out, AF_INET, IPPROTO_UDP);
}

static void net_udp6(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_datagrams(out, AF_INET6, IPPROTO_UDP);
}

static void net_udplite(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_datagrams(out, AF_INET, IPPROTO_UDPLITE);
}

static void net_udplite6(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_datagrams(out, AF_INET6, IPPROTO_UDPLITE);
}

static void net_snmp(struct text *out, pseudo_key_t key)
{
    (void)key;
    inet_list_counters(out);
}

static void net_sockstat(struct text *out, pseudo_key_t key)
{
    (void)key;
    inet_list_usage(out, AF_INET);
}

static void net_sockstat6(struct text *out, pseudo_key_t key)
{
    (void)key;
    inet_list_usage(out, AF_INET6);
}

static void net_igmp(struct text *out, pseudo_key_t key)
{
    (void)key;
    inet_list_groups(out, AF_INET);
}

static void net_igmp6(struct text *out, pseudo_key_t key)
{
    (void)key;
    inet_list_groups(out, AF_INET6);
}

static void net_arp(struct text *out, pseudo_key_t key)
{
    struct interface_neighbor n;
    (void)key;
    text_string(out, "IP address       HW type     Flags       HW address            Mask     "
                     "Device\n");
    for (unsigned at = 0; interface_neighbor(&at, &n);) {
        char address[16];
        const uint8_t *a = n.address, *h = n.hardware;
        if (n.v6)
            continue;
        format(address, sizeof(address), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        text_format(out, "%-16s 0x1         0x2         %02x:%02x:%02x:%02x:%02x:%02x", address,
                    h[0], h[1], h[2], h[3], h[4], h[5]);
        text_format(out, "     *        eth%u\n", n.index - 2);
    }
}

static void add_bytes(struct text *out, bool received)
{
    struct interface_info i;
    uint64_t bytes = 0;
    for (unsigned index = 1; interface_next(index, &i); index = i.index + 1)
        bytes += received ? i.received_bytes : i.sent_bytes;
    text_format(out, " %lu", bytes);
}

/* What is counted of what Linux counts; readers go by the names. */
static void net_netstat(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed\nTcpExt: 0 0 0\n"
                     "IpExt: InOctets OutOctets\nIpExt:");
    add_bytes(out, true);
    add_bytes(out, false);
    text_char(out, '\n');
}

/* In Linux's order. Of each, which operations it has, as Linux's columns are: those of AF_UNIX and
 * netlink belong to the family. No memory is counted by protocol: -1. */
static const struct protocol {
    const char *name;
    enum socket_kind kind;
    const char *operations;
} protocols[] = {
#define WITH_PORTS "y  y  y  n  y  y  y  y  y  y  y  y  y  n  y  y  y  n"
#define WITHOUT "y  y  y  n  y  y  y  y  y  y  y  y  y  n  n  n  n  n"
#define BY_FAMILY "y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n"
    {"PINGv6", SOCKET_PING + SOCKET_V6, WITH_PORTS},
    {"RAWv6", SOCKET_RAW + SOCKET_V6, WITHOUT},
    {"UDPLITEv6", SOCKET_UDPLITE + SOCKET_V6, WITH_PORTS},
    {"UDPv6", SOCKET_UDP + SOCKET_V6, WITH_PORTS},
    {"TCPv6", SOCKET_TCP + SOCKET_V6, "y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  n"},
    {"UNIX-STREAM", SOCKET_UNIX_STREAM, BY_FAMILY},
    {"UNIX", SOCKET_UNIX, BY_FAMILY},
    {"UDP-Lite", SOCKET_UDPLITE, WITH_PORTS},
    {"PING", SOCKET_PING, WITH_PORTS},
    {"RAW", SOCKET_RAW, WITHOUT},
    {"UDP", SOCKET_UDP, WITH_PORTS},
    {"TCP", SOCKET_TCP, "y  y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  n"},
    {"NETLINK", SOCKET_NETLINK, BY_FAMILY},
};

static void net_protocols(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out,
                "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in "
                "de sh ss gs se re bi br ha uh gp em\n");
    for (unsigned n = 0; n < ARRAY_SIZE(protocols); n++)
        text_format(out, "%-9s %4u %6u      -1   NI       0   no   kernel      %s\n",
                    protocols[n].name, socket_size_of(protocols[n].kind),
                    socket_count_of(protocols[n].kind), protocols[n].operations);
}

static void net_unix(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_list(out);
}

static const struct pseudo_entry net_entries[] = {
    PSEUDO_FILE("arp", net_arp),           PSEUDO_FILE("dev", net_dev),
    PSEUDO_FILE("if_inet6", net_if_inet6), PSEUDO_FILE("igmp", net_igmp),
    PSEUDO_FILE("igmp6", net_igmp6),       PSEUDO_FILE("ipv6_route", net_ipv6_route),
    PSEUDO_FILE("netstat", net_netstat),   PSEUDO_FILE("protocols", net_protocols),
    PSEUDO_FILE("route", net_route),       PSEUDO_FILE("snmp", net_snmp),
    PSEUDO_FILE("sockstat", net_sockstat), PSEUDO_FILE("sockstat6", net_sockstat6),
    PSEUDO_FILE("tcp", net_tcp),           PSEUDO_FILE("tcp6", net_tcp6),
    PSEUDO_FILE("udp", net_udp),           PSEUDO_FILE("udp6", net_udp6),
    PSEUDO_FILE("udplite", net_udplite),   PSEUDO_FILE("udplite6", net_udplite6),
    PSEUDO_FILE("unix", net_unix),         PSEUDO_END};
const struct pseudo_dir proc_net_dir = {.entries = net_entries};
