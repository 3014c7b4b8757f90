/* The stack's ways out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <lwip/ip_addr.h>

struct netif;

#define ROUTE_WAYS_MAX 8u

/* The router through which what is on no network of netif's, nor of another card's, leaves by IPv6.
 * The first that is added is the default. Requires: the network's lock. */
void route_add6(struct netif *netif, const uint8_t gateway[16]);

/* The router that netif leaves by for IPv6: named, or the first that has told of itself. NULL:
 * none. Requires: the network's lock. */
const ip6_addr_t *route_gateway6(const struct netif *netif);

/* Whether what goes from an address (or any) to another has a way: it is on one of our networks, or
 * there is a router. Requires: the network's lock. */
bool route_leads(const ip_addr_t *from, const ip_addr_t *to);

/* The same by one interface; direct: without a router. Requires: the network's lock. */
bool route_reaches(const struct netif *netif, const ip_addr_t *to, bool direct);
