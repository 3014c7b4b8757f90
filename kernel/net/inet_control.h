/* Control messages of IP: where a datagram came to, its hop limit (TTL), its traffic class (TOS).
 */
#pragma once

#include "kernel/net/socket.h"

/* Takes one of a message to be sent. Returns 0, or -EINVAL: a wrong size or value. */
MUST_CHECK int inet_control_take(struct socket_message *m, int level, int type, const void *data,
                                 size_t size);
