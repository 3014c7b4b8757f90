/*
 * Sockets of any family. Operations of a family never block; socket_send and socket_receive below
 * know MSG_DONTWAIT, time-outs and signals.
 */
#pragma once

#include "kernel/fd/file.h"
#include "kernel/net/abi.h"

#define SOCKET_NAME_MAX 128u

struct socket_name {
    uint32_t size; /* bytes of it; 0: none */
    union {
        uint16_t family;
        uint8_t bytes[SOCKET_NAME_MAX];
    };
};

/* Open files on their way through a socket. */
struct passed_files {
    struct list_node node;
    unsigned count;
    struct file *files[];
};

/* A control message: what is told beside the bytes. */
struct socket_control {
    int level, type;
    unsigned size;
    uint8_t data[44];
};

#define SOCKET_CONTROLS_MAX 9

struct socket_message {
    struct iter *it;
    unsigned flags;             /* MSG_* of the call */
    bool over;                  /* receive, with -EAGAIN: nothing will come, who waits gets 0 */
    unsigned result_flags;      /* receive: MSG_* to show */
    struct socket_name *name;   /* send: where to; receive: from where, if wanted; or NULL */
    struct passed_files *files; /* send: taken over on success; receive: the caller's then */
    bool has_credentials;
    struct credentials credentials;
    /* send: this datagram's own, not the socket's */
    bool has_ttl, has_tos, has_segment;
    uint8_t ttl, tos;
    uint16_t segment;                /* UDP_SEGMENT */
    uint8_t source_size;             /* of source: 0 (none asked for), 4, 16 */
    uint8_t source[16];              /* IP_PKTINFO, IPV6_PKTINFO */
    uint32_t source_interface;       /* 0: any */
    unsigned control_count;          /* receive */
    struct socket_control *controls; /* receive: SOCKET_CONTROLS_MAX of them, or NULL: not wanted */
};

struct socket;

/* Whose name: accept() tells its peer's, though it may be gone by then. */
enum socket_end { SOCKET_SELF, SOCKET_PEER, SOCKET_ACCEPTED };

struct socket_ops {
    int (*bind)(struct socket *s, const struct socket_name *name);
    /* May sleep, unless nonblocking. */
    int (*connect)(struct socket *s, const struct socket_name *name, bool nonblocking);
    int (*listen)(struct socket *s, int backlog);
    int (*accept)(struct socket *s, struct socket **out); /* -EAGAIN: none waits */
    /* Bytes moved, or -errno. Stream sockets may move a part. */
    int64_t (*send)(struct socket *s, struct socket_message *m);
    int64_t (*receive)(struct socket *s, struct socket_message *m);
    int (*shutdown)(struct socket *s, int how);
    /* Its own name, or its peer's (-ENOTCONN). */
    int (*get_name)(struct socket *s, enum socket_end end, struct socket_name *name);
    int (*peer_credentials)(struct socket *s, struct credentials *out);
    uint32_t (*poll)(struct socket *s);
    /* Bytes that wait to be read, or were sent and not read. */
    int (*queued)(struct socket *s, bool sent);
    /* Whether the next byte of the stream is the urgent one. NULL: it knows none. */
    bool (*at_mark)(struct socket *s);
    bool (*listening)(struct socket *s);
    /* Bytes of a stream that were not sent yet. NULL: it is none. */
    int (*unsent)(struct socket *s);
    /* Options of other levels than SOL_SOCKET. NULL: there are none. */
    int (*set_option)(struct socket *s, int level, int option, struct uptr value, unsigned size);
    int (*get_option)(struct socket *s, int level, int option, struct uptr value, struct uptr size);
    /* A SOL_SOCKET option has changed. NULL: no matter. */
    void (*changed)(struct socket *s, int option);
    void (*release)(struct socket *s);
};

