/* Read before etharp.c: what waits for a neighbour that has answered no question. What lwIP would
 * tell SNMP stands where such an entry ends; others make place for one, and are not told of. */
#pragma once

#include "lwip/opt.h"
#include "lwip/snmp.h"

#undef mib2_remove_arp_entry
#define mib2_remove_arp_entry(netif, address)                                                      \
    inet_hook_arp_lost(netif, arp_table[i].state == ETHARP_STATE_PENDING &&                        \
                                      arp_table[i].ctime >= ARP_MAXPENDING                         \
                                  ? arp_table[i].q                                                 \
                                  : NULL)
