/*
 * What the parts of AF_INET and AF_INET6 share. Fields are guarded by the net lock, but for what
 * the generic socket has.
 */
#pragma once

#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip.h>

#include "kernel/net/inet.h"
#include "kernel/net/stack.h"
#include "kernel/sync/mutex.h"

#define INET_READABLE (EPOLLIN | EPOLLRDNORM)
#define INET_WRITABLE (EPOLLOUT | EPOLLWRNORM)
#define DATAGRAM_WRITABLE (INET_WRITABLE | EPOLLWRBAND)
#define INET_ALL                                                                                   \
    (INET_READABLE | INET_WRITABLE | EPOLLWRBAND | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)

#define INET_TTL 64 /* as on Linux; lwIP's own are 255 */

/* An address and a port, of either version. */
struct endpoint {
    ip_addr_t address;
    uint16_t port;
};

struct netif;
struct port_table;

/* Options of UDP-Lite: how many bytes the checksum covers, at least; 0: all. */
struct udplite {
    uint16_t coverage, minimum;
    bool minimum_set;
};

/* What the program asked for at IPPROTO_IP, IPPROTO_IPV6 and their kind. */
struct inet_options {
    bool only6;
    int16_t ttl, hops; /* -1: the default */
    uint8_t tos, class6;
    bool header_included;
    /* Groups: how what is sent to one leaves, and whether all that came are seen. */
    int16_t group_ttl, group_hops;
    bool group_loop, group_loop6, group_all, group_all6;
    uint32_t group_address; /* of the interface, network order: only told */
    int group_interface, group_interface6, interface, interface6; /* 0: any */
    int packet_interface6; /* IPV6_PKTINFO: of all datagrams; 0: any */
    uint8_t mtu_discover, mtu_discover6;
    bool whole6; /* IPV6_DONTFRAG */
    bool free_bind, late_port, errors, errors6;
    uint8_t ttl_least, hops_least;
    /* What is told of each datagram. */
    bool tell_info, tell_ttl, tell_tos, tell_options, tell_options_back, tell_original;
    bool tell_info6, tell_ttl6, tell_class6, tell_original6;
    bool tell_info6_old, tell_ttl6_old; /* as RFC 2292 has it */
    uint16_t segment;                   /* UDP_SEGMENT */
    bool cork;
    int checksum_at; /* IPV6_CHECKSUM of raw sockets; -1: none */
};

struct inet_socket {
    struct socket base;
    struct mutex read_lock; /* one reader at a time: only readers take out what came */
    struct mutex send_lock; /* one sender at a time */
    struct port_table *ports;
    struct list_node port_node; /* in ports, while bound */
    struct endpoint local, peer;
    bool bound;                     /* local has a port */
    bool chose_address, chose_port; /* bind did */
    bool has_peer;
    bool shut_read, shut_write;
    struct inet_options options;
    struct list_node groups; /* struct membership */
    struct list_node errors; /* struct error_entry: what MSG_ERRQUEUE reads */
    uint32_t error_bytes;
    struct udplite lite;
};

#define IP_OPTIONS_MAX 40u

/* How a datagram came in. */
struct arrival {
    struct endpoint to;
    uint64_t stamp_ns; /* the real-time clock's; 0: nobody wanted to know */
    uint32_t own;      /* IPv4: the interface's address, network order */
    uint8_t interface, ttl, tos;
    uint8_t options_size;
    uint8_t options[IP_OPTIONS_MAX];
};

/* inet_control.c: adds what i wants to know. */
void inet_control_put(const struct inet_socket *i, const struct arrival *a,
                      struct socket_message *m);
/* A name as in a control message; returns its bytes. */
unsigned inet_control_name(int family, const struct endpoint *e, void *out);

static inline struct inet_socket *inet_of(struct socket *s)
{
    return container_of(s, struct inet_socket, base);
}

