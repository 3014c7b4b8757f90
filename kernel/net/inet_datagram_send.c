/* UDP and raw sockets: which way a datagram takes, and what stands in its headers. */
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_datagram.h"
#include "kernel/net/inet_udplite.h"
#include "kernel/net/lwip_port/hooks.h"
#include "kernel/net/stack_route.h"

#define UDP_BYTES_MAX 65507u
#define UDP6_BYTES_MAX 65487u /* with its headers, as many as lwIP's packets have */
#define SEGMENTS_MAX 128u
#define ECHO_HEADER 8u
#define ICMP6_ECHO_REQUEST 128u
#define CHECKSUM_BYTES 2

/* A datagram on its way out. */
struct way {
    struct netif *netif;
    ip_addr_t source;
    uint8_t ttl, tos;
    bool loops, whole; /* a copy of it comes back; it must not be cut up */
};

/* ---- the way ---- */

static bool is_v6(const ip_addr_t *address)
{
    return IP_IS_V6(address);
}

/* The number of the interface that options name; 0: none. */
static int64_t named_interface(const struct inet_socket *i, const ip_addr_t *to)
{
    const struct inet_options *o = &i->options;
    bool v6 = is_v6(to);
    if (i->base.interface)
        return i->base.interface;
    if (v6 && o->packet_interface6)
        return o->packet_interface6;
    if (ip_addr_ismulticast(to))
        return v6 ? o->group_interface6 : o->group_interface;
    return lwip_ntohl((uint32_t)(v6 ? o->interface6 : o->interface));
}

struct netif *datagram_way(const struct inet_socket *i, const ip_addr_t *to)
{
    int64_t index = named_interface(i, to);
    return index ? inet_interface(index) : ip_route(&i->local.address, to);
}

/* The source that IP_PKTINFO asked for: one of this machine's. */
static int own_source(const struct inet_socket *i, const struct socket_message *m,
                      const struct netif *netif, ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    if (m->source_size == sizeof(uint32_t)) {
        memcpy(&ip_2_ip4(out)->addr, m->source, sizeof(uint32_t));
    } else {
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(out)->addr, m->source, sizeof(ip_2_ip6(out)->addr));
        ip6_addr_assign_zone(ip_2_ip6(out), IP6_UNICAST, netif);
    }
    if (i->options.free_bind || address_is_own(i, out))
        return 0;
    return IP_IS_V6(out) ? -EINVAL : -ENETUNREACH;
}

static int find_source(const struct datagram_socket *s, const struct socket_message *m,
                       const ip_addr_t *to, struct way *way)
{
    const ip_addr_t *local = &s->inet.local.address;
    bool v6 = is_v6(to);
    if (m->source_size == (v6 ? 16 : 4))
        return own_source(&s->inet, m, way->netif, &way->source);
    if (IP_IS_V6(local) == v6 && !endpoint_is_any(&s->inet.local) && !ip_addr_ismulticast(local)) {
        ip_addr_copy(way->source, *local);
        return 0;
    }
    const ip_addr_t *source = ip_netif_get_local_ip(way->netif, to);
    if (!source)
        return -EADDRNOTAVAIL;
    ip_addr_copy(way->source, *source);
    return 0;
}

static bool may_broadcast(const struct datagram_socket *s, const ip_addr_t *to,
                          const struct netif *netif)
{
    return is_v6(to) || !ip_addr_isbroadcast(to, netif) ||
           socket_switch(&s->inet.base, SO_BROADCAST);
}

static void choose_header(const struct inet_options *o, const struct socket_message *m,
                          const ip_addr_t *to, struct way *way)
{
    bool v6 = is_v6(to), group = ip_addr_ismulticast(to);
    int ttl = group ? (v6 ? o->group_hops : o->group_ttl) : v6 ? o->hops : o->ttl;
    uint8_t discover = v6 ? o->mtu_discover6 : o->mtu_discover;
    way->ttl = m->has_ttl ? m->ttl : ttl >= 0 ? (uint8_t)ttl : group ? 1 : INET_TTL;
    way->tos = m->has_tos ? m->tos : v6 ? o->class6 : o->tos;
    way->loops = group && (v6 ? o->group_loop6 : o->group_loop);
    way->whole = discover == IP_PMTUDISC_DO || discover == IP_PMTUDISC_PROBE || (v6 && o->whole6);
}

