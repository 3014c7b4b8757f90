/*
 * Who has which port. Linux's rules: a port may be taken twice if the addresses differ, if both
 * sockets have SO_REUSEADDR (TCP: and neither listens), or if both have SO_REUSEPORT.
 */
#include <asm/socket.h>
#include <lwip/netif.h>

#include "kernel/base/errno.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"

#define FREE_FIRST 32768u /* as /proc/sys/net/ipv4/ip_local_port_range says */
#define FREE_END 61000u

static struct list_node *bucket_of(struct port_table *t, uint16_t port)
{
    struct list_node *bucket = &t->buckets[port % ARRAY_SIZE(t->buckets)];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

struct port_table *ports_of(unsigned protocol)
{
    switch (protocol) {
    case IP_PROTO_TCP:
        return &tcp_ports;
    case IP_PROTO_UDP:
        return &udp_ports;
    case IP_PROTO_UDPLITE:
        return &udplite_ports;
    default:
        return NULL;
    }
}

struct inet_socket *port_next(struct port_table *t, uint16_t port, struct inet_socket *i)
{
    struct list_node *bucket = bucket_of(t, port);
    struct list_node *node = i ? i->port_node.next : bucket->next;
    for (; node != bucket; node = node->next) {
        struct inet_socket *at = list_entry(node, struct inet_socket, port_node);
        if (at->local.port == port)
            return at;
    }
    return NULL;
}

static bool has_switch(const struct inet_socket *i, int option)
{
    return socket_switch(&i->base, option);
}

static bool takes4(const struct inet_socket *i)
{
    return i->base.family == AF_INET || !i->options.only6;
}

/* Whether both could get the same packet. */
static bool overlap(const struct inet_socket *a, const struct inet_socket *b)
{
    bool any_a = endpoint_is_any(&a->local), any_b = endpoint_is_any(&b->local);
    bool v6_a = a->base.family != AF_INET && !IP_IS_V4_VAL(a->local.address);
    bool v6_b = b->base.family != AF_INET && !IP_IS_V4_VAL(b->local.address);
    if (v6_a == v6_b)
        return any_a || any_b || ip_addr_cmp(&a->local.address, &b->local.address);
    /* One of each version: they meet where the IPv6 one is any and takes IPv4, too. */
    return v6_a ? any_a && takes4(a) : any_b && takes4(b);
}

static bool listens(const struct inet_socket *i)
{
    return i->base.ops->listening((struct socket *)(uintptr_t)&i->base);
}

static bool conflict(const struct inet_socket *a, const struct inet_socket *b)
{
    bool apart = a->base.interface && b->base.interface && a->base.interface != b->base.interface;
    if (a == b || apart || !overlap(a, b))
        return false;
    if (has_switch(a, SO_REUSEPORT) && has_switch(b, SO_REUSEPORT))
        return false;
    bool both = has_switch(a, SO_REUSEADDR) && has_switch(b, SO_REUSEADDR);
    return !both || listens(a) || listens(b);
}

static bool is_free(struct inet_socket *i, uint16_t port)
{
    for (struct inet_socket *at = NULL; (at = port_next(i->ports, port, at));)
        if (conflict(i, at))
            return false;
    return has_switch(i, SO_REUSEADDR) || !i->ports->lingers || !i->ports->lingers(port);
}

/* Nobody has it at all. */
static bool is_unused(struct inet_socket *i, uint16_t port)
{
    return !port_next(i->ports, port, NULL) && is_free(i, port);
}

static uint16_t find_free(struct inet_socket *i)
{
    uint32_t count = FREE_END - FREE_FIRST, start = (uint32_t)random_u64() % count;
    for (uint32_t n = 0; n < count; n++) {
        uint16_t port = (uint16_t)(FREE_FIRST + (start + n) % count);
        if (is_unused(i, port))
            return port;
    }
    return 0;
}

void port_share(struct inet_socket *i)
{
    list_add_tail(bucket_of(i->ports, i->local.port), &i->port_node);
    i->bound = true;
}

int port_take(struct inet_socket *i)
{
    if (i->local.port == 0)
        i->local.port = find_free(i);
    else if (!is_free(i, i->local.port))
        return -EADDRINUSE;
    if (i->local.port == 0)
        return -EADDRINUSE;
    port_share(i);
    return 0;
}

void port_release(struct inet_socket *i)
{
    if (i->bound)
        list_remove(&i->port_node);
    i->bound = false;
}

bool port_may_listen(const struct inet_socket *i, bool (*is_listener)(const struct inet_socket *))
{
    for (struct inet_socket *at = NULL; (at = port_next(i->ports, i->local.port, at));) {
        bool shared = has_switch(i, SO_REUSEPORT) && has_switch(at, SO_REUSEPORT);
        if (at != i && is_listener(at) && overlap(i, at) && !shared)
            return false;
    }
    return true;
}

bool address_is_own(const struct inet_socket *i, const ip_addr_t *address)
{
    const struct netif *netif;
    (void)i;
    if (ip_addr_isany(address) || ip_addr_ismulticast(address))
        return true;
    if (IP_IS_V4(address) && ip4_addr_isloopback(ip_2_ip4(address)))
        return true;
    NETIF_FOREACH(netif)
    {
        if (IP_IS_V4(address) && ip4_addr_cmp(netif_ip4_addr(netif), ip_2_ip4(address)))
            return true;
        if (IP_IS_V6(address) &&
            netif_get_ip6_addr_match((struct netif *)(uintptr_t)netif, ip_2_ip6(address)) >= 0)
            return true;
    }
    return false;
}

static bool may_bind(const struct inet_socket *i, const ip_addr_t *address)
{
    return i->options.free_bind || address_is_own(i, address);
}

int inet_bind_to(struct inet_socket *i, const struct socket_name *name)
{
    struct endpoint wanted;
    int err = endpoint_parse_own(i, name, &wanted);
    if (err)
        return err;
    net_lock();
    if (i->bound)
        err = -EINVAL;
    else if (!may_bind(i, &wanted.address))
        err = -EADDRNOTAVAIL;
    if (!err) {
        struct endpoint before = i->local;
        i->local = wanted;
        if (wanted.port || !i->options.late_port || i->base.type != SOCK_STREAM)
            err = port_take(i);
        if (err)
            i->local = before;
        i->chose_address = !err && !endpoint_is_any(&wanted);
        i->options.only6 |= i->chose_address && IP_IS_V6_VAL(wanted.address);
        i->chose_port = !err && wanted.port != 0;
    }
    net_unlock();
    return err;
}

void inet_unbind(struct inet_socket *i)
{
    if (!i->chose_address)
        ip_addr_set_zero(&i->local.address);
    if (!i->chose_address && i->base.family == AF_INET6)
        IP_SET_TYPE_VAL(i->local.address, IPADDR_TYPE_V6);
    if (i->chose_port)
        return;
    port_release(i);
    i->local.port = 0;
}

int inet_bind_any(struct inet_socket *i)
{
    if (i->bound)
        return 0;
    i->local.port = 0;
    return port_take(i);
}
