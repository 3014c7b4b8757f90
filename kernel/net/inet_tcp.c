/*
 * TCP: a socket's life. lwIP's protocol control block (pcb) goes on after close() until the
 * connection has ended in order; it then no longer knows the socket. If it ends before the socket
 * does, lwIP says so: by tcp_failed, or, for one that waited in TIME-WAIT, when it is freed.
 */
#include "kernel/net/inet_tcp.h"

#include <linux/eventpoll.h>
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/errno.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/interface.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define KEEP_IDLE_DEFAULT 7200u
#define KEEP_INTERVAL_DEFAULT 75u
#define KEEP_COUNT_DEFAULT 9u
#define RECEIVE_ROOM 131072u
#define MS_PER_SECOND 1000u
#define TCP_SYN_COUNT 6u
#define POLL_TICKS (500 / TCP_SLOW_INTERVAL)
#define TIME_WAIT_MAX 4096u

struct tcp_socket *tcp_socket_alloc(int family)
{
    struct tcp_socket *s = heap_zalloc_flags(sizeof(*s), ALLOC_OBJECT | ALLOC_LOCKED);
    if (!s)
        return NULL;
    inet_init(&s->inet, &tcp_ops, family, SOCK_STREAM, IP_PROTO_TCP, &tcp_ports);
    s->inet.base.send_room = TCP_SND_BUF;
    s->inet.base.receive_room = RECEIVE_ROOM;
    s->inet.base.peeks = true;
    list_init(&s->group_node);
    list_init(&s->accept_queue);
    list_init(&s->accept_node);
    list_init(&s->deferred);
    s->keep_idle = KEEP_IDLE_DEFAULT;
    s->keep_interval = KEEP_INTERVAL_DEFAULT;
    s->keep_count = KEEP_COUNT_DEFAULT;
    s->quick_ack = true;
    s->syn_count = TCP_SYN_COUNT;
    return s;
}

int tcp_create(int family, struct socket **out)
{
    struct tcp_socket *s = tcp_socket_alloc(family);
    if (!s)
        return -ENOMEM;
    *out = &s->inet.base;
    return 0;
}

/* The pcb. */

static void pcb_freed(uint8_t id, void *data)
{
    struct tcp_socket *s = data;
    (void)id;
    if (!s)
        return;
    s->pcb = NULL;
    waitq_wake(&s->inet.base.waitq, INET_ALL);
}

static const struct tcp_ext_arg_callbacks pcb_callbacks = {.destroy = pcb_freed};

