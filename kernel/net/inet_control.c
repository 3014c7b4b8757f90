#include "kernel/net/inet_control.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"

#define BYTE_MAX 255
#define IPV6_ORIGDSTADDR_TYPE 74

/* In. */

static void put_number(struct socket_message *m, int level, int type, int number)
{
    socket_control_put(m, level, type, &number, sizeof(number));
}

static void put_packet_info(struct socket_message *m, const struct arrival *a)
{
    struct in_pktinfo info = {.ipi_ifindex = a->interface};
    info.ipi_addr.s_addr = info.ipi_spec_dst.s_addr = ip_2_ip4(&a->to.address)->addr;
    if (ip_addr_ismulticast(&a->to.address))
        info.ipi_spec_dst.s_addr = a->own;
    socket_control_put(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

/* An IPv4 address is told as ::ffff:a.b.c.d. */
static void put_packet_info6(struct socket_message *m, int type, const struct arrival *a)
{
    struct in6_pktinfo info = {.ipi6_ifindex = a->interface};
    if (IP_IS_V6_VAL(a->to.address)) {
        memcpy(&info.ipi6_addr, ip_2_ip6(&a->to.address)->addr, sizeof(info.ipi6_addr));
    } else {
        memset(&info.ipi6_addr.in6_u.u6_addr8[10], 0xff, 2);
        memcpy(&info.ipi6_addr.in6_u.u6_addr8[12], &ip_2_ip4(&a->to.address)->addr, 4);
    }
    socket_control_put(m, IPPROTO_IPV6, type, &info, sizeof(info));
}

unsigned inet_control_name(int family, const struct endpoint *e, void *out)
{
    const struct inet_socket as = {.base = {.family = family}};
    struct socket_name name;
    endpoint_format(&as, e, &name);
    memcpy(out, name.bytes, name.size);
    return name.size;
}

static void put_original(struct socket_message *m, int level, int type, const struct arrival *a)
{
    uint8_t name[sizeof(struct sockaddr_in6)];
    unsigned size = inet_control_name(level == IPPROTO_IP ? AF_INET : AF_INET6, &a->to, name);
    socket_control_put(m, level, type, name, size);
}

static void put4(const struct inet_options *o, const struct arrival *a, struct socket_message *m)
{
    if (o->tell_info)
        put_packet_info(m, a);
    if (o->tell_ttl)
        put_number(m, IPPROTO_IP, IP_TTL, a->ttl);
    if (o->tell_tos)
        socket_control_put(m, IPPROTO_IP, IP_TOS, &a->tos, sizeof(a->tos));
    if (o->tell_options && a->options_size)
        socket_control_put(m, IPPROTO_IP, IP_RECVOPTS, a->options, a->options_size);
    if (o->tell_options_back && a->options_size)
        socket_control_put(m, IPPROTO_IP, IP_RETOPTS, a->options, a->options_size);
    if (o->tell_original)
        put_original(m, IPPROTO_IP, IP_ORIGDSTADDR, a);
}

static void put6(const struct inet_options *o, const struct arrival *a, struct socket_message *m)
{
    if (o->tell_ttl6)
        put_number(m, IPPROTO_IPV6, IPV6_HOPLIMIT, a->ttl);
    if (o->tell_ttl6_old)
        put_number(m, IPPROTO_IPV6, IPV6_2292HOPLIMIT, a->ttl);
    if (o->tell_class6)
        put_number(m, IPPROTO_IPV6, IPV6_TCLASS, a->tos);
    if (o->tell_original6)
        put_original(m, IPPROTO_IPV6, IPV6_ORIGDSTADDR_TYPE, a);
}

void inet_control_put(const struct inet_socket *i, const struct arrival *a,
                      struct socket_message *m)
{
    if (!m->controls)
        return;
    if (i->options.tell_info6 && i->base.family == AF_INET6)
        put_packet_info6(m, IPV6_PKTINFO, a);
    if (i->options.tell_info6_old && i->base.family == AF_INET6 && IP_IS_V6_VAL(a->to.address))
        put_packet_info6(m, IPV6_2292PKTINFO, a);
    if (IP_IS_V6_VAL(a->to.address))
        put6(&i->options, a, m);
    else
        put4(&i->options, a, m);
}

/* Out. */

static int take_byte(bool *has, uint8_t *to, int number, int minimum)
{
    if (number < minimum || number > BYTE_MAX)
        return -EINVAL;
    *has = number >= 0; /* -1 of IPv6: the socket's */
    *to = (uint8_t)number;
    return 0;
}

static int take_source(struct socket_message *m, unsigned interface, const void *address,
                       unsigned size)
{
    static const uint8_t any[sizeof(m->source)];
    m->source_interface = interface;
    m->source_size = memcmp(address, any, size) != 0 ? (uint8_t)size : 0;
    memcpy(m->source, address, size);
    return 0;
}

static int take_ip(struct socket_message *m, int type, const void *data, size_t size)
{
    struct in_pktinfo info;
    int number = 0;
    memcpy(&number, data, min_u64(size, sizeof(number)));
    if (type == IP_PKTINFO && size == sizeof(info)) {
        memcpy(&info, data, sizeof(info));
        return take_source(m, (unsigned)info.ipi_ifindex, &info.ipi_spec_dst,
                           sizeof(info.ipi_spec_dst));
    }
    if (type == IP_TTL && size == sizeof(int))
        return take_byte(&m->has_ttl, &m->ttl, number, 1);
    if (type == IP_TOS && (size == sizeof(int) || size == 1))
        return take_byte(&m->has_tos, &m->tos, number, 0);
    return -EINVAL;
}

static int take_ipv6(struct socket_message *m, int type, const void *data, size_t size)
{
    struct in6_pktinfo info;
    int number = 0;
    memcpy(&number, data, min_u64(size, sizeof(number)));
    if ((type == IPV6_PKTINFO || type == IPV6_2292PKTINFO) && size == sizeof(info)) {
        memcpy(&info, data, sizeof(info));
        return take_source(m, (unsigned)info.ipi6_ifindex, &info.ipi6_addr, sizeof(info.ipi6_addr));
    }
    if ((type == IPV6_HOPLIMIT || type == IPV6_2292HOPLIMIT) && size == sizeof(int))
        return take_byte(&m->has_ttl, &m->ttl, number, -1);
    if (type == IPV6_TCLASS && size == sizeof(int))
        return take_byte(&m->has_tos, &m->tos, number, -1);
    return -EINVAL;
}

static int take_udp(struct socket_message *m, int type, const void *data, size_t size)
{
    if (type != UDP_SEGMENT || size != sizeof(m->segment))
        return -EINVAL;
    memcpy(&m->segment, data, sizeof(m->segment));
    m->has_segment = true;
    return 0;
}

int inet_control_take(struct socket_message *m, int level, int type, const void *data, size_t size)
{
    switch (level) {
    case IPPROTO_IP:
        return take_ip(m, type, data, size);
    case IPPROTO_IPV6:
        return take_ipv6(m, type, data, size);
    case IPPROTO_UDP:
        return take_udp(m, type, data, size);
    default:
        return 0;
    }
}