static int find_way(const struct datagram_socket *s, const struct socket_message *m,
                    const ip_addr_t *to, struct way *way)
{
    if (m->source_interface && s->inet.base.interface &&
        m->source_interface != s->inet.base.interface)
        return -EINVAL;
    way->netif =
        m->source_interface ? inet_interface(m->source_interface) : datagram_way(&s->inet, to);
    if (!way->netif)
        return m->source_interface || s->inet.base.interface ? -ENODEV : -ENETUNREACH;
    if (!may_broadcast(s, to, way->netif))
        return -EACCES;
    bool direct = (m->flags & MSG_DONTROUTE) || socket_switch(&s->inet.base, SO_DONTROUTE);
    if (!route_reaches(way->netif, to, direct))
        return -ENETUNREACH;
    choose_header(&s->inet.options, m, to, way);
    return find_source(s, m, to, way);
}

/* A packet is too large, which the queue of errors has, too. */
static int too_large(struct datagram_socket *s, const struct endpoint *to,
                     const struct netif *netif)
{
    struct error_report r = {
        .origin = SO_EE_ORIGIN_LOCAL, .error = EMSGSIZE, .info = netif->mtu, .to = *to};
    if (inet_queues_errors(&s->inet, &to->address)) {
        inet_error_queue(&s->inet, &r);
        waitq_wake(&s->inet.base.waitq, EPOLLERR);
    }
    return -EMSGSIZE;
}

static int check_size(struct datagram_socket *s, const struct pbuf *p, unsigned header,
                      const struct endpoint *to, const struct way *way)
{
    header += s->inet.options.header_included ? 0 : is_v6(&to->address) ? IP6_HLEN : IP_HLEN;
    if (!way->whole || p->tot_len + header <= way->netif->mtu)
        return 0;
    return too_large(s, to, way->netif);
}

/* More than any packet has, which of IPv4's is told aside only where 16 bits say how much. */
static int beyond_all(struct datagram_socket *s, const struct endpoint *to, size_t size)
{
    bool told = is_v6(&to->address) || size <= UINT16_MAX;
    net_lock();
    const struct netif *netif = told ? datagram_way(&s->inet, &to->address) : NULL;
    int err = netif ? too_large(s, to, netif) : -EMSGSIZE;
    net_unlock();
    return err;
}

/* Set while a packet goes out that must stay whole; under the net lock. */
static bool stays_whole;

/* The checksum of an IPv4 header, which lwIP asks for when all else is in it. */
uint16_t inet_hook_ip4_checksum(const void *header, uint16_t size)
{
    if (stays_whole)
        IPH_OFFSET_SET((struct ip_hdr *)header, PP_HTONS(IP_DF));
    return inet_chksum(header, size);
}

/* ---- UDP ---- */

static int send_udp(struct datagram_socket *s, struct pbuf *p, const struct endpoint *to,
                    const struct way *way)
{
    struct udp_pcb *udp = s->udp;
    udp->ttl = way->ttl;
    udp->tos = way->tos;
    udp_set_multicast_ttl(udp, way->ttl);
    uint8_t flags = udp->flags & (uint8_t) ~(UDP_FLAGS_MULTICAST_LOOP | UDP_FLAGS_NOCHKSUM);
    if (way->loops && way->netif->name[0] != 'l') /* there it comes back anyhow */
        flags |= UDP_FLAGS_MULTICAST_LOOP;
    if (socket_switch(&s->inet.base, SO_NO_CHECK))
        flags |= UDP_FLAGS_NOCHKSUM;
    udp->flags = flags;
    uint16_t checksums = way->netif->chksum_flags;
    if (inet_is_udplite(&s->inet)) /* no card knows how */
        way->netif->chksum_flags |= NETIF_CHECKSUM_GEN_UDP;
    stays_whole = way->whole;
    err_t err = udp_sendto_if_src(udp, p, &to->address, to->port, way->netif, &way->source);
    stays_whole = false;
    way->netif->chksum_flags = checksums;
    return inet_error(err);
}

/* ---- raw sockets ---- */

