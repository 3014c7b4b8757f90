/* What the network counts, for /proc/net: lwIP keeps the counters of RFC 1213; sockets are counted
 * when somebody asks. */
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>

#include "kernel/net/inet_datagram.h"
#include "kernel/net/inet_list.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/interface.h"
#include "kernel/net/netlink.h"
#include "kernel/net/unix.h"

struct counter {
    const char *name;
    const u32_t *value; /* NULL: nothing of the kind happens here */
};

#define MIB(name, field)                                                                           \
    {                                                                                              \
        (name), &lwip_stats.mib2.field                                                             \
    }
#define NEVER(name)                                                                                \
    {                                                                                              \
        (name), NULL                                                                               \
    }

static const struct counter ip_counters[] = {
    MIB("InReceives", ipinreceives),
    MIB("InHdrErrors", ipinhdrerrors),
    MIB("InAddrErrors", ipinaddrerrors),
    NEVER("ForwDatagrams"),
    MIB("InUnknownProtos", ipinunknownprotos),
    MIB("InDiscards", ipindiscards),
    MIB("InDelivers", ipindelivers),
    MIB("OutRequests", ipoutrequests),
    MIB("OutDiscards", ipoutdiscards),
    MIB("OutNoRoutes", ipoutnoroutes),
    NEVER("ReasmTimeout"),
    MIB("ReasmReqds", ipreasmreqds),
    MIB("ReasmOKs", ipreasmoks),
    MIB("ReasmFails", ipreasmfails),
    MIB("FragOKs", ipfragoks),
    MIB("FragFails", ipfragfails),
    MIB("FragCreates", ipfragcreates),
};

static const struct counter icmp_counters[] = {
    MIB("InMsgs", icmpinmsgs),
    MIB("InErrors", icmpinerrors),
    NEVER("InCsumErrors"),
    MIB("InDestUnreachs", icmpindestunreachs),
    MIB("InTimeExcds", icmpintimeexcds),
    MIB("InParmProbs", icmpinparmprobs),
    MIB("InSrcQuenchs", icmpinsrcquenchs),
    MIB("InRedirects", icmpinredirects),
    MIB("InEchos", icmpinechos),
    MIB("InEchoReps", icmpinechoreps),
    MIB("InTimestamps", icmpintimestamps),
    MIB("InTimestampReps", icmpintimestampreps),
    MIB("InAddrMasks", icmpinaddrmasks),
    MIB("InAddrMaskReps", icmpinaddrmaskreps),
    MIB("OutMsgs", icmpoutmsgs),
    MIB("OutErrors", icmpouterrors),
    NEVER("OutRateLimitGlobal"),
    NEVER("OutRateLimitHost"),
    MIB("OutDestUnreachs", icmpoutdestunreachs),
    MIB("OutTimeExcds", icmpouttimeexcds),
    NEVER("OutParmProbs"),
    NEVER("OutSrcQuenchs"),
    NEVER("OutRedirects"),
    MIB("OutEchos", icmpoutechos),
    MIB("OutEchoReps", icmpoutechoreps),
    NEVER("OutTimestamps"),
    NEVER("OutTimestampReps"),
    NEVER("OutAddrMasks"),
    NEVER("OutAddrMaskReps"),
};

static const struct counter udp_counters[] = {
    MIB("InDatagrams", udpindatagrams),
    MIB("NoPorts", udpnoports),
    MIB("InErrors", udpinerrors),
    MIB("OutDatagrams", udpoutdatagrams),
    NEVER("RcvbufErrors"),
    NEVER("SndbufErrors"),
    NEVER("InCsumErrors"),
    NEVER("IgnoredMulti"),
    NEVER("MemErrors"),
};

static void put_values(struct text *out, const struct counter *table, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        text_format(out, " %u", table[n].value ? *table[n].value : 0);
    text_char(out, '\n');
}

/* Two lines: names, values. first_names and first_values stand before those of the table. */
static void put_table(struct text *out, const char *name, const char *first_names,
                      const char *first_values, const struct counter *table, unsigned count)
{
    text_format(out, "%s:%s", name, first_names);
    for (unsigned n = 0; n < count; n++)
        text_format(out, " %s", table[n].name);
    text_format(out, "\n%s:%s", name, first_values);
    put_values(out, table, count);
}

static unsigned count_established(void)
{
    unsigned count = 0;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        count += pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
    return count;
}

static void put_tcp(struct text *out)
{
    const struct stats_mib2 *mib = &lwip_stats.mib2;
    text_string(out,
                "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "
                "EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts "
                "InCsumErrors\n");
    text_format(out, "Tcp: 1 200 120000 -1 %u %u %u %u %u", mib->tcpactiveopens,
                mib->tcppassiveopens, mib->tcpattemptfails, mib->tcpestabresets,
                count_established());
    text_format(out, " %u %u %u %u %u 0\n", mib->tcpinsegs, mib->tcpoutsegs, mib->tcpretranssegs,
                mib->tcpinerrs, mib->tcpoutrsts);
}

