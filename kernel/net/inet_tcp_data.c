/*
 * TCP: bytes out and in. They are copied from and to the program outside the net lock: a sender
 * copies before it takes the lock, and a reader copies from buffers that only readers take out of
 * the queue, one at a time.
 */
#include <linux/eventpoll.h>
#include <linux/signal.h>
#include <linux/tcp.h>
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define PART_BYTES 32768u
#define SMALL_BYTES 512u      /* what is sent from the stack, or joined when it comes */
#define JOIN_ROOM 2048u       /* a buffer that joins small pieces */
#define PBUF_FLAG_JOINS 0x80u /* ours, among lwIP's flags of a buffer */
#define ACKNOWLEDGE_MAX 65535u

/* Out. */

static uint32_t send_limit(const struct tcp_socket *s)
{
    return (uint32_t)min_u64(s->inet.base.send_room, TCP_SND_BUF);
}

/* TCP_NOTSENT_LOWAT: whether enough waits to be sent at all. */
static bool unsent_enough(const struct tcp_socket *s, const struct tcp_pcb *pcb)
{
    return s->unsent_low && pcb->snd_lbb - pcb->snd_nxt >= s->unsent_low;
}

/* Bytes that may be written now; 0: none. */
static inline uint32_t send_room(const struct tcp_socket *s)
{
    const struct tcp_pcb *pcb = s->pcb;
    if (!pcb || tcp_sndqueuelen(pcb) >= TCP_SND_QUEUELEN - 4 || unsent_enough(s, pcb))
        return 0;
    uint32_t waiting = TCP_SND_BUF - pcb->snd_buf, limit = send_limit(s);
    return waiting < limit ? limit - waiting : 0;
}

bool tcp_writable(const struct tcp_socket *s)
{
    return !s->pcb ||
           (send_room(s) >= send_limit(s) / 3 && tcp_sndqueuelen(s->pcb) < TCP_SND_QUEUELEN / 2);
}

err_t tcp_data_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    struct tcp_socket *s = arg;
    (void)pcb;
    (void)bytes;
    if (tcp_writable(s) || s->released)
        waitq_wake(&s->inet.base.waitq, INET_WRITABLE);
    return ERR_OK;
}

/* Whether s may send: 0, or what send answers. */
static int send_check(struct tcp_socket *s)
{
    int err = socket_take_error(&s->inet.base);
    if (err)
        return err;
    if (s->state == TCP_CONNECTING)
        return -EAGAIN;
    return s->state == TCP_CONNECTED && !s->inet.shut_write && s->pcb ? 0 : -EPIPE;
}

/* Whether what was written waits for more before it goes out as a small segment. */
static bool holds_back(const struct tcp_socket *s, bool more)
{
    return (more || s->cork) && TCP_SND_BUF - s->pcb->snd_buf < s->pcb->mss;
}

static int64_t write_locked(struct tcp_socket *s, const void *data, uint32_t size, bool more,
                            bool urgent)
{
    int err = send_check(s);
    if (err)
        return err;
    uint8_t flags = (uint8_t)(TCP_WRITE_FLAG_COPY | (more ? TCP_WRITE_FLAG_MORE : 0));
    err_t result = tcp_write(s->pcb, data, (u16_t)size, flags);
    if (result != ERR_OK)
        return s->pcb->snd_queuelen ? -EAGAIN : -ENOBUFS; /* what is under way wakes us */
    if (urgent)
        tcp_urgent_mark(s->pcb);
    if (urgent || !holds_back(s, more))
        (void)tcp_output(s->pcb);
    return size;
}

/* Sends size bytes at data, which were read from the message. */
static int64_t send_bytes(struct tcp_socket *s, const void *data, uint32_t size, bool more,
                          bool urgent)
{
    net_lock();
    int64_t n = write_locked(s, data, size, more, urgent);
    net_unlock();
    return n;
}

