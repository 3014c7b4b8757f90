/*
 * UDP and UDP-Lite, and raw sockets: for those that are allowed to see everything (SOCK_RAW), and
 * for ping (SOCK_DGRAM with ICMP: echo requests whose identifier is the socket's port).
 */
#include <linux/eventpoll.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/raw.h>
#include <lwip/udp.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_udplite.h"
#include "kernel/net/interface.h"
#include "kernel/net/stack_route.h"

#define UDP_BYTES_MAX 65507u
#define CHARGE_BYTES 256u /* of a queued datagram, beside its bytes */
#define ECHO_HEADER 8u
#define ICMP6_ECHO_REQUEST 128u
#define ICMP6_ECHO_REPLY 129u

struct datagram {
    struct list_node node;
    struct pbuf *bytes;
    struct endpoint from;
    struct arrival arrival;
};

struct datagram_socket {
    struct inet_socket inet;
    bool ping;
    struct udp_pcb *udp; /* one of the two */
    struct raw_pcb *raw;
    struct list_node queue; /* struct datagram */
    uint32_t queued;        /* bytes charged */
};

static const struct socket_ops datagram_ops;
struct port_table udp_ports;
static struct port_table ping_ports;

static struct datagram_socket *datagram_of(struct socket *s)
{
    return container_of(s, struct datagram_socket, inet.base);
}

/* In. */

/* What the headers of the datagram that is coming in say: before its bytes are let go of. */
static struct arrival arrival_now(const struct datagram_socket *s)
{
    bool v6 = ip_current_is_v6();
    return (struct arrival){
        .to = {*ip_current_dest_addr(), s->inet.local.port},
        .interface = netif_get_index(ip_current_input_netif()),
        .ttl = v6 ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header()),
        .tos = v6 ? (uint8_t)IP6H_TC(ip6_current_header()) : IPH_TOS(ip4_current_header()),
    };
}

static void enqueue(struct datagram_socket *s, struct pbuf *p, const struct endpoint *from,
                    const struct arrival *arrival)
{
    uint32_t charge = p->tot_len + CHARGE_BYTES;
    struct datagram *d = s->queued + charge <= s->inet.base.receive_room && !s->inet.shut_read
                             ? heap_alloc_flags(sizeof(*d), ALLOC_OBJECT | ALLOC_LOCKED)
                             : NULL;
    if (!d) {
        pbuf_free(p);
        return;
    }
    d->bytes = p;
    d->from = *from;
    d->arrival = *arrival;
    list_add_tail(&s->queue, &d->node);
    s->queued += charge;
    waitq_wake(&s->inet.base.waitq, INET_READABLE);
}

/* A buffer of its own size instead of a card's, which is larger. */
static struct pbuf *shrink(struct pbuf *p)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    pbuf_free(p);
    return copy;
}

static void udp_came(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    struct endpoint sender = {*from, port}; /* may lie in p */
    struct arrival arrival = arrival_now(arg);
    const struct datagram_socket *s = arg;
    (void)pcb;
    bool wanted = !inet_is_udplite(&s->inet) || udplite_wanted(&s->inet.lite, p);
    p = shrink(p);
    if (p && !wanted)
        pbuf_free(p);
    else if (p)
        enqueue(arg, p, &sender, &arrival);
}

/* Whether an ICMP message is an answer to s's echo requests. */
static bool is_answer(const struct datagram_socket *s, const struct pbuf *p, unsigned header)
{
    uint8_t reply = IP_IS_V6_VAL(*ip_current_src_addr()) ? ICMP6_ECHO_REPLY : ICMP_ER;
    if (p->tot_len < header + ECHO_HEADER || pbuf_get_at(p, (u16_t)header) != reply)
        return false;
    unsigned id =
        (unsigned)pbuf_get_at(p, (u16_t)(header + 4)) << 8 | pbuf_get_at(p, (u16_t)(header + 5));
    return id == s->inet.local.port;
}

