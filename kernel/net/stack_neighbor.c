/*
 * Neighbours that don't answer. lwIP frees what waits for one; here, as on Linux, who sent it is
 * told: by a message of ICMP that this machine sends itself.
 */
#include "kernel/net/stack_neighbor.h"

#include <lwip/etharp.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip6.h>

#include "kernel/base/list.h"
#include "kernel/base/string.h"
#include "kernel/net/lwip_port/hooks.h"

#define ICMP6_HEADER 8u
#define QUOTED_MAX (1280u - IP6_HLEN - ICMP6_HEADER) /* RFC 4443, 3.1 */

void inet_hook_arp_lost(struct netif *netif, const struct etharp_q_entry *q)
{
    for (; q; q = q->next) {
        ip4_addr_t from;
        ip4_addr_copy(from, ((const struct ip_hdr *)q->p->payload)->src);
        if (ip4_addr_cmp(&from, netif_ip4_addr(netif)))
            icmp_dest_unreach(q->p, ICMP_DUR_HOST);
    }
}

/* p begins with its header. */
static void tell6(struct netif *netif, const struct pbuf *p)
{
    ip6_addr_t own;
    ip6_addr_copy_from_packed(own, ((const struct ip6_hdr *)p->payload)->src);
    ip6_addr_assign_zone(&own, IP6_UNICAST, netif);
    u16_t size = p->tot_len < QUOTED_MAX ? p->tot_len : QUOTED_MAX;
    struct pbuf *q = netif_get_ip6_addr_match(netif, &own) < 0
                         ? NULL
                         : pbuf_alloc(PBUF_IP, (u16_t)(ICMP6_HEADER + size), PBUF_RAM);
    if (!q)
        return;
    uint8_t *message = q->payload;
    memset(message, 0, ICMP6_HEADER);
    message[0] = ICMP6_TYPE_DUR;
    message[1] = ICMP6_DUR_ADDRESS;
    pbuf_copy_partial(p, message + ICMP6_HEADER, size, 0);
    uint16_t sum = ip6_chksum_pseudo(q, IP6_NEXTH_ICMP6, q->tot_len, &own, &own);
    memcpy(message + 2, &sum, sizeof(sum));
    (void)ip6_output_if(q, &own, &own, LWIP_ICMP6_HL, 0, IP6_NEXTH_ICMP6, netif);
    pbuf_free(q);
}

static bool gave_up(const struct nd6_neighbor_cache_entry *e)
{
    return (e->state == ND6_INCOMPLETE || e->state == ND6_PROBE) &&
           e->counter.probes_sent >= LWIP_ND6_MAX_MULTICAST_SOLICIT;
}

void neighbor6_timer(void)
{
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
        for (const struct nd6_q_entry *q = gave_up(&neighbor_cache[i]) ? neighbor_cache[i].q : NULL;
             q; q = q->next)
            tell6(neighbor_cache[i].netif, q->p);
    nd6_tmr();
}
