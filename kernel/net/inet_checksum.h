/* lwIP's LWIP_CHKSUM: the sum of a piece's words of 16 bits, in the order of memory, one's
 * complement, not inverted; what is odd at the end counts as if a 0 followed. size: bytes. */
#pragma once

#include <stdint.h>

uint16_t inet_checksum(const void *data, int size);
