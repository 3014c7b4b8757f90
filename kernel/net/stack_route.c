/*
 * Ways out. Those that the run record names for IPv6 are kept here: lwIP itself knows only routers
 * that advertise themselves. Of IPv4's, lwIP keeps one an interface, and asks the default
 * interface. And whether there is a way at all: lwIP would find none when it sends, and try again.
 */
#include "kernel/net/stack_route.h"

#include <lwip/ip.h>
#include <lwip/ip6_addr.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/priv/nd6_priv.h>

#include "kernel/base/string.h"
#include "kernel/base/types.h"
#include "kernel/net/lwip_port/hooks.h"

/* GUARDED_BY(net_spinlock). The first is the default. */
static struct way_out {
    struct netif *netif;
    ip6_addr_t gateway;
} ways_out[ROUTE_WAYS_MAX];
static unsigned way_count;

void route_add6(struct netif *netif, const uint8_t gateway[16])
{
    if (way_count == ARRAY_SIZE(ways_out))
        return;
    struct way_out *way = &ways_out[way_count++];
    way->netif = netif;
    memcpy(way->gateway.addr, gateway, sizeof(way->gateway.addr));
    ip6_addr_assign_zone(&way->gateway, IP6_UNICAST, netif);
}

static bool has_address(const struct netif *netif, const ip6_addr_t *address)
{
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
            ip6_addr_cmp(address, netif_ip6_addr(netif, i)))
            return true;
    return false;
}

/* Whether address is one of our own, or on the network of one that the record gave. */
static bool is_near(const ip6_addr_t *address)
{
    const struct netif *netif;
    NETIF_FOREACH(netif)
    {
        for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
            if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
                netif_ip6_addr_isstatic(netif, i) &&
                ip6_addr_netcmp(address, netif_ip6_addr(netif, i)))
                return true;
        if (has_address(netif, address))
            return true;
    }
    return false;
}

struct netif *inet_hook_route6(const ip6_addr_t *from, const ip6_addr_t *to)
{
    if (way_count == 0 || ip6_addr_ismulticast(to) || is_near(to))
        return NULL;
    for (unsigned i = 0; i < way_count; i++)
        if (has_address(ways_out[i].netif, from))
            return ways_out[i].netif;
    return ways_out[0].netif;
}

const ip6_addr_t *inet_hook_gateway6(const struct netif *netif)
{
    for (unsigned i = 0; i < way_count; i++)
        if (ways_out[i].netif == netif)
            return &ways_out[i].gateway;
    return NULL;
}

static bool is_near4(const struct netif *netif, const ip4_addr_t *to)
{
    return ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)) ||
           ip4_addr_ismulticast(to) || ip4_addr_islinklocal(to) || ip4_addr_isbroadcast(to, netif);
}

const ip6_addr_t *route_gateway6(const struct netif *netif)
{
    const ip6_addr_t *named = inet_hook_gateway6(netif);
    for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS && !named; i++) {
        const struct nd6_neighbor_cache_entry *router = default_router_list[i].neighbor_entry;
        if (router && router->netif == netif)
            return &router->next_hop_address;
    }
    return named;
}

/* Whether a router has told that to is on its network. */
static bool is_advertised(const struct netif *netif, const ip6_addr_t *to)
{
    for (unsigned i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].netif == netif && ip6_addr_netcmp(&prefix_list[i].prefix, to))
            return true;
    return false;
}

static bool is_near6(const struct netif *netif, const ip6_addr_t *to)
{
    return ip6_addr_ismulticast(to) || ip6_addr_islinklocal(to) || ip6_addr_isloopback(to) ||
           is_near(to) || is_advertised(netif, to);
}

bool route_reaches(const struct netif *netif, const ip_addr_t *to, bool direct)
{
    if (IP_IS_V6(to))
        return is_near6(netif, ip_2_ip6(to)) || (!direct && route_gateway6(netif));
    return is_near4(netif, ip_2_ip4(to)) || (!direct && !ip4_addr_isany(netif_ip4_gw(netif)));
}

bool route_leads(const ip_addr_t *from, const ip_addr_t *to)
{
    const struct netif *netif = ip_route(from, to);
    return netif && route_reaches(netif, to, false);
}
