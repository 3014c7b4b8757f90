/* TCP sockets: shared by inet_tcp.c (life), inet_tcp_connect.c and inet_tcp_data.c. */
#pragma once

#include <lwip/prot/tcp.h>
#include <lwip/tcp.h>

#include "kernel/net/inet_priv.h"

enum tcp_socket_state { TCP_IDLE, TCP_CONNECTING, TCP_CONNECTED, TCP_ENDED, TCP_LISTENING };

#define TIMEOUT_MAX_TICKS (120000u / TCP_SLOW_INTERVAL)
#define TCP_FIRST_TIMEOUT_TICKS (1000u / TCP_SLOW_INTERVAL) /* RFC 6298, 2.1 */
#define TCP_FIN_WAIT_SECONDS 60                             /* tcp_fin_timeout */

/* The urgent byte: its pointer has come, it itself, it was read. */
enum tcp_urgent { URGENT_NONE, URGENT_AWAITED, URGENT_HERE, URGENT_READ };

/* Listening sockets that share address and port (SO_REUSEPORT): one for lwIP. */
struct tcp_group {
    struct tcp_pcb *pcb;
    struct list_node members; /* struct tcp_socket.group_node */
    unsigned count;
};

struct tcp_socket {
    struct inet_socket inet;
    enum tcp_socket_state state; /* ENDED: was connected, or tried to */
    struct tcp_pcb *pcb;         /* lwIP's; NULL: none yet, or no more */
    /* What came and nobody has read: a chain of buffers, linked by next; their own lengths count.
     */
    struct pbuf *first, *last;
    uint32_t queued, taken; /* bytes in them; bytes of the first that are read */
    uint32_t came, read;    /* bytes of the stream since its begin */
    uint32_t withheld;      /* bytes by which the window is smaller than lwIP's: SO_RCVBUF */
    uint32_t urgent_at;     /* the urgent byte's place among them */
    enum tcp_urgent urgent;
    uint8_t urgent_byte;
    bool peer_closed;  /* its FIN came */
    bool released;     /* close() waits, as SO_LINGER says */
    bool connect_told; /* connect() has said that there is, or was, a connection */
    /* Listening. */
    struct tcp_group *group;
    struct list_node group_node, accept_queue, accept_node;
    struct list_node deferred;      /* TCP_DEFER_ACCEPT: by accept_node, those without data yet */
    struct tcp_socket *deferred_to; /* the listener in whose list of those it is, or NULL */
    uint64_t deferred_until_ns;
    unsigned accept_count, backlog;
    /* Options. */
    bool no_delay, cork, quick_ack, narrow;        /* narrow: SO_RCVBUF was set */
    bool acks_at_once, tell_queued;                /* TCP_QUICKACK was set; TCP_INQ */
    uint32_t keep_idle, keep_interval, keep_count; /* seconds, seconds, probes */
    uint32_t syn_count, user_timeout_ms, defer_seconds;
    uint32_t unsent_low, window_clamp; /* bytes; 0: any */
    uint16_t segment_most;             /* TCP_MAXSEG; 0: not set */
    int32_t fin_wait;                  /* TCP_LINGER2: seconds; 0: the default, -1: none */
    uint64_t came_ns;                  /* when bytes came last: for SO_TIMESTAMP */
    /* TCP_USER_TIMEOUT: up to where all has arrived, and since when it is the same. */
    uint32_t arrived;
    uint64_t arrived_ns;
};

static inline struct tcp_socket *tcp_of(struct socket *s)
{
    return container_of(s, struct tcp_socket, inet.base);
}

extern const struct socket_ops tcp_ops;

struct tcp_socket *tcp_socket_alloc(int family); /* NULL: no memory */
/* Makes pcb s's, with its options. */
void tcp_attach(struct tcp_socket *s, struct tcp_pcb *pcb);
/* pcb goes on without s. */
void tcp_detach(struct tcp_socket *s);
/* How long a new connection's first segment waits for its answer. */
void tcp_set_timeout(struct tcp_pcb *pcb);
void tcp_apply_options(struct tcp_socket *s);
/* lwIP gives s's connection up: reset, aborted, or done. */
void tcp_failed(void *arg, err_t err);

