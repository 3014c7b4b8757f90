/*
 * AF_UNIX: sending, receiving, and the life of a socket.
 *
 * A message is queued at its receiver and charged to its sender until it is read: a sender with too
 * much under way waits on its own queue. Bytes are copied from and to the program without spin
 * locks: senders fill a packet before they queue it, and readers, one at a time, copy from the
 * first packet before they take it out.
 */
#include "kernel/net/unix.h"

#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define STREAM_PART 36544u /* bytes of one packet of a stream, as on Linux */
#define ROOM_SPARE 32u     /* of SO_SNDBUF, which a datagram leaves */
#define SMALL_BYTES 512u   /* writes up to this may join the last packet */
#define SMALL_PACKET 2048u /* room of a packet that was made for a small write */
#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

static const struct socket_ops unix_ops;

struct unix_socket *unix_alloc(int type)
{
    struct unix_socket *u = heap_zalloc_object(sizeof(*u));
    if (!u)
        return NULL;
    socket_init(&u->base, &unix_ops, AF_UNIX, type);
    u->base.peeks = true;
    u->refs = 1;
    mutex_init(&u->read_lock, RANK_SOCKET);
    spin_init(&u->lock, RANK_PIPE);
    list_init(&u->queue);
    list_init(&u->pending);
    list_init(&u->pending_node);
    list_init(&u->bound_node);
    unix_list_add(u);
    u->peer_credentials = (struct credentials){0, UINT32_MAX, UINT32_MAX};
    return u;
}

struct unix_socket *unix_get(struct unix_socket *u)
{
    __atomic_fetch_add(&u->refs, 1, __ATOMIC_RELAXED);
    return u;
}

void unix_put(struct unix_socket *u)
{
    if (u && __atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        unix_list_remove(u);
        heap_free(u);
    }
}

struct unix_socket *unix_peer_get(struct unix_socket *u)
{
    spin_lock(&u->lock);
    struct unix_socket *peer = u->peer ? unix_get(u->peer) : NULL;
    spin_unlock(&u->lock);
    return peer;
}

struct credentials unix_own_credentials(void)
{
    const struct cred *cred = cred_current();
    return (struct credentials){PROC_PID, cred->uid[CRED_EFFECTIVE], cred->gid[CRED_EFFECTIVE]};
}

/* Packets. */

static bool writable(const struct unix_socket *u)
{
    return __atomic_load_n(&u->sent, __ATOMIC_ACQUIRE) <= u->base.send_room / 2;
}

static void charge(struct unix_socket *sender, struct unix_packet *p, uint32_t bytes)
{
    p->charge += bytes;
    __atomic_fetch_add(&sender->sent, bytes, __ATOMIC_ACQ_REL);
}

static struct unix_packet *packet_alloc(struct unix_socket *sender, uint32_t capacity)
{
    struct unix_packet *p = heap_alloc_object(sizeof(*p) + capacity);
    if (!p)
        return NULL;
    p->sender = unix_get(sender);
    p->files = NULL;
    p->credentials = unix_own_credentials();
    p->start = p->end = p->charge = 0;
    p->capacity = capacity;
    return p;
}

/* Gives bytes back to the sender. */
static void uncharge(struct unix_socket *sender, uint32_t bytes)
{
    __atomic_fetch_sub(&sender->sent, bytes, __ATOMIC_ACQ_REL);
    if (writable(sender))
        waitq_wake(&sender->base.waitq, WRITABLE);
}

static void packet_free(struct unix_packet *p)
{
    uncharge(p->sender, p->charge);
    if (p->files)
        passed_files_drop(p->files);
    unix_put(p->sender);
    heap_free(p);
}

/* Queues p at target. Returns 0 or -EPIPE (nobody will read it; then p is still ours). */
static int enqueue(struct unix_socket *target, struct unix_packet *p)
{
    spin_lock(&target->lock);
    bool closed = target->dead || target->shut_read;
    if (!closed)
        list_add_tail(&target->queue, &p->node);
    spin_unlock(&target->lock);
    if (closed)
        return -EPIPE;
    waitq_wake_long(&target->base.waitq, READABLE);
    return 0;
}

