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
#define INET_ALL (INET_READABLE | INET_WRITABLE | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)

#define INET_TTL 64 /* as on Linux; lwIP's own are 255 */

/* An address and a port, of either version. */
struct endpoint {
    ip_addr_t address;
    uint16_t port;
};

struct port_table;

/* Options of UDP-Lite: how many bytes the checksum covers, at least; 0: all. */
struct udplite {
    uint16_t coverage, minimum;
    bool minimum_set;
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
    /* Options. */
    bool only6;
    uint8_t ttl, tos; /* ttl 0: the default */
    int multicast_ttl;
    /* What is told of each datagram: IP_PKTINFO, IP_RECVTTL, IP_RECVTOS and IPv6's. */
    bool packet_info, packet_info6, receive_ttl, receive_ttl6, receive_tos, receive_tos6;
    struct udplite lite;
};

/* How a datagram came in. */
struct arrival {
    struct endpoint to;
    uint8_t interface, ttl, tos;
};

/* inet_control.c: adds what i wants to know. */
void inet_control_put(const struct inet_socket *i, const struct arrival *a,
                      struct socket_message *m);

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
    return i->only6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}
/* -errno of lwIP's err_t. */
int inet_error(err_t err);

/* inet_name.c */
/* Returns 0, -EINVAL, -EAFNOSUPPORT, -ENETUNREACH (a mapped address where only IPv6 is wanted). */
MUST_CHECK int endpoint_parse(const struct inet_socket *i, const struct socket_name *name,
                              struct endpoint *out);
void endpoint_format(const struct inet_socket *i, const struct endpoint *e,
                     struct socket_name *name);
bool endpoint_is_any(const struct endpoint *e);
/* Where what is sent to "any" goes: this machine. */
void endpoint_resolve_any(const struct inet_socket *i, struct endpoint *e);
int inet_get_name(struct socket *s, bool peer, struct socket_name *name);

/* inet_port.c: who has which port. */
struct port_table {
    struct list_node buckets[64];
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

/* Takes back what connecting gave: the address and port that bind did not choose. */
void inet_unbind(struct inet_socket *i);

/* inet_option.c */
int inet_set_option(struct socket *base, int level, int option, struct uptr value, unsigned size);
int inet_get_option(struct socket *base, int level, int option, struct uptr value,
                    struct uptr size);

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
/* What ICMP says about something that i sent to its peer: -errno. */
void inet_unreachable(struct inet_socket *i, int err);
