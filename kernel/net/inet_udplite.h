/* UDP-Lite, under the net lock. */
#pragma once

#include <lwip/udp.h>

#include "kernel/net/inet_priv.h"

/* Exchanges UDP's sockets in lwIP's list for UDP-Lite's, and the other way round. */
void udplite_swap(void);
/* Whether enough of a datagram is covered by its checksum; p's header lies in front of its bytes.
 */
bool udplite_wanted(const struct udplite *u, const struct pbuf *p);
