/* AF_INET and AF_INET6: which kinds of socket there are, errors, and what ICMP reports. */
#include "kernel/net/inet.h"

#include <lwip/icmp.h>
#include <lwip/ip.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"
#include "kernel/net/lwip_port/hooks.h"
#include "kernel/platform/streams.h"

#define PORTS_BYTES 4u /* both ports: how TCP and UDP begin */
#define ICMP_HEADER 8u

void inet_init(struct inet_socket *i, const struct socket_ops *ops, int family, int type,
               int protocol, struct port_table *ports)
{
    socket_init(&i->base, ops, family, type);
    i->base.protocol = protocol;
    mutex_init(&i->read_lock, RANK_SOCKET);
    mutex_init(&i->send_lock, RANK_SOCKET);
    list_init(&i->port_node);
    i->ports = ports;
    i->multicast_ttl = 1;
    if (family == AF_INET6)
        IP_SET_TYPE_VAL(i->local.address, IPADDR_TYPE_V6);
}

int inet_error(err_t err)
{
    switch (err) {
    case ERR_OK:
        return 0;
    case ERR_MEM:
    case ERR_BUF:
        return -ENOBUFS;
    case ERR_RTE:
        return -ENETUNREACH;
    case ERR_USE:
        return -EADDRNOTAVAIL;
    case ERR_ISCONN:
        return -EISCONN;
    case ERR_CONN:
    case ERR_CLSD:
        return -ENOTCONN;
    default:
        return -EINVAL;
    }
}

/* Whether a stream or datagram socket may have the protocol. */
static bool takes(int protocol, int wanted)
{
    return protocol == 0 || protocol == wanted;
}

static bool is_ping(int family, int protocol)
{
    return protocol == (family == AF_INET ? IP_PROTO_ICMP : IP6_NEXTH_ICMP6);
}

int inet_create(int family, int type, int protocol, struct socket **out)
{
    if (protocol < 0 || protocol > 255)
        return -EINVAL;
    switch (type) {
    case SOCK_STREAM:
        return takes(protocol, IP_PROTO_TCP) ? tcp_create(family, out) : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        if (is_ping(family, protocol))
            return datagram_create(family, type, protocol, out);
        if (takes(protocol, IP_PROTO_UDP))
            protocol = IP_PROTO_UDP;
        return protocol == IP_PROTO_UDP || protocol == IP_PROTO_UDPLITE
                   ? datagram_create(family, type, protocol, out)
                   : -EPROTONOSUPPORT;
    case SOCK_RAW:
        return protocol ? datagram_create(family, type, protocol, out) : -EPROTONOSUPPORT;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

void inet_told_listening(const struct inet_socket *i)
{
    const ip_addr_t *address = &i->local.address;
    bool any = endpoint_is_any(&i->local), both = i->base.family == AF_INET6 && any && !i->only6;
    struct orris_listening m = {.port = i->local.port,
                                .protocol = (uint8_t)i->base.protocol,
                                .version = both                     ? 0
                                           : IP_IS_V6_VAL(*address) ? 6
                                                                    : 4,
                                .loopback = !any && ip_addr_isloopback(address)};
    if (!any)
        memcpy(m.address, &address->u_addr, IP_ADDR_RAW_SIZE(*address) == 4 ? 4 : 16);
    control_send(ORRIS_MSG_LISTENING, &m, sizeof(m), true);
}

/* What ICMP reports: the packet that could not be delivered lies in the message. */

static int unreachable_error(unsigned code)
{
    switch (code) {
    case ICMP_DUR_NET:
        return -ENETUNREACH;
    case ICMP_DUR_PROTO:
        return -ENOPROTOOPT;
    case ICMP_DUR_PORT:
        return -ECONNREFUSED;
    default:
        return -EHOSTUNREACH;
    }
}

static bool is_source(const struct inet_socket *i, const struct endpoint *peer)
{
    return i->has_peer && i->peer.port == peer->port &&
           ip_addr_cmp(&i->peer.address, &peer->address);
}

/* Tells the socket that sent from port to peer. */
static void report(unsigned protocol, uint16_t port, const struct endpoint *peer, int err)
{
    struct port_table *t = ports_of(protocol);
    if (!t)
        return;
    for (struct inet_socket *i = NULL; (i = port_next(t, port, i));) {
        if (is_source(i, peer)) {
            inet_unreachable(i, err);
            return;
        }
    }
}

static uint16_t port_at(const struct pbuf *p, unsigned at)
{
    return (uint16_t)(pbuf_get_at(p, (uint16_t)at) << 8 | pbuf_get_at(p, (uint16_t)(at + 1)));
}

/* All of 127.0.0.0/8 is this machine. lwIP takes one address of an interface: for a packet to
 * another, loopback has that. */
static bool input_loopback(struct pbuf *p, struct netif *netif)
{
    const struct ip_hdr *header = p->payload;
    ip4_addr_t own = *netif_ip4_addr(netif), to;
    ip4_addr_copy(to, header->dest);
    if (ip4_addr_cmp(&own, &to) || !ip4_addr_isloopback(&own) || !ip4_addr_isloopback(&to) ||
        ip4_addr_isbroadcast(&to, netif))
        return false;
    ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), to);
    (void)ip4_input(p, netif);
    ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), own);
    return true;
}

