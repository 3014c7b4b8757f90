/* Where lwIP asks this kernel. */
#pragma once

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>

struct tcp_pcb;
struct tcp_hdr;
struct netif;
struct etharp_q_entry;

#define LWIP_HOOK_TCP_ISN inet_hook_tcp_first
uint32_t inet_hook_tcp_first(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                             uint16_t remote_port);

/* Anything but ERR_OK drops the segment. */
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, options, options1, more, p)                        \
    inet_hook_tcp_in(pcb, header)
signed char inet_hook_tcp_in(struct tcp_pcb *pcb, const struct tcp_hdr *header);

/* How often a connection's first segment is sent anew. */
unsigned inet_hook_syn_count(struct tcp_pcb *pcb);

/* How often a segment is sent anew in all, or a closed window is probed. */
unsigned inet_hook_retries(struct tcp_pcb *pcb);

/* What the other side is told: the most that a segment has. */
unsigned short inet_hook_segment(const struct tcp_pcb *pcb);

/* Milliseconds in FIN-WAIT-2 without a socket. */
unsigned inet_hook_fin_wait(const struct tcp_pcb *pcb);

/* Look at what comes in; 0: it goes on its way, 1: it is dealt with, and freed. */
#define LWIP_HOOK_IP4_INPUT(p, netif) inet_hook_ip4_in(p, netif)
int inet_hook_ip4_in(struct pbuf *p, struct netif *netif);
#define LWIP_HOOK_IP6_INPUT(p, netif) inet_hook_ip6_in(p, netif)
int inet_hook_ip6_in(const struct pbuf *p, const struct netif *netif);

/* arp_lost.h: what is freed as a neighbour did not answer. */
void inet_hook_arp_lost(struct netif *netif, const struct etharp_q_entry *q);

/* lwip.mk: in place of inet_chksum() for IPv4's headers. */
uint16_t inet_hook_ip4_checksum(const void *header, uint16_t size);

/* IPv6: the interface through which a packet leaves, and the router there; NULL: lwIP decides. */
#define LWIP_HOOK_IP6_ROUTE(from, to) inet_hook_route6(from, to)
struct netif *inet_hook_route6(const ip6_addr_t *from, const ip6_addr_t *to);
#define LWIP_HOOK_ND6_GET_GW(netif, to) inet_hook_gateway6(netif)
const ip6_addr_t *inet_hook_gateway6(const struct netif *netif);
