/*
 * AF_NETLINK, NETLINK_ROUTE, as far as programs ask what there is (getifaddrs, if_nameindex, the
 * resolver, Go's net package): dumps of links, addresses and routes. A dump is written when it is
 * asked for, into a queue of messages; nothing is announced later.
 */
#include "kernel/net/netlink.h"

#include <linux/eventpoll.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "kernel/base/errno.h"
#include "kernel/base/list.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/interface.h"
#include "kernel/proc/task.h"
#include "kernel/sync/mutex.h"

#define ROUTER_MEDIUM 0 /* ICMPV6_ROUTER_PREF_MEDIUM */
#define SOL_NETLINK 270
#define REQUEST_BYTES 1024u
#define ANSWER_BYTES 8192u /* more than all interfaces' addresses take */
#define HARDWARE_ETHERNET 1u
#define HARDWARE_LOOPBACK 772u
#define LINK_UP 0x1u
#define LINK_BROADCAST 0x2u
#define LINK_LOOPBACK 0x8u
#define LINK_RUNNING 0x40u
#define LINK_MULTICAST 0x1000u
#define LINK_LOWER_UP 0x10000u
#define OPERATIONAL_UNKNOWN 0u
#define OPERATIONAL_UP 6u
#define QUEUE_LENGTH 1000u
#define QUEUEING "noqueue"

/* One answer: what a read gets, whole. */
struct answer {
    struct list_node node;
    uint32_t size;
    char bytes[];
};

struct netlink_socket {
    struct socket base;
    struct list_node all;
    struct mutex lock; /* guards the rest */
    struct list_node queue;
    uint32_t port, groups; /* port 0: not bound yet */
    bool groups_used;      /* there was a membership */
    uint32_t options;      /* bit n: NETLINK_... n is on */
};

static struct list_node sockets = LIST_INIT(sockets); /* under the kernel lock */

const unsigned netlink_socket_size = sizeof(struct netlink_socket);

static const struct socket_ops netlink_ops;

static struct netlink_socket *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_socket, base);
}

/* Writing messages: into a buffer that is large enough, or an error shows at the end. */

struct writer {
    char *bytes;
    uint32_t size, room;
    uint32_t message; /* where the current one begins */
    const struct nlmsghdr *request;
    uint32_t port;
    bool full;
};

static void *reserve(struct writer *w, uint32_t size)
{
    uint32_t whole = (uint32_t)align_up(size, NLMSG_ALIGNTO);
    if (w->room - w->size < whole) {
        w->full = true;
        return NULL;
    }
    void *at = w->bytes + w->size;
    memset(at, 0, whole);
    w->size += whole;
    return at;
}

static void put(struct writer *w, const void *data, uint32_t size)
{
    void *at = reserve(w, size);
    if (at)
        memcpy(at, data, size);
}

static void begin(struct writer *w, uint16_t type, const void *body, uint32_t size)
{
    struct nlmsghdr head = {.nlmsg_type = type,
                            .nlmsg_flags = NLM_F_MULTI,
                            .nlmsg_seq = w->request->nlmsg_seq,
                            .nlmsg_pid = w->port};
    w->message = w->size;
    put(w, &head, sizeof(head));
    put(w, body, size);
}

static void end(struct writer *w)
{
    struct nlmsghdr head;
    if (w->full)
        return;
    memcpy(&head, w->bytes + w->message, sizeof(head));
    head.nlmsg_len = w->size - w->message;
    memcpy(w->bytes + w->message, &head, sizeof(head));
}

static void attribute(struct writer *w, uint16_t type, const void *data, uint32_t size)
{
    struct rtattr head = {.rta_len = (uint16_t)(sizeof(head) + size), .rta_type = type};
    put(w, &head, sizeof(head));
    if (size)
        put(w, data, size);
}

static void attribute_u32(struct writer *w, uint16_t type, uint32_t value)
{
    attribute(w, type, &value, sizeof(value));
}

static void attribute_u8(struct writer *w, uint16_t type, uint8_t value)
{
    attribute(w, type, &value, sizeof(value));
}

static uint8_t prefix_of(uint32_t netmask)
{
    uint32_t hosts = ~__builtin_bswap32(netmask);
    return hosts ? (uint8_t)__builtin_clz(hosts) : 32;
}

/* What there is. */