/* p begins with the IP header. The packet goes on its way: this takes a copy. */
static u8_t raw_came(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    struct datagram_socket *s = arg;
    unsigned header = ip_current_header_tot_len();
    (void)pcb;
    if (s->ping && !is_answer(s, p, header))
        return 0;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    if (!copy)
        return 0;
    if (s->ping || s->inet.base.family == AF_INET6)
        pbuf_remove_header(copy, header);
    struct endpoint sender = {*from, 0};
    struct arrival arrival = arrival_now(s);
    enqueue(s, copy, &sender, &arrival);
    return 0;
}

static struct datagram *first_datagram(struct datagram_socket *s)
{
    spin_lock(&net_spinlock);
    struct datagram *d =
        list_empty(&s->queue) ? NULL : list_entry(s->queue.next, struct datagram, node);
    spin_unlock(&net_spinlock);
    return d;
}

static void drop(struct datagram_socket *s, struct datagram *d)
{
    list_remove(&d->node);
    s->queued -= d->bytes->tot_len + CHARGE_BYTES;
    pbuf_free(d->bytes);
    heap_free(d);
}

static size_t copy_out(const struct datagram *d, struct iter *it)
{
    size_t done = 0;
    for (const struct pbuf *p = d->bytes; p && it->left > 0; p = p->next) {
        size_t part = min_u64(p->len, it->left);
        size_t n = iter_write(it, p->payload, part);
        done += n;
        if (n < part)
            break;
    }
    return done;
}

static int64_t receive_one(struct datagram_socket *s, struct socket_message *m, struct datagram *d)
{
    size_t whole = d->bytes->tot_len, wanted = min_u64(whole, m->it->left);
    int64_t n = (int64_t)copy_out(d, m->it);
    if ((size_t)n < wanted)
        n = -EFAULT;
    if (m->name)
        endpoint_format(&s->inet, &d->from, m->name);
    inet_control_put(&s->inet, &d->arrival, m);
    if (wanted < whole)
        m->result_flags |= MSG_TRUNC;
    if (n >= 0 && (m->flags & MSG_TRUNC))
        n = (int64_t)whole;
    if (!(m->flags & MSG_PEEK)) {
        net_lock();
        drop(s, d);
        net_unlock();
    }
    return n;
}

static int64_t datagram_receive(struct socket *base, struct socket_message *m)
{
    struct datagram_socket *s = datagram_of(base);
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (m->flags & MSG_ERRQUEUE)
        return -EAGAIN;
    mutex_lock(&s->inet.read_lock);
    int64_t n = socket_take_error(base);
    struct datagram *d = n ? NULL : first_datagram(s);
    if (d)
        n = receive_one(s, m, d);
    else if (!n && !s->inet.shut_read)
        n = -EAGAIN;
    mutex_unlock(&s->inet.read_lock);
    return n;
}

/* Out. */

/* Before and after what lwIP does with the list of its sockets. */
static void swap_lists(const struct datagram_socket *s)
{
    if (inet_is_udplite(&s->inet))
        udplite_swap();
}

/* Tells lwIP of the address and port. Who may have them was decided: it refuses nothing. */
static void bind_pcb(struct datagram_socket *s)
{
    ip_addr_t address;
    ip_addr_copy(address, s->inet.local.address);
    if (endpoint_is_any(&s->inet.local)) {
        ip_addr_set_zero(&address);
        IP_SET_TYPE_VAL(address, inet_ip_type(&s->inet));
    }
    swap_lists(s);
    if (s->udp)
        (void)udp_bind(s->udp, &address, s->inet.local.port);
    else
        (void)raw_bind(s->raw, &address);
    swap_lists(s);
}

/* A port, if there is none yet. */
static int bind_any(struct datagram_socket *s)
{
    if (s->inet.bound || s->inet.base.type == SOCK_RAW)
        return 0;
    int err = inet_bind_any(&s->inet);
    if (!err)
        bind_pcb(s);
    return err;
}

