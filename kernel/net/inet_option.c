/*
 * Options of IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP. Numbers are read whole (IP's may be single
 * bytes), kept in the socket, and told to lwIP by the socket's own changed operation.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <lwip/igmp.h>
#include <lwip/netif.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_tcp.h"

#define BYTE_MAX 255
#define KEEP_SECONDS_MAX 32767
#define KEEP_COUNT_MAX 127

/* Numbers of IPPROTO_IP may come as one byte. */
static int read_number(struct uptr value, unsigned size, int *out)
{
    uint8_t byte;
    if (size >= sizeof(*out))
        return socket_option_number(value, size, out);
    if (size == 0)
        return -EINVAL;
    if (copy_from_user(&byte, value, sizeof(byte)))
        return -EFAULT;
    *out = byte;
    return 0;
}

static int set_byte(uint8_t *field, int value, int minimum)
{
    if (value < minimum || value > BYTE_MAX)
        return -EINVAL;
    *field = (uint8_t)value;
    return 0;
}

/* Groups of multicast. */

static struct netif *interface_at(int index)
{
    return index > 0 && index <= BYTE_MAX ? netif_get_by_index((uint8_t)index) : NULL;
}

static int change_group4(const struct ip_mreqn *request, bool join)
{
    ip4_addr_t group = {request->imr_multiaddr.s_addr}, own = {request->imr_address.s_addr};
    if (!ip4_addr_ismulticast(&group))
        return -EINVAL;
    net_lock();
    struct netif *netif = interface_at(request->imr_ifindex);
    if (request->imr_ifindex && !netif) {
        net_unlock();
        return -ENODEV;
    }
    err_t err =
        netif  ? join ? igmp_joingroup_netif(netif, &group) : igmp_leavegroup_netif(netif, &group)
         : join ? igmp_joingroup(&own, &group)
               : igmp_leavegroup(&own, &group);
    net_unlock();
    return err == ERR_OK ? 0 : join ? -ENODEV : -EADDRNOTAVAIL;
}

static int set_group4(struct uptr value, unsigned size, bool join)
{
    struct ip_mreqn request = {0};
    if (size < sizeof(struct ip_mreq))
        return -EINVAL;
    if (copy_from_user(&request, value, min_u64(size, sizeof(request))))
        return -EFAULT;
    return change_group4(&request, join);
}

/* IPPROTO_IP. */

