/* AF_UNIX: connecting, listening, accepting, and the end of a connection. */
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/net/unix.h"
#include "kernel/time/clock.h"

#define BACKLOG_MAX 4096u
#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)
#define ALL_EVENTS (READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

int unix_listen(struct socket *s, int backlog)
{
    struct unix_socket *u = unix_of(s);
    int err = 0;
    if (unix_is_datagram(u))
        return -EOPNOTSUPP;
    spin_lock(&u->lock);
    if (!u->bound || u->state == UNIX_CONNECTED)
        err = -EINVAL;
    if (!err) {
        u->backlog =
            backlog < 0 || (unsigned)backlog > BACKLOG_MAX ? BACKLOG_MAX : (unsigned)backlog;
        u->state = UNIX_LISTENING;
        u->peer_credentials = unix_own_credentials();
    }
    spin_unlock(&u->lock);
    if (!err)
        waitq_wake(&u->base.waitq, WRITABLE);
    return err;
}

int unix_accept(struct socket *s, struct socket **out)
{
    struct unix_socket *u = unix_of(s), *client = NULL;
    if (unix_is_datagram(u))
        return -EOPNOTSUPP;
    spin_lock(&u->lock);
    bool listening = u->state == UNIX_LISTENING && !u->shut_read;
    if (listening && !list_empty(&u->pending)) {
        client = list_entry(u->pending.next, struct unix_socket, pending_node);
        list_remove(&client->pending_node);
        u->pending_count--;
    }
    spin_unlock(&u->lock);
    if (!client)
        return listening ? -EAGAIN : -EINVAL;
    waitq_wake(&u->base.waitq, WRITABLE); /* room in the backlog */
    *out = &client->base;
    return 0;
}

/* Makes the other end of u's connection and queues it at the listener. -EAGAIN: no room. */
static int join_backlog(struct unix_socket *listener, struct unix_socket *other)
{
    int err = 0;
    spin_lock(&listener->lock);
    if (listener->state != UNIX_LISTENING || listener->dead || listener->shut_read)
        err = -ECONNREFUSED;
    else if (listener->pending_count > listener->backlog)
        err = -EAGAIN;
    if (!err) {
        list_add_tail(&listener->pending, &other->pending_node);
        listener->pending_count++;
    }
    spin_unlock(&listener->lock);
    return err;
}

static int wait_for_backlog(struct unix_socket *listener, struct unix_socket *other,
                            uint64_t timeout_ns)
{
    uint64_t deadline = deadline_of_timeout(timeout_ns);
    int err;
    struct waiter w;
    waiter_init(&w, WRITABLE | EPOLLHUP);
    waitq_add(&listener->base.waitq, &w);
    for (;;) {
        waiter_arm(&w);
        err = join_backlog(listener, other);
        if (err != -EAGAIN)
            break;
        err = waiter_sleep(&w, deadline, true);
        if (err)
            break;
    }
    waitq_remove(&listener->base.waitq, &w);
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -EINTR ? (timeout_ns ? -EINTR : -ERESTARTSYS) : err;
}

/* The listener's side of a new connection of u. */
static struct unix_socket *other_end(struct unix_socket *u, struct unix_socket *listener)
{
    struct unix_socket *other = unix_alloc(u->base.type);
    if (!other)
        return NULL;
    other->state = UNIX_CONNECTED;
    other->peer = unix_get(u);
    other->peer_credentials = unix_own_credentials();
    other->base.pass_credentials = listener->base.pass_credentials;
    other->name = listener->name;
    other->bound = listener->bound;
    return other;
}

/* Claims u for a connection, which must come before its other end can be seen. */
static int claim(struct unix_socket *u, struct unix_socket *other)
{
    int err = 0;
    spin_lock(&u->lock);
    if (u->state == UNIX_LISTENING)
        err = -EINVAL;
    else if (u->state == UNIX_CONNECTED)
        err = -EISCONN;
    if (!err) {
        u->state = UNIX_CONNECTED;
        u->peer = unix_get(other);
        u->peer_credentials = other->peer_credentials;
    }
    spin_unlock(&u->lock);
    return err;
}

