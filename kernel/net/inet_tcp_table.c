/*
 * Which connection a segment belongs to. lwIP looks through the list of all connections, and then
 * of all in TIME-WAIT, for each segment. Here a table finds it; lwIP is shown lists that begin with
 * what was found, or, for a segment of none, empty ones.
 */
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/hash.h"
#include "kernel/base/list.h"
#include "kernel/base/random.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/lwip_port/hooks.h"

#define SOCKET_ARG 0 /* of a pcb: its socket */
#define EXT_ARG 1    /* and its entry */
#define END_BUCKETS 1024u
#define PORT_BUCKETS 256u
#define MS_PER_SECOND 1000u

struct entry {
    struct list_node by_ends, by_port;
    struct tcp_pcb *pcb;
    uint32_t fin_wait_ms; /* TCP_LINGER2 */
};

/* All GUARDED_BY(net_spinlock). */
static struct list_node end_buckets[END_BUCKETS], port_buckets[PORT_BUCKETS];
static uint64_t seed; /* so that nobody outside knows who shares a bucket */

/* lwIP's, and what lwIP calls in its place: kernel/net/lwip.mk. */
// NOLINTBEGIN(readability-identifier-naming)
void __real_tcp_input(struct pbuf *p, struct netif *netif);
void __wrap_tcp_input(struct pbuf *p, struct netif *netif);
// NOLINTEND(readability-identifier-naming)

static uint64_t fold(const ip_addr_t *address)
{
    if (!IP_IS_V6(address))
        return ip4_addr_get_u32(ip_2_ip4(address));
    const uint32_t *words = ip_2_ip6(address)->addr;
    return hash_mix((uint64_t)words[0] << 32 | words[1], (uint64_t)words[2] << 32 | words[3]);
}

static struct list_node *ends_bucket(const ip_addr_t *local, uint16_t local_port,
                                     const ip_addr_t *remote, uint16_t remote_port)
{
    uint64_t state = hash_mix(seed, fold(remote) << 32 ^ fold(local));
    state = hash_mix(state, (uint64_t)remote_port << 16 | local_port);
    return &end_buckets[(uint32_t)(state >> 32) % END_BUCKETS];
}

static struct list_node *port_bucket(uint16_t port)
{
    return &port_buckets[port % PORT_BUCKETS];
}

static struct tcp_pcb *find(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                            uint16_t remote_port)
{
    list_for_each(node, ends_bucket(local, local_port, remote, remote_port))
    {
        struct tcp_pcb *pcb = list_entry(node, struct entry, by_ends)->pcb;
        if (pcb->remote_port == remote_port && pcb->local_port == local_port &&
            ip_addr_cmp(&pcb->remote_ip, remote) && ip_addr_cmp(&pcb->local_ip, local))
            return pcb;
    }
    return NULL;
}

/* lwIP frees a pcb. */
static void entry_remove(uint8_t id, void *data)
{
    struct entry *e = data;
    (void)id;
    if (!e)
        return;
    list_remove(&e->by_ends);
    list_remove(&e->by_port);
    heap_free(e);
}

static const struct tcp_ext_arg_callbacks entry_callbacks = {.destroy = entry_remove};

bool tcp_table_add(struct tcp_pcb *pcb)
{
    struct entry *e = heap_alloc_flags(sizeof(*e), ALLOC_OBJECT | ALLOC_LOCKED);
    if (!e)
        return false;
    e->pcb = pcb;
    e->fin_wait_ms = TCP_FIN_WAIT_SECONDS * MS_PER_SECOND;
    list_add_head(ends_bucket(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port),
                  &e->by_ends);
    list_add_head(port_bucket(pcb->local_port), &e->by_port);
    tcp_ext_arg_set_callbacks(pcb, EXT_ARG, &entry_callbacks);
    tcp_ext_arg_set(pcb, EXT_ARG, e);
    return true;
}

static err_t opened(uint8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    (void)id;
    tcp_set_timeout(pcb);
    tcp_begin_child(listener, pcb);
    return tcp_table_add(pcb) ? ERR_OK : ERR_MEM;
}

void tcp_table_listen(struct tcp_pcb *listener)
{
    static const struct tcp_ext_arg_callbacks callbacks = {.passive_open = opened};
    tcp_ext_arg_set_callbacks(listener, EXT_ARG, &callbacks);
}

void tcp_table_set_fin_wait(const struct tcp_pcb *pcb, int32_t seconds)
{
    struct entry *e = tcp_ext_arg_get(pcb, EXT_ARG);
    if (e && seconds)
        e->fin_wait_ms = seconds < 0 ? 0 : (uint32_t)seconds * MS_PER_SECOND;
}

unsigned inet_hook_fin_wait(const struct tcp_pcb *pcb)
{
    const struct entry *e = tcp_ext_arg_get(pcb, EXT_ARG);
    return e ? e->fin_wait_ms : 0;
}

