/* /proc/net/tcp and its like: the sockets there are, as Linux lists them. */
#include "kernel/net/inet_list.h"

#include <lwip/priv/tcp_priv.h>

#include "kernel/net/inet_tcp.h"
#include "kernel/sched/thread.h"

#define STATE_ESTABLISHED 1u
#define STATE_CLOSED 7u
#define LINE_COLUMNS 149u
#define LINE_COLUMNS_UDP 127u

static void put_endpoint(struct text *out, bool v6, const struct endpoint *e)
{
    struct endpoint any = {0};
    if (!v6) {
        text_format(out, "%08X:%04X", ip_addr_get_ip4_u32(&e->address), e->port);
        return;
    }
    const uint32_t *w = ip_2_ip6(IP_IS_V6_VAL(e->address) ? &e->address : &any.address)->addr;
    uint32_t mapped = IP_IS_V4_VAL(e->address) && !endpoint_is_any(e) ? 0xffff0000u : 0;
    uint32_t last = mapped ? ip_addr_get_ip4_u32(&e->address) : w[3];
    text_format(out, "%08X%08X%08X%08X:%04X", w[0], w[1], mapped ? mapped : w[2], last, e->port);
}

struct line {
    const struct endpoint *local, *peer;
    unsigned state;
    uint32_t sent, queued;
    uint64_t ino;
};

static void put_line(struct text *out, bool v6, unsigned number, const struct line *l, size_t width)
{
    const struct endpoint none = {0};
    size_t start = out->length;
    text_format(out, "%4u: ", number);
    put_endpoint(out, v6, l->local);
    text_char(out, ' ');
    put_endpoint(out, v6, l->peer ? l->peer : &none);
    text_format(out, " %02X %08X:%08X 00:00000000 00000000     0        0 %lu 2 0000000000000000",
                l->state, l->sent, l->queued, l->ino);
    if (!v6)
        text_pad(out, start, width);
    text_char(out, '\n');
}

static void put_tcp(struct text *out, const struct inet_socket *i, unsigned number)
{
    const struct tcp_socket *s = container_of(i, struct tcp_socket, inet);
    struct line l = {.local = &i->local,
                     .peer = i->has_peer ? &i->peer : NULL,
                     .state = tcp_linux_state(s),
                     .queued = s->state == TCP_LISTENING ? s->accept_count : s->queued,
                     .ino = i->base.ino};
    if (s->state == TCP_LISTENING)
        l.sent = s->backlog;
    else if (s->pcb)
        l.sent = TCP_SND_BUF - (uint32_t)s->pcb->snd_buf;
    put_line(out, i->base.family == AF_INET6, number, &l, LINE_COLUMNS);
}

static void put_udp(struct text *out, const struct inet_socket *i, unsigned number)
{
    struct line l = {.local = &i->local,
                     .peer = i->has_peer ? &i->peer : NULL,
                     .state = i->has_peer ? STATE_ESTABLISHED : STATE_CLOSED,
                     .ino = i->base.ino};
    put_line(out, i->base.family == AF_INET6, number, &l, LINE_COLUMNS_UDP);
}

/* The next one of a bucket, which may change while others are let in: the n-th then. */
static struct list_node *node_after(struct list_node *bucket, struct list_node *node, unsigned n)
{
    if (LIKELY(!cond_resched_due()))
        return node->next;
    net_cond_resched();
    for (node = bucket->next; node != bucket && n > 0; n--)
        node = node->next;
    return node;
}

/* The next connection of a list, which may change while others are let in: the n-th then. */
static const struct tcp_pcb *next_of(struct tcp_pcb *const *list, const struct tcp_pcb *pcb,
                                     unsigned n)
{
    if (LIKELY(!cond_resched_due()))
        return pcb->next;
    net_cond_resched();
    for (pcb = *list; pcb && n > 0; n--)
        pcb = pcb->next;
    return pcb;
}

/* Connections whose sockets are gone. Returns the next line's number. */
static unsigned put_orphans(struct text *out, bool v6, struct tcp_pcb *const *list, unsigned number)
{
    unsigned n = 0;
    for (const struct tcp_pcb *pcb = *list; pcb; pcb = next_of(list, pcb, ++n)) {
        const struct endpoint local = {pcb->local_ip, pcb->local_port};
        const struct endpoint peer = {pcb->remote_ip, pcb->remote_port};
        struct line l = {.local = &local, .peer = &peer, .state = tcp_linux_state_of(pcb)};
        if (IP_IS_V6_VAL(pcb->local_ip) == v6 && !pcb->callback_arg)
            put_line(out, v6, number++, &l, LINE_COLUMNS);
    }
    return number;
}

void inet_list(struct text *out, int family, int protocol)
{
    bool tcp = protocol == IP_PROTO_TCP;
    struct port_table *t = ports_of((unsigned)protocol);
    unsigned number = 0;
    net_lock();
    for (unsigned b = 0; b < ARRAY_SIZE(t->buckets); b++) {
        struct list_node *bucket = &t->buckets[b];
        unsigned at = 0;
        for (struct list_node *n = bucket->next; n && n != bucket;
             n = node_after(bucket, n, ++at)) {
            const struct inet_socket *i = list_entry(n, struct inet_socket, port_node);
            if (i->base.family != family)
                continue;
            if (tcp)
                put_tcp(out, i, number++);
            else
                put_udp(out, i, number++);
        }
        net_cond_resched();
    }
    if (tcp) {
        number = put_orphans(out, family == AF_INET6, &tcp_active_pcbs, number);
        (void)put_orphans(out, family == AF_INET6, &tcp_tw_pcbs, number);
    }
    net_unlock();
}
