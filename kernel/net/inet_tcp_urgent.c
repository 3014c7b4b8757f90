/*
 * TCP's urgent data, as Linux has it: the last byte that was sent with MSG_OOB is read aside, or in
 * its place with SO_OOBINLINE, and marks a place in the stream, where a read stops. lwIP knows
 * nothing of it: its pointer is looked at before lwIP gets a segment, and is put into a segment
 * before it goes out. Places in the stream are numbers of bytes since its begin, modulo 2^32.
 */
#include <linux/eventpoll.h>
#include <linux/signal.h>
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/errno.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/proc/task.h"

static bool in_line(const struct tcp_socket *s)
{
    return (s->inet.base.switches >> SO_OOBINLINE & 1) != 0;
}

/* Bytes from what is read next to the mark; negative: it is behind. */
static int32_t distance(const struct tcp_socket *s)
{
    return (int32_t)(s->urgent_at - s->read);
}

/* ---- out ---- */

void tcp_urgent_mark(struct tcp_pcb *pcb)
{
    struct tcp_seg *last = pcb->unsent;
    while (last && last->next)
        last = last->next;
    if (!last)
        return;
    TCPH_SET_FLAG(last->tcphdr, TCP_URG);
    last->tcphdr->urgp = lwip_htons(last->len); /* behind the byte, as all do */
}

/* ---- in ---- */

static void tell(struct tcp_socket *s)
{
    const struct file *f = s->inet.base.file;
    if (f && f->owner_pid)
        (void)signal_send_process(SIGURG, NULL);
}

void tcp_urgent_told(struct tcp_socket *s, const struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    uint32_t offset = lwip_ntohs(header->urgp);
    uint32_t number = lwip_ntohl(header->seqno) + (offset ? offset - 1 : 0);
    int32_t ahead = (int32_t)(number - pcb->rcv_nxt);
    uint32_t at = s->came + (uint32_t)ahead;
    bool known = s->urgent != URGENT_NONE && (int32_t)(at - s->urgent_at) <= 0;
    if (s->state != TCP_CONNECTED || ahead < 0 || known)
        return;
    s->urgent_at = at;
    s->urgent = URGENT_AWAITED;
    tell(s);
}

void tcp_urgent_take(struct tcp_socket *s, const struct pbuf *p)
{
    uint32_t ahead = s->urgent_at - s->came;
    if (s->urgent != URGENT_AWAITED || ahead >= p->tot_len)
        return;
    s->urgent_byte = pbuf_get_at(p, (u16_t)ahead);
    s->urgent = URGENT_HERE;
}

/* ---- what readers see ---- */

uint32_t tcp_urgent_limit(const struct tcp_socket *s, uint32_t size)
{
    int32_t ahead = distance(s);
    return s->urgent != URGENT_NONE && ahead > 0 && (uint32_t)ahead < size ? (uint32_t)ahead : size;
}

bool tcp_urgent_skips(const struct tcp_socket *s)
{
    return s->urgent != URGENT_NONE && distance(s) == 0 && !in_line(s);
}

void tcp_urgent_passed(struct tcp_socket *s)
{
    if (distance(s) < 0)
        s->urgent = URGENT_NONE;
}

bool tcp_urgent_at_mark(const struct tcp_socket *s)
{
    return s->urgent != URGENT_NONE && distance(s) == 0;
}

uint32_t tcp_urgent_events(const struct tcp_socket *s)
{
    return s->urgent == URGENT_HERE ? EPOLLPRI : 0;
}

int64_t tcp_urgent_receive(struct tcp_socket *s, struct socket_message *m)
{
    net_lock();
    enum tcp_urgent urgent = s->urgent;
    char byte = (char)s->urgent_byte;
    bool none = in_line(s) || urgent == URGENT_NONE || urgent == URGENT_READ;
    bool over = s->peer_closed || s->inet.shut_read || s->state == TCP_ENDED;
    if (!none && urgent == URGENT_HERE && !(m->flags & MSG_PEEK))
        s->urgent = URGENT_READ;
    net_unlock();
    if (none)
        return -EINVAL;
    if (urgent != URGENT_HERE)
        return over ? 0 : -EAGAIN;
    m->result_flags |= m->it->left ? MSG_OOB : MSG_TRUNC;
    if (m->it->left && iter_write(m->it, &byte, 1) != 1)
        return -EFAULT;
    return 1;
}