static int64_t room_now(struct tcp_socket *s)
{
    spin_lock(&net_spinlock);
    int64_t n = send_check(s);
    if (!n)
        n = send_room(s);
    spin_unlock(&net_spinlock);
    return n ? n : -EAGAIN;
}

static int64_t send_part(struct tcp_socket *s, struct socket_message *m)
{
    char small[SMALL_BYTES];
    int64_t room = room_now(s);
    if (room < 0)
        return room;
    uint32_t size = (uint32_t)min_u64(min_u64(m->it->left, (uint64_t)room), PART_BYTES);
    char *data = size <= sizeof(small) ? small : heap_alloc(size);
    if (!data)
        return -ENOBUFS;
    const struct iter before = *m->it;
    uint32_t filled = (uint32_t)iter_read(m->it, data, size);
    bool more = m->it->left > 0 || (m->flags & MSG_MORE);
    bool urgent = (m->flags & MSG_OOB) && m->it->left == 0;
    int64_t n = filled ? send_bytes(s, data, filled, more, urgent) : -EFAULT;
    if (n < 0)
        *m->it = before;
    if (data != small)
        heap_free(data);
    return n;
}

int64_t tcp_socket_send(struct socket *base, struct socket_message *m)
{
    struct tcp_socket *s = tcp_of(base);
    int64_t done = 0, n = 0;
    if (m->flags & MSG_FASTOPEN)
        return -EOPNOTSUPP;
    mutex_lock(&s->inet.send_lock);
    if (m->it->left == 0)
        n = send_check(s);
    while (m->it->left > 0 && (n = send_part(s, m)) > 0)
        done += n;
    mutex_unlock(&s->inet.send_lock);
    if (n == -EPIPE && done == 0 && !(m->flags & MSG_NOSIGNAL))
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
    return done > 0 ? done : n;
}

/* In. */

static void enqueue(struct tcp_socket *s, struct pbuf *p)
{
    s->queued += p->tot_len;
    if (s->last)
        s->last->next = p;
    else
        s->first = p;
    while (p->next)
        p = p->next;
    s->last = p;
}

static void dequeue_first(struct tcp_socket *s)
{
    struct pbuf *p = s->first;
    s->first = p->next;
    if (!s->first)
        s->last = NULL;
    s->taken = 0;
    p->next = NULL;
    p->tot_len = p->len;
    pbuf_free(p);
}

void tcp_drop_queue(struct tcp_socket *s)
{
    while (s->first)
        dequeue_first(s);
    s->queued = 0;
}

/* Room behind the bytes of the last buffer, if it is one that joins small pieces. */
static uint32_t join_room(const struct pbuf *last)
{
    if (!last || !(last->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) || last->ref != 1 ||
        !(last->flags & PBUF_FLAG_JOINS))
        return 0;
    const char *start = (const char *)last + LWIP_MEM_ALIGN_SIZE(sizeof(struct pbuf));
    return (uint32_t)(start + JOIN_ROOM - ((const char *)last->payload + last->len));
}

/* A small piece is copied behind the last one: a card's buffer is far larger than what it holds.
 * False: no memory. */
static bool join(struct tcp_socket *s, struct pbuf *p)
{
    u16_t size = p->tot_len;
    if (join_room(s->last) < size) {
        struct pbuf *fresh = pbuf_alloc(PBUF_RAW, JOIN_ROOM, PBUF_RAM);
        if (!fresh)
            return false;
        fresh->flags |= PBUF_FLAG_JOINS;
        fresh->len = fresh->tot_len = 0;
        enqueue(s, fresh);
    }
    struct pbuf *last = s->last;
    pbuf_copy_partial(p, (char *)last->payload + last->len, size, 0);
    last->len = (u16_t)(last->len + size);
    s->queued += size;
    pbuf_free(p);
    return true;
}

