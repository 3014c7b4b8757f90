/*
 * What ICMP tells about packets that could not be delivered: to the socket that sent them, as an
 * error, and with IP_RECVERR into its queue, from which MSG_ERRQUEUE reads. lwIP itself looks at
 * none of it: it is looked at before.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_priv.h"
#include "kernel/net/lwip_port/hooks.h"
#include "kernel/time/clock.h"

#define PORTS_BYTES 4u /* both ports: how TCP and UDP begin */
#define ICMP_HEADER 8u
#define QUEUE_BYTES 65536u
#define QUOTED_MAX 548u /* a message of 576 bytes */
#define CHARGE_BYTES 256u

struct error_entry {
    struct list_node node;
    struct sock_extended_err told;
    struct endpoint offender, to;
    struct arrival arrival;
    uint32_t charge;
    struct pbuf *bytes; /* or NULL: none */
};

/* ---- the queue ---- */

void inet_error_queue(struct inet_socket *i, const struct error_report *r)
{
    unsigned size =
        r->packet && r->offset < r->packet->tot_len ? r->packet->tot_len - r->offset : 0;
    uint32_t charge = size + CHARGE_BYTES;
    struct error_entry *e = i->error_bytes + charge <= QUEUE_BYTES
                                ? heap_zalloc_flags(sizeof(*e), ALLOC_OBJECT | ALLOC_LOCKED)
                                : NULL;
    if (!e)
        return;
    if (size) {
        e->bytes = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_RAM);
        if (e->bytes)
            pbuf_copy_partial(r->packet, e->bytes->payload, (u16_t)size, (u16_t)r->offset);
    }
    e->told = (struct sock_extended_err){.ee_errno = (uint32_t)r->error,
                                         .ee_origin = r->origin,
                                         .ee_type = r->type,
                                         .ee_code = r->code,
                                         .ee_info = r->info};
    e->offender = r->offender;
    e->to = r->to;
    e->arrival = r->arrival;
    if (i->base.stamps)
        e->arrival.stamp_ns = (uint64_t)clock_realtime_ns();
    e->charge = charge;
    list_add_tail(&i->errors, &e->node);
    i->error_bytes += charge;
}

static void entry_free(struct error_entry *e)
{
    if (e->bytes)
        pbuf_free(e->bytes);
    heap_free(e);
}

static struct error_entry *take_first(struct inet_socket *i)
{
    if (list_empty(&i->errors))
        return NULL;
    struct error_entry *e = list_entry(i->errors.next, struct error_entry, node);
    list_remove(&e->node);
    i->error_bytes -= e->charge;
    return e;
}

void inet_error_drop_all(struct inet_socket *i)
{
    struct error_entry *e;
    while ((e = take_first(i)))
        entry_free(e);
}

/* The error that waits is the next entry's now. */
static void show_next(struct inet_socket *i, const struct error_entry *taken)
{
    if (!list_empty(&i->errors))
        i->base.error = (int)list_entry(i->errors.next, struct error_entry, node)->told.ee_errno;
    else if (taken->told.ee_origin != SO_EE_ORIGIN_LOCAL)
        i->base.error = 0;
}

static void tell(const struct inet_socket *i, const struct error_entry *e, struct socket_message *m)
{
    uint8_t data[sizeof(e->told) + sizeof(struct sockaddr_in6)] = {0};
    bool v6 = i->base.family == AF_INET6;
    unsigned name = sizeof(struct sockaddr_in6);
    memcpy(data, &e->told, sizeof(e->told));
    if (!v6)
        name = sizeof(struct sockaddr_in);
    if (e->told.ee_origin != SO_EE_ORIGIN_LOCAL)
        (void)inet_control_name(i->base.family, &e->offender, data + sizeof(e->told));
    if (e->told.ee_origin != SO_EE_ORIGIN_LOCAL)
        inet_control_put(i, &e->arrival, m);
    socket_control_put(m, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, data,
                       (unsigned)sizeof(e->told) + name);
}

int64_t inet_error_receive(struct inet_socket *i, struct socket_message *m)
{
    net_lock();
    struct error_entry *e = take_first(i);
    if (e)
        show_next(i, e);
    net_unlock();
    if (!e)
        return -EAGAIN;
    size_t size = e->bytes ? e->bytes->tot_len : 0, part = min_u64(size, m->it->left);
    size_t n = part ? iter_write(m->it, e->bytes->payload, part) : 0;
    if (m->name)
        endpoint_format(i, &e->to, m->name);
    socket_control_stamp(&i->base, m, e->arrival.stamp_ns);
    tell(i, e, m);
    m->result_flags |= MSG_ERRQUEUE | (part < size ? MSG_TRUNC : 0);
    entry_free(e);
    return n < part ? -EFAULT : (int64_t)n;
}