static int find_target(const struct datagram_socket *s, const struct socket_message *m,
                       struct endpoint *to)
{
    if (m->name && m->name->size) {
        int err = endpoint_parse(&s->inet, m->name, to);
        if (err)
            return err;
    } else if (s->inet.has_peer) {
        *to = s->inet.peer;
    } else {
        return -EDESTADDRREQ;
    }
    endpoint_resolve_any(&s->inet, to);
    return to->port == 0 && s->udp ? -EINVAL : 0;
}

static bool may_broadcast(const struct datagram_socket *s, const struct endpoint *to)
{
    const struct netif *netif = ip_route(&s->inet.local.address, &to->address);
    return !IP_IS_V4_VAL(to->address) || !netif || !ip_addr_isbroadcast(&to->address, netif) ||
           (s->inet.base.switches >> SO_BROADCAST & 1);
}

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

/* From an address of 127.0.0.0/8, which all are ours, but lwIP knows one. */
static int send_loopback(struct udp_pcb *udp, struct pbuf *p, const struct endpoint *to)
{
    if (!ip_addr_isloopback(&to->address))
        return -EINVAL;
    return inet_error(udp_sendto_if_src(udp, p, &to->address, to->port,
                                        ip_route(&udp->local_ip, &to->address), &udp->local_ip));
}

static int send_locked(struct datagram_socket *s, struct pbuf *p, const struct endpoint *to)
{
    int err = bind_any(s);
    if (err)
        return err;
    if (!may_broadcast(s, to))
        return -EACCES;
    if (!route_leads(&s->inet.local.address, &to->address))
        return -ENETUNREACH;
    if (s->udp && IP_IS_V4_VAL(s->udp->local_ip) && ip_addr_isloopback(&s->udp->local_ip))
        return send_loopback(s->udp, p, to);
    if (inet_is_udplite(&s->inet))
        return udplite_send(s->udp, p, to);
    if (s->udp)
        return inet_error(udp_sendto(s->udp, p, &to->address, to->port));
    err = s->ping ? prepare_ping(s, p) : 0;
    return err ? err : inet_error(raw_sendto(s->raw, p, &to->address));
}

static struct pbuf *read_message(const struct datagram_socket *s, struct socket_message *m,
                                 int *err)
{
    size_t size = m->it->left;
    *err = -ENOBUFS;
    struct pbuf *p = pbuf_alloc(s->udp ? PBUF_TRANSPORT : PBUF_IP, (u16_t)size, PBUF_RAM);
    if (p && iter_read(m->it, p->payload, size) < size) {
        *err = -EFAULT;
        pbuf_free(p);
        return NULL;
    }
    return p;
}

/* Gives lwIP's socket what ours has. */
static void set_of_socket(struct datagram_socket *s)
{
    uint8_t options = SOF_BROADCAST | SOF_REUSEADDR; /* who may is decided here */
    if (s->udp) {
        s->udp->so_options = options;
        s->udp->tos = s->inet.tos;
        s->udp->ttl = s->inet.ttl ? s->inet.ttl : INET_TTL;
        udp_set_multicast_ttl(s->udp, (uint8_t)s->inet.multicast_ttl);
        s->udp->chksum_len_tx = s->inet.lite.coverage;
    } else if (s->raw) {
        s->raw->so_options = options;
        s->raw->tos = s->inet.tos;
        s->raw->ttl = s->inet.ttl ? s->inet.ttl : INET_TTL;
    }
}

/* What the next datagram has for itself. */
static void set_of_message(struct datagram_socket *s, const struct socket_message *m)
{
    uint8_t *ttl = s->udp ? &s->udp->ttl : &s->raw->ttl,
            *tos = s->udp ? &s->udp->tos : &s->raw->tos;
    if (m->has_ttl)
        *ttl = m->ttl;
    if (m->has_tos)
        *tos = m->tos;
}

