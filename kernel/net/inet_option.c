/*
 * Options of IPPROTO_IP, IPPROTO_IPV6, UDP and raw sockets: most are numbers, and stand in tables
 * with the field they set. What is not here is refused, as a Linux without it does:
 * docs/network.md lists it.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <lwip/ip.h>
#include <lwip/netif.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_priv.h"

#define BYTE_MAX 255
#define STREAM_TOS_MASK 0xfc /* the rest is TCP's own: congestion */
#define SEGMENT_MAX 65535
#define SOL_RAW 255
#define SOL_ICMPV6 58
#define ICMP_FILTER 1 /* and ICMPV6_FILTER */
#define FILTER4_BYTES 4u
#define FILTER6_BYTES 32u
#define IPV6_RECVORIGDSTADDR_OPTION 74

/* ---- numbers ---- */

#define FIELD(number, field_, low_, high_)                                                         \
    {                                                                                              \
        .option = (number), .width = sizeof(((struct inet_options *)0)->field_),                   \
        .field = offsetof(struct inet_options, field_), .low = (low_), .high = (high_)             \
    }
#define SWITCH(number, field_) FIELD(number, field_, INET_SWITCH_LOW, 0)

static const struct inet_number ip_numbers[] = {
    FIELD(IP_TTL, ttl, -1, BYTE_MAX),
    FIELD(IP_MTU_DISCOVER, mtu_discover, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT),
    FIELD(IP_MINTTL, ttl_least, 0, BYTE_MAX),
    FIELD(IP_MULTICAST_TTL, group_ttl, -1, BYTE_MAX),
    FIELD(IP_MULTICAST_ALL, group_all, 0, 1),
    SWITCH(IP_MULTICAST_LOOP, group_loop),
    SWITCH(IP_RECVERR, errors),
    SWITCH(IP_FREEBIND, free_bind),
    SWITCH(IP_BIND_ADDRESS_NO_PORT, late_port),
    SWITCH(IP_PKTINFO, tell_info),
    SWITCH(IP_RECVTTL, tell_ttl),
    SWITCH(IP_RECVTOS, tell_tos),
    SWITCH(IP_RECVOPTS, tell_options),
    SWITCH(IP_RETOPTS, tell_options_back),
    SWITCH(IP_RECVORIGDSTADDR, tell_original),
    FIELD(IP_UNICAST_IF, interface, INET_ANY_LOW, INT32_MAX),
};

static const struct inet_number ip6_numbers[] = {
    FIELD(IPV6_UNICAST_HOPS, hops, -1, BYTE_MAX),
    FIELD(IPV6_TCLASS, class6, -1, BYTE_MAX),
    FIELD(IPV6_MTU_DISCOVER, mtu_discover6, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT),
    FIELD(IPV6_MINHOPCOUNT, hops_least, 0, BYTE_MAX),
    FIELD(IPV6_MULTICAST_HOPS, group_hops, -1, BYTE_MAX),
    FIELD(IPV6_MULTICAST_LOOP, group_loop6, 0, 1),
    SWITCH(IPV6_MULTICAST_ALL, group_all6),
    SWITCH(IPV6_V6ONLY, only6),
    SWITCH(IPV6_RECVERR, errors6),
    SWITCH(IPV6_FREEBIND, free_bind),
    SWITCH(IPV6_DONTFRAG, whole6),
    SWITCH(IPV6_RECVPKTINFO, tell_info6),
    SWITCH(IPV6_RECVHOPLIMIT, tell_ttl6),
    SWITCH(IPV6_2292PKTINFO, tell_info6_old),
    SWITCH(IPV6_2292HOPLIMIT, tell_ttl6_old),
    SWITCH(IPV6_RECVTCLASS, tell_class6),
    SWITCH(IPV6_RECVORIGDSTADDR_OPTION, tell_original6),
    FIELD(IPV6_MULTICAST_IF, group_interface6, INET_ANY_LOW, INT32_MAX),
    FIELD(IPV6_UNICAST_IF, interface6, INET_ANY_LOW, INT32_MAX),
};

static const struct inet_number udp_numbers[] = {
    SWITCH(UDP_CORK, cork),
    FIELD(UDP_SEGMENT, segment, 0, SEGMENT_MAX),
};