static void put_counts(struct writer *w, const struct interface_info *i)
{
    struct rtnl_link_stats64 counts = {.rx_packets = i->received_packets,
                                       .tx_packets = i->sent_packets,
                                       .rx_bytes = i->received_bytes,
                                       .tx_bytes = i->sent_bytes,
                                       .rx_dropped = i->received_lost,
                                       .tx_dropped = i->sent_lost};
    attribute(w, IFLA_STATS64, &counts, sizeof(counts));
}

static void put_link(struct writer *w, const struct interface_info *i)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nobody[6];
    struct ifinfomsg body = {.ifi_type = i->loopback ? HARDWARE_LOOPBACK : HARDWARE_ETHERNET,
                             .ifi_index = (int)i->index,
                             .ifi_flags =
                                 (i->loopback ? LINK_LOOPBACK : LINK_BROADCAST | LINK_MULTICAST) |
                                 (i->up ? LINK_UP | LINK_RUNNING | LINK_LOWER_UP : 0)};
    begin(w, RTM_NEWLINK, &body, sizeof(body));
    attribute(w, IFLA_IFNAME, i->name, (uint32_t)strlen(i->name) + 1);
    attribute_u32(w, IFLA_TXQLEN, QUEUE_LENGTH);
    attribute_u8(w, IFLA_OPERSTATE, i->loopback ? OPERATIONAL_UNKNOWN : OPERATIONAL_UP);
    attribute_u32(w, IFLA_MTU, i->mtu);
    attribute_u32(w, IFLA_GROUP, 0);
    attribute(w, IFLA_QDISC, QUEUEING, sizeof(QUEUEING));
    attribute(w, IFLA_ADDRESS, i->hardware_address, sizeof(i->hardware_address));
    attribute(w, IFLA_BROADCAST, i->loopback ? nobody : everybody, sizeof(everybody));
    put_counts(w, i);
    end(w);
}

/* Of an address: for ever. */
static void put_lifetime(struct writer *w)
{
    const struct ifa_cacheinfo info = {.ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX};
    attribute_u32(w, IFA_FLAGS, IFA_F_PERMANENT);
    attribute(w, IFA_CACHEINFO, &info, sizeof(info));
}

static void put_address(struct writer *w, const struct interface_info *i)
{
    struct ifaddrmsg body = {.ifa_family = AF_INET,
                             .ifa_prefixlen = prefix_of(i->netmask),
                             .ifa_flags = IFA_F_PERMANENT,
                             .ifa_scope = i->loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
                             .ifa_index = i->index};
    if (!i->address)
        return;
    begin(w, RTM_NEWADDR, &body, sizeof(body));
    attribute_u32(w, IFA_ADDRESS, i->address);
    attribute_u32(w, IFA_LOCAL, i->address);
    if (i->broadcast)
        attribute_u32(w, IFA_BROADCAST, i->broadcast);
    attribute(w, IFA_LABEL, i->name, (uint32_t)strlen(i->name) + 1);
    put_lifetime(w);
    end(w);
}

