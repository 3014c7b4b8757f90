#include "kernel/net/inet_control.h"

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"

#define BYTE_MAX 255

/* In. */

static void put(struct socket_message *m, int level, int type, const void *data, unsigned size)
{
    struct socket_control *c = &m->controls[m->control_count++];
    *c = (struct socket_control){.level = level, .type = type, .size = size};
    memcpy(c->data, data, size);
}

static void put_number(struct socket_message *m, int level, int type, int number)
{
    put(m, level, type, &number, sizeof(number));
}

static void put_packet_info(struct socket_message *m, const struct arrival *a)
{
    struct in_pktinfo info = {.ipi_ifindex = a->interface};
    info.ipi_addr.s_addr = info.ipi_spec_dst.s_addr = ip_2_ip4(&a->to.address)->addr;
    put(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

/* An IPv4 address is told as ::ffff:a.b.c.d. */
static void put_packet_info6(struct socket_message *m, const struct arrival *a)
{
    struct in6_pktinfo info = {.ipi6_ifindex = a->interface};
    if (IP_IS_V6_VAL(a->to.address)) {
        memcpy(&info.ipi6_addr, ip_2_ip6(&a->to.address)->addr, sizeof(info.ipi6_addr));
    } else {
        memset(&info.ipi6_addr.in6_u.u6_addr8[10], 0xff, 2);
        memcpy(&info.ipi6_addr.in6_u.u6_addr8[12], &ip_2_ip4(&a->to.address)->addr, 4);
    }
    put(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

void inet_control_put(const struct inet_socket *i, const struct arrival *a,
                      struct socket_message *m)
{
    bool v6 = IP_IS_V6_VAL(a->to.address);
    if (i->packet_info6 && i->base.family == AF_INET6)
        put_packet_info6(m, a);
    if (i->packet_info && !v6)
        put_packet_info(m, a);
    if (v6 && i->receive_ttl6)
        put_number(m, IPPROTO_IPV6, IPV6_HOPLIMIT, a->ttl);
    if (v6 && i->receive_tos6)
        put_number(m, IPPROTO_IPV6, IPV6_TCLASS, a->tos);
    if (!v6 && i->receive_ttl)
        put_number(m, IPPROTO_IP, IP_TTL, a->ttl);
    if (!v6 && i->receive_tos)
        put(m, IPPROTO_IP, IP_TOS, &a->tos, sizeof(a->tos));
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

/* The source address that IP_PKTINFO may ask for is the one there is. */
static int take_ip(struct socket_message *m, int type, int number, size_t size)
{
    if (type == IP_PKTINFO)
        return size == sizeof(struct in_pktinfo) ? 0 : -EINVAL;
    if (type == IP_TTL && size == sizeof(int))
        return take_byte(&m->has_ttl, &m->ttl, number, 1);
    if (type == IP_TOS && (size == sizeof(int) || size == 1))
        return take_byte(&m->has_tos, &m->tos, number, 0);
    return -EINVAL;
}

static int take_ipv6(struct socket_message *m, int type, int number, size_t size)
{
    if (type == IPV6_PKTINFO)
        return size == sizeof(struct in6_pktinfo) ? 0 : -EINVAL;
    if (type == IPV6_HOPLIMIT && size == sizeof(int))
        return take_byte(&m->has_ttl, &m->ttl, number, -1);
    if (type == IPV6_TCLASS && size == sizeof(int))
        return take_byte(&m->has_tos, &m->tos, number, -1);
    return -EINVAL;
}

int inet_control_take(struct socket_message *m, int level, int type, const void *data, size_t size)
{
    int number = 0;
    memcpy(&number, data, min_u64(size, sizeof(number)));
    if (level == IPPROTO_IP)
        return take_ip(m, type, number, size);
    return level == IPPROTO_IPV6 ? take_ipv6(m, type, number, size) : 0;
}