static const struct inet_number *find(const struct inet_number *table, unsigned count, int option)
{
    for (unsigned n = 0; n < count; n++)
        if (table[n].option == option)
            return &table[n];
    return NULL;
}

int inet_number_set(const struct inet_number *table, unsigned count, void *owner, int option,
                    int value)
{
    const struct inet_number *o = find(table, count, option);
    if (!o)
        return -ENOPROTOOPT;
    if (o->low == INET_SWITCH_LOW)
        value = value != 0;
    else if ((value < o->low && o->low != INET_ANY_LOW) || value > o->high)
        return -EINVAL;
    memcpy((char *)owner + o->field, &value, o->width); /* little-endian */
    return 0;
}

int inet_number_get(const struct inet_number *table, unsigned count, const void *owner, int option,
                    int *value)
{
    const struct inet_number *o = find(table, count, option);
    if (!o)
        return -ENOPROTOOPT;
    *value = 0;
    memcpy(value, (const char *)owner + o->field, o->width);
    if (o->width == sizeof(int16_t) && o->low < 0)
        *value = (int16_t)*value;
    return 0;
}

static bool is_stream(const struct inet_socket *i)
{
    return i->base.type == SOCK_STREAM;
}

/* Whether there is an interface of the number (0: any). */
static int check_interface(const struct inet_socket *i, int64_t index, int missing)
{
    if (index == 0)
        return 0;
    net_lock();
    bool is = inet_interface(index) != NULL;
    net_unlock();
    return !is ? missing : i->base.interface && i->base.interface != (uint64_t)index ? -EINVAL : 0;
}

/* IP_UNICAST_IF and its like say the number in network order. */
static int64_t swapped(int number)
{
    return lwip_ntohl((uint32_t)number);
}

/* The most that a packet without fragments to the peer has. */
static int peer_mtu(const struct inet_socket *i, int *out)
{
    net_lock();
    const struct netif *netif = i->has_peer ? ip_route(&i->local.address, &i->peer.address) : NULL;
    if (netif)
        *out = netif->mtu;
    net_unlock();
    return netif ? 0 : -ENOTCONN;
}

/* ---- IPPROTO_IP ---- */

static bool is_known(const struct inet_number *table, unsigned count, int option)
{
    return find(table, count, option) != NULL;
}

/* Numbers may come as one byte, or, but for some options, as none, which is 0. */
static int read_number(struct uptr value, unsigned size, int option, int *out)
{
    uint8_t byte;
    *out = 0;
    if (!is_known(ip_numbers, ARRAY_SIZE(ip_numbers), option) && option != IP_TOS &&
        option != IP_HDRINCL)
        return -ENOPROTOOPT;
    if (size >= sizeof(*out))
        return socket_option_number(value, size, out);
    if (size == 0)
        return option == IP_TTL || option == IP_FREEBIND || option == IP_MINTTL ||
                       option >= IP_MULTICAST_TTL
                   ? -EINVAL
                   : 0;
    if (copy_from_user(&byte, value, sizeof(byte)))
        return -EFAULT;
    *out = byte;
    return 0;
}

/* IP_MULTICAST_IF: an address, or with a group a number, too. */
static int set_group_interface(struct inet_socket *i, struct uptr value, unsigned size)
{
    struct ip_mreqn wanted = {0};
    if (is_stream(i) || size < sizeof(wanted.imr_multiaddr))
        return -EINVAL;
    bool short_form = size < sizeof(struct ip_mreq);
    if (copy_from_user(short_form ? (void *)&wanted.imr_address : &wanted, value,
                       short_form ? sizeof(wanted.imr_address) : min_u64(size, sizeof(wanted))))
        return -EFAULT;
    int index = wanted.imr_ifindex;
    uint32_t address = wanted.imr_address.s_addr;
    if (!index && address) {
        net_lock();
        const struct netif *netif = group_interface4(address);
        index = netif ? netif_get_index(netif) : 0;
        net_unlock();
        if (!index)
            return -EADDRNOTAVAIL;
    }
    int err = check_interface(i, index, -EADDRNOTAVAIL);
    if (err)
        return err;
    i->options.group_interface = index;
    i->options.group_address = address;
    return 0;
}

