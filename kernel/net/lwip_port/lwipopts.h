/*
 * lwIP as this kernel uses it: the raw API, under the net lock (kernel/net/stack.h); memory from
 * the kernel's heap, in no pools, so that nothing but memory limits how many connections there are.
 */
#pragma once

#include "kernel/mm/heap.h"
#include "kernel/net/inet_checksum.h"
#include "kernel/net/stack.h"

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_STATS 1 /* only what /proc/net/snmp tells */
#define MIB2_STATS 1
#define LINK_STATS 0
#define ETHARP_STATS 0
#define IP_STATS 0
#define IPFRAG_STATS 0
#define ICMP_STATS 0
#define IGMP_STATS 0
#define UDP_STATS 0
#define TCP_STATS 0
#define MEM_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0
#define IP6_STATS 0
#define ICMP6_STATS 0
#define IP6_FRAG_STATS 0
#define MLD6_STATS 0
#define ND6_STATS 0
#define LWIP_TIMERS 0 /* its own need memory, or panic: stack.c has them */
#define LWIP_ASSERT_CORE_LOCKED() net_lock_required(__func__)
#define LWIP_HOOK_FILENAME "kernel/net/lwip_port/hooks.h"

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define mem_clib_malloc(size) heap_alloc_flags(size, ALLOC_OBJECT | ALLOC_LOCKED)
#define mem_clib_calloc(count, size)                                                               \
    heap_zalloc_flags((count) * (size), ALLOC_OBJECT | ALLOC_LOCKED)
#define mem_clib_free heap_free
#define LWIP_SUPPORT_CUSTOM_PBUF 1

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_UDP 1
#define LWIP_UDPLITE 1
#define LWIP_TCP 1
#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 0 /* a second and more, for what servers look after */
#define LWIP_DNS 1            /* only so that DHCP asks for name servers: stack_lease.c */
#define DNS_MAX_SERVERS 2
#define LWIP_DHCP_MAX_DNS_SERVERS 2
#define LWIP_IGMP 1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define IP_OPTIONS_ALLOWED 1
#define IP_DEFAULT_TTL 64 /* as on Linux: of what no socket sends, too */
#define LWIP_ICMP6_HL 64
#define LWIP_ICMP6_DATASIZE 1232 /* RFC 4443, 2.4 (c): as much as fits the least MTU */
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 256
#define IP_FRAG 1
#define IP_SOF_BROADCAST 1
#define ARP_TABLE_SIZE 64
#define ARP_MAXAGE 430 /* of NEIGHBOR_TIMER_MS: five minutes */
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 16
#define MEMP_NUM_ARP_QUEUE 256
#define ETH_PAD_SIZE 0
#define IPV6_FRAG_COPYHEADER 1
#define LWIP_IPV6_DHCP6 0
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_NUM_ADDRESSES 4
#define LWIP_ND6_NUM_NEIGHBORS 64
#define LWIP_ND6_NUM_DESTINATIONS 64

#define LWIP_SINGLE_NETIF 0
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPIF_MULTICAST 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 0
#define LWIP_LOOPBACK_MAX_PBUFS 0
#define LWIP_NETIF_HOSTNAME 0
#define LWIP_NETIF_STATUS_CALLBACK 0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM inet_checksum

#define TCP_SEGMENT 1460
#ifndef TCP_MSS /* lwip.mk: where it is told, a socket's own */
#define TCP_MSS TCP_SEGMENT
#endif
#define TCP_OVERSIZE TCP_SEGMENT
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_WND (256 * 1024)
#define TCP_SND_BUF (256 * 1024)
#define TCP_SND_QUEUELEN (4 * TCP_SND_BUF / TCP_SEGMENT)
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1 /* they count with pools, and windows of 16 bits */
#define MEMP_NUM_TCP_SEG TCP_SND_QUEUELEN
#define TCP_MSL 30000
#define TCP_TMR_INTERVAL 50 /* acknowledgments wait so long; what is lost, at least six times */
#ifndef TCP_SYNMAXRTX       /* lwip.mk: where it is looked at, a socket's own */
#define TCP_SYNMAXRTX 6
#endif
#ifndef TCP_MAXRTX
#define TCP_MAXRTX 12
#endif
#define TCP_LISTEN_BACKLOG 0
#define LWIP_TCP_KEEPALIVE 1
#define LWIP_TCP_SACK_OUT 1
#define TCP_QUEUE_OOSEQ 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1 /* what came to a group: its members take it or not */
#define LWIP_TCP_PCB_NUM_EXT_ARGS 2