static int64_t datagram_send(struct socket *base, struct socket_message *m)
{
    struct datagram_socket *s = datagram_of(base);
    size_t size = m->it->left;
    struct endpoint to;
    int err = net_start();
    if (!err && (m->flags & MSG_OOB))
        err = -EOPNOTSUPP;
    if (!err && size > UDP_BYTES_MAX)
        err = -EMSGSIZE;
    if (!err)
        err = socket_take_error(base);
    if (!err)
        err = s->inet.shut_write ? -EPIPE : find_target(s, m, &to);
    if (err)
        return err;
    struct pbuf *p = read_message(s, m, &err);
    if (!p)
        return err;
    net_lock();
    set_of_message(s, m);
    err = send_locked(s, p, &to);
    set_of_socket(s);
    net_unlock();
    pbuf_free(p);
    return err ? err : (int64_t)size;
}

/* Names. */

static int datagram_bind(struct socket *base, const struct socket_name *name)
{
    struct datagram_socket *s = datagram_of(base);
    int err = net_start();
    if (!err && base->type == SOCK_RAW) {
        err = endpoint_parse(&s->inet, name, &s->inet.local);
        s->inet.local.port = 0;
    } else if (!err) {
        err = inet_bind_to(&s->inet, name);
    }
    if (err)
        return err;
    net_lock();
    bind_pcb(s);
    net_unlock();
    if (s->udp && !inet_is_udplite(&s->inet))
        inet_told_listening(&s->inet);
    return 0;
}

static void disconnect(struct datagram_socket *s)
{
    if (s->udp)
        udp_disconnect(s->udp);
    s->inet.has_peer = false;
    inet_unbind(&s->inet);
    if (s->udp && !s->inet.bound)
        s->udp->local_port = 0; /* until it is bound again */
    else
        bind_pcb(s);
}

static int connect_locked(struct datagram_socket *s, const struct endpoint *peer)
{
    int err = bind_any(s);
    if (err)
        return err;
    struct netif *netif = ip_route(&s->inet.local.address, &peer->address);
    if (!netif || !route_leads(&s->inet.local.address, &peer->address))
        return -ENETUNREACH;
    const ip_addr_t *source = ip_netif_get_local_ip(netif, &peer->address);
    if (endpoint_is_any(&s->inet.local) && source)
        ip_addr_copy(s->inet.local.address, *source);
    if (s->udp) {
        bind_pcb(s);
        swap_lists(s);
        err = inet_error(udp_connect(s->udp, &peer->address, peer->port));
        swap_lists(s);
    }
    s->inet.peer = *peer;
    s->inet.has_peer = !err;
    return err;
}

static int datagram_connect(struct socket *base, const struct socket_name *name, bool nonblocking)
{
    struct datagram_socket *s = datagram_of(base);
    struct endpoint peer;
    int err = net_start();
    (void)nonblocking;
    if (err)
        return err;
    bool away = name->size >= sizeof(name->family) && name->family == AF_UNSPEC;
    if (!away)
        err = endpoint_parse(&s->inet, name, &peer);
    if (err)
        return err;
    net_lock();
    if (away) {
        disconnect(s);
    } else {
        endpoint_resolve_any(&s->inet, &peer);
        err = connect_locked(s, &peer);
    }
    net_unlock();
    return err;
}

/* The rest. */

static int not_supported(struct socket *s, int backlog)
{
    (void)s;
    (void)backlog;
    return -EOPNOTSUPP;
}

static int cannot_accept(struct socket *s, struct socket **out)
{
    (void)s;
    (void)out;
    return -EOPNOTSUPP;
}

static int datagram_shutdown(struct socket *base, int how)
{
    struct datagram_socket *s = datagram_of(base);
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (!s->inet.has_peer)
        return -ENOTCONN;
    s->inet.shut_read |= how != SHUT_WR;
    s->inet.shut_write |= how != SHUT_RD;
    waitq_wake(&base->waitq, INET_ALL);
    return 0;
}

