/* AF_INET and AF_INET6: which kinds of socket there are, and errors. */
#include "kernel/net/inet.h"

#include <lwip/ip.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip6.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/cred.h"

#define BYTE_MAX 255
#define PROTOCOL_MAX 262 /* MPTCP's: some have no place in a packet */

void inet_init(struct inet_socket *i, const struct socket_ops *ops, int family, int type,
               int protocol, struct port_table *ports)
{
    socket_init(&i->base, ops, family, type);
    i->base.protocol = protocol;
    mutex_init(&i->read_lock, RANK_SOCKET);
    mutex_init(&i->send_lock, RANK_SOCKET);
    list_init(&i->port_node);
    i->ports = ports;
    list_init(&i->groups);
    list_init(&i->errors);
    i->options.ttl = i->options.hops = i->options.group_ttl = i->options.group_hops = -1;
    i->options.group_loop = i->options.group_loop6 = true;
    i->options.group_all = family == AF_INET;
    i->options.group_all6 = true;
    i->options.mtu_discover = i->options.mtu_discover6 = 1; /* IP_PMTUDISC_WANT */
    i->options.checksum_at = -1;
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
    if (protocol < 0 || protocol > PROTOCOL_MAX)
        return -EINVAL;
    if (protocol > BYTE_MAX)
        return -EPROTONOSUPPORT;
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
        if (protocol && !capable(CAP_NET_RAW))
            return -EPERM;
        return protocol ? datagram_create(family, type, protocol, out) : -EPROTONOSUPPORT;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

void inet_told_listening(const struct inet_socket *i)
{
    const ip_addr_t *address = &i->local.address;
    bool any = endpoint_is_any(&i->local),
         both = i->base.family == AF_INET6 && any && !i->options.only6;
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