/* ---- messages ---- */

static bool is_source(const struct inet_socket *i, const struct endpoint *peer)
{
    return i->has_peer && i->peer.port == peer->port &&
           ip_addr_cmp(&i->peer.address, &peer->address);
}

/* A connection that is being made. */
static void report_tcp(const struct error_report *r, const struct endpoint *from)
{
    for (struct inet_socket *i = NULL; (i = port_next(&tcp_ports, from->port, i));) {
        if (is_source(i, &r->to)) {
            tcp_unreachable(i, r->error);
            return;
        }
    }
}

static uint16_t port_at(const struct pbuf *p, unsigned at)
{
    return (uint16_t)(pbuf_get_at(p, (uint16_t)at) << 8 | pbuf_get_at(p, (uint16_t)(at + 1)));
}

static uint32_t word_at(const struct pbuf *p, unsigned at)
{
    return (uint32_t)port_at(p, at) << 16 | port_at(p, at + 2);
}

/* The quoted packet's own protocol begins at an offset. */
static void report(struct error_report *r, unsigned protocol, unsigned at, struct endpoint *from)
{
    const struct pbuf *p = r->packet;
    if (protocol == IP_PROTO_TCP || protocol == IP_PROTO_UDP || protocol == IP_PROTO_UDPLITE) {
        if (p->tot_len < at + PORTS_BYTES)
            return;
        from->port = port_at(p, at);
        r->to.port = port_at(p, at + 2);
    }
    if (protocol == IP_PROTO_TCP)
        report_tcp(r, from);
    else
        datagram_error(r, protocol, at, from);
}