static uint32_t datagram_events(struct socket *base)
{
    const struct datagram_socket *s = datagram_of(base);
    uint32_t events = INET_WRITABLE;
    if (!list_empty(&s->queue) || s->inet.shut_read)
        events |= INET_READABLE;
    if (s->inet.shut_read)
        events |= EPOLLRDHUP;
    if (s->inet.shut_read && s->inet.shut_write)
        events |= EPOLLHUP;
    return base->error ? events | EPOLLERR : events;
}

static int datagram_queued(struct socket *base, bool sent)
{
    struct datagram_socket *s = datagram_of(base);
    int bytes = 0;
    spin_lock(&net_spinlock);
    if (!sent && !list_empty(&s->queue))
        bytes = list_entry(s->queue.next, struct datagram, node)->bytes->tot_len;
    spin_unlock(&net_spinlock);
    return bytes;
}

static bool never(struct socket *s)
{
    (void)s;
    return false;
}

static int no_credentials(struct socket *s, struct credentials *out)
{
    (void)s;
    *out = (struct credentials){0, UINT32_MAX, UINT32_MAX};
    return 0;
}

static void datagram_changed(struct socket *base, int option)
{
    (void)option;
    net_lock();
    set_of_socket(datagram_of(base));
    net_unlock();
}

static void datagram_release(struct socket *base)
{
    struct datagram_socket *s = datagram_of(base);
    net_lock();
    swap_lists(s);
    if (s->udp)
        udp_remove(s->udp);
    swap_lists(s);
    if (s->raw)
        raw_remove(s->raw);
    while (!list_empty(&s->queue))
        drop(s, list_entry(s->queue.next, struct datagram, node));
    port_release(&s->inet);
    net_unlock();
    heap_free(s);
}

static const struct socket_ops datagram_ops = {
    .bind = datagram_bind,
    .connect = datagram_connect,
    .listen = not_supported,
    .accept = cannot_accept,
    .send = datagram_send,
    .receive = datagram_receive,
    .shutdown = datagram_shutdown,
    .get_name = inet_get_name,
    .peer_credentials = no_credentials,
    .poll = datagram_events,
    .queued = datagram_queued,
    .listening = never,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
    .changed = datagram_changed,
    .release = datagram_release,
};

static int make_pcb(struct datagram_socket *s, int type, int protocol)
{
    net_lock();
    if (type == SOCK_DGRAM && !s->ping) {
        s->udp = udp_new_ip_type(inet_ip_type(&s->inet));
        if (s->udp)
            udp_recv(s->udp, udp_came, s);
        if (s->udp && protocol == IP_PROTO_UDPLITE)
            udp_setflags(s->udp, UDP_FLAGS_UDPLITE);
    } else {
        uint8_t ip_type = s->inet.base.family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;
        s->raw = raw_new_ip_type(ip_type, (uint8_t)protocol);
        if (s->raw)
            raw_recv(s->raw, raw_came, s);
        if (s->raw && protocol == IP6_NEXTH_ICMP6 && ip_type == IPADDR_TYPE_V6) {
            s->raw->chksum_reqd = 1;
            s->raw->chksum_offset = 2;
        }
    }
    net_unlock();
    return s->udp || s->raw ? 0 : -ENOMEM;
}

int datagram_create(int family, int type, int protocol, struct socket **out)
{
    int err = net_start();
    struct datagram_socket *s =
        err ? NULL : heap_zalloc_flags(sizeof(*s), ALLOC_OBJECT | ALLOC_LOCKED);
    if (!s)
        return -ENOMEM;
    bool lite = protocol == IP_PROTO_UDPLITE;
    s->ping = type == SOCK_DGRAM && protocol != IP_PROTO_UDP && !lite;
    inet_init(&s->inet, &datagram_ops, family, type, protocol,
              s->ping ? &ping_ports
              : lite  ? &udplite_ports
                      : &udp_ports);
    list_init(&s->queue);
    err = make_pcb(s, type, protocol);
    if (err) {
        heap_free(s);
        return err;
    }
    datagram_changed(&s->inet.base, 0);
    *out = &s->inet.base;
    return 0;
}
