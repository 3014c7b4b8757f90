/*
 * lwIP in this kernel: the lock, the timer, loopback, and the network cards' frames on their way in
 * and out. A card's buffers are wrapped as they are, and go back to it when lwIP or the socket that
 * holds them is done.
 */
#include "kernel/net/stack.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <netif/ethernet.h>

#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/drivers/netdev.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/interface.h"
#include "kernel/net/stack_neighbor.h"
#include "kernel/net/stack_output.h"
#include "kernel/net/stack_route.h"
#include "kernel/platform/run.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

#define CARDS_MAX 8u
#define CHECKSUMS_ABOVE_IP                                                                         \
    (NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_ICMP |             \
     NETIF_CHECKSUM_CHECK_ICMP6)

struct interface {
    struct netif netif;
    struct netdev *device;
    struct output out;
};

struct spinlock net_spinlock = SPINLOCK_INIT(RANK_NET);

/* All GUARDED_BY(net_spinlock). */
bool net_whole_packets;
static bool started;
static struct interface interfaces[CARDS_MAX];
static unsigned interface_count;
static bool default_leads; /* the default interface has a gateway, or will ask for one */
static struct timer net_timer;

static void timer_expired(struct timer *t);

/* What lwIP asks for. */

uint32_t sys_now(void);

uint32_t sys_now(void)
{
    return (uint32_t)(clock_monotonic_ns() / NS_PER_MS);
}

void net_lock_missing(const char *function)
{
    panic("%s() without the net lock", function);
}

/* The lock. */

void net_lock(void) NO_LOCK_ANALYSIS
{
    spin_lock(&net_spinlock);
}

static bool deliver_own(void)
{
    bool any = false;
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (netif->loop_first) {
            any = true;
            netif_poll(netif);
        }
    }
    return any;
}

/* lwIP's timers: each is due once an interval. The first is TCP's, for as long as there are
 * connections. */
static const struct {
    uint32_t interval_ms;
    void (*handler)(void);
} timers[] = {
    {TCP_TMR_INTERVAL, tcp_tmr},
    {IP_TMR_INTERVAL, ip_reass_tmr},
    {NEIGHBOR_TIMER_MS, etharp_tmr},
    {DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr},
    {DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr},
    {IGMP_TMR_INTERVAL, igmp_tmr},
    {ND6_TMR_INTERVAL, neighbor6_timer},
    {IP6_REASS_TMR_INTERVAL, ip6_reass_tmr},
    {MLD6_TMR_INTERVAL, mld6_tmr},
};
static uint64_t due_ns[ARRAY_SIZE(timers)]; /* 0: not running */
static bool due_changed;                    /* since the kernel's timer was set for the first */

static void set_due(unsigned i)
{
    due_ns[i] = deadline_in(time_of_ms((int)timers[i].interval_ms));
    due_changed = true;
}

static void start_timers(void)
{
    timer_init(&net_timer, timer_expired);
    for (unsigned i = 1; i < ARRAY_SIZE(timers); i++)
        set_due(i);
}

void tcp_timer_needed(void)
{
    if (!due_ns[0])
        set_due(0);
}

static void run_timers(void)
{
    due_changed = true;
    uint64_t now = clock_monotonic_ns();
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++) {
        if (!due_ns[i] || due_ns[i] > now)
            continue;
        timers[i].handler();
        if (i > 0 || tcp_active_pcbs || tcp_tw_pcbs)
            set_due(i);
        else
            due_ns[i] = 0;
    }
}

/* Sets the timer, if lwIP's next one is due before what it is set to. */
static void arm_timer(void)
{
    if (!due_changed)
        return;
    due_changed = false;
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
        if (due_ns[i] && due_ns[i] < next)
            next = due_ns[i];
    if (next != UINT64_MAX && (!timer_is_set(&net_timer) || next < net_timer.expires_ns))
        timer_set(&net_timer, next);
}

void net_unlock(void) NO_LOCK_ANALYSIS
{
    if (started) {
        while (deliver_own())
            ;
        for (unsigned i = 0; i < interface_count; i++)
            output_flush(&interfaces[i].out);
        arm_timer();
    }
    spin_unlock(&net_spinlock);
}

void net_cond_resched(void) NO_LOCK_ANALYSIS
{
    if (UNLIKELY(cond_resched_due())) {
        net_unlock();
        cond_resched();
        net_lock();
    }
}

static void timer_expired(struct timer *t)
{
    (void)t;
    net_lock();
    run_timers();
    tcp_trim_time_wait();
    net_unlock();
}

/* In. */

_Static_assert(sizeof(struct pbuf_custom) <= NETDEV_ROOM_BYTES, "a pbuf fits a buffer's room");

static struct pbuf_custom *pbuf_of(struct netdev_buffer *b)
{
    return (struct pbuf_custom *)b->room;
}

static void buffer_release(struct pbuf *p)
{
    netdev_buffer_free(container_of((uint64_t *)(void *)p, struct netdev_buffer, room[0]));
}

/* A frame's parts as a chain of pbufs. */
static struct pbuf *wrap(struct netdev_buffer *b)
{
    struct pbuf *frame = NULL;
    while (b) {
        struct netdev_buffer *next = b->next;
        struct pbuf_custom *custom = pbuf_of(b);
        custom->custom_free_function = buffer_release;
        struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (u16_t)b->size, PBUF_REF, custom, b->data,
                                             (u16_t)b->size);
        if (frame)
            pbuf_cat(frame, p);
        else
            frame = p;
        b = next;
    }
    return frame;
}