/* Each code of "unreachable": what it means, and whether for good (RFC 1122, 4.2.3.9). */
static const struct {
    uint8_t error;
    bool hard;
} unreachable[] = {
    {ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true},
    {EMSGSIZE, false},     {EOPNOTSUPP, false},   {ENETUNREACH, true},  {EHOSTDOWN, true},
    {ENONET, true},        {ENETUNREACH, true},   {EHOSTUNREACH, true}, {ENETUNREACH, false},
    {EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
};

/* False: the message is of no concern to sockets. */
static bool read_type4(struct error_report *r)
{
    switch (r->type) {
    case ICMP_DUR:
        if (r->code >= ARRAY_SIZE(unreachable))
            return false;
        r->error = unreachable[r->code].error;
        r->hard = unreachable[r->code].hard;
        r->info = r->code == ICMP_DUR_FRAG ? r->info & 0xffff : 0;
        return true;
    case ICMP_TE:
        r->error = EHOSTUNREACH;
        r->info = 0;
        return true;
    case ICMP_PP:
        r->error = EPROTO;
        r->info >>= 24;
        return r->hard = true;
    default:
        return false;
    }
}

static bool read_type6(struct error_report *r)
{
    static const uint8_t errors[] = {ENETUNREACH,  EACCES, EHOSTUNREACH, EHOSTUNREACH,
                                     ECONNREFUSED, EACCES, EACCES};
    switch (r->type) {
    case ICMP6_TYPE_DUR:
        r->error = r->code < ARRAY_SIZE(errors) ? errors[r->code] : EPROTO;
        r->hard = r->code == 1 || r->code >= 4;
        return true;
    case ICMP6_TYPE_PTB:
        r->error = EMSGSIZE;
        return true;
    case ICMP6_TYPE_TE:
        r->error = EHOSTUNREACH;
        return true;
    case ICMP6_TYPE_PP:
        r->error = EPROTO;
        return r->hard = true;
    default:
        return false;
    }
}

/* ---- messages of our own ---- */

// NOLINTNEXTLINE(readability-identifier-naming)
void __wrap_icmp_dest_unreach(struct pbuf *p, enum icmp_dur_type code);

/* In lwIP's place, which quotes eight bytes behind the header: as much as RFC 1812, 4.3.2.3, says,
 * and from the address that was asked, or our own if we ask in vain. p begins with its header. */
// NOLINTNEXTLINE(readability-identifier-naming)
void __wrap_icmp_dest_unreach(struct pbuf *p, enum icmp_dur_type code)
{
    struct ip_hdr quoted;
    ip4_addr_t from, to;
    u16_t size = (u16_t)min_u64(p->tot_len, QUOTED_MAX);
    struct pbuf *q = pbuf_alloc(PBUF_IP, (u16_t)(ICMP_HEADER + size), PBUF_RAM);
    if (!q)
        return;
    uint8_t *message = q->payload;
    memset(message, 0, ICMP_HEADER);
    message[0] = ICMP_DUR;
    message[1] = (uint8_t)code;
    pbuf_copy_partial(p, message + ICMP_HEADER, size, 0);
    memcpy(&quoted, message + ICMP_HEADER, sizeof(quoted));
    ip4_addr_copy(from, code == ICMP_DUR_HOST ? quoted.src : quoted.dest);
    ip4_addr_copy(to, quoted.src);
    uint16_t sum = inet_chksum(message, q->len);
    memcpy(message + 2, &sum, sizeof(sum));
    struct netif *netif = ip4_route(&to);
    if (netif)
        (void)ip4_output_if_src(q, &from, &to, ICMP_TTL, 0, IP_PROTO_ICMP, netif);
    pbuf_free(q);
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

static void icmp_in(const struct pbuf *p, const struct netif *netif)
{
    struct ip_hdr inner;
    struct endpoint from = {0};
    const struct ip_hdr *outer = p->payload;
    unsigned at = IPH_HL_BYTES(outer);
    if (p->tot_len < at + ICMP_HEADER + IP_HLEN)
        return;
    struct error_report r = {.origin = SO_EE_ORIGIN_ICMP,
                             .type = pbuf_get_at(p, (uint16_t)at),
                             .code = pbuf_get_at(p, (uint16_t)(at + 1)),
                             .info = word_at(p, at + 4),
                             .packet = p,
                             .arrival = {.interface = netif_get_index(netif),
                                         .ttl = IPH_TTL(outer),
                                         .tos = IPH_TOS(outer)}};
    if (!read_type4(&r))
        return;
    at += ICMP_HEADER;
    pbuf_copy_partial(p, &inner, IP_HLEN, (uint16_t)at);
    at += IPH_HL_BYTES(&inner);
    ip_addr_copy_from_ip4(r.offender.address, outer->src);
    ip_addr_copy_from_ip4(r.arrival.to.address, outer->dest);
    ip_addr_copy_from_ip4(r.to.address, inner.dest);
    ip_addr_copy_from_ip4(from.address, inner.src);
    if (IPH_V(&inner) == 4 && IPH_HL_BYTES(&inner) >= IP_HLEN)
        report(&r, IPH_PROTO(&inner), at, &from);
}

int inet_hook_ip4_in(struct pbuf *p, struct netif *netif)
{
    const struct ip_hdr *outer = p->payload;
    if (p->len < IP_HLEN)
        return 0;
    if (input_loopback(p, netif))
        return 1;
    if (IPH_PROTO(outer) == IP_PROTO_ICMP)
        icmp_in(p, netif);
    return 0;
}

static void icmp6_in(const struct pbuf *p, const struct netif *netif)
{
    struct ip6_hdr inner;
    struct endpoint from = {0};
    const struct ip6_hdr *outer = p->payload;
    unsigned at = IP6_HLEN + ICMP_HEADER;
    struct error_report r = {.origin = SO_EE_ORIGIN_ICMP6,
                             .type = pbuf_get_at(p, IP6_HLEN),
                             .code = pbuf_get_at(p, IP6_HLEN + 1),
                             .info = word_at(p, IP6_HLEN + 4),
                             .packet = p,
                             .arrival = {.interface = netif_get_index(netif),
                                         .ttl = IP6H_HOPLIM(outer),
                                         .tos = (uint8_t)IP6H_TC(outer)}};
    if (!read_type6(&r))
        return;
    pbuf_copy_partial(p, &inner, IP6_HLEN, (uint16_t)at);
    ip_addr_copy_from_ip6_packed(r.offender.address, outer->src);
    ip_addr_copy_from_ip6_packed(r.arrival.to.address, outer->dest);
    ip_addr_copy_from_ip6_packed(r.to.address, inner.dest);
    ip_addr_copy_from_ip6_packed(from.address, inner.src);
    report(&r, IP6H_NEXTH(&inner), at + IP6_HLEN, &from);
}

int inet_hook_ip6_in(const struct pbuf *p, const struct netif *netif)
{
    const struct ip6_hdr *outer = p->payload;
    if (p->len >= IP6_HLEN && IP6H_NEXTH(outer) == IP6_NEXTH_ICMP6 &&
        p->tot_len >= IP6_HLEN + ICMP_HEADER + IP6_HLEN)
        icmp6_in(p, netif);
    return 0;
}