static uint8_t scope_of(const uint8_t address[16], bool loopback)
{
    bool link = address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
    return loopback ? RT_SCOPE_HOST : link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static void put_addresses6(struct writer *w, const struct interface_info *i)
{
    for (unsigned n = 0; n < i->address6_count; n++) {
        struct ifaddrmsg body = {.ifa_family = AF_INET6,
                                 .ifa_prefixlen = i->address6[n].prefix,
                                 .ifa_flags = IFA_F_PERMANENT,
                                 .ifa_scope = scope_of(i->address6[n].address, i->loopback),
                                 .ifa_index = i->index};
        begin(w, RTM_NEWADDR, &body, sizeof(body));
        attribute(w, IFA_ADDRESS, i->address6[n].address, sizeof(i->address6[n].address));
        put_lifetime(w);
        end(w);
    }
}

static void put_route(struct writer *w, const struct interface_info *i, uint32_t to, uint8_t prefix,
                      uint32_t gateway)
{
    struct rtmsg body = {.rtm_family = AF_INET,
                         .rtm_dst_len = prefix,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_BOOT,
                         .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                         .rtm_type = RTN_UNICAST};
    begin(w, RTM_NEWROUTE, &body, sizeof(body));
    attribute_u32(w, RTA_TABLE, RT_TABLE_MAIN);
    if (prefix)
        attribute_u32(w, RTA_DST, to);
    if (gateway)
        attribute_u32(w, RTA_GATEWAY, gateway);
    else
        attribute_u32(w, RTA_PREFSRC, i->address);
    attribute_u32(w, RTA_OIF, i->index);
    end(w);
}

static void put_routes(struct writer *w, const struct interface_info *i)
{
    if (i->loopback || !i->address)
        return;
    if (i->gateway)
        put_route(w, i, 0, 0, i->gateway);
    put_route(w, i, i->address & i->netmask, prefix_of(i->netmask), 0);
}

static void put_routes6(struct writer *w, const struct interface_info *i)
{
    struct interface_route6 routes[INTERFACE_ADDRESSES + 1];
    unsigned count = interface_routes6(i, routes);
    for (const struct interface_route6 *r = routes; r < routes + count; r++) {
        struct rtmsg body = {.rtm_family = AF_INET6,
                             .rtm_dst_len = r->prefix,
                             .rtm_table = RT_TABLE_MAIN,
                             .rtm_protocol = r->prefix ? RTPROT_KERNEL : RTPROT_BOOT,
                             .rtm_scope = RT_SCOPE_UNIVERSE,
                             .rtm_type = RTN_UNICAST};
        begin(w, RTM_NEWROUTE, &body, sizeof(body));
        attribute_u32(w, RTA_TABLE, RT_TABLE_MAIN);
        if (r->prefix)
            attribute(w, RTA_DST, r->to, sizeof(r->to));
        else
            attribute(w, RTA_GATEWAY, r->gateway, sizeof(r->gateway));
        attribute_u32(w, RTA_OIF, i->index);
        attribute_u32(w, RTA_PRIORITY, r->metric);
        attribute_u8(w, RTA_PREF, ROUTER_MEDIUM);
        end(w);
    }
}

static void put_neighbors(struct writer *w, uint8_t family)
{
    struct interface_neighbor n;
    for (unsigned at = 0; interface_neighbor(&at, &n);) {
        struct ndmsg body = {.ndm_family = n.v6 ? AF_INET6 : AF_INET,
                             .ndm_ifindex = (int)n.index,
                             .ndm_state = NUD_REACHABLE,
                             .ndm_type = RTN_UNICAST};
        if (family && family != body.ndm_family)
            continue;
        begin(w, RTM_NEWNEIGH, &body, sizeof(body));
        attribute(w, NDA_DST, n.address, n.v6 ? sizeof(n.address) : sizeof(uint32_t));
        attribute(w, NDA_LLADDR, n.hardware, sizeof(n.hardware));
        end(w);
    }
}

/* family 0: all. */
static void put_all(struct writer *w, uint16_t type, uint8_t family)
{
    struct interface_info i;
    if (type == RTM_GETNEIGH)
        put_neighbors(w, family);
    for (unsigned index = 1; interface_next(index, &i); index = i.index + 1) {
        if (type == RTM_GETLINK)
            put_link(w, &i);
        if (type == RTM_GETADDR && family != AF_INET6)
            put_address(w, &i);
        if (type == RTM_GETADDR && family != AF_INET)
            put_addresses6(w, &i);
        if (type == RTM_GETROUTE && family != AF_INET6)
            put_routes(w, &i);
        if (type == RTM_GETROUTE && family != AF_INET)
            put_routes6(w, &i);
    }
}

/* Answering. */

static struct answer *answer_alloc(void)
{
    struct answer *a = heap_alloc_object(sizeof(*a) + ANSWER_BYTES);
    if (a)
        a->size = 0;
    return a;
}

static void enqueue(struct netlink_socket *s, struct answer *a, uint32_t size)
{
    a->size = size;
    list_add_tail(&s->queue, &a->node);
}

/* Queues the last message of a dump, or an error. */
static int put_last(struct netlink_socket *s, const struct nlmsghdr *request, uint16_t type,
                    int err)
{
    struct answer *a = answer_alloc();
    if (!a)
        return -ENOBUFS;
    struct writer w = {
        .bytes = a->bytes, .room = ANSWER_BYTES, .request = request, .port = s->port};
    begin(&w, type, &err, sizeof(err));
    if (type == NLMSG_ERROR) {
        put(&w, request, sizeof(*request));
        struct nlmsghdr *head = (struct nlmsghdr *)a->bytes;
        head->nlmsg_flags = 0;
    }
    end(&w);
    enqueue(s, a, w.size);
    return 0;
}

static int dump(struct netlink_socket *s, const struct nlmsghdr *request, uint8_t family)
{
    struct answer *a = answer_alloc();
    if (!a)
        return -ENOBUFS;
    struct writer w = {
        .bytes = a->bytes, .room = ANSWER_BYTES, .request = request, .port = s->port};
    put_all(&w, request->nlmsg_type, family);
    if (w.size)
        enqueue(s, a, w.size);
    else
        heap_free(a);
    return put_last(s, request, NLMSG_DONE, 0);
}

/* One link, by its index. */
static int get_link(struct netlink_socket *s, const struct nlmsghdr *request, const char *body,
                    uint32_t size)
{
    struct ifinfomsg wanted;
    struct interface_info i;
    if (size < sizeof(wanted))
        return put_last(s, request, NLMSG_ERROR, -EINVAL);
    memcpy(&wanted, body, sizeof(wanted));
    unsigned index = (unsigned)wanted.ifi_index;
    if (wanted.ifi_index <= 0 || !interface_next(index, &i) || i.index != index)
        return put_last(s, request, NLMSG_ERROR, -ENODEV);
    struct answer *a = answer_alloc();
    if (!a)
        return -ENOBUFS;
    struct writer w = {
        .bytes = a->bytes, .room = ANSWER_BYTES, .request = request, .port = s->port};
    put_link(&w, &i);
    ((struct nlmsghdr *)a->bytes)->nlmsg_flags = 0;
    enqueue(s, a, w.size);
    return 0;
}

/* Requests come in fours: new, delete, get, set. */
static bool is_get(unsigned type)
{
    return (type - RTM_BASE) % 4 == 2;
}

static int serve(struct netlink_socket *s, const struct nlmsghdr *request, const char *body,
                 uint32_t size)
{
    bool all = (request->nlmsg_flags & NLM_F_DUMP) != 0;
    switch (request->nlmsg_type) {
    case RTM_GETLINK:
        if (!all)
            return get_link(s, request, body, size);
        return dump(s, request, 0);
    case RTM_GETADDR:
    case RTM_GETROUTE:
    case RTM_GETNEIGH:
        return all ? dump(s, request, size ? (uint8_t)body[0] : 0)
                   : put_last(s, request, NLMSG_ERROR, -EOPNOTSUPP);
    default:
        /* Nothing is changed from here, and of nothing else is there anything to tell. */
        return put_last(s, request, NLMSG_ERROR,
                        is_get(request->nlmsg_type) ? -EOPNOTSUPP : -EPERM);
    }
}

/* The requests of one message. */
static int serve_all(struct netlink_socket *s, const char *bytes, uint32_t size)
{
    struct nlmsghdr head;
    int err = 0;
    while (!err && size >= sizeof(head)) {
        memcpy(&head, bytes, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size)
            break;
        if ((head.nlmsg_flags & NLM_F_REQUEST) && head.nlmsg_type >= NLMSG_MIN_TYPE)
            err = serve(s, &head, bytes + sizeof(head), head.nlmsg_len - (uint32_t)sizeof(head));
        uint32_t step = (uint32_t)min_u64(align_up(head.nlmsg_len, NLMSG_ALIGNTO), size);
        bytes += step;
        size -= step;
    }
    return err;
}

/* The socket. */

static bool is_taken(uint32_t port)
{
    list_for_each(node, &sockets) if (list_entry(node, struct netlink_socket, all)->port ==
                                      port) return true;
    return false;
}

/* Binds s, if it isn't: the first of the process by its number, others by some other. */
static void choose_port(struct netlink_socket *s)
{
    static uint32_t last = (uint32_t)-4096;
    if (s->port)
        return;
    uint32_t port = PROC_PID;
    while (is_taken(port))
        port = --last > INT32_MAX ? last : (last = (uint32_t)-4096);
    s->port = port;
}

static bool is_name(const struct socket_name *name)
{
    return name->size >= sizeof(struct sockaddr_nl) && name->family == AF_NETLINK;
}

static int64_t netlink_send(struct socket *base, struct socket_message *m)
{
    struct netlink_socket *s = netlink_of(base);
    char request[REQUEST_BYTES];
    size_t size = m->it->left;
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (size == 0)
        return -ENODATA;
    if (m->name && m->name->size && !is_name(m->name))
        return -EINVAL;
    if (size > sizeof(request))
        return -EMSGSIZE;
    if (iter_read(m->it, request, size) < size)
        return -EFAULT;
    mutex_lock(&s->lock);
    choose_port(s);
    int err = serve_all(s, request, (uint32_t)size);
    mutex_unlock(&s->lock);
    waitq_wake(&base->waitq, EPOLLIN | EPOLLRDNORM);
    return err ? err : (int64_t)size;
}

static void put_name(struct socket_name *name, uint32_t port, uint32_t groups)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
    memcpy(name->bytes, &nl, sizeof(nl));
    name->size = sizeof(nl);
}