/* What some options want when bytes come. */
static void came(struct tcp_socket *s, struct tcp_pcb *pcb)
{
    if (UNLIKELY(s->inet.base.stamps))
        s->came_ns = (uint64_t)clock_realtime_ns();
    s->inet.base.cpu = (int)sched_cpu_current();
    if (UNLIKELY(s->acks_at_once))
        tcp_ack_now(pcb);
}

err_t tcp_data_came(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct tcp_socket *s = arg;
    (void)err;
    if (s->deferred_to)
        tcp_defer_end(s);
    if (!p) {
        s->peer_closed = true;
        waitq_wake(&s->inet.base.waitq,
                   INET_READABLE | EPOLLRDHUP | (s->inet.shut_write ? EPOLLHUP : 0u));
        return ERR_OK;
    }
    if (s->inet.shut_read && s->inet.shut_write) { /* nobody will read it: RFC 1122, 4.2.2.13 */
        s->inet.base.error = ECONNRESET;
        pbuf_free(p);
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    tcp_urgent_take(s, p);
    s->came += p->tot_len;
    came(s, pcb);
    bool urgent = tcp_urgent_events(s) != 0;
    if (p->tot_len > SMALL_BYTES || !join(s, p))
        enqueue(s, p);
    if (s->queued >= s->inet.base.receive_low)
        waitq_wake(&s->inet.base.waitq, INET_READABLE | (urgent ? EPOLLPRI : 0u));
    else if (urgent)
        waitq_wake(&s->inet.base.waitq, EPOLLPRI);
    return ERR_OK;
}

/* What a read answers that finds nothing. */
static int64_t nothing_to_read(struct tcp_socket *s)
{
    if (s->peer_closed)
        return 0;
    int err = socket_take_error(&s->inet.base);
    if (err)
        return err;
    if (s->inet.shut_read || s->state == TCP_ENDED)
        return 0;
    return s->state == TCP_CONNECTED || s->state == TCP_CONNECTING ? -EAGAIN : -ENOTCONN;
}

/* Copies up to size bytes of the queue, but for the first ahead bytes, without taking them. Only
 * readers take: what was there when the lock was held stays. */
static size_t copy_out(const struct tcp_socket *s, const struct pbuf *p, size_t ahead,
                       struct iter *it, size_t size)
{
    size_t done = 0, skip = s->taken + ahead;
    for (; p && skip >= p->len; p = p->next)
        skip -= p->len;
    for (; p && done < size; p = p->next, skip = 0) {
        size_t part = min_u64(p->len - skip, size - done);
        size_t n = iter_write(it, (const char *)p->payload + skip, part);
        done += n;
        if (n < part)
            break;
    }
    return done;
}

/* By how much lwIP's window, of one size for all, is larger than SO_RCVBUF says. Two segments are
 * the least with which lwIP tells of a window that opens. */
static uint32_t window_excess(const struct tcp_socket *s, const struct tcp_pcb *pcb)
{
    if (!s->narrow && !s->window_clamp)
        return 0;
    uint32_t most = TCP_WND_MAX(pcb);
    uint32_t room = s->narrow ? s->inet.base.receive_room / 2 : most;
    if (s->window_clamp)
        room = (uint32_t)min_u64(room, s->window_clamp);
    uint32_t wanted = (uint32_t)max_u64(room, 2u * pcb->mss);
    return wanted < most ? most - wanted : 0;
}

uint32_t tcp_narrow_window(const struct tcp_socket *s, struct tcp_pcb *pcb)
{
    uint32_t excess = window_excess(s, pcb);
    pcb->rcv_wnd -= excess;
    pcb->rcv_ann_wnd = (tcpwnd_size_t)min_u64(pcb->rcv_ann_wnd, pcb->rcv_wnd);
    return excess;
}

/* lwIP tells of a window that opens by so much that a small one never does. */
static void tell_narrow_window(struct tcp_pcb *pcb)
{
    if (pcb->rcv_nxt + pcb->rcv_ann_wnd - pcb->rcv_ann_right_edge < pcb->mss)
        return;
    tcp_ack_now(pcb);
    (void)tcp_output(pcb);
}

/* What the other side was promised it keeps: a window becomes smaller by not opening again. */
void tcp_open_window(struct tcp_socket *s, size_t size)
{
    struct tcp_pcb *pcb = s->pcb;
    if (!pcb || pcb->state == TIME_WAIT || pcb->state == LISTEN)
        return;
    uint64_t excess = window_excess(s, pcb), open = size + s->withheld;
    s->withheld = (uint32_t)min_u64(excess, open);
    for (open -= s->withheld; open > 0 && s->pcb;) {
        u16_t part = (u16_t)min_u64(open, ACKNOWLEDGE_MAX);
        tcp_recved(pcb, part);
        open -= part;
    }
    if (s->withheld && s->pcb)
        tell_narrow_window(pcb);
}

static void take(struct tcp_socket *s, size_t size)
{
    size_t left = size;
    s->queued -= (uint32_t)size;
    while (s->first && left >= s->first->len - s->taken) {
        left -= s->first->len - s->taken;
        dequeue_first(s);
    }
    s->taken += (uint32_t)left;
    s->read += (uint32_t)size;
    tcp_urgent_passed(s);
    tcp_open_window(s, size);
}

static int64_t receive_queued(struct tcp_socket *s, struct socket_message *m,
                              const struct pbuf *first, size_t ahead, size_t size)
{
    size_t n = size;
    if (!(m->flags & MSG_TRUNC)) /* which throws bytes away */
        n = copy_out(s, first, ahead, m->it, size);
    if (n == 0)
        return -EFAULT;
    if (!(m->flags & MSG_PEEK)) {
        net_lock();
        take(s, n);
        net_unlock();
    }
    return (int64_t)n;
}

/* The urgent byte is no part of the stream, unless it is wanted there. Returns how many bytes are
 * still to be skipped: who only peeks leaves it where it is. */
static uint32_t skip_urgent(struct tcp_socket *s, bool peeks)
{
    spin_lock(&net_spinlock);
    bool skips = s->queued && tcp_urgent_skips(s);
    spin_unlock(&net_spinlock);
    if (!skips || peeks)
        return skips;
    net_lock();
    take(s, 1);
    net_unlock();
    return 0;
}

static void put_controls(struct tcp_socket *s, struct socket_message *m)
{
    int queued = (int)s->queued;
    m->control_count = 0; /* one read of a message may be several here */
    if (s->inet.base.stamps)
        socket_control_stamp(&s->inet.base, m, s->came_ns);
    if (s->tell_queued)
        socket_control_put(m, IP_PROTO_TCP, TCP_INQ, &queued, sizeof(queued));
}

int64_t tcp_socket_receive(struct socket *base, struct socket_message *m)
{
    struct tcp_socket *s = tcp_of(base);
    if (m->name)
        m->name->size = 0;
    if (m->flags & MSG_ERRQUEUE)
        return inet_error_receive(&s->inet, m);
    if ((m->flags & MSG_OOB) && s->state != TCP_LISTENING)
        return tcp_urgent_receive(s, m);
    mutex_lock(&s->inet.read_lock);
    const uint32_t ahead =
        skip_urgent(s, (m->flags & MSG_PEEK) != 0) + socket_peek_start(base, m->flags);
    spin_lock(&net_spinlock);
    const struct pbuf *first = s->first;
    size_t size =
        min_u64(tcp_urgent_limit(s, s->queued > ahead ? s->queued - ahead : 0), m->it->left);
    int64_t n = s->queued > ahead ? 0 : nothing_to_read(s);
    spin_unlock(&net_spinlock);
    if (n == 0 && size > 0)
        n = receive_queued(s, m, first, ahead, size);
    if (n > 0 && m->controls)
        put_controls(s, m);
    socket_peek_moved(base, m->flags, n);
    mutex_unlock(&s->inet.read_lock);
    return n;
}