bool tcp_table_lingers(uint16_t port)
{
    list_for_each(node, port_bucket(port))
    {
        const struct tcp_pcb *pcb = list_entry(node, struct entry, by_port)->pcb;
        if (pcb->local_port == port && (pcb->state == TIME_WAIT || !pcb->callback_arg))
            return true;
    }
    return false;
}

void tcp_table_init(void)
{
    seed = random_u64();
    for (unsigned n = 0; n < END_BUCKETS; n++)
        list_init(&end_buckets[n]);
    for (unsigned n = 0; n < PORT_BUCKETS; n++)
        list_init(&port_buckets[n]);
    (void)tcp_ext_arg_alloc_id(); /* 0: a pcb's socket */
    (void)tcp_ext_arg_alloc_id(); /* EXT_ARG */
}

/* Whether a segment ends a connection's TIME-WAIT: a new connection between the same ends, whose
 * numbers begin after the old one's, or a reset that is its (RFC 6191, as Linux does). */
static bool ends_wait(const struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    uint32_t number = lwip_ntohl(header->seqno);
    switch (TCPH_FLAGS(header) & (TCP_SYN | TCP_RST | TCP_ACK)) {
    case TCP_SYN:
        return TCP_SEQ_GT(number, pcb->rcv_nxt);
    case TCP_RST:
    case TCP_RST | TCP_ACK:
        return number == pcb->rcv_nxt;
    default:
        return false;
    }
}

/* A segment of no connection: lwIP may make one. */
static void input_new(struct pbuf *p, struct netif *netif)
{
    struct tcp_pcb *active = tcp_active_pcbs, *waiting = tcp_tw_pcbs, **end = &tcp_active_pcbs;
    tcp_active_pcbs = tcp_tw_pcbs = NULL;
    __real_tcp_input(p, netif);
    while (*end)
        end = &(*end)->next;
    *end = active;
    tcp_tw_pcbs = waiting;
}

static void input_waiting(struct tcp_pcb *pcb, struct pbuf *p, struct netif *netif)
{
    struct tcp_pcb *active = tcp_active_pcbs, *waiting = tcp_tw_pcbs;
    tcp_active_pcbs = NULL;
    tcp_tw_pcbs = pcb;
    __real_tcp_input(p, netif);
    tcp_active_pcbs = active;
    tcp_tw_pcbs = waiting;
}

/* More than a segment of data, as a card that joins them passes on, is acknowledged at once. */
static void expect_acknowledgment(struct tcp_pcb *pcb, const struct pbuf *p)
{
    const struct tcp_hdr *header = p->payload;
    if (pcb->state == ESTABLISHED && p->tot_len > pcb->mss + TCPH_HDRLEN_BYTES(header))
        tcp_set_flags(pcb, TF_ACK_DELAY);
}

static void input_active(struct tcp_pcb *pcb, struct pbuf *p, struct netif *netif)
{
    struct tcp_pcb *active = tcp_active_pcbs, *before = active;
    expect_acknowledgment(pcb, p);
    if (pcb == active) {
        __real_tcp_input(p, netif);
        return;
    }
    tcp_active_pcbs = pcb;
    __real_tcp_input(p, netif);
    if (tcp_active_pcbs != pcb) { /* it ended, and what was behind it comes first now */
        while (before->next != pcb)
            before = before->next;
        before->next = tcp_active_pcbs;
    }
    tcp_active_pcbs = active;
}

/* Both ends open at once (RFC 9293, 3.5), which lwIP doesn't know: the other one has seen, or will
 * see, our SYN, so its own is taken for the answer. A socket that connects to itself does this. */
static void open_together(const struct tcp_pcb *pcb, struct tcp_hdr *header)
{
    if (pcb->state != SYN_SENT || (TCPH_FLAGS(header) & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return;
    TCPH_SET_FLAG(header, TCP_ACK);
    header->ackno = lwip_htonl(pcb->snd_nxt);
}

void __wrap_tcp_input(struct pbuf *p, struct netif *netif)
{
    struct tcp_hdr *header = p->payload;
    if (p->len < sizeof(*header)) {
        __real_tcp_input(p, netif);
        return;
    }
    struct tcp_pcb *pcb = find(ip_current_dest_addr(), lwip_ntohs(header->dest),
                               ip_current_src_addr(), lwip_ntohs(header->src));
    if (pcb && pcb->state == TIME_WAIT && ends_wait(pcb, header)) {
        tcp_pcb_remove(&tcp_tw_pcbs, pcb);
        tcp_free(pcb);
        pcb = NULL;
    }
    if (pcb && TCPH_FLAGS(header) & TCP_URG && tcp_ext_arg_get(pcb, SOCKET_ARG))
        tcp_urgent_told(tcp_ext_arg_get(pcb, SOCKET_ARG), pcb, header);
    if (pcb)
        open_together(pcb, header);
    if (!pcb)
        input_new(p, netif);
    else if (pcb->state == TIME_WAIT)
        input_waiting(pcb, p, netif);
    else
        input_active(pcb, p, netif);
}