static int set_ip(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    int number;
    if (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP)
        return set_group4(value, size, option == IP_ADD_MEMBERSHIP);
    if (option == IP_MULTICAST_IF)
        return 0; /* multicast leaves by the first card */
    int err = read_number(value, size, &number);
    if (err)
        return err;
    switch (option) {
    case IP_TOS:
        i->tos = (uint8_t)number;
        return 0;
    case IP_TTL:
        return number == -1 ? (i->ttl = 0) : set_byte(&i->ttl, number, 1);
    case IP_MULTICAST_TTL:
        if (number < -1 || number > BYTE_MAX)
            return -EINVAL;
        i->multicast_ttl = number < 0 ? 1 : number;
        return 0;
    case IP_PKTINFO:
        i->packet_info = number != 0;
        return 0;
    case IP_RECVTTL:
        i->receive_ttl = number != 0;
        return 0;
    case IP_RECVTOS:
        i->receive_tos = number != 0;
        return 0;
    case IP_RECVERR:
    case IP_MULTICAST_LOOP:
    case IP_MTU_DISCOVER:
    case IP_FREEBIND:
    case IP_BIND_ADDRESS_NO_PORT:
    case IP_MULTICAST_ALL:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_ip(const struct inet_socket *i, int option, int *out)
{
    switch (option) {
    case IP_TOS:
        *out = i->tos;
        return 0;
    case IP_TTL:
        *out = i->ttl ? i->ttl : INET_TTL;
        return 0;
    case IP_MULTICAST_TTL:
        *out = i->multicast_ttl;
        return 0;
    case IP_PKTINFO:
        *out = i->packet_info;
        return 0;
    case IP_RECVTTL:
        *out = i->receive_ttl;
        return 0;
    case IP_RECVTOS:
        *out = i->receive_tos;
        return 0;
    case IP_MULTICAST_LOOP:
    case IP_MTU_DISCOVER:
        *out = 1;
        return 0;
    case IP_RECVERR:
    case IP_FREEBIND:
    case IP_BIND_ADDRESS_NO_PORT:
        *out = 0;
        return 0;
    case IP_MTU:
        *out = 1500;
        return i->has_peer ? 0 : -ENOTCONN;
    default:
        return -ENOPROTOOPT;
    }
}

/* IPPROTO_IPV6. */

static int set_ipv6(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    int number;
    int err = socket_option_number(value, size, &number);
    if (err)
        return err;
    switch (option) {
    case IPV6_V6ONLY:
        if (i->bound)
            return -EINVAL;
        i->only6 = number != 0;
        return 0;
    case IPV6_UNICAST_HOPS:
        return number == -1 ? (i->ttl = 0) : set_byte(&i->ttl, number, 0);
    case IPV6_TCLASS:
        return number == -1 ? (i->tos = 0) : set_byte(&i->tos, number, 0);
    case IPV6_RECVPKTINFO:
        i->packet_info6 = number != 0;
        return 0;
    case IPV6_RECVHOPLIMIT:
        i->receive_ttl6 = number != 0;
        return 0;
    case IPV6_RECVTCLASS:
        i->receive_tos6 = number != 0;
        return 0;
    case IPV6_MULTICAST_HOPS:
    case IPV6_MULTICAST_LOOP:
    case IPV6_MULTICAST_IF:
    case IPV6_RECVERR:
    case IPV6_MTU_DISCOVER:
    case IPV6_DONTFRAG:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_ipv6(const struct inet_socket *i, int option, int *out)
{
    switch (option) {
    case IPV6_V6ONLY:
        *out = i->only6;
        return 0;
    case IPV6_UNICAST_HOPS:
        *out = i->ttl ? i->ttl : INET_TTL;
        return 0;
    case IPV6_TCLASS:
        *out = i->tos;
        return 0;
    case IPV6_RECVPKTINFO:
        *out = i->packet_info6;
        return 0;
    case IPV6_RECVHOPLIMIT:
        *out = i->receive_ttl6;
        return 0;
    case IPV6_RECVTCLASS:
        *out = i->receive_tos6;
        return 0;
    case IPV6_MULTICAST_HOPS:
    case IPV6_MULTICAST_LOOP:
    case IPV6_MTU_DISCOVER:
        *out = 1;
        return 0;
    case IPV6_RECVERR:
    case IPV6_DONTFRAG:
        *out = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* IPPROTO_TCP. */

static int set_between(uint32_t *field, int value, int minimum, int maximum)
{
    if (value < minimum || value > maximum)
        return -EINVAL;
    *field = (uint32_t)value;
    return 0;
}

static int set_tcp_number(struct tcp_socket *s, int option, int value)
{
    switch (option) {
    case TCP_NODELAY:
        s->no_delay = value != 0;
        return 0;
    case TCP_CORK:
        s->cork = value != 0;
        return 0;
    case TCP_KEEPIDLE:
        return set_between(&s->keep_idle, value, 1, KEEP_SECONDS_MAX);
    case TCP_KEEPINTVL:
        return set_between(&s->keep_interval, value, 1, KEEP_SECONDS_MAX);
    case TCP_KEEPCNT:
        return set_between(&s->keep_count, value, 1, KEEP_COUNT_MAX);
    case TCP_USER_TIMEOUT:
        return set_between(&s->user_timeout_ms, value, 0, INT32_MAX);
    case TCP_DEFER_ACCEPT:
        s->defer_seconds = value < 0 ? 0 : (uint32_t)value;
        return 0;
    case TCP_QUICKACK:
        s->quick_ack = value != 0;
        return 0;
    case TCP_MAXSEG:
    case TCP_LINGER2:
    case TCP_WINDOW_CLAMP:
    case TCP_SYNCNT:
    case TCP_FASTOPEN:
    case TCP_NOTSENT_LOWAT:
        return value < 0 ? -EINVAL : 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* Out goes what was held back. */
static void tell_tcp(struct tcp_socket *s)
{
    net_lock();
    tcp_apply_options(s);
    if (s->pcb && s->state == TCP_CONNECTED && (s->no_delay || !s->cork))
        (void)tcp_output(s->pcb);
    net_unlock();
}

static int set_tcp(struct tcp_socket *s, int option, struct uptr value, unsigned size)
{
    static const char congestion[] = "reno";
    char name[sizeof(congestion)] = {0};
    int number;
    if (option == TCP_CONGESTION) {
        if (copy_from_user(name, value, min_u64(size, sizeof(name) - 1)))
            return -EFAULT;
        return strcmp(name, congestion) == 0 ? 0 : -ENOENT;
    }
    int err = socket_option_number(value, size, &number);
    if (!err)
        err = set_tcp_number(s, option, number);
    if (!err)
        tell_tcp(s);
    return err;
}

static int get_tcp(struct tcp_socket *s, int option, int *out)
{
    switch (option) {
    case TCP_NODELAY:
        *out = s->no_delay;
        return 0;
    case TCP_CORK:
        *out = s->cork;
        return 0;
    case TCP_KEEPIDLE:
        *out = (int)s->keep_idle;
        return 0;
    case TCP_KEEPINTVL:
        *out = (int)s->keep_interval;
        return 0;
    case TCP_KEEPCNT:
        *out = (int)s->keep_count;
        return 0;
    case TCP_USER_TIMEOUT:
        *out = (int)s->user_timeout_ms;
        return 0;
    case TCP_DEFER_ACCEPT:
        *out = (int)s->defer_seconds;
        return 0;
    case TCP_QUICKACK:
        *out = s->quick_ack;
        return 0;
    case TCP_MAXSEG:
        net_lock();
        *out = s->pcb && s->state == TCP_CONNECTED ? s->pcb->mss : 536;
        net_unlock();
        return 0;
    case TCP_SYNCNT:
        *out = TCP_SYNMAXRTX;
        return 0;
    case TCP_FASTOPEN:
    case TCP_NOTSENT_LOWAT:
    case TCP_WINDOW_CLAMP:
        *out = 0;
        return 0;
    case TCP_LINGER2:
        *out = 60;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

uint8_t tcp_linux_state(const struct tcp_socket *s)
{
    enum {
        ESTABLISHED_1 = 1,
        SYN_SENT_2,
        SYN_RECV_3,
        FIN_WAIT1_4,
        FIN_WAIT2_5,
        TIME_WAIT_6,
        CLOSE_7,
        CLOSE_WAIT_8,
        LAST_ACK_9,
        LISTEN_10,
        CLOSING_11
    };
    static const uint8_t states[] = {
        [CLOSED] = CLOSE_7,         [LISTEN] = LISTEN_10,          [SYN_SENT] = SYN_SENT_2,
        [SYN_RCVD] = SYN_RECV_3,    [ESTABLISHED] = ESTABLISHED_1, [FIN_WAIT_1] = FIN_WAIT1_4,
        [FIN_WAIT_2] = FIN_WAIT2_5, [CLOSE_WAIT] = CLOSE_WAIT_8,   [CLOSING] = CLOSING_11,
        [LAST_ACK] = LAST_ACK_9,    [TIME_WAIT] = TIME_WAIT_6,
    };
    if (s->state == TCP_LISTENING)
        return LISTEN_10;
    return s->pcb ? states[s->pcb->state] : CLOSE_7;
}

static int get_tcp_info(struct tcp_socket *s, struct uptr value, struct uptr size)
{
    struct tcp_info info = {0};
    net_lock();
    info.tcpi_state = tcp_linux_state(s);
    if (s->pcb && s->state == TCP_CONNECTED) {
        info.tcpi_snd_mss = info.tcpi_rcv_mss = info.tcpi_advmss = s->pcb->mss;
        info.tcpi_retransmits = s->pcb->nrtx;
        info.tcpi_snd_cwnd = s->pcb->cwnd / s->pcb->mss;
        info.tcpi_rcv_space = s->pcb->rcv_wnd;
        info.tcpi_pmtu = 1500;
    }
    net_unlock();
    return socket_option_put(&info, sizeof(info), value, size);
}

/* UDP-Lite. */

static bool is_udplite_level(const struct inet_socket *i, int level)
{
    return (level == IPPROTO_UDPLITE || level == IPPROTO_UDP) && inet_is_udplite(i);
}

static int set_udplite(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    int number;
    int err = socket_option_number(value, size, &number);
    return err ? err : udplite_set_option(&i->lite, option, number);
}

/* All levels. */

static bool is_tcp(const struct inet_socket *i)
{
    return i->base.type == SOCK_STREAM;
}

int inet_set_option(struct socket *base, int level, int option, struct uptr value, unsigned size)
{
    struct inet_socket *i = inet_of(base);
    int err;
    if (level == IPPROTO_TCP)
        return is_tcp(i) ? set_tcp(tcp_of(base), option, value, size) : -EOPNOTSUPP;
    if (level == IPPROTO_IP)
        err = set_ip(i, option, value, size);
    else if (is_udplite_level(i, level))
        err = set_udplite(i, option, value, size);
    else if (level == IPPROTO_IPV6 && base->family == AF_INET6)
        err = set_ipv6(i, option, value, size);
    else
        return -ENOPROTOOPT;
    if (!err)
        base->ops->changed(base, 0);
    return err;
}

int inet_get_option(struct socket *base, int level, int option, struct uptr value, struct uptr size)
{
    struct inet_socket *i = inet_of(base);
    int number = 0, err;
    if (level == IPPROTO_TCP && is_tcp(i) && option == TCP_INFO)
        return get_tcp_info(tcp_of(base), value, size);
    if (level == IPPROTO_TCP && is_tcp(i) && option == TCP_CONGESTION)
        return socket_option_put("reno\0\0\0\0\0\0\0\0\0\0\0", 16, value, size);
    if (level == IPPROTO_TCP)
        err = is_tcp(i) ? get_tcp(tcp_of(base), option, &number) : -EOPNOTSUPP;
    else if (level == IPPROTO_IP)
        err = get_ip(i, option, &number);
    else if (is_udplite_level(i, level))
        err = udplite_get_option(&i->lite, option, &number);
    else if (level == IPPROTO_IPV6 && base->family == AF_INET6)
        err = get_ipv6(i, option, &number);
    else
        return -EOPNOTSUPP;
    return err ? err : socket_option_put(&number, sizeof(number), value, size);
}