void tcp_apply_options(struct tcp_socket *s)
{
    struct tcp_pcb *pcb = s->pcb;
    if (!pcb || s->state == TCP_LISTENING)
        return;
    if (s->inet.base.switches >> SO_KEEPALIVE & 1)
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    if (s->inet.base.switches >> SO_REUSEADDR & 1)
        ip_set_option(pcb, SOF_REUSEADDR);
    else
        ip_reset_option(pcb, SOF_REUSEADDR);
    pcb->keep_idle = s->keep_idle * MS_PER_SECOND;
    pcb->keep_intvl = s->keep_interval * MS_PER_SECOND;
    pcb->keep_cnt = s->keep_count;
    const struct inet_options *o = &s->inet.options;
    bool v6 = s->inet.base.family == AF_INET6 && !IP_IS_V4_VAL(pcb->remote_ip);
    int ttl = v6 ? o->hops : o->ttl;
    pcb->tos = v6 ? o->class6 : o->tos;
    pcb->ttl = ttl < 0 ? INET_TTL : (uint8_t)ttl;
    pcb->netif_idx = inet_bound_interface(&s->inet);
    if (s->no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
}

/* TCP_USER_TIMEOUT: whether what was sent has waited for its acknowledgment for too long. */
static bool waited_too_long(struct tcp_socket *s, const struct tcp_pcb *pcb)
{
    uint64_t now = clock_monotonic_ns();
    bool waits = pcb->unacked || pcb->unsent;
    if (!waits || pcb->lastack != s->arrived || !s->arrived_ns) {
        s->arrived = pcb->lastack;
        s->arrived_ns = now;
    }
    return waits && ns_sub(now, s->arrived_ns) >= ns_mul(NS_PER_MS, s->user_timeout_ms);
}

/* Twice a second. */
static err_t look_again(void *arg, struct tcp_pcb *pcb)
{
    struct tcp_socket *s = arg;
    if (!s)
        return ERR_OK;
    if (s->released)
        waitq_wake(&s->inet.base.waitq, INET_ALL); /* close() may wait */
    if (s->deferred_to && clock_monotonic_ns() >= s->deferred_until_ns)
        tcp_defer_end(s);
    if (!s->user_timeout_ms || !waited_too_long(s, pcb))
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

void tcp_set_timeout(struct tcp_pcb *pcb)
{
    pcb->rto = pcb->sv = (s16_t)TCP_FIRST_TIMEOUT_TICKS;
}

void tcp_attach(struct tcp_socket *s, struct tcp_pcb *pcb)
{
    s->pcb = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, tcp_data_came);
    tcp_sent(pcb, tcp_data_sent);
    tcp_err(pcb, tcp_failed);
    tcp_poll(pcb, look_again, POLL_TICKS);
    tcp_ext_arg_set_callbacks(pcb, 0, &pcb_callbacks);
    tcp_ext_arg_set(pcb, 0, s);
    tcp_apply_options(s);
}

void tcp_detach(struct tcp_socket *s)
{
    struct tcp_pcb *pcb = s->pcb;
    s->pcb = NULL;
    if (!pcb)
        return;
    if (s->state != TCP_LISTENING)
        tcp_table_set_fin_wait(pcb, s->fin_wait);
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_ext_arg_set(pcb, 0, NULL);
}

static int failure(const struct tcp_socket *s, err_t err)
{
    if (s->state == TCP_CONNECTING)
        return err == ERR_RST ? ECONNREFUSED : ETIMEDOUT;
    if (err == ERR_RST)
        return s->peer_closed ? EPIPE : ECONNRESET;
    return err == ERR_ABRT ? ETIMEDOUT : 0;
}

void tcp_failed(void *arg, err_t err)
{
    struct tcp_socket *s = arg;
    int error = failure(s, err);
    s->pcb = NULL;
    if (error && !s->inet.base.error)
        s->inet.base.error = error;
    if (s->deferred_to)
        tcp_defer_end(s);
    if (s->state == TCP_CONNECTING)
        inet_unbind(&s->inet);
    s->state = TCP_ENDED;
    waitq_wake(&s->inet.base.waitq, INET_ALL);
}

void tcp_unreachable(struct inet_socket *i, int error)
{
    struct tcp_socket *s = tcp_of(&i->base);
    if (s->state != TCP_CONNECTING || !s->pcb)
        return; /* an established connection lives on: RFC 1122, 4.2.3.9 */
    struct tcp_pcb *pcb = s->pcb;
    tcp_detach(s);
    tcp_abandon(pcb, 0);
    inet_unbind(i);
    s->state = TCP_ENDED;
    i->base.error = error;
    waitq_wake(&i->base.waitq, INET_ALL);
}

/* The end. */

/* Whether the connection still has something to send, or waits for it to arrive. */
static bool unsent(const struct tcp_socket *s)
{
    const struct tcp_pcb *pcb = s->pcb;
    return pcb && (pcb->state == FIN_WAIT_1 || pcb->state == CLOSING || pcb->state == LAST_ACK ||
                   pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT);
}

/* SO_LINGER: waits until all has arrived, or the time is over. */
static void linger(struct tcp_socket *s)
{
    uint64_t deadline = deadline_in(time_of(s->inet.base.linger_seconds, 0));
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&s->inet.base.waitq, &w);
    for (;;) {
        waiter_arm(&w);
        net_lock();
        bool more = unsent(s);
        net_unlock();
        if (!more || waiter_sleep(&w, deadline, true))
            break;
    }
    waitq_remove(&s->inet.base.waitq, &w);
}