static int64_t take(struct netlink_socket *s, struct socket_message *m)
{
    struct answer *a = list_entry(s->queue.next, struct answer, node);
    size_t part = min_u64(a->size, m->it->left);
    if (iter_write(m->it, a->bytes, part) < part)
        return -EFAULT;
    int64_t n = m->flags & MSG_TRUNC ? (int64_t)a->size : (int64_t)part;
    if (part < a->size)
        m->result_flags |= MSG_TRUNC;
    if (m->name)
        put_name(m->name, 0, 0);
    if (!(m->flags & MSG_PEEK)) {
        list_remove(&a->node);
        heap_free(a);
    }
    return n;
}

static int64_t netlink_receive(struct socket *base, struct socket_message *m)
{
    struct netlink_socket *s = netlink_of(base);
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    mutex_lock(&s->lock);
    int64_t n = list_empty(&s->queue) ? -EAGAIN : take(s, m);
    mutex_unlock(&s->lock);
    return n;
}

static int netlink_bind(struct socket *base, const struct socket_name *name)
{
    struct netlink_socket *s = netlink_of(base);
    struct sockaddr_nl nl;
    if (!is_name(name))
        return -EINVAL;
    memcpy(&nl, name->bytes, sizeof(nl));
    if (s->port && nl.nl_pid != s->port)
        return -EINVAL;
    if (!s->port && nl.nl_pid && is_taken(nl.nl_pid))
        return -EADDRINUSE;
    if (nl.nl_pid)
        s->port = nl.nl_pid;
    choose_port(s);
    s->groups = nl.nl_groups;
    return 0;
}

