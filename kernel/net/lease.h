/* Addresses that a DHCP server or a router gives. */
#pragma once

#include "kernel/base/types.h"

#define LEASE_SERVERS_MAX 2u

/* Waits until each interface that is to ask for an address has one, for ten seconds at most, and
 * says what came of it. In the program's first thread, before the program. */
void lease_wait(void);

/* The name servers that came with them, in network byte order; their number is returned. */
unsigned lease_name_servers(uint32_t out[LEASE_SERVERS_MAX]);