/* Ends the connection: in order, or (time-out of 0, or unread data) by a reset. */
static void end_connection(struct tcp_socket *s)
{
    struct tcp_pcb *pcb = s->pcb;
    bool reset = s->inet.base.linger && s->inet.base.linger_seconds == 0;
    if (!pcb)
        return;
    if (!reset) {
        pcb->rcv_wnd += s->withheld; /* what is missing has to be unread data */
        s->withheld = 0;
        (void)tcp_close(pcb); /* what can't be done now, lwIP's timer does */
        return;
    }
    tcp_detach(s);
    tcp_abort(pcb);
}

/* Connections that nobody accepted are reset. */
static void drop_children(struct list_node *queue)
{
    while (!list_empty(queue)) {
        struct tcp_socket *child = list_entry(queue->next, struct tcp_socket, accept_node);
        list_remove(&child->accept_node);
        struct tcp_pcb *pcb = child->pcb;
        tcp_detach(child);
        if (pcb)
            tcp_abort(pcb);
        tcp_drop_queue(child);
        port_release(&child->inet);
        heap_free(child);
        net_cond_resched(); /* others find them in the queue no more */
    }
}

static void drop_accept_queue(struct tcp_socket *s)
{
    drop_children(&s->accept_queue);
    drop_children(&s->deferred);
}

static void tcp_release(struct socket *base)
{
    struct tcp_socket *s = tcp_of(base);
    net_lock();
    if (s->state == TCP_LISTENING)
        tcp_leave_group(s);
    drop_accept_queue(s);
    s->released = true;
    end_connection(s);
    bool wait = base->linger && base->linger_seconds && unsent(s);
    net_unlock();
    if (wait)
        linger(s);
    net_lock();
    tcp_detach(s);
    tcp_drop_queue(s);
    port_release(&s->inet);
    net_unlock();
    heap_free(s);
}

bool tcp_has_connection(const struct tcp_socket *s)
{
    return s->state == TCP_CONNECTED && s->pcb && s->pcb->state != TIME_WAIT;
}

static int tcp_shut(struct socket *base, int how)
{
    struct tcp_socket *s = tcp_of(base);
    int err = 0;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    net_lock();
    if (s->state == TCP_LISTENING && how != SHUT_WR) {
        tcp_leave_group(s);
        s->state = TCP_IDLE; /* first, for the lock is given up meanwhile */
        drop_accept_queue(s);
    } else if (s->state != TCP_LISTENING) {
        err = tcp_has_connection(s) ? 0 : -ENOTCONN;
        s->inet.shut_read |= how != SHUT_WR;
        if (how != SHUT_RD && !s->inet.shut_write) {
            s->inet.shut_write = true;
            if (s->pcb && s->state == TCP_CONNECTED)
                (void)tcp_shutdown(s->pcb, 0, 1);
        }
    }
    net_unlock();
    waitq_wake(&base->waitq, INET_ALL); /* also where there is no connection */
    return err;
}

/* State. */

static uint32_t connected_events(const struct tcp_socket *s)
{
    uint32_t events = 0;
    bool ended = s->state == TCP_ENDED || s->state == TCP_IDLE;
    bool no_more = s->peer_closed || s->inet.shut_read || s->state == TCP_ENDED;
    if (ended || (no_more && s->inet.shut_write))
        events |= EPOLLHUP;
    if (no_more)
        events |= INET_READABLE | EPOLLRDHUP;
    if (s->queued >= s->inet.base.receive_low + (uint32_t)tcp_urgent_skips(s))
        events |= INET_READABLE;
    events |= tcp_urgent_events(s);
    if (ended || s->inet.shut_write || tcp_writable(s))
        events |= INET_WRITABLE;
    return events;
}