void inet_init(struct inet_socket *i, const struct socket_ops *ops, int family, int type,
               int protocol, struct port_table *ports);
/* The type of lwIP's own sockets: of one version, or of both. */
static inline uint8_t inet_ip_type(const struct inet_socket *i)
{
    if (i->base.family == AF_INET)
        return IPADDR_TYPE_V4;
    return i->options.only6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}
/* -errno of lwIP's err_t. */
int inet_error(err_t err);

/* inet_name.c */
/* Returns 0, -EINVAL, -EAFNOSUPPORT, -ENODEV (a scope that is no interface's number), -ENETUNREACH
 * (a mapped address where only IPv6 is wanted). */
MUST_CHECK int endpoint_parse(const struct inet_socket *i, const struct socket_name *name,
                              struct endpoint *out);
/* Of bind: IPv4's "any" may also have no family. */
MUST_CHECK int endpoint_parse_own(const struct inet_socket *i, const struct socket_name *name,
                                  struct endpoint *out);
void endpoint_format(const struct inet_socket *i, const struct endpoint *e,
                     struct socket_name *name);
bool endpoint_is_any(const struct endpoint *e);
/* Where what is sent to "any" goes: this machine. */
void endpoint_resolve_any(const struct inet_socket *i, struct endpoint *e);
int inet_get_name(struct socket *s, enum socket_end end, struct socket_name *name);

/* inet_port.c: who has which port. */
struct port_table {
    struct list_node buckets[1024];
    /* Whether port is still in use for somebody that is no socket any more; or NULL. */
    bool (*lingers)(uint16_t port);
};
extern struct port_table tcp_ports, udp_ports, udplite_ports;
/* The ports of an IP protocol; NULL: it has none. */
struct port_table *ports_of(unsigned protocol);
/* Takes i->local's port (0: one that is free). Returns 0, -EADDRINUSE or -EACCES. */
MUST_CHECK int port_take(struct inet_socket *i);
/* Takes the port that a connection to a listener has. */
void port_share(struct inet_socket *i);
void port_release(struct inet_socket *i);
/* The first socket with the port after i (NULL: from the start). */
struct inet_socket *port_next(struct port_table *t, uint16_t port, struct inet_socket *i);
/* Whether i may listen, as far as other listeners go; is_listener tells them. */
bool port_may_listen(const struct inet_socket *i, bool (*is_listener)(const struct inet_socket *));
/* The address is ours, any, or a group's. */
bool address_is_own(const struct inet_socket *i, const ip_addr_t *address);
/* The body of bind: takes name's address and port. Returns 0, -EINVAL (bound already), or what
 * endpoint_parse and port_take return, -EADDRNOTAVAIL. */
MUST_CHECK int inet_bind_to(struct inet_socket *i, const struct socket_name *name);
/* Binds to any address and a free port, unless bound. */
MUST_CHECK int inet_bind_any(struct inet_socket *i);

/* lwIP's number for SO_BINDTODEVICE's: what is none for it is none here. */
static inline uint8_t inet_bound_interface(const struct inet_socket *i)
{
    return (uint8_t)min_u64(i->base.interface, UINT8_MAX);
}

/* The interface of a number that a program gave; NULL: there is none. Requires: the net lock. */
struct netif *inet_interface(int64_t index);

/* Takes back what connecting gave: the address and port that bind did not choose. */
void inet_unbind(struct inet_socket *i);

/* inet_option.c */
int inet_set_option(struct socket *base, int level, int option, struct uptr value, unsigned size);
int inet_get_option(struct socket *base, int level, int option, struct uptr value,
                    struct uptr size);
/* A byte of option's at field, or more, as a number; low to high are taken. */
struct inet_number {
    uint8_t option, width; /* bytes of the field */
    uint16_t field;
    int low, high;
};
#define INET_SWITCH_LOW INT32_MIN    /* any number is taken, and becomes 0 or 1 */
#define INET_ANY_LOW (INT32_MIN + 1) /* any number is taken */
/* Sets or gets the field in what owner points to. Returns 0, -EINVAL, -ENOPROTOOPT. */
int inet_number_set(const struct inet_number *table, unsigned count, void *owner, int option,
                    int value);
