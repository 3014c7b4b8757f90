/* AF_INET and AF_INET6: names from and to the program. */
#include <linux/in.h>
#include <linux/in6.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"

#define NAME6_MIN 24u /* without the scope: RFC 2133 */
#define MAPPED_PREFIX 0xffff0000u

static bool is_mapped(const struct in6_addr *a)
{
    const uint32_t *words = a->s6_addr32;
    return words[0] == 0 && words[1] == 0 && words[2] == MAPPED_PREFIX;
}

static int parse4(const struct socket_name *name, struct endpoint *out)
{
    struct sockaddr_in in;
    if (name->size < sizeof(in))
        return -EINVAL;
    memcpy(&in, name->bytes, sizeof(in));
    ip_addr_set_ip4_u32_val(out->address, in.sin_addr.s_addr);
    out->port = lwip_ntohs(in.sin_port);
    return 0;
}

static int set6(struct endpoint *out, const struct sockaddr_in6 *in)
{
    IP_SET_TYPE_VAL(out->address, IPADDR_TYPE_V6);
    ip6_addr_t *address = ip_2_ip6(&out->address);
    memcpy(address->addr, &in->sin6_addr, sizeof(address->addr));
    ip6_addr_clear_zone(address);
    if (!ip6_addr_has_scope(address, IP6_UNKNOWN))
        return 0;
    if (in->sin6_scope_id > UINT8_MAX)
        return -ENODEV; /* so many interfaces there are never */
    ip6_addr_set_zone(address, (uint8_t)in->sin6_scope_id);
    return 0;
}

static int parse6(const struct inet_socket *i, const struct socket_name *name, struct endpoint *out)
{
    struct sockaddr_in6 in = {0};
    if (name->size < NAME6_MIN)
        return -EINVAL;
    memcpy(&in, name->bytes, min_u64(name->size, sizeof(in)));
    out->port = lwip_ntohs(in.sin6_port);
    if (!is_mapped(&in.sin6_addr))
        return set6(out, &in);
    ip_addr_set_ip4_u32_val(out->address, in.sin6_addr.s6_addr32[3]);
    return i->options.only6 ? -ENETUNREACH : 0;
}

int endpoint_parse(const struct inet_socket *i, const struct socket_name *name,
                   struct endpoint *out)
{
    memset(out, 0, sizeof(*out));
    if (name->size < sizeof(name->family))
        return -EINVAL;
    if (i->base.family == AF_INET)
        return name->size < sizeof(struct sockaddr_in) ? -EINVAL
               : name->family == AF_INET               ? parse4(name, out)
                                                       : -EAFNOSUPPORT;
    if (name->family == AF_INET6)
        return parse6(i, name, out);
    bool datagram4 = name->family == AF_INET && i->base.type == SOCK_DGRAM && !i->options.only6;
    return datagram4                                                   ? parse4(name, out)
           : name->size < offsetof(struct sockaddr_in6, sin6_scope_id) ? -EINVAL
                                                                       : -EAFNOSUPPORT;
}

int endpoint_parse_own(const struct inet_socket *i, const struct socket_name *name,
                       struct endpoint *out)
{
    if (i->base.family != AF_INET || name->size < sizeof(struct sockaddr_in) ||
        name->family != AF_UNSPEC)
        return endpoint_parse(i, name, out);
    memset(out, 0, sizeof(*out));
    int err = parse4(name, out);
    return !err && !endpoint_is_any(out) ? -EAFNOSUPPORT : err;
}

static void format6(const struct endpoint *e, struct socket_name *name)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = lwip_htons(e->port)};
    if (IP_IS_V6_VAL(e->address)) {
        const ip6_addr_t *address = ip_2_ip6(&e->address);
        memcpy(&in.sin6_addr, address->addr, sizeof(in.sin6_addr));
        if (ip6_addr_has_scope(address, IP6_UNKNOWN))
            in.sin6_scope_id = ip6_addr_zone(address);
    } else if (!endpoint_is_any(e)) {
        in.sin6_addr.s6_addr32[2] = MAPPED_PREFIX;
        in.sin6_addr.s6_addr32[3] = ip_addr_get_ip4_u32(&e->address);
    }
    memcpy(name->bytes, &in, sizeof(in));
    name->size = sizeof(in);
}

void endpoint_format(const struct inet_socket *i, const struct endpoint *e,
                     struct socket_name *name)
{
    if (i->base.family == AF_INET6) {
        format6(e, name);
        return;
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = lwip_htons(e->port)};
    in.sin_addr.s_addr = ip_addr_get_ip4_u32(&e->address);
    memcpy(name->bytes, &in, sizeof(in));
    name->size = sizeof(in);
}

bool endpoint_is_any(const struct endpoint *e)
{
    return IP_IS_ANY_TYPE_VAL(e->address) || ip_addr_isany_val(e->address);
}

void endpoint_resolve_any(const struct inet_socket *i, struct endpoint *e)
{
    if (!endpoint_is_any(e))
        return;
    if (i->base.family == AF_INET6 && IP_IS_V6_VAL(e->address))
        ip_addr_set_loopback_val(true, e->address);
    else
        ip_addr_set_loopback_val(false, e->address);
}

int inet_get_name(struct socket *s, enum socket_end end, struct socket_name *name)
{
    struct inet_socket *i = inet_of(s);
    int err = 0;
    bool peer = end != SOCKET_SELF;
    net_lock();
    struct endpoint own = i->local;
    if (s->type == SOCK_RAW)
        own.port = (uint16_t)s->protocol; /* in its place */
    if (peer && (!i->has_peer || !i->peer.port))
        err = -ENOTCONN;
    else
        endpoint_format(i, peer ? &i->peer : &own, name);
    net_unlock();
    return err;
}