/* Options of packets that are sent: none may be asked for. */
static int set_packet_options(unsigned size)
{
    return size > IP_OPTIONS_MAX ? -EINVAL : size ? -ENOPROTOOPT : 0;
}

static int set_ip(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    struct inet_options *o = &i->options;
    int number;
    if (option == IP_MULTICAST_IF)
        return set_group_interface(i, value, size);
    if (option == IP_OPTIONS)
        return set_packet_options(size);
    int err = read_number(value, size, option, &number);
    if (err)
        return err;
    switch (option) {
    case IP_TOS:
        o->tos = (uint8_t)(is_stream(i) ? number & STREAM_TOS_MASK : number);
        return 0;
    case IP_HDRINCL:
        o->header_included = number != 0;
        return i->base.type == SOCK_RAW ? 0 : -ENOPROTOOPT;
    case IP_TTL:
        err = number == 0 ? -EINVAL : 0;
        break;
    case IP_MULTICAST_TTL:
        err = is_stream(i) ? -EINVAL : 0;
        break;
    case IP_UNICAST_IF:
        err =
            size != sizeof(number) ? -EINVAL : check_interface(i, swapped(number), -EADDRNOTAVAIL);
        break;
    default:
        break;
    }
    return err ? err : inet_number_set(ip_numbers, ARRAY_SIZE(ip_numbers), o, option, number);
}

static int get_ip(const struct inet_socket *i, int option, int *out)
{
    const struct inet_options *o = &i->options;
    switch (option) {
    case IP_TOS:
        *out = o->tos;
        return 0;
    case IP_TTL:
        *out = o->ttl < 0 ? INET_TTL : o->ttl;
        return 0;
    case IP_MULTICAST_TTL:
        *out = o->group_ttl < 0 ? 1 : o->group_ttl;
        return 0;
    case IP_HDRINCL:
        *out = o->header_included;
        return 0;
    case IP_MTU:
        return peer_mtu(i, out);
    default:
        return inet_number_get(ip_numbers, ARRAY_SIZE(ip_numbers), o, option, out);
    }
}

/* A small number goes into less room than its own as a byte. */
static int put_ip(int number, struct uptr value, struct uptr size)
{
    int room;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    bool byte = room > 0 && room < (int)sizeof(number) && number >= 0 && number <= BYTE_MAX;
    return socket_option_put(&number, byte ? 1 : sizeof(number), value, size);
}

static int get_level_ip(const struct inet_socket *i, int option, struct uptr value,
                        struct uptr size)
{
    int number;
    if (option == IP_OPTIONS)
        return socket_option_put(NULL, 0, value, size);
    if (option == IP_MULTICAST_IF)
        return socket_option_put(&i->options.group_address, sizeof(i->options.group_address), value,
                                 size);
    int err = get_ip(i, option, &number);
    return err ? err : put_ip(number, value, size);
}

/* ---- IPPROTO_IPV6 ---- */

static int check_ip6(const struct inet_socket *i, int option, int number, unsigned size)
{
    switch (option) {
    case IPV6_V6ONLY:
        return i->bound || i->base.type == SOCK_RAW ? -EINVAL : 0;
    case IPV6_MULTICAST_IF:
        return check_interface(i, number, -ENODEV);
    case IPV6_UNICAST_IF:
        return size != sizeof(number) ? -EINVAL
                                      : check_interface(i, swapped(number), -EADDRNOTAVAIL);
    default:
        return 0;
    }
}

/* What is too short, or nowhere, is 0; most options want no less than a whole number. */
static int read_number6(bool stream, struct uptr value, unsigned size, int option, int *out)
{
    *out = 0;
    bool whole = size >= sizeof(*out);
    if (whole && !uptr_is_null(value) && copy_from_user(out, value, sizeof(*out)))
        return -EFAULT;
    bool of_groups = option == IPV6_MULTICAST_HOPS || option == IPV6_MULTICAST_IF;
    if (!is_known(ip6_numbers, ARRAY_SIZE(ip6_numbers), option) || (stream && of_groups))
        return -ENOPROTOOPT;
    return whole || option == IPV6_DONTFRAG ? 0 : -EINVAL;
}