void inet_list_counters(struct text *out)
{
    net_lock();
    put_table(out, "Ip", " Forwarding DefaultTTL", " 2 64", ip_counters, ARRAY_SIZE(ip_counters));
    put_table(out, "Icmp", "", "", icmp_counters, ARRAY_SIZE(icmp_counters));
    put_tcp(out);
    put_table(out, "Udp", "", "", udp_counters, ARRAY_SIZE(udp_counters));
    net_unlock();
}

/* ---- sockets ---- */

unsigned socket_size_of(enum socket_kind kind)
{
    switch (kind) {
    case SOCKET_NETLINK:
        return netlink_socket_size;
    case SOCKET_UNIX:
    case SOCKET_UNIX_STREAM:
        return sizeof(struct unix_socket);
    default:
        return kind == SOCKET_TCP || kind == SOCKET_TCP + SOCKET_V6
                   ? sizeof(struct tcp_socket)
                   : sizeof(struct datagram_socket);
    }
}

static unsigned count_bound(const struct port_table *t, int family)
{
    unsigned count = 0;
    for (unsigned b = 0; b < ARRAY_SIZE(t->buckets); b++) {
        const struct list_node *bucket = &t->buckets[b];
        for (const struct list_node *n = bucket->next; n && n != bucket; n = n->next)
            count += container_of(n, struct inet_socket, port_node)->base.family == family;
    }
    return count;
}

static void put_tcp_sockets(struct text *out)
{
    unsigned orphans = 0, waiting = 0, inuse = count_bound(&tcp_ports, AF_INET);
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        orphans += !pcb->callback_arg;
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        waiting++;
    text_format(out, "TCP: inuse %u orphan %u tw %u alloc %u mem 0\n", inuse, orphans, waiting,
                inuse + count_bound(&tcp_ports, AF_INET6));
}

void inet_list_usage(struct text *out, int family)
{
    const char *six = family == AF_INET6 ? "6" : "";
    net_lock();
    if (family == AF_INET) {
        text_format(out, "sockets: used %u\n", socket_count());
        put_tcp_sockets(out);
    } else {
        text_format(out, "TCP6: inuse %u\n", count_bound(&tcp_ports, family));
    }
    text_format(out, "UDP%s: inuse %u%s\n", six, count_bound(&udp_ports, family),
                family == AF_INET ? " mem 0" : "");
    text_format(out, "UDPLITE%s: inuse %u\n", six, count_bound(&udplite_ports, family));
    text_format(out, "RAW%s: inuse %u\n", six, datagram_count_raw(family));
    text_format(out, "FRAG%s: inuse 0 memory 0\n", six);
    net_unlock();
}

/* ---- groups ---- */

static void put_groups4(struct text *out, const struct netif *netif, const char *name)
{
    unsigned count = 0;
    for (const struct igmp_group *g = netif_igmp_data(netif); g; g = g->next)
        count++;
    text_format(out, "%u\t%-10s: %5u %7s\n", netif_get_index(netif), name, count, "V2");
    for (const struct igmp_group *g = netif_igmp_data(netif); g; g = g->next)
        text_format(out, "\t\t\t\t%08X %5u 0:00000000\t\t%u\n", g->group_address.addr,
                    g->use ? g->use : 1, g->last_reporter_flag);
}

static void put_group6(struct text *out, const struct netif *netif, const char *name,
                       const uint32_t words[4], unsigned users, unsigned flags)
{
    const uint8_t *bytes = (const uint8_t *)words;
    text_format(out, "%-4u %-15s ", netif_get_index(netif), name);
    for (unsigned n = 0; n < 16; n++)
        text_format(out, "%02x", bytes[n]);
    text_format(out, " %5u %08X 0\n", users, flags);
}

static void put_groups6(struct text *out, const struct netif *netif, const char *name)
{
    static const uint32_t all_link[4] = {PP_HTONL(0xff020000), 0, 0, PP_HTONL(1)};
    static const uint32_t all_interface[4] = {PP_HTONL(0xff010000), 0, 0, PP_HTONL(1)};
    for (const struct mld_group *g = netif_mld6_data(netif); g; g = g->next)
        put_group6(out, netif, name, g->group_address.addr, g->use, 4);
    put_group6(out, netif, name, all_link, 1, 0xc);
    put_group6(out, netif, name, all_interface, 1, 8);
}

void inet_list_groups(struct text *out, int family)
{
    struct interface_info i;
    if (family == AF_INET)
        text_string(out, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    for (unsigned index = 1; interface_next(index, &i); index = i.index + 1) {
        net_lock();
        const struct netif *netif = inet_interface(i.index);
        if (netif && family == AF_INET)
            put_groups4(out, netif, i.name);
        else if (netif)
            put_groups6(out, netif, i.name);
        net_unlock();
    }
}