static int netlink_connect(struct socket *base, const struct socket_name *name, bool nonblocking)
{
    (void)nonblocking;
    if (name->size >= sizeof(name->family) && name->family == AF_UNSPEC)
        return 0;
    if (!is_name(name))
        return -EINVAL;
    choose_port(netlink_of(base));
    return 0;
}

static int netlink_get_name(struct socket *base, enum socket_end end, struct socket_name *name)
{
    const struct netlink_socket *s = netlink_of(base);
    if (end == SOCKET_SELF)
        put_name(name, s->port, s->groups);
    else
        put_name(name, 0, 0);
    return 0;
}

static uint32_t netlink_poll(struct socket *base)
{
    bool any = !list_empty(&netlink_of(base)->queue);
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (any ? EPOLLIN | EPOLLRDNORM : 0);
}

/* As of a socket that has no such ioctl. */
static int netlink_queued(struct socket *base, bool sent)
{
    (void)base;
    (void)sent;
    return -ENOTTY;
}

static int no_listen(struct socket *s, int backlog)
{
    (void)s;
    (void)backlog;
    return -EOPNOTSUPP;
}

static int no_accept(struct socket *s, struct socket **out)
{
    (void)s;
    (void)out;
    return -EOPNOTSUPP;
}

static int no_shutdown(struct socket *s, int how)
{
    (void)s;
    (void)how;
    return -EOPNOTSUPP;
}

static int no_credentials(struct socket *s, struct credentials *out)
{
    (void)s;
    *out = (struct credentials){0, UINT32_MAX, UINT32_MAX};
    return 0;
}

static bool never(struct socket *s)
{
    (void)s;
    return false;
}

/* Of these there is something, or nothing that could be told: messages that are announced to groups
 * are of changes, which there are none of. */
static bool is_option(int option)
{
    return option == NETLINK_PKTINFO || option == NETLINK_BROADCAST_ERROR ||
           option == NETLINK_NO_ENOBUFS || option == NETLINK_LISTEN_ALL_NSID ||
           option == NETLINK_CAP_ACK || option == NETLINK_EXT_ACK ||
           option == NETLINK_GET_STRICT_CHK;
}