int inet_hook_ip4_in(struct pbuf *p, struct netif *netif)
{
    struct ip_hdr inner;
    struct endpoint peer = {0};
    const struct ip_hdr *outer = p->payload;
    if (p->len < IP_HLEN)
        return 0;
    if (input_loopback(p, netif))
        return 1;
    if (IPH_PROTO(outer) != IP_PROTO_ICMP)
        return 0;
    unsigned at = IPH_HL_BYTES(outer);
    if (p->tot_len < at + ICMP_HEADER + IP_HLEN || pbuf_get_at(p, (uint16_t)at) != ICMP_DUR)
        return 0;
    unsigned code = pbuf_get_at(p, (uint16_t)(at + 1));
    at += ICMP_HEADER;
    pbuf_copy_partial(p, &inner, IP_HLEN, (uint16_t)at);
    at += IPH_HL_BYTES(&inner);
    if (p->tot_len < at + PORTS_BYTES || code == ICMP_DUR_FRAG)
        return 0;
    ip_addr_copy_from_ip4(peer.address, inner.dest);
    peer.port = port_at(p, at + 2);
    report(IPH_PROTO(&inner), port_at(p, at), &peer, unreachable_error(code));
    return 0;
}

static int unreachable_error6(unsigned code)
{
    if (code == ICMP6_DUR_PORT)
        return -ECONNREFUSED;
    return code == ICMP6_DUR_NO_ROUTE ? -ENETUNREACH : -EHOSTUNREACH;
}

int inet_hook_ip6_in(const struct pbuf *p)
{
    struct ip6_hdr inner;
    struct endpoint peer = {0};
    const struct ip6_hdr *outer = p->payload;
    unsigned at = IP6_HLEN + ICMP_HEADER;
    if (p->len < IP6_HLEN || IP6H_NEXTH(outer) != IP6_NEXTH_ICMP6 ||
        p->tot_len < at + IP6_HLEN + PORTS_BYTES || pbuf_get_at(p, IP6_HLEN) != ICMP6_TYPE_DUR)
        return 0;
    unsigned code = pbuf_get_at(p, IP6_HLEN + 1);
    pbuf_copy_partial(p, &inner, IP6_HLEN, (uint16_t)at);
    at += IP6_HLEN;
    ip_addr_copy_from_ip6_packed(peer.address, inner.dest);
    peer.port = port_at(p, at + 2);
    report(IP6H_NEXTH(&inner), port_at(p, at), &peer, unreachable_error6(code));
    return 0;
}