/* Sending. */

static bool same_credentials(const struct credentials *a, const struct credentials *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

static struct unix_packet *packet_make(struct unix_socket *u, const struct socket_message *m,
                                       uint32_t capacity)
{
    struct unix_packet *p = packet_alloc(u, capacity);
    if (p && m->has_credentials)
        p->credentials = m->credentials;
    return p;
}

/* Adds a small piece to the last packet, if there is one of ours with room. */
static bool join_last(struct unix_socket *u, struct unix_socket *target, const char *data,
                      uint32_t size)
{
    struct credentials own = unix_own_credentials();
    bool joined = false;
    spin_lock(&target->lock);
    if (!list_empty(&target->queue) && !target->dead && !target->shut_read) {
        struct unix_packet *p = list_entry(target->queue.prev, struct unix_packet, node);
        if (p->sender == u && !p->files && p->capacity - p->end >= size &&
            same_credentials(&p->credentials, &own)) {
            memcpy(p->data + p->end, data, size);
            charge(u, p, size);
            p->end += size;
            joined = true;
        }
    }
    spin_unlock(&target->lock);
    if (joined)
        waitq_wake(&target->base.waitq, READABLE);
    return joined;
}

static int64_t send_small(struct unix_socket *u, struct unix_socket *target,
                          struct socket_message *m)
{
    char data[SMALL_BYTES];
    uint32_t size = (uint32_t)m->it->left;
    if (iter_read(m->it, data, size) < size)
        return -EFAULT;
    if (join_last(u, target, data, size))
        return size;
    struct unix_packet *p = packet_make(u, m, SMALL_PACKET);
    if (!p)
        return -ENOMEM;
    memcpy(p->data, data, size);
    p->end = size;
    charge(u, p, (uint32_t)sizeof(*p) + size);
    int err = enqueue(target, p);
    if (!err)
        return size;
    packet_free(p);
    return err;
}

/* Sends one packet with size bytes, all or none. */
static int64_t send_packet(struct unix_socket *u, struct unix_socket *target,
                           struct socket_message *m, uint32_t size)
{
    struct unix_packet *p = packet_make(u, m, size);
    if (!p)
        return -ENOMEM;
    p->end = (uint32_t)iter_read(m->it, p->data, size);
    int err = p->end < size ? -EFAULT : 0;
    if (!err) {
        charge(u, p, (uint32_t)sizeof(*p) + size);
        p->files = m->files;
        p->stamp_ns = target->base.stamps ? (uint64_t)clock_realtime_ns() : 0;
        err = enqueue(target, p);
    }
    if (err) {
        p->files = NULL;
        packet_free(p);
        return err;
    }
    m->files = NULL;
    return size;
}

static int64_t send_stream_part(struct unix_socket *u, struct unix_socket *target,
                                struct socket_message *m)
{
    if (__atomic_load_n(&u->sent, __ATOMIC_ACQUIRE) >= u->base.send_room)
        return -EAGAIN;
    if (m->it->left <= SMALL_BYTES && !m->files && !m->has_credentials)
        return send_small(u, target, m);
    uint64_t part = min_u64(STREAM_PART, u->base.send_room / 2 - 64); /* two fit, as on Linux */
    return send_packet(u, target, m, (uint32_t)min_u64(m->it->left, part));
}

static int64_t send_stream(struct unix_socket *u, struct socket_message *m)
{
    int64_t done = 0;
    if (m->name && m->name->size)
        return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    struct unix_socket *target = unix_peer_get(u);
    if (!target)
        return -ENOTCONN;
    int64_t n = u->shut_write ? -EPIPE : socket_take_error(&u->base);
    while (n >= 0 && m->it->left > 0) {
        n = u->shut_write || target->shut_read || target->dead ? -EPIPE
                                                               : send_stream_part(u, target, m);
        if (n > 0)
            done += n;
    }
    unix_put(target);
    if (n == -EPIPE && done == 0 && !(m->flags & MSG_NOSIGNAL))
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
    return done > 0 ? done : n;
}

/* Where a datagram goes, with a reference. */
static int datagram_target(struct unix_socket *u, const struct socket_message *m,
                           struct unix_socket **out)
{
    if (m->name && m->name->size && unix_is_datagram(u)) {
        int err = unix_find(m->name, out);
        if (err)
            return err;
        if ((*out)->base.type == u->base.type)
            return 0;
        unix_put(*out);
        return -EPROTOTYPE;
    }
    *out = unix_peer_get(u);
    return *out ? 0 : -ENOTCONN;
}

/* Whether target takes datagrams from u: one that is connected takes only its peer's. */
static int datagram_check(const struct unix_socket *u, const struct unix_socket *target)
{
    if (target->dead)
        return unix_is_datagram(u) ? -ECONNREFUSED : -EPIPE;
    if (target->shut_read)
        return -EPIPE;
    return unix_is_datagram(u) && target->peer && target->peer != u ? -EPERM : 0;
}

static int64_t send_datagram(struct unix_socket *u, struct socket_message *m)
{
    struct unix_socket *target;
    int64_t n = socket_take_error(&u->base);
    if (n || u->shut_write)
        return n ? n : -EPIPE;
    if (m->it->left + ROOM_SPARE > u->base.send_room)
        return -EMSGSIZE;
    n = datagram_target(u, m, &target);
    if (n)
        return n;
    n = datagram_check(u, target);
    if (!n && __atomic_load_n(&u->sent, __ATOMIC_ACQUIRE) + m->it->left > u->base.send_room)
        n = -EAGAIN;
    if (!n) {
        n = send_packet(u, target, m, (uint32_t)m->it->left);
        if (n == -EPIPE)
            n = datagram_check(u, target);
    }
    if (n == -ECONNREFUSED) /* told once */
        unix_forget_peer(u, target);
    unix_put(target);
    return n;
}

static int64_t unix_send(struct socket *s, struct socket_message *m)
{
    struct unix_socket *u = unix_of(s);
    if (u->base.type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return -ENOTCONN;
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    return unix_is_stream(u) ? send_stream(u, m) : send_datagram(u, m);
}

/* Receiving. u->read_lock is held: the first packet stays where it is. */

/* The packet in which the byte number *skip stands, which becomes its number there. */
static struct unix_packet *first_packet(struct unix_socket *u, uint32_t *skip, uint32_t *size)
{
    struct unix_packet *found = NULL;
    spin_lock(&u->lock);
    list_for_each(node, &u->queue)
    {
        struct unix_packet *p = list_entry(node, struct unix_packet, node);
        *size = p->end - p->start;
        if (!*skip || *skip < *size) {
            found = p;
            break;
        }
        *skip -= *size;
    }
    spin_unlock(&u->lock);
    return found;
}

/* What a read answers that finds nothing. */
static int64_t nothing_to_read(struct unix_socket *u, struct socket_message *m)
{
    int err = socket_take_error(&u->base);
    if (err)
        return err;
    if (u->state != UNIX_CONNECTED && !unix_is_datagram(u))
        return unix_is_stream(u) ? -EINVAL : -ENOTCONN;
    if (u->shut_read && !unix_is_datagram(u))
        return 0;
    m->over = u->shut_read;
    return -EAGAIN;
}

/* What comes with the bytes: the sender's name and credentials, passed files. */
static int take_extras(struct unix_socket *u, struct unix_packet *p, struct socket_message *m)
{
    if (p->files && (m->flags & MSG_PEEK)) {
        m->files = passed_files_copy(p->files);
        if (!m->files)
            return -ENOMEM;
    } else if (p->files) {
        m->files = p->files;
        p->files = NULL;
    }
    if (m->name) {
        m->name->size = 0;
        if (__atomic_load_n(&p->sender->bound, __ATOMIC_ACQUIRE))
            *m->name = p->sender->name;
    }
    m->has_credentials = u->base.pass_credentials;
    m->credentials = p->credentials;
    return 0;
}

/* Whether p may be read in the same call as what m has already. */
static bool goes_together(const struct unix_socket *u, const struct unix_packet *p,
                          const struct socket_message *m)
{
    if (m->files || p->files)
        return false;
    return !u->base.pass_credentials || same_credentials(&p->credentials, &m->credentials);
}

/* Moves a stream's start past n bytes; frees the packet if nothing is left. */
static void consume(struct unix_socket *u, struct unix_packet *p, uint32_t n)
{
    spin_lock(&u->lock);
    p->start += n;
    p->charge -= n;
    bool empty = p->start == p->end;
    if (empty)
        list_remove(&p->node);
    spin_unlock(&u->lock);
    if (empty) {
        p->charge += n;
        packet_free(p);
    } else {
        uncharge(p->sender, n);
    }
}

static int64_t receive_stream(struct unix_socket *u, struct socket_message *m)
{
    int64_t done = 0;
    uint32_t size, ahead = socket_peek_start(&u->base, m->flags), skip = ahead;
    struct unix_packet *p;
    while ((p = first_packet(u, &skip, &size))) {
        if (done > 0 && !goes_together(u, p, m))
            break;
        int err = done > 0 ? 0 : take_extras(u, p, m);
        if (err)
            return err;
        uint32_t part = (uint32_t)min_u64(size - skip, m->it->left);
        uint32_t n = (uint32_t)iter_write(m->it, p->data + p->start + skip, part);
        if (!(m->flags & MSG_PEEK) && n > 0)
            consume(u, p, n);
        done += n;
        if (n < part)
            return done > 0 ? done : -EFAULT;
        if (m->it->left == 0 || m->files)
            return done;
        skip = m->flags & MSG_PEEK ? ahead + (uint32_t)done : 0;
        cond_resched();
    }
    return done > 0 ? done : nothing_to_read(u, m);
}

static int64_t receive_datagram(struct unix_socket *u, struct socket_message *m)
{
    uint32_t size, skip = socket_peek_start(&u->base, m->flags);
    int err = socket_take_error(&u->base); /* before what waits, unlike a stream's */
    if (err)
        return err;
    struct unix_packet *p = first_packet(u, &skip, &size);
    if (!p)
        return nothing_to_read(u, m);
    err = take_extras(u, p, m);
    if (err)
        return err;
    if (u->base.stamps)
        socket_control_stamp(&u->base, m, p->stamp_ns);
    uint32_t part = (uint32_t)min_u64(size - skip, m->it->left);
    uint32_t n = (uint32_t)iter_write(m->it, p->data + skip, part);
    if (!(m->flags & MSG_PEEK)) {
        spin_lock(&u->lock);
        list_remove(&p->node);
        spin_unlock(&u->lock);
        packet_free(p);
    }
    if (n < part)
        return -EFAULT;
    socket_peek_moved(&u->base, m->flags, m->flags & MSG_PEEK ? n : size);
    if (part < size - skip)
        m->result_flags |= MSG_TRUNC;
    return m->flags & MSG_TRUNC ? size - skip : n;
}

static int64_t unix_receive(struct socket *s, struct socket_message *m)
{
    struct unix_socket *u = unix_of(s);
    if (u->base.type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return -ENOTCONN;
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    mutex_lock(&u->read_lock);
    int64_t n = unix_is_stream(u) ? receive_stream(u, m) : receive_datagram(u, m);
    if (unix_is_stream(u))
        socket_peek_moved(s, m->flags, n);
    mutex_unlock(&u->read_lock);
    return n;
}

/* The rest. */

static uint32_t unix_poll(struct socket *s)
{
    const struct unix_socket *u = unix_of(s);
    uint32_t events = 0;
    if (!list_empty(&u->queue) || !list_empty(&u->pending) || u->shut_read)
        events |= READABLE;
    if (u->shut_read)
        events |= EPOLLRDHUP;
    bool over = u->shut_read && u->shut_write;
    if (over || (u->state == UNIX_UNCONNECTED && !unix_is_datagram(u)))
        events |= EPOLLHUP;
    if (s->error)
        events |= EPOLLERR;
    return u->state != UNIX_LISTENING && writable(u) ? events | WRITABLE : events;
}

static void shut(struct unix_socket *u, bool read, bool write)
{
    spin_lock(&u->lock);
    u->shut_read |= read;
    u->shut_write |= write;
    spin_unlock(&u->lock);
    waitq_wake(&u->base.waitq, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
}

static int unix_shutdown(struct socket *s, int how)
{
    struct unix_socket *u = unix_of(s);
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    bool read = how != SHUT_WR, write = how != SHUT_RD;
    shut(u, read, write);
    struct unix_socket *peer = unix_is_datagram(u) ? NULL : unix_peer_get(u);
    if (peer)
        shut(peer, write, read);
    unix_put(peer);
    return 0;
}

static int unix_get_name(struct socket *s, enum socket_end end, struct socket_name *name)
{
    bool peer = end != SOCKET_SELF;
    struct unix_socket *u = peer ? unix_peer_get(unix_of(s)) : unix_get(unix_of(s));
    if (!u)
        return -ENOTCONN;
    if (__atomic_load_n(&u->bound, __ATOMIC_ACQUIRE)) {
        *name = u->name;
    } else {
        name->size = UNIX_NAME_HEAD;
        name->family = AF_UNIX;
    }
    unix_put(u);
    return 0;
}

static int unix_peer_credentials(struct socket *s, struct credentials *out)
{
    *out = unix_of(s)->peer_credentials;
    return 0;
}

/* Of a datagram socket, the first message's. */
static int unix_queued(struct socket *s, bool sent)
{
    struct unix_socket *u = unix_of(s);
    if (sent)
        return (int)__atomic_load_n(&u->sent, __ATOMIC_ACQUIRE);
    if (u->state == UNIX_LISTENING)
        return -EINVAL;
    int bytes = 0;
    spin_lock(&u->lock);
    list_for_each(node, &u->queue)
    {
        const struct unix_packet *p = list_entry(node, struct unix_packet, node);
        bytes += (int)(p->end - p->start);
        if (unix_is_datagram(u))
            break;
    }
    spin_unlock(&u->lock);
    return bytes;
}

static bool unix_listening(struct socket *s)
{
    return unix_of(s)->state == UNIX_LISTENING;
}

/* Nobody will read what waits: drops it. Returns whether there was something. */
static bool drop_queue(struct unix_socket *u)
{
    bool any = false;
    for (;;) {
        uint32_t size, skip = 0;
        struct unix_packet *p = first_packet(u, &skip, &size);
        if (!p)
            return any;
        any = true;
        spin_lock(&u->lock);
        list_remove(&p->node);
        spin_unlock(&u->lock);
        packet_free(p);
        cond_resched();
    }
}

void unix_drop_old(struct unix_socket *u, struct unix_socket *old)
{
    mutex_lock(&u->read_lock);
    bool unread = drop_queue(u);
    mutex_unlock(&u->read_lock);
    if (!unread || old->dead || old->peer != u)
        return;
    old->base.error = ECONNRESET;
    waitq_wake(&old->base.waitq, READABLE | WRITABLE | EPOLLERR);
}

static void unix_release(struct socket *s)
{
    struct unix_socket *u = unix_of(s);
    unix_unbind(u);
    spin_lock(&u->lock);
    u->dead = u->shut_read = u->shut_write = true;
    spin_unlock(&u->lock);
    struct unix_socket *peer = unix_is_datagram(u) ? NULL : unix_peer_get(u);
    bool unread = drop_queue(u);
    if (peer && unread)
        peer->base.error = ECONNRESET;
    unix_put(peer);
    unix_disconnect(u);
    unix_put(u);
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .get_name = unix_get_name,
    .peer_credentials = unix_peer_credentials,
    .poll = unix_poll,
    .queued = unix_queued,
    .listening = unix_listening,
    .release = unix_release,
};

int unix_create(int type, struct socket **out)
{
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct unix_socket *u = unix_alloc(type);
    if (!u)
        return -ENOMEM;
    *out = &u->base;
    return 0;
}

void unix_pair(struct socket *a, struct socket *b)
{
    struct unix_socket *ua = unix_of(a), *ub = unix_of(b);
    ua->peer = unix_get(ub);
    ub->peer = unix_get(ua);
    ua->state = ub->state = UNIX_CONNECTED;
    ua->peer_credentials = ub->peer_credentials = unix_own_credentials();
}