/* An echo request gets the socket's port as identifier, and its checksum. */
static int prepare_ping(const struct datagram_socket *s, struct pbuf *p)
{
    bool v6 = s->inet.base.family == AF_INET6;
    uint8_t *bytes = p->payload;
    if (p->len < ECHO_HEADER || bytes[0] != (v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO) || bytes[1] != 0)
        return -EINVAL;
    uint16_t id = lwip_htons(s->inet.local.port), sum = 0;
    memcpy(bytes + 4, &id, sizeof(id));
    memcpy(bytes + 2, &sum, sizeof(sum));
    sum = v6 ? 0 : inet_chksum_pbuf(p);
    memcpy(bytes + 2, &sum, sizeof(sum));
    return 0;
}

/* The program's own header of IP, but for what the kernel fills in. */
static int prepare_header(struct pbuf *p, const struct way *way)
{
    static uint16_t last_id;
    struct ip_hdr *header = p->payload;
    if (p->len < IP_HLEN || IPH_HL_BYTES(header) < IP_HLEN || IPH_HL_BYTES(header) > p->len)
        return -EINVAL;
    IPH_LEN_SET(header, lwip_htons(p->tot_len));
    if (!header->src.addr)
        ip4_addr_copy(header->src, *ip_2_ip4(&way->source));
    if (!IPH_ID(header))
        IPH_ID_SET(header, lwip_htons(++last_id));
    IPH_CHKSUM_SET(header, 0);
    IPH_CHKSUM_SET(header, inet_chksum(header, IPH_HL_BYTES(header)));
    return 0;
}

static int send_raw(struct datagram_socket *s, struct pbuf *p, const struct endpoint *to,
                    const struct way *way)
{
    struct raw_pcb *raw = s->raw;
    int at = s->inet.options.checksum_at;
    int err = s->ping ? prepare_ping(s, p) : 0;
    if (!err && is_v6(&to->address) && at >= 0 && at + CHECKSUM_BYTES > p->len)
        err = -EINVAL;
    if (!err && s->inet.options.header_included)
        err = prepare_header(p, way);
    if (err)
        return err;
    raw->ttl = way->ttl;
    raw->tos = way->tos;
    raw_set_multicast_ttl(raw, way->ttl);
    raw->flags &= (uint8_t) ~(RAW_FLAGS_MULTICAST_LOOP | RAW_FLAGS_HDRINCL);
    if (way->loops && way->netif->name[0] != 'l')
        raw->flags |= RAW_FLAGS_MULTICAST_LOOP;
    if (s->inet.options.header_included)
        raw->flags |= RAW_FLAGS_HDRINCL;
    raw->chksum_reqd = at >= 0;
    raw->chksum_offset = (uint16_t)(at < 0 ? 0 : at);
    stays_whole = way->whole;
    err_t result = raw_sendto_if_src(raw, p, &to->address, way->netif, &way->source);
    stays_whole = false;
    return inet_error(result);
}

/* ---- all ---- */

static int send_locked(struct datagram_socket *s, const struct socket_message *m, struct pbuf *p,
                       const struct endpoint *to)
{
    struct way way;
    int err = datagram_bind_any(s);
    if (!err)
        err = find_way(s, m, &to->address, &way);
    if (!err)
        err = check_size(s, p, s->udp ? UDP_HLEN : 0, to, &way);
    if (err)
        return err;
    net_whole_packets = way.whole;
    err = s->udp ? send_udp(s, p, to, &way) : send_raw(s, p, to, &way);
    net_whole_packets = false;
    return err;
}

static int find_target(const struct datagram_socket *s, const struct socket_message *m,
                       struct endpoint *to)
{
    bool nameless = m->name && m->name->size >= sizeof(m->name->family) &&
                    m->name->family == AF_UNSPEC && s->udp && s->inet.base.family == AF_INET6;
    if (m->name && m->name->size && !nameless) {
        struct socket_name name = *m->name;
        if (name.size >= sizeof(name.family) && name.family == AF_UNSPEC && !s->ping)
            name.family = AF_INET; /* as IPv4 always took it */
        int err = endpoint_parse(&s->inet, &name, to);
        if (err)
            return err == -ENODEV ? -ENETUNREACH : err;
    } else if (s->inet.has_peer) {
        *to = s->inet.peer;
    } else {
        return -EDESTADDRREQ;
    }
    endpoint_resolve_any(&s->inet, to);
    return to->port == 0 && s->udp ? -EINVAL : 0;
}

