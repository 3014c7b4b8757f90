/* /etc/resolv.conf, when name servers come with a lease. */
#pragma once

#include "kernel/base/types.h"

/* Writes it, in place of the image's. servers: IPv4, in network byte order. Returns 0 or -errno. */
int resolver_write(const uint32_t *servers, unsigned count);
