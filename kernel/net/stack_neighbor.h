/* Neighbours that don't answer. */
#pragma once

/* lwIP's arp timer counts five of these until it gives up: some three seconds. */
#define NEIGHBOR_TIMER_MS 700u

/* What lwIP's nd6_tmr() does; who waits for a neighbour that didn't answer is told. Requires: the
 * network's lock. */
void neighbor6_timer(void);
