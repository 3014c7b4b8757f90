/* DHCP is lwIP's; here is who waits for it, and what becomes of the name servers. */
#include <lwip/dhcp.h>
#include <lwip/dns.h>

#include "kernel/base/log.h"
#include "kernel/net/inet_priv.h"
#include "kernel/net/lease.h"
#include "kernel/net/stack.h"
#include "kernel/platform/run.h"
#include "kernel/sched/waitq.h"
#include "kernel/time/clock.h"

#define LIMIT_NS 10000000000ul
#define PAUSE_NS 5000000ul
#define OCTETS(a) (a)[0], (a)[1], (a)[2], (a)[3]

static ip4_addr_t servers[LEASE_SERVERS_MAX]; /* GUARDED_BY(net_spinlock) */

/* What lwIP's DHCP calls its own resolver by, which isn't here. */

void dns_init(void) {}

void dns_setserver(u8_t numdns, const ip_addr_t *dnsserver)
{
    if (numdns < LEASE_SERVERS_MAX && IP_IS_V4(dnsserver))
        ip4_addr_copy(servers[numdns], *ip_2_ip4(dnsserver));
}

static struct netif *card(unsigned index)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (netif->name[0] == 'e' && netif_get_index(netif) == index + 2) /* after loopback */
            return netif;
    }
    return NULL;
}

static bool has_address(unsigned index, uint8_t out[4])
{
    net_lock();
    const struct netif *netif = card(index);
    bool has = netif && dhcp_supplied_address(netif);
    if (has)
        __builtin_memcpy(out, netif_ip4_addr(netif), 4);
    net_unlock();
    return has;
}

static void pause(void)
{
    struct waiter w;
    waiter_init(&w, 0);
    waiter_arm(&w);
    (void)waiter_sleep(&w, clock_monotonic_ns() + PAUSE_NS, false);
}

void lease_wait(void)
{
    uint64_t limit = 0;
    for (unsigned i = 0; i < the_run.interface_count; i++) {
        uint8_t address[4];
        if (!(the_run.interfaces[i].flags & ORRIS_INTERFACE_DHCP))
            continue;
        if (!limit) {
            limit = clock_monotonic_ns() + LIMIT_NS;
            if (net_start())
                return;
        }
        bool has;
        while (!(has = has_address(i, address)) && clock_monotonic_ns() < limit)
            pause();
        if (has)
            log_note("eth%u has the address %u.%u.%u.%u (DHCP)", i, OCTETS(address));
        else
            log_note("eth%u has no address: no DHCP server answered within ten seconds", i);
    }
}

unsigned lease_name_servers(uint32_t out[LEASE_SERVERS_MAX])
{
    unsigned count = 0;
    net_lock();
    for (unsigned i = 0; i < LEASE_SERVERS_MAX; i++)
        if (!ip4_addr_isany_val(servers[i]))
            out[count++] = ip4_addr_get_u32(&servers[i]);
    net_unlock();
    return count;
}