/* Whether there is a connection, of which at least one end is open. Requires: the net lock. */
bool tcp_has_connection(const struct tcp_socket *s);
/* The state as Linux numbers it. */
uint8_t tcp_linux_state(const struct tcp_socket *s);
uint8_t tcp_linux_state_of(const struct tcp_pcb *pcb); /* NULL: closed */

/* inet_tcp_table.c: connections by their ends. One that begins is added (false: no memory) and
 * removes itself when lwIP frees it; those that come to a listener add themselves. */
void tcp_table_init(void); /* before all else */
bool tcp_table_add(struct tcp_pcb *pcb);
void tcp_table_listen(struct tcp_pcb *listener);
/* How long a connection whose socket is gone waits for the other side's end. */
void tcp_table_set_fin_wait(const struct tcp_pcb *pcb, int32_t seconds);
/* Whether connections of sockets that are closed still have the port. */
bool tcp_table_lingers(uint16_t port);

/* inet_tcp_urgent.c, all under the net lock but for the last. */
/* What was written last ends with an urgent byte. */
void tcp_urgent_mark(struct tcp_pcb *pcb);
/* A segment with an urgent pointer comes; then bytes that are queued. */
void tcp_urgent_told(struct tcp_socket *s, const struct tcp_pcb *pcb, const struct tcp_hdr *header);
void tcp_urgent_take(struct tcp_socket *s, const struct pbuf *p);
/* How much of size bytes one read gives; whether it begins by skipping a byte. */
uint32_t tcp_urgent_limit(const struct tcp_socket *s, uint32_t size);
bool tcp_urgent_skips(const struct tcp_socket *s);
/* Bytes were read. */
void tcp_urgent_passed(struct tcp_socket *s);
bool tcp_urgent_at_mark(const struct tcp_socket *s);
uint32_t tcp_urgent_events(const struct tcp_socket *s);
/* MSG_OOB: 1, 0 at the end, -EINVAL (none), -EAGAIN (not yet). */
int64_t tcp_urgent_receive(struct tcp_socket *s, struct socket_message *m);

/* inet_tcp_connect.c */
int tcp_socket_bind(struct socket *base, const struct socket_name *name);
int tcp_socket_connect(struct socket *base, const struct socket_name *name, bool nonblocking);
int tcp_socket_listen(struct socket *base, int backlog);
int tcp_socket_accept(struct socket *base, struct socket **out);
void tcp_leave_group(struct tcp_socket *s);
/* A connection that waited for its first bytes is to be accepted. */
void tcp_defer_end(struct tcp_socket *s);
/* TCP_DEFER_ACCEPT: seconds as whole time-outs of a segment, each twice as long as the one before.
 */
int tcp_defer_seconds(int seconds);
/* A connection comes to a listener, but for its last segment. */
void tcp_begin_child(const struct tcp_pcb_listen *listener, struct tcp_pcb *pcb);

/* inet_tcp_data.c */
int64_t tcp_socket_send(struct socket *base, struct socket_message *m);
int64_t tcp_socket_receive(struct socket *base, struct socket_message *m);
err_t tcp_data_came(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);
err_t tcp_data_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes);
bool tcp_writable(const struct tcp_socket *s);
void tcp_drop_queue(struct tcp_socket *s);
/* Makes the window of a connection, to which nothing was sent yet, as s's SO_RCVBUF says. Returns
 * by how much smaller it is than lwIP's. */
uint32_t tcp_narrow_window(const struct tcp_socket *s, struct tcp_pcb *pcb);
/* Opens the window by size bytes, as far as SO_RCVBUF lets it. */
void tcp_open_window(struct tcp_socket *s, size_t size);