static uint32_t tcp_events(struct socket *base)
{
    const struct tcp_socket *s = tcp_of(base);
    uint32_t events = 0;
    spin_lock(&net_spinlock); /* nothing changes: net_unlock has nothing to do */
    if (s->state == TCP_LISTENING)
        events = s->accept_count ? INET_READABLE : 0;
    else if (s->state != TCP_CONNECTING)
        events = connected_events(s);
    if (base->error)
        events |= EPOLLERR;
    spin_unlock(&net_spinlock);
    return events;
}

static int tcp_queued(struct socket *base, bool sent)
{
    const struct tcp_socket *s = tcp_of(base);
    int bytes;
    spin_lock(&net_spinlock);
    if (s->state == TCP_LISTENING)
        bytes = -EINVAL;
    else if (sent)
        bytes = s->pcb ? TCP_SND_BUF - (int)s->pcb->snd_buf : 0;
    else
        bytes = (int)tcp_urgent_limit(s, s->queued);
    spin_unlock(&net_spinlock);
    return bytes;
}

static bool tcp_at_mark(struct socket *base)
{
    spin_lock(&net_spinlock);
    bool at = tcp_urgent_at_mark(tcp_of(base));
    spin_unlock(&net_spinlock);
    return at;
}

static bool tcp_listening(struct socket *base)
{
    return tcp_of(base)->state == TCP_LISTENING;
}

static int no_credentials(struct socket *s, struct credentials *out)
{
    (void)s;
    *out = (struct credentials){0, UINT32_MAX, UINT32_MAX};
    return 0;
}

static void tcp_changed(struct socket *base, int option)
{
    struct tcp_socket *s = tcp_of(base);
    net_lock();
    tcp_apply_options(s);
    s->narrow |= option == SO_RCVBUF || option == SO_RCVBUFFORCE;
    /* More than the window could never come. */
    base->receive_low = (uint32_t)min_u64(
        base->receive_low, s->narrow ? max_u64(base->receive_room / 2, 1) : TCP_WND / 2);
    tcp_open_window(s, 0);
    net_unlock();
}

struct port_table tcp_ports = {.lingers = tcp_table_lingers};

void tcp_trim_time_wait(void)
{
    struct tcp_pcb *pcb = tcp_tw_pcbs; /* the latest first */
    for (unsigned n = 1; pcb && n < TIME_WAIT_MAX; n++)
        pcb = pcb->next;
    while (pcb && pcb->next) {
        struct tcp_pcb *old = pcb->next;
        tcp_pcb_remove(&tcp_tw_pcbs, old);
        tcp_free(old);
    }
}

/* Only a connection has a peer: none that is over, though its TIME-WAIT may go on, and, but for
 * accept(), none that is only being made. */
static int tcp_get_name(struct socket *base, enum socket_end end, struct socket_name *name)
{
    const struct tcp_socket *s = tcp_of(base);
    net_lock();
    bool connected = tcp_has_connection(s);
    net_unlock();
    return end == SOCKET_PEER && !connected ? -ENOTCONN : inet_get_name(base, end, name);
}

/* Bytes that were never sent. */
static int tcp_unsent(struct socket *base)
{
    const struct tcp_socket *s = tcp_of(base);
    net_lock();
    int bytes = s->state == TCP_LISTENING ? -EINVAL
                : s->pcb                  ? (int)(s->pcb->snd_lbb - s->pcb->snd_nxt)
                                          : 0;
    net_unlock();
    return bytes;
}

const struct socket_ops tcp_ops = {
    .bind = tcp_socket_bind,
    .connect = tcp_socket_connect,
    .listen = tcp_socket_listen,
    .accept = tcp_socket_accept,
    .send = tcp_socket_send,
    .receive = tcp_socket_receive,
    .shutdown = tcp_shut,
    .get_name = tcp_get_name,
    .peer_credentials = no_credentials,
    .poll = tcp_events,
    .queued = tcp_queued,
    .at_mark = tcp_at_mark,
    .listening = tcp_listening,
    .unsent = tcp_unsent,
    .set_option = inet_set_option,
    .get_option = inet_get_option,
    .changed = tcp_changed,
    .release = tcp_release,
};
