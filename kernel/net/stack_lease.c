/* DHCP and SLAAC are lwIP's; here is who waits for them, and what becomes of the name servers. */
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

/* An address that a router's advertisement made, or NULL. */
static const ip_addr_t *advertised(const struct netif *netif)
{
    for (int n = 1; n < LWIP_IPV6_NUM_ADDRESSES; n++) /* 0: the link's own */
        if (ip6_addr_ispreferred(netif_ip6_addr_state(netif, n)) &&
            !netif_ip6_addr_isstatic(netif, n))
            return netif_ip_addr6(netif, n);
    return NULL;
}

/* What it was given so far. */
static bool given(unsigned index, bool six, ip_addr_t *out)
{
    net_lock();
    const struct netif *netif = card(index);
    const ip_addr_t *address = NULL;
    if (netif && six)
        address = advertised(netif);
    else if (netif && dhcp_supplied_address(netif))
        address = netif_ip_addr4(netif);
    if (address)
        ip_addr_copy(*out, *address);
    net_unlock();
    return address != NULL;
}

static void pause(void)
{
    struct waiter w;
    waiter_init(&w, 0);
    waiter_arm(&w);
    (void)waiter_sleep(&w, deadline_in(PAUSE_NS), false);
}

static void wait_for(unsigned index, bool six, uint64_t limit)
{
    static const char *const by[] = {"DHCP", "SLAAC"}, *const who[] = {"DHCP server", "router"};
    ip_addr_t address;
    char text[IPADDR_STRLEN_MAX];
    bool has;
    while (!(has = given(index, six, &address)) && clock_monotonic_ns() < limit)
        pause();
    if (has)
        log_note("eth%u has the address %s (%s)", index,
                 ipaddr_ntoa_r(&address, text, sizeof(text)), by[six]);
    else
        log_note("eth%u has no %s address: no %s answered within ten seconds", index,
                 six ? "IPv6" : "IPv4", who[six]);
}

void lease_wait(void)
{
    uint64_t limit = deadline_in(LIMIT_NS);
    for (unsigned i = 0; i < the_run.interface_count; i++) {
        uint32_t flags = the_run.interfaces[i].flags;
        if (flags && net_start())
            return;
        if (flags & ORRIS_INTERFACE_DHCP)
            wait_for(i, false, limit);
        if (flags & ORRIS_INTERFACE_SLAAC)
            wait_for(i, true, limit);
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