/* IPV6_PKTINFO: the interface of what is sent. As on Linux, the address in it does nothing. */
static int set_packet_info6(struct inet_socket *i, struct uptr value, unsigned size)
{
    struct in6_pktinfo info;
    if (size < sizeof(info) || uptr_is_null(value))
        return -EINVAL;
    if (copy_from_user(&info, value, sizeof(info)))
        return -EFAULT;
    if (i->base.interface && i->base.interface != (unsigned)info.ipi6_ifindex)
        return -EINVAL;
    i->options.packet_interface6 = info.ipi6_ifindex;
    return 0;
}

static int set_ip6(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    int number;
    if (option == IPV6_PKTINFO)
        return set_packet_info6(i, value, size);
    int err = read_number6(is_stream(i), value, size, option, &number);
    if (!err)
        err = check_ip6(i, option, number, size);
    if (err)
        return err;
    err = inet_number_set(ip6_numbers, ARRAY_SIZE(ip6_numbers), &i->options, option, number);
    if (!err && option == IPV6_TCLASS && number < 0)
        i->options.class6 = 0;
    if (!err && option == IPV6_TCLASS && is_stream(i))
        i->options.class6 &= STREAM_TOS_MASK;
    return err;
}

static int get_ip6(const struct inet_socket *i, int option, int *out)
{
    const struct inet_options *o = &i->options;
    switch (option) {
    case IPV6_UNICAST_HOPS:
        *out = o->hops < 0 ? INET_TTL : o->hops;
        return 0;
    case IPV6_MULTICAST_HOPS:
        *out = o->group_hops < 0 ? 1 : o->group_hops;
        return 0;
    case IPV6_TCLASS:
        *out = o->class6;
        return 0;
    case IPV6_MTU:
        return peer_mtu(i, out);
    default:
        return inet_number_get(ip6_numbers, ARRAY_SIZE(ip6_numbers), o, option, out);
    }
}

/* ---- UDP, UDP-Lite, raw sockets ---- */

static bool is_udp(const struct inet_socket *i)
{
    return i->base.type == SOCK_DGRAM &&
           (i->base.protocol == IPPROTO_UDP || i->base.protocol == IPPROTO_UDPLITE);
}

static int set_udp(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    int number;
    int err = socket_option_number(value, size, &number);
    if (err)
        return err;
    if (inet_is_udplite(i) && option != UDP_CORK)
        return udplite_set_option(&i->lite, option, number);
    return inet_number_set(udp_numbers, ARRAY_SIZE(udp_numbers), &i->options, option, number);
}

static int get_udp(const struct inet_socket *i, int option, int *out)
{
    if (inet_is_udplite(i) && option != UDP_CORK)
        return udplite_get_option(&i->lite, option, out);
    return inet_number_get(udp_numbers, ARRAY_SIZE(udp_numbers), &i->options, option, out);
}

/* The filter that a level's option 1 sets: which types of ICMP are not wanted. */
static void *filter_of(struct inet_socket *i, int level, int option, unsigned *size)
{
    bool v6 = i->base.family == AF_INET6;
    bool is = i->base.type == SOCK_RAW && option == ICMP_FILTER &&
              i->base.protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) &&
              level == (v6 ? SOL_ICMPV6 : SOL_RAW);
    *size = v6 ? FILTER6_BYTES : FILTER4_BYTES;
    return is ? datagram_filter(i) : NULL;
}

/* Of raw sockets, the level with the filter: of other protocols it has nothing. */
static int filter_level(const struct inet_socket *i, int level, int option)
{
    bool v6 = i->base.family == AF_INET6;
    if (i->base.type != SOCK_RAW)
        return -ENOPROTOOPT;
    if (v6 && level == SOL_ICMPV6)
        return i->base.protocol != IPPROTO_ICMPV6 ? -EOPNOTSUPP : -ENOPROTOOPT;
    return !v6 && level == SOL_RAW && option == ICMP_FILTER ? -EOPNOTSUPP : -ENOPROTOOPT;
}