static int netlink_set_option(struct socket *base, int level, int option, struct uptr value,
                              unsigned size)
{
    struct netlink_socket *s = netlink_of(base);
    bool member = option == NETLINK_ADD_MEMBERSHIP || option == NETLINK_DROP_MEMBERSHIP;
    int number = 0;
    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    int err = size >= sizeof(number) ? socket_option_number(value, size, &number) : 0;
    if (err)
        return err;
    if (!member && !is_option(option))
        return -ENOPROTOOPT;
    if (member && (number < 1 || number > RTNLGRP_MAX))
        return -EINVAL;
    uint32_t *bits = member ? &s->groups : &s->options;
    unsigned bit = member ? (unsigned)number - 1 : (unsigned)option;
    bool on = member ? option == NETLINK_ADD_MEMBERSHIP : number != 0;
    s->groups_used |= member;
    if (bit < 32)
        *bits = on ? *bits | 1u << bit : *bits & ~(1u << bit);
    return 0;
}

static int netlink_get_option(struct socket *base, int level, int option, struct uptr value,
                              struct uptr size)
{
    const struct netlink_socket *s = netlink_of(base);
    int room, number = is_option(option) ? (int)(s->options >> option & 1) : 0;
    if (level != SOL_NETLINK || (!is_option(option) && option != NETLINK_LIST_MEMBERSHIPS))
        return -ENOPROTOOPT;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (option == NETLINK_LIST_MEMBERSHIPS)
        return socket_option_put(&s->groups, s->groups_used ? sizeof(s->groups) : 0, value, size);
    return room < (int)sizeof(number) ? -EINVAL
                                      : socket_option_put(&number, sizeof(number), value, size);
}

static void netlink_release(struct socket *base)
{
    struct netlink_socket *s = netlink_of(base);
    while (!list_empty(&s->queue)) {
        struct answer *a = list_entry(s->queue.next, struct answer, node);
        list_remove(&a->node);
        heap_free(a);
    }
    list_remove(&s->all);
    heap_free(s);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .listen = no_listen,
    .accept = no_accept,
    .send = netlink_send,
    .receive = netlink_receive,
    .shutdown = no_shutdown,
    .get_name = netlink_get_name,
    .peer_credentials = no_credentials,
    .poll = netlink_poll,
    .queued = netlink_queued,
    .listening = never,
    .set_option = netlink_set_option,
    .get_option = netlink_get_option,
    .release = netlink_release,
};

int netlink_create(int type, int protocol, struct socket **out)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE)
        return -EPROTONOSUPPORT;
    struct netlink_socket *s = heap_zalloc_object(sizeof(*s));
    if (!s)
        return -ENOMEM;
    socket_init(&s->base, &netlink_ops, AF_NETLINK, type);
    mutex_init(&s->lock, RANK_SOCKET);
    list_init(&s->queue);
    list_add_tail(&sockets, &s->all);
    *out = &s->base;
    return 0;
}

/* Notices. */

struct netlink_notice {
    struct file *file; /* the socket's */
    struct answer *answer;
};

int netlink_notice_make(struct file *f, const void *bytes, uint32_t size,
                        struct netlink_notice **out)
{
    const struct socket *socket = socket_of(f);
    if (!socket)
        return -ENOTSOCK;
    if (socket->ops != &netlink_ops)
        return -EINVAL;
    struct netlink_notice *n = heap_alloc_object(sizeof(*n));
    struct answer *a = heap_alloc_object(sizeof(*a) + size);
    if (!n || !a) {
        heap_free(n);
        heap_free(a);
        return -ENOMEM;
    }
    a->size = size;
    memcpy(a->bytes, bytes, size);
    *n = (struct netlink_notice){file_get(f), a};
    *out = n;
    return 0;
}

char *netlink_notice_bytes(struct netlink_notice *n)
{
    return n->answer->bytes;
}

void netlink_notice_send(struct netlink_notice *n)
{
    struct netlink_socket *s = netlink_of(socket_of(n->file));
    mutex_lock(&s->lock);
    enqueue(s, n->answer, n->answer->size);
    mutex_unlock(&s->lock);
    waitq_wake(&s->base.waitq, EPOLLIN | EPOLLRDNORM);
    file_put(n->file);
    heap_free(n);
}

void netlink_notice_drop(struct netlink_notice *n)
{
    if (!n)
        return;
    file_put(n->file);
    heap_free(n->answer);
    heap_free(n);
}
