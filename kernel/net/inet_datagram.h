/* UDP and raw sockets: shared by inet_datagram.c and inet_datagram_send.c. */
#pragma once

#include <lwip/raw.h>
#include <lwip/udp.h>

#include "kernel/net/inet_priv.h"

struct datagram_socket {
    struct inet_socket inet;
    bool ping;
    struct udp_pcb *udp; /* one of the two */
    struct raw_pcb *raw;
    struct list_node raw_node; /* raw and ping: in the list of them */
    struct list_node queue;    /* struct datagram */
    uint32_t queued;           /* bytes charged */
    uint32_t told_lost;        /* of base.lost */
    struct pbuf *corked;       /* what UDP_CORK or MSG_MORE holds back, or NULL */
    struct endpoint corked_to;
    uint32_t filter[8]; /* types of ICMP that are not wanted */
};

static inline struct datagram_socket *datagram_of(struct socket *s)
{
    return container_of(s, struct datagram_socket, inet.base);
}

/* inet_datagram.c, under the net lock */
/* Tells lwIP of the address and port. Who may have them was decided: it refuses nothing. */
void datagram_bind_pcb(struct datagram_socket *s);
/* A port, if there is none yet. Returns 0 or -EADDRINUSE. */
MUST_CHECK int datagram_bind_any(struct datagram_socket *s);

/* The same for who has not the net lock, before anything else that a call can find wrong. */
MUST_CHECK int datagram_bind_early(struct datagram_socket *s);

/* inet_datagram_send.c */
int64_t datagram_send(struct socket *base, struct socket_message *m);
/* The interface by which i sends to an address, as its options say; NULL: by none. */
struct netif *datagram_way(const struct inet_socket *i, const ip_addr_t *to);