static bool is_checksum(const struct inet_socket *i, int level, int option)
{
    return option == IPV6_CHECKSUM && (level == SOL_RAW || level == IPPROTO_IPV6) &&
           i->base.type == SOCK_RAW && i->base.family == AF_INET6;
}

/* IPV6_CHECKSUM: where the checksum of what is sent belongs. */
static int set_checksum(struct inet_socket *i, int level, struct uptr value, unsigned size)
{
    int number;
    int err = socket_option_number(value, size, &number);
    if (!err && ((level == IPPROTO_IPV6 && i->base.protocol == IPPROTO_ICMPV6) ||
                 (number > 0 && number % 2)))
        err = -EINVAL;
    if (!err)
        i->options.checksum_at = number < 0 ? -1 : number;
    return err;
}

/* ---- all levels ---- */

static bool has_ip(const struct inet_socket *i)
{
    return i->base.type != SOCK_RAW || i->base.family == AF_INET;
}

static int set_other(struct inet_socket *i, int level, int option, struct uptr value, unsigned size)
{
    unsigned room;
    void *filter = filter_of(i, level, option, &room);
    if (filter)
        return copy_from_user(filter, value, min_u64(size, room));
    if (is_checksum(i, level, option))
        return set_checksum(i, level, value, size);
    if (level == SOL_RAW && i->base.type == SOCK_RAW && i->base.family == AF_INET6) {
        int number, wrong = socket_option_number(value, size, &number);
        return wrong ? wrong : -ENOPROTOOPT;
    }
    if (level == SOL_RAW || level == SOL_ICMPV6)
        return filter_level(i, level, option);
    int err = level == IPPROTO_IP || level == IPPROTO_IPV6
                  ? group_set_option(i, level, option, value, size)
                  : -ENOPROTOOPT;
    if (err != -ENOPROTOOPT)
        return err;
    if (level == IPPROTO_IP && has_ip(i))
        return set_ip(i, option, value, size);
    if (level == IPPROTO_IPV6 && i->base.family == AF_INET6)
        return set_ip6(i, option, value, size);
    return (level == IPPROTO_UDP || level == IPPROTO_UDPLITE) && is_udp(i)
               ? set_udp(i, option, value, size)
               : -ENOPROTOOPT;
}

int inet_set_option(struct socket *base, int level, int option, struct uptr value, unsigned size)
{
    struct inet_socket *i = inet_of(base);
    if (level == IPPROTO_TCP && is_stream(i))
        return tcp_set_option(i, option, value, size);
    int err = set_other(i, level, option, value, size);
    if (!err)
        base->ops->changed(base, 0);
    return err;
}

static int get_number(const struct inet_socket *i, int level, int option, int *out)
{
    if (is_checksum(i, level, option)) {
        *out = i->options.checksum_at;
        return 0;
    }
    if (level == IPPROTO_IPV6 && i->base.family == AF_INET6)
        return get_ip6(i, option, out);
    if ((level == IPPROTO_UDP || level == IPPROTO_UDPLITE) && is_udp(i))
        return get_udp(i, option, out);
    if (level == SOL_RAW || level == SOL_ICMPV6) {
        int err = filter_level(i, level, option);
        if (err == -EOPNOTSUPP)
            return err;
    }
    bool known = i->base.family == AF_INET6 || (level == SOL_RAW && i->base.type == SOCK_RAW);
    return known ? -ENOPROTOOPT : -EOPNOTSUPP;
}

int inet_get_option(struct socket *base, int level, int option, struct uptr value, struct uptr size)
{
    struct inet_socket *i = inet_of(base);
    int number = 0;
    unsigned room;
    if (level == IPPROTO_TCP && is_stream(i))
        return tcp_get_option(i, option, value, size);
    const void *filter = filter_of(i, level, option, &room);
    if (filter)
        return socket_option_put(filter, room, value, size);
    int err = group_get_option(i, level, option, value, size);
    if (err != -ENOPROTOOPT)
        return err;
    if (level == IPPROTO_IP && has_ip(i))
        return get_level_ip(i, option, value, size);
    err = get_number(i, level, option, &number);
    return err ? err : socket_option_put(&number, sizeof(number), value, size);
}