int inet_number_get(const struct inet_number *table, unsigned count, const void *owner, int option,
                    int *value);

/* inet_group.c: groups of multicast. Options that join, leave and filter; -ENOPROTOOPT: another. */
int group_set_option(struct inet_socket *i, int level, int option, struct uptr value,
                     unsigned size);
int group_get_option(struct inet_socket *i, int level, int option, struct uptr value,
                     struct uptr size);
/* Whether i gets what came from a source, by an interface, to a group. */
bool group_wanted(const struct inet_socket *i, const ip_addr_t *group, const ip_addr_t *source,
                  unsigned interface);
void group_leave_all(struct inet_socket *i);
/* The interface that has an address (network order), or NULL. Requires: the net lock. */
struct netif *group_interface4(uint32_t address);

/* inet_error.c: what ICMP tells, and the queue of it. */
struct error_report {
    uint8_t origin, type, code; /* SO_EE_ORIGIN_* */
    bool hard;                  /* told without IP_RECVERR, too, if there is a peer */
    int error;                  /* positive */
    uint32_t info;
    struct endpoint offender, to;
    const struct pbuf *packet; /* the bytes to quote, from offset on; or NULL */
    unsigned offset;
    struct arrival arrival;
};
/* Whether i has a queue for what concerns an address. */
static inline bool inet_queues_errors(const struct inet_socket *i, const ip_addr_t *address)
{
    return IP_IS_V6(address) ? i->options.errors6 : i->options.errors;
}
/* Puts the report into i's queue, if there is room. */
void inet_error_queue(struct inet_socket *i, const struct error_report *r);
/* MSG_ERRQUEUE: bytes of the packet that is quoted, or -EAGAIN. */
int64_t inet_error_receive(struct inet_socket *i, struct socket_message *m);
void inet_error_drop_all(struct inet_socket *i);
/* How many raw sockets of a family there are. Requires: the net lock. */
unsigned datagram_count_raw(int family);
/* Of a raw socket of ICMP: which types it doesn't get, a bit each. */
void *datagram_filter(struct inet_socket *i);
/* UDP_CORK ends: what was held goes out. */
void datagram_uncork(struct inet_socket *i);
/* An error that a datagram socket is told of; payload: where to quote from, behind IP's header. */
void datagram_error(const struct error_report *r, unsigned protocol, unsigned payload,
                    const struct endpoint *from);

/* inet_tcp_option.c. Return 0, -ENOPROTOOPT, -EINVAL, -EFAULT ... */
int tcp_set_option(struct inet_socket *i, int option, struct uptr value, unsigned size);
int tcp_get_option(struct inet_socket *i, int option, struct uptr value, struct uptr size);

/* inet_udplite.c. Return 0 or -ENOPROTOOPT. */
int udplite_set_option(struct udplite *u, int option, int value);
int udplite_get_option(const struct udplite *u, int option, int *value);

static inline bool inet_is_udplite(const struct inet_socket *i)
{
    return i->base.type == SOCK_DGRAM && i->base.protocol == IP_PROTO_UDPLITE;
}

/* A socket listens now: the tool may say where it is reached. */
void inet_told_listening(const struct inet_socket *i);

/* inet_tcp.c, inet_datagram.c */
/* Forgets the oldest connections that only wait for what may still be under way. */
void tcp_trim_time_wait(void);
MUST_CHECK int tcp_create(int family, struct socket **out);
MUST_CHECK int datagram_create(int family, int type, int protocol, struct socket **out);
/* What ICMP says about an attempt to connect: errno. */
void tcp_unreachable(struct inet_socket *i, int error);
