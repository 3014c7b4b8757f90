/* AF_UNIX: sockets within the machine. Shared by unix.c and unix_*.c. */
#pragma once

#include "kernel/net/socket.h"

#define UNIX_PATH_BYTES 108u
#define UNIX_NAME_HEAD 2u /* the family, before the path */

/* One message, or part of a stream, in the queue of who shall read it. */
struct unix_packet {
    struct list_node node;
    struct unix_socket *sender; /* a reference; charged for it */
    struct passed_files *files;
    struct credentials credentials;
    uint32_t start, end, capacity; /* bytes of data: read up to, written up to, room */
    uint32_t charge;
    uint64_t stamp_ns; /* when it was sent, if that is to be told; or 0 */
    char data[];
};

enum unix_state { UNIX_UNCONNECTED, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
    struct socket base;
    uint32_t refs;
    uint32_t sent;          /* bytes charged for what it sent and nobody has read; atomic */
    struct mutex read_lock; /* one reader at a time: only readers take packets out */
    struct spinlock lock;   /* guards the rest */
    enum unix_state state;
    bool shut_read, shut_write, dead;
    struct unix_socket *peer; /* a reference, or NULL */
    struct list_node queue;   /* struct unix_packet */
    struct list_node pending; /* listening: sockets that wait for accept, by pending_node */
    struct list_node pending_node;
    unsigned pending_count, backlog;
    struct credentials peer_credentials;
    struct list_node all_node;   /* in the list of all, as long as there are references */
    struct list_node bound_node; /* in the table of names */
    struct inode *bound_inode;   /* a reference, or NULL */
    bool bound;                  /* name is set, for good */
    struct socket_name name;
};

static inline struct unix_socket *unix_of(struct socket *s)
{
    return container_of(s, struct unix_socket, base);
}

struct unix_socket *unix_alloc(int type); /* NULL: no memory */
struct unix_socket *unix_get(struct unix_socket *u);
void unix_put(struct unix_socket *u);
static inline bool unix_is_stream(const struct unix_socket *u)
{
    return u->base.type == SOCK_STREAM;
}
static inline bool unix_is_datagram(const struct unix_socket *u)
{
    return u->base.type == SOCK_DGRAM;
}
/* The peer with a reference, or NULL. */
struct unix_socket *unix_peer_get(struct unix_socket *u);
struct credentials unix_own_credentials(void);

/* unix.c */
MUST_CHECK int unix_create(int type, struct socket **out);
/* Connects two new sockets to each other. */
void unix_pair(struct socket *a, struct socket *b);
/* A datagram socket no longer has the peer old: what waits is dropped, of which old is told. */
void unix_drop_old(struct unix_socket *u, struct unix_socket *old);

/* unix_link.c */
int unix_connect(struct socket *s, const struct socket_name *name, bool nonblocking);
int unix_listen(struct socket *s, int backlog);
int unix_accept(struct socket *s, struct socket **out);
/* A datagram socket whose peer is gone has none any more. */
void unix_forget_peer(struct unix_socket *u, const struct unix_socket *peer);
/* The end of u: its peer, and who waits to be accepted, see it closed. */
void unix_disconnect(struct unix_socket *u);

/* unix_list.c */
void unix_list_add(struct unix_socket *u);
/* The last reference to u is gone. */
void unix_list_remove(struct unix_socket *u);

/* unix_name.c */
int unix_bind(struct socket *s, const struct socket_name *wanted);
/* The socket of a name, with a reference. Returns 0, -EINVAL, -ECONNREFUSED, or an error of the
 * path. */
MUST_CHECK int unix_find(const struct socket_name *wanted, struct unix_socket **out);
void unix_unbind(struct unix_socket *u);
