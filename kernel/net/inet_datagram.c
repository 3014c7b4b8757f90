/*
 * UDP and UDP-Lite, and raw sockets: for those that are allowed to see everything (SOCK_RAW), and
 * for ping (SOCK_DGRAM with ICMP: echo requests whose identifier is the socket's port).
 */
#include "kernel/net/inet_datagram.h"

#include <linux/eventpoll.h>
#include <lwip/icmp.h>
#include <lwip/ip.h>
#include <lwip/prot/ip4.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_udplite.h"
#include "kernel/net/interface.h"
#include "kernel/net/stack_route.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define CHARGE_BYTES 256u /* of a queued datagram, beside its bytes */
#define ECHO_HEADER 8u
#define ICMP6_ECHO_REPLY 129u
#define ICMP_CHECKSUM_AT 2
#define IPPROTO_RAW_NUMBER 255

struct datagram {
    struct list_node node;
    struct pbuf *bytes;
    struct endpoint from;
    struct arrival arrival;
};

static const struct socket_ops datagram_ops;
struct port_table udp_ports;
static struct port_table ping_ports;

/* GUARDED_BY(net_spinlock). Raw sockets and those of ping. */
static struct list_node raw_sockets = LIST_INIT(raw_sockets);

/* In. */

/* What the headers of the datagram that is coming in say: before its bytes are let go of. */
static void read_arrival(const struct datagram_socket *s, struct arrival *a)
{
    bool v6 = ip_current_is_v6();
    struct netif *netif = ip_current_input_netif();
    a->to = (struct endpoint){*ip_current_dest_addr(), s->inet.local.port};
    a->stamp_ns = s->inet.base.stamps ? (uint64_t)clock_realtime_ns() : 0;
    a->own = netif_ip4_addr(netif)->addr;
    a->interface = netif_get_index(netif);
    a->ttl = v6 ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header());
    a->tos = v6 ? (uint8_t)IP6H_TC(ip6_current_header()) : IPH_TOS(ip4_current_header());
    a->options_size = v6 ? 0 : (uint8_t)(IPH_HL_BYTES(ip4_current_header()) - IP_HLEN);
    if (a->options_size)
        memcpy(a->options, ip4_current_header() + 1, a->options_size);
}

/* Whether s gets what is coming in: of groups that it wants, and from its peer, if it has one. */
static bool is_wanted(const struct datagram_socket *s, const ip_addr_t *from, u16_t port)
{
    const ip_addr_t *to = ip_current_dest_addr();
    if (s->inet.shut_read)
        return false;
    if (s->inet.has_peer &&
        (!ip_addr_cmp(&s->inet.peer.address, from) || (s->udp && s->inet.peer.port != port)))
        return false;
    return !ip_addr_ismulticast(to) ||
           group_wanted(&s->inet, to, from, netif_get_index(ip_current_input_netif()));
}

static bool has_room(struct datagram_socket *s, uint32_t charge)
{
    if (s->queued + charge <= s->inet.base.receive_room)
        return true;
    s->inet.base.lost++;
    return false;
}

/* The headers are those of the datagram that is coming in. */
static void enqueue(struct datagram_socket *s, struct pbuf *p, const struct endpoint *from)
{
    uint32_t charge = p->tot_len + CHARGE_BYTES;
    struct datagram *d =
        has_room(s, charge) ? heap_alloc_flags(sizeof(*d), ALLOC_OBJECT | ALLOC_LOCKED) : NULL;
    if (!d) {
        pbuf_free(p);
        return;
    }
    d->bytes = p;
    d->from = *from;
    read_arrival(s, &d->arrival);
    s->inet.base.cpu = (int)sched_cpu_current();
    list_add_tail(&s->queue, &d->node);
    s->queued += charge;
    waitq_wake(&s->inet.base.waitq, INET_READABLE);
}