static void unclaim(struct unix_socket *u)
{
    spin_lock(&u->lock);
    struct unix_socket *peer = u->peer;
    u->state = UNIX_UNCONNECTED;
    u->peer = NULL;
    spin_unlock(&u->lock);
    unix_put(peer);
}

static int connect_to(struct unix_socket *u, struct unix_socket *listener, bool nonblocking)
{
    if (listener->base.type != u->base.type)
        return -EPROTOTYPE;
    if (listener->state != UNIX_LISTENING)
        return -ECONNREFUSED;
    struct unix_socket *other = other_end(u, listener);
    if (!other)
        return -ENOMEM;
    int err = claim(u, other);
    bool claimed = !err;
    if (!err)
        err = join_backlog(listener, other);
    if (err == -EAGAIN && !nonblocking)
        err = wait_for_backlog(listener, other, u->base.send_timeout_ns);
    if (err) {
        if (claimed)
            unclaim(u);
        unix_put(other->peer);
        unix_put(other);
        return err;
    }
    waitq_wake(&listener->base.waitq, READABLE);
    waitq_wake(&u->base.waitq, WRITABLE);
    return 0;
}

static void set_datagram_peer(struct unix_socket *u, struct unix_socket *peer)
{
    spin_lock(&u->lock);
    struct unix_socket *old = u->peer;
    u->peer = peer;
    u->state = peer ? UNIX_CONNECTED : UNIX_UNCONNECTED;
    spin_unlock(&u->lock);
    if (old && old != peer)
        unix_drop_old(u, old);
    unix_put(old);
}

void unix_forget_peer(struct unix_socket *u, const struct unix_socket *peer)
{
    spin_lock(&u->lock);
    bool is = u->peer == peer;
    spin_unlock(&u->lock);
    if (is)
        set_datagram_peer(u, NULL);
}

static int connect_datagram(struct unix_socket *u, const struct socket_name *name)
{
    struct unix_socket *target = NULL;
    if (name->family == AF_UNSPEC) {
        set_datagram_peer(u, NULL);
        return 0;
    }
    int err = unix_find(name, &target);
    if (err)
        return err;
    if (target->base.type != u->base.type)
        err = -EPROTOTYPE;
    else if (target->peer && target->peer != u)
        err = -EPERM;
    if (err)
        unix_put(target);
    else
        set_datagram_peer(u, target);
    return err;
}

int unix_connect(struct socket *s, const struct socket_name *name, bool nonblocking)
{
    struct unix_socket *u = unix_of(s), *listener;
    if (name->size < UNIX_NAME_HEAD)
        return -EINVAL;
    if (unix_is_datagram(u))
        return connect_datagram(u, name);
    if (name->family != AF_UNIX)
        return -EINVAL;
    int err = unix_find(name, &listener);
    if (err)
        return err;
    err = connect_to(u, listener, nonblocking);
    unix_put(listener);
    return err;
}

/* Sockets that wait to be accepted end as if they were closed. */
static void drop_pending(struct unix_socket *u)
{
    for (;;) {
        struct unix_socket *other = NULL;
        spin_lock(&u->lock);
        if (!list_empty(&u->pending)) {
            other = list_entry(u->pending.next, struct unix_socket, pending_node);
            list_remove(&other->pending_node);
        }
        spin_unlock(&u->lock);
        if (!other)
            return;
        if (other->peer)
            other->peer->base.error = ECONNRESET;
        other->base.ops->release(&other->base);
    }
}

void unix_disconnect(struct unix_socket *u)
{
    spin_lock(&u->lock);
    struct unix_socket *peer = u->peer;
    u->peer = NULL;
    spin_unlock(&u->lock);
    if (peer && !unix_is_datagram(u)) {
        spin_lock(&peer->lock);
        peer->shut_read = peer->shut_write = true;
        spin_unlock(&peer->lock);
        waitq_wake(&peer->base.waitq, ALL_EVENTS);
    }
    unix_put(peer);
    drop_pending(u);
    waitq_wake(&u->base.waitq, ALL_EVENTS);
}