static struct pbuf *read_message(const struct datagram_socket *s, struct socket_message *m,
                                 size_t size, int *err)
{
    *err = -ENOBUFS;
    struct pbuf *p = pbuf_alloc(s->udp ? PBUF_TRANSPORT : PBUF_IP, (u16_t)size, PBUF_RAM);
    if (p && iter_read(m->it, p->payload, size) < size) {
        *err = -EFAULT;
        pbuf_free(p);
        return NULL;
    }
    return p;
}

/* Joins p to what is held back. NULL: it is too much, and all of it is gone. */
static struct pbuf *join_corked(struct datagram_socket *s, struct pbuf *p)
{
    struct pbuf *first = s->corked;
    s->corked = NULL;
    if (first->tot_len + p->tot_len > UDP_BYTES_MAX) {
        pbuf_free(first);
        pbuf_free(p);
        return NULL;
    }
    pbuf_cat(first, p);
    return first;
}

/* Sends p, which it takes over, or holds it back. */
static int send_or_hold(struct datagram_socket *s, const struct socket_message *m, struct pbuf *p,
                        struct endpoint *to)
{
    bool more = s->udp && ((m->flags & MSG_MORE) || s->inet.options.cork);
    if (s->corked) {
        *to = s->corked_to;
        p = join_corked(s, p);
        if (!p)
            return -EMSGSIZE;
    }
    if (more) {
        s->corked = p;
        s->corked_to = *to;
        return 0;
    }
    int err = send_locked(s, m, p, to);
    pbuf_free(p);
    return err;
}

static int send_one(struct datagram_socket *s, struct socket_message *m, size_t size,
                    struct endpoint *to)
{
    int err;
    struct pbuf *p = read_message(s, m, size, &err);
    if (!p)
        return err;
    net_lock();
    err = send_or_hold(s, m, p, to);
    net_unlock();
    return err;
}

/* UDP_SEGMENT: one message leaves as many datagrams. */
static int send_segments(struct datagram_socket *s, struct socket_message *m, size_t size,
                         size_t segment, struct endpoint *to)
{
    net_lock();
    const struct netif *netif = datagram_way(&s->inet, &to->address);
    unsigned header = UDP_HLEN + (is_v6(&to->address) ? IP6_HLEN : IP_HLEN);
    bool fits = !netif || segment + header <= netif->mtu;
    net_unlock();
    if (!fits)
        return -EMSGSIZE;
    if (size > segment * SEGMENTS_MAX)
        return -EINVAL;
    int err = 0;
    for (size_t left = size; left > 0 && !err; left -= min_u64(left, segment))
        err = send_one(s, m, min_u64(left, segment), to);
    return err;
}

/* What keeps s from sending: -errno. */
static int check(struct datagram_socket *s, const struct socket_message *m, size_t size)
{
    int err = net_start();
    if (!err)
        err = datagram_bind_early(s);
    if (!err && s->ping && size < ECHO_HEADER)
        err = -EINVAL;
    if (!err && (m->flags & MSG_OOB))
        err = -EOPNOTSUPP;
    return err;
}

int64_t datagram_send(struct socket *base, struct socket_message *m)
{
    struct datagram_socket *s = datagram_of(base);
    size_t size = m->it->left, segment = m->has_segment ? m->segment : s->inet.options.segment;
    struct endpoint to = s->corked_to;
    int err = check(s, m, size);
    if (!err && !s->corked)
        err = find_target(s, m, &to);
    if (!err)
        err = socket_take_error(base);
    if (!err && s->inet.shut_write)
        err = -EPIPE;
    if (!err && size > (is_v6(&to.address) ? UDP6_BYTES_MAX : UDP_BYTES_MAX))
        err = beyond_all(s, &to, size);
    if (err)
        return err;
    if (s->udp && segment && size > segment)
        err = send_segments(s, m, size, segment, &to);
    else
        err = send_one(s, m, size, &to);
    return err ? err : (int64_t)size;
}

void datagram_uncork(struct inet_socket *i)
{
    struct datagram_socket *s = datagram_of(&i->base);
    const struct socket_message none = {0};
    net_lock();
    struct pbuf *p = s->corked;
    s->corked = NULL;
    if (p) {
        (void)send_locked(s, &none, p, &s->corked_to);
        pbuf_free(p);
    }
    net_unlock();
}