static void input(struct interface *i, struct netdev_buffer *b)
{
    bool checked = b->checked;
    struct pbuf *p = wrap(b);
    i->device->counts.received_bytes += p->tot_len;
    if (checked)
        i->netif.chksum_flags &= (u16_t)~CHECKSUMS_ABOVE_IP;
    if (i->netif.input(p, &i->netif) != ERR_OK)
        pbuf_free(p);
    i->netif.chksum_flags |= CHECKSUMS_ABOVE_IP;
}

static void received(void *arg)
{
    struct interface *i = arg;
    struct netdev_buffer *b;
    net_lock();
    while ((b = netdev_receive(i->device)))
        input(i, b);
    netdev_refill(i->device);
    net_unlock();
}

/* Out. */

static err_t output(struct netif *netif, struct pbuf *p)
{
    struct interface *i = netif->state;
    return output_frame(&i->out, p);
}

/* What may not travel at all comes back to members on this machine only. */
static err_t output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct ip_hdr *header = p->payload;
    if (IPH_TTL(header) == 0)
        return ERR_OK;
    if (net_whole_packets) {
        IPH_OFFSET_SET(header, IPH_OFFSET(header) | PP_HTONS(IP_DF));
        IPH_CHKSUM_SET(header, 0);
        IPH_CHKSUM_SET(header, inet_chksum(header, IPH_HL_BYTES(header)));
    }
    return etharp_output(netif, p, to);
}

static err_t output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    const struct ip6_hdr *header = p->payload;
    return IP6H_HOPLIM(header) ? ethip6_output(netif, p, to) : ERR_OK;
}

/* Start. */

static err_t card_init(struct netif *netif)
{
    const struct interface *i = netif->state;
    netif->name[0] = 'e';
    netif->name[1] = 't';
    netif->output = output4;
    netif->output_ip6 = output6;
    netif->linkoutput = output;
    netif->mtu = i->device->mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, i->device->address, ETH_HWADDR_LEN);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    if (i->device->checksums_out)
        netif->chksum_flags &= (u16_t) ~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP);
    return ERR_OK;
}

/* IPv6: an address of the link's own, the record's, and what routers advertise. Those that nobody
 * gives are in use at once. */
static void set_addresses6(struct interface *i, const struct orris_interface *record)
{
    ip6_addr_t address = {0}, none = {0};
    s8_t index;
    bool slaac = record->flags & ORRIS_INTERFACE_SLAAC;
    if (!slaac && !record->prefix6)
        return;
    netif_create_ip6_linklocal_address(&i->netif, 1);
    netif_ip6_addr_set_state(&i->netif, 0, IP6_ADDR_PREFERRED);
    netif_set_ip6_autoconfig_enabled(&i->netif, slaac);
    if (memcmp(record->gateway6, none.addr, sizeof(record->gateway6)) != 0)
        route_add6(&i->netif, record->gateway6);
    memcpy(address.addr, record->address6, sizeof(address.addr));
    if (record->prefix6 && netif_add_ip6_address(&i->netif, &address, &index) == ERR_OK)
        netif_ip6_addr_set_state(&i->netif, index, IP6_ADDR_PREFERRED);
}

/* The addresses that the run record gives an interface. */
static void set_addresses(struct interface *i, unsigned index)
{
    if (index >= the_run.interface_count)
        return;
    const struct orris_interface *record = &the_run.interfaces[index];
    ip4_addr_t address, netmask, gateway;
    memcpy(&address, record->address, sizeof(address));
    memcpy(&netmask, record->netmask, sizeof(netmask));
    memcpy(&gateway, record->gateway, sizeof(gateway));
    netif_set_addr(&i->netif, &address, &netmask, &gateway);
    if (record->flags & ORRIS_INTERFACE_DHCP)
        (void)dhcp_start(&i->netif); /* no memory: it has no address then */
    set_addresses6(i, record);
}

/* The default is the first that leads anywhere. */
static void choose_default(struct interface *i, unsigned index)
{
    const bool asks =
        index < the_run.interface_count && the_run.interfaces[index].flags & ORRIS_INTERFACE_DHCP;
    const struct netif *now = netif_default;
    const bool leads = asks || !ip4_addr_isany(netif_ip4_gw(&i->netif));
    if (!now || (leads && !default_leads))
        netif_set_default(&i->netif);
    default_leads |= leads;
}

static void start_card(unsigned index)
{
    struct interface *i = &interfaces[interface_count];
    i->device = i->out.device = netdev_at(index);
    if (!netdev_start(i->device, received, i)) {
        log_note("network card %u can't be used: it fails, or there is too little memory", index);
        return;
    }
    netif_add_noaddr(&i->netif, i, card_init, ethernet_input);
    netif_set_up(&i->netif);
    netif_set_link_up(&i->netif);
    set_addresses(i, index);
    choose_default(i, index);
    interface_count++;
}

static void set_up(void)
{
    started = true;
    start_timers();
    lwip_init();
    tcp_table_init();
    netif_list->mtu = 65535;
    igmp_stop(netif_list); /* it began before lwIP knew the group of all systems */
    (void)igmp_start(netif_list);
    netif_list->chksum_flags = NETIF_CHECKSUM_GEN_IP; /* nothing gets lost on the way to oneself */
    for (unsigned i = 0; i < netdev_count() && i < CARDS_MAX; i++)
        start_card(i);
}

void interface_counts(const void *state, struct interface_info *out)
{
    const struct netdev_counts *counts = &((const struct interface *)state)->device->counts;
    out->received_bytes = counts->received_bytes;
    out->received_packets = counts->received_frames;
    out->received_lost = counts->received_lost;
    out->sent_bytes = counts->sent_bytes;
    out->sent_packets = counts->sent_frames;
    out->sent_lost = counts->sent_lost;
}

int net_start(void)
{
    if (__atomic_load_n(&started, __ATOMIC_ACQUIRE))
        return 0;
    net_lock();
    if (!started)
        set_up();
    net_unlock();
    return 0;
}