/* What is kept is a copy of its own size instead of a card's buffer, which is larger. */
static void udp_came(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    struct datagram_socket *s = arg;
    struct endpoint sender = {*from, port};
    (void)pcb;
    bool wanted = is_wanted(s, from, port) &&
                  (!inet_is_udplite(&s->inet) || udplite_wanted(&s->inet.lite, p));
    struct pbuf *copy = wanted ? pbuf_clone(PBUF_RAW, PBUF_RAM, p) : NULL;
    if (copy)
        enqueue(s, copy, &sender);
    pbuf_free(p); /* it has the headers */
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

/* Whether the filter lets a message of ICMP through. */
static bool passes_filter(const struct datagram_socket *s, const struct pbuf *p, unsigned header)
{
    bool v6 = s->inet.base.family == AF_INET6;
    unsigned type = pbuf_get_at(p, (u16_t)header);
    if (s->inet.base.protocol != (v6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP))
        return true;
    return !(type < (v6 ? 256u : 32u) && (s->filter[type / 32] >> (type % 32) & 1));
}

/* p begins with the IP header. The packet goes on its way: this takes a copy. */
static u8_t raw_came(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    struct datagram_socket *s = arg;
    unsigned header = ip_current_header_tot_len();
    struct endpoint sender = {*from, 0};
    (void)pcb;
    if ((s->ping && !is_answer(s, p, header)) || !passes_filter(s, p, header) ||
        !is_wanted(s, from, 0))
        return 0;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    if (!copy)
        return 0;
    if (s->ping || s->inet.base.family == AF_INET6)
        pbuf_remove_header(copy, header);
    enqueue(s, copy, &sender);
    return 0;
}

/* ---- errors ---- */

static bool sent_it(const struct inet_socket *i, const struct error_report *r,
                    const struct endpoint *from)
{
    if (i->has_peer)
        return ip_addr_cmp(&i->peer.address, &r->to.address) && i->peer.port == r->to.port;
    return endpoint_is_any(&i->local) || ip_addr_cmp(&i->local.address, &from->address);
}

/* The error is told once, or stands in the queue; without that only to who has a peer. */
static void tell_error(struct inet_socket *i, const struct error_report *r)
{
    bool queues = inet_queues_errors(i, &r->to.address);
    if (!queues && (!r->hard || !i->has_peer))
        return;
    if (queues)
        inet_error_queue(i, r);
    i->base.error = r->error;
    waitq_wake(&i->base.waitq, INET_ALL);
}

static void raw_error(const struct error_report *r, unsigned protocol, unsigned payload)
{
    list_for_each(node, &raw_sockets)
    {
        struct datagram_socket *s = list_entry(node, struct datagram_socket, raw_node);
        bool to_peer = !s->inet.has_peer || ip_addr_cmp(&s->inet.peer.address, &r->to.address);
        if ((unsigned)s->inet.base.protocol != protocol || !to_peer)
            continue;
        if (s->ping && (r->packet->tot_len < payload + ECHO_HEADER ||
                        (pbuf_get_at(r->packet, (u16_t)(payload + 4)) << 8 |
                         pbuf_get_at(r->packet, (u16_t)(payload + 5))) != s->inet.local.port))
            continue;
        tell_error(&s->inet, r);
    }
}

void datagram_error(const struct error_report *r, unsigned protocol, unsigned payload,
                    const struct endpoint *from)
{
    struct error_report quoted = *r;
    struct port_table *t = ports_of(protocol);
    struct inet_socket *found = NULL;
    quoted.offset = payload;
    raw_error(&quoted, protocol, payload);
    for (struct inet_socket *i = NULL; t && (i = port_next(t, from->port, i));)
        if (sent_it(i, r, from) && (!found || i->has_peer))
            found = i;
    quoted.offset = payload + UDP_HLEN;
    if (found)
        tell_error(found, &quoted);
}

/* The first one, or that in which the byte stands with which peeking begins. */
static struct datagram *first_datagram(struct datagram_socket *s, uint32_t *skip)
{
    struct datagram *found = NULL;
    spin_lock(&net_spinlock);
    list_for_each(node, &s->queue)
    {
        struct datagram *d = list_entry(node, struct datagram, node);
        if (!*skip || *skip < d->bytes->tot_len) {
            found = d;
            break;
        }
        *skip -= d->bytes->tot_len;
    }
    spin_unlock(&net_spinlock);
    return found;
}

static void drop(struct datagram_socket *s, struct datagram *d)
{
    list_remove(&d->node);
    s->queued -= d->bytes->tot_len + CHARGE_BYTES;
    pbuf_free(d->bytes);
    heap_free(d);
}

static size_t copy_out(const struct datagram *d, size_t skip, struct iter *it)
{
    size_t done = 0;
    const struct pbuf *p = d->bytes;
    for (; p && skip >= p->len; p = p->next)
        skip -= p->len;
    for (; p && it->left > 0; p = p->next, skip = 0) {
        size_t part = min_u64(p->len - skip, it->left);
        size_t n = iter_write(it, (const char *)p->payload + skip, part);
        done += n;
        if (n < part)
            break;
    }
    return done;
}

/* What is told beside the bytes. */
static void put_controls(struct datagram_socket *s, const struct datagram *d,
                         struct socket_message *m)
{
    struct socket *base = &s->inet.base;
    if (m->name)
        endpoint_format(&s->inet, &d->from, m->name);
    if (base->stamps)
        socket_control_stamp(base, m, d->arrival.stamp_ns);
    if (socket_switch(base, SO_RXQ_OVFL) && base->lost)
        socket_control_put(m, SOL_SOCKET, SO_RXQ_OVFL, &base->lost, sizeof(base->lost));
    inet_control_put(&s->inet, &d->arrival, m);
}

static int64_t receive_one(struct datagram_socket *s, struct socket_message *m, struct datagram *d,
                           size_t skip)
{
    size_t whole = d->bytes->tot_len, wanted = min_u64(whole - skip, m->it->left);
    int64_t n = (int64_t)copy_out(d, skip, m->it);
    if ((size_t)n < wanted)
        n = -EFAULT;
    put_controls(s, d, m);
    if (wanted < whole - skip)
        m->result_flags |= MSG_TRUNC;
    if (n >= 0 && (m->flags & MSG_TRUNC))
        n = (int64_t)whole;
    socket_peek_moved(&s->inet.base, m->flags, n);
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
    if ((m->flags & MSG_OOB) && !s->udp)
        return -EOPNOTSUPP;
    if (m->flags & MSG_ERRQUEUE)
        return inet_error_receive(&s->inet, m);
    mutex_lock(&s->inet.read_lock);
    int64_t n = socket_take_error(base);
    uint32_t skip = socket_peek_start(base, m->flags);
    struct datagram *d = n ? NULL : first_datagram(s, &skip);
    if (d)
        n = receive_one(s, m, d, skip);
    else if (!n)
        n = -EAGAIN;
    m->over = s->inet.shut_read;
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

void datagram_bind_pcb(struct datagram_socket *s)
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

int datagram_bind_any(struct datagram_socket *s)
{
    if (s->inet.bound || s->inet.base.type == SOCK_RAW)
        return 0;
    int err = inet_bind_any(&s->inet);
    if (!err)
        datagram_bind_pcb(s);
    return err;
}

int datagram_bind_early(struct datagram_socket *s)
{
    if (s->inet.bound)
        return 0;
    net_lock();
    int err = datagram_bind_any(s);
    net_unlock();
    return err == -EADDRINUSE ? -EAGAIN : err;
}

/* Names. */

static int bind_raw(struct datagram_socket *s, const struct socket_name *name)
{
    struct endpoint wanted;
    int err = endpoint_parse_own(&s->inet, name, &wanted);
    if (err)
        return err;
    net_lock();
    if (!s->inet.options.free_bind && !address_is_own(&s->inet, &wanted.address))
        err = -EADDRNOTAVAIL;
    else
        s->inet.local = (struct endpoint){wanted.address, 0};
    s->inet.chose_address = !err && !endpoint_is_any(&s->inet.local);
    net_unlock();
    return err;
}

static int datagram_bind(struct socket *base, const struct socket_name *name)
{
    struct datagram_socket *s = datagram_of(base);
    int err = net_start();
    if (!err && base->type == SOCK_RAW) {
        err = bind_raw(s, name);
    } else if (!err) {
        err = inet_bind_to(&s->inet, name);
    }
    if (err)
        return err;
    net_lock();
    datagram_bind_pcb(s);
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
        datagram_bind_pcb(s);
}

static int connect_locked(struct datagram_socket *s, const struct endpoint *peer)
{
    int err = datagram_bind_any(s);
    if (err)
        return err;
    struct netif *netif = datagram_way(&s->inet, &peer->address);
    if (!netif || !route_reaches(netif, &peer->address, socket_switch(&s->inet.base, SO_DONTROUTE)))
        return -ENETUNREACH;
    if (IP_IS_V4_VAL(peer->address) && ip_addr_isbroadcast(&peer->address, netif) &&
        !socket_switch(&s->inet.base, SO_BROADCAST))
        return -EACCES;
    const ip_addr_t *source = ip_netif_get_local_ip(netif, &peer->address);
    if (endpoint_is_any(&s->inet.local) && source)
        ip_addr_copy(s->inet.local.address, *source);
    if (s->udp) {
        datagram_bind_pcb(s);
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
    if (!away) {
        err = datagram_bind_early(s);
        if (!err)
            err = endpoint_parse(&s->inet, name, &peer);
    }
    if (err)
        return err == -ENODEV ? -ENETUNREACH : err;
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
    s->inet.shut_read |= how != SHUT_WR;
    s->inet.shut_write |= how != SHUT_RD;
    waitq_wake(&base->waitq, INET_ALL);
    return s->inet.has_peer ? 0 : -ENOTCONN; /* who waits is told all the same */
}

static uint32_t datagram_events(struct socket *base)
{
    const struct datagram_socket *s = datagram_of(base);
    uint32_t events = DATAGRAM_WRITABLE;
    if (!list_empty(&s->queue) || s->inet.shut_read)
        events |= INET_READABLE;
    if (s->inet.shut_read)
        events |= EPOLLRDHUP;
    if (s->inet.shut_read && s->inet.shut_write)
        events |= EPOLLHUP;
    if (!list_empty(&s->inet.errors) && socket_switch(base, SO_SELECT_ERR_QUEUE))
        events |= EPOLLPRI;
    return base->error || !list_empty(&s->inet.errors) ? events | EPOLLERR : events;
}

static int datagram_queued(struct socket *base, bool sent)
{
    struct datagram_socket *s = datagram_of(base);
    int bytes = s->ping ? -ENOTTY : 0;
    spin_lock(&net_spinlock);
    if (!s->ping && !sent && !list_empty(&s->queue))
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
    struct datagram_socket *s = datagram_of(base);
    (void)option;
    net_lock();
    if (s->udp)
        s->udp->netif_idx = inet_bound_interface(&s->inet);
    if (s->udp)
        s->udp->chksum_len_tx = s->inet.lite.coverage;
    if (s->raw)
        s->raw->netif_idx = inet_bound_interface(&s->inet);
    net_unlock();
    if (s->corked && !s->inet.options.cork)
        datagram_uncork(&s->inet);
}

unsigned datagram_count_raw(int family)
{
    unsigned count = 0;
    list_for_each(node, &raw_sockets) count +=
        list_entry(node, struct datagram_socket, raw_node)->inet.base.family == family;
    return count;
}

void *datagram_filter(struct inet_socket *i)
{
    return datagram_of(&i->base)->filter;
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
    while (!list_empty(&s->queue)) {
        drop(s, list_entry(s->queue.next, struct datagram, node));
        net_cond_resched();
    }
    if (s->corked)
        pbuf_free(s->corked);
    group_leave_all(&s->inet);
    inet_error_drop_all(&s->inet);
    list_remove(&s->raw_node);
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
        if (s->raw)
            list_add_tail(&raw_sockets, &s->raw_node);
        if (protocol == IP6_NEXTH_ICMP6 && ip_type == IPADDR_TYPE_V6)
            s->inet.options.checksum_at = ICMP_CHECKSUM_AT;
    }
    if (s->udp)
        s->udp->so_options = SOF_BROADCAST | SOF_REUSEADDR; /* who may is decided here */
    if (s->raw)
        s->raw->so_options = SOF_BROADCAST;
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
    s->inet.base.peeks = type == SOCK_DGRAM && !s->ping;
    if (!s->inet.base.peeks) /* they have no ports of their own */
        s->inet.base.switches |= 1ul << SO_REUSEADDR;
    s->inet.options.only6 = s->ping && family == AF_INET6;
    list_init(&s->queue);
    list_init(&s->raw_node);
    s->inet.options.header_included = type == SOCK_RAW && protocol == IPPROTO_RAW_NUMBER;
    err = make_pcb(s, type, protocol);
    if (err) {
        heap_free(s);
        return err;
    }
    *out = &s->inet.base;
    return 0;
}