/* Common to all families; a family's own struct begins with it. */
struct socket {
    const struct socket_ops *ops;
    int family, type, protocol;
    uint64_t receive_timeout_ns, send_timeout_ns; /* 0: for ever */
    uint32_t send_room, receive_room;             /* bytes: SO_SNDBUF, SO_RCVBUF */
    uint32_t receive_low;                         /* SO_RCVLOWAT */
    bool pass_credentials;
    bool linger; /* SO_LINGER, and its seconds */
    uint32_t linger_seconds;
    uint64_t switches;       /* options that are on or off: bit n is option n */
    uint32_t interface;      /* SO_BINDTODEVICE; 0: any */
    int priority, mark, cpu; /* SO_INCOMING_CPU */
    uint8_t stamp;           /* which SO_TIMESTAMP...; 0: none */
    bool stamps;             /* something wants the time of each message */
    uint64_t last_stamp_ns;  /* SIOCGSTAMP */
    uint32_t lost;           /* messages for which there was no room: SO_RXQ_OVFL */
    bool peeks;              /* SO_PEEK_OFF may be set */
    int peek_at;             /* its bytes; -1: who peeks begins with the first one */
    int error;               /* positive; told once */
    struct waitq waitq;
    struct file *file; /* the open file, once there is one */
    uint64_t ino;
    uint32_t uid, gid;
};

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type);
/* Makes a socket of a family. Returns 0, -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT,
 * -ENOMEM.
 */
MUST_CHECK int socket_create(int family, int type, int protocol, struct socket **out);
/* The open file of s, which it takes over, also if there is no memory (NULL). flags: O_NONBLOCK. */
struct file *socket_file(struct socket *s, unsigned flags);
/* How many sockets are open. */
unsigned socket_count(void);
enum socket_kind {
    SOCKET_TCP,
    SOCKET_UDP,
    SOCKET_UDPLITE,
    SOCKET_RAW,
    SOCKET_PING,
    SOCKET_V6, /* those of IPv6, in the same order */
    SOCKET_UNIX = 2 * SOCKET_V6,
    SOCKET_UNIX_STREAM,
    SOCKET_NETLINK,
    SOCKET_KINDS
};
unsigned socket_count_of(enum socket_kind kind);
unsigned socket_size_of(enum socket_kind kind); /* inet_counts.c: bytes */
struct socket *socket_of(const struct file *f); /* NULL: f is no socket */

/* Adds a control message, if the reader wants any and there is room. */
void socket_control_put(struct socket_message *m, int level, int type, const void *data,
                        unsigned size);
/* Tells when a message came (on the real-time clock), as SO_TIMESTAMP says. 0: not known. */
void socket_control_stamp(struct socket *s, struct socket_message *m, uint64_t stamp_ns);
static inline bool socket_switch(const struct socket *s, int option)
{
    return (s->switches >> option & 1) != 0;
}

/* SO_PEEK_OFF: how many bytes a call leaves out; what it changes for the next one. */
static inline uint32_t socket_peek_start(const struct socket *s, unsigned flags)
{
    return (flags & MSG_PEEK) && s->peek_at > 0 ? (uint32_t)s->peek_at : 0;
}
void socket_peek_moved(struct socket *s, unsigned flags, int64_t bytes);

/* Takes the error that waits: 0 or -errno. */
int socket_take_error(struct socket *s);

/* Move a message, waiting as the file and the flags say. Return bytes or -errno. */
int64_t socket_send(struct file *f, struct socket_message *m);
int64_t socket_receive(struct file *f, struct socket_message *m);

/* Reads an option's number: a whole int, or -EINVAL, -EFAULT. */
MUST_CHECK int socket_option_number(struct uptr value, unsigned size, int *out);
/* Copies an option's value out, as much as there is room for, and says how much. */
MUST_CHECK int socket_option_put(const void *data, unsigned length, struct uptr value,
                                 struct uptr size);
/* SOL_SOCKET options. Return 0 or -ENOPROTOOPT, -EINVAL, -EFAULT, -EDOM. */
int socket_set_option(struct socket *s, int option, struct uptr value, unsigned size);
int socket_get_option(struct socket *s, int option, struct uptr value, struct uptr size);

/* Drops files that nobody received. They may be sockets that hold more: done without recursion. */
void passed_files_drop(struct passed_files *p);
/* The same files again (MSG_PEEK). NULL: no memory. */
struct passed_files *passed_files_copy(const struct passed_files *p);
