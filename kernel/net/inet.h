/* AF_INET and AF_INET6: TCP, UDP and raw sockets. What implements them is hidden here. */
#pragma once

#include "kernel/net/socket.h"

/* Returns 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT or -ENOMEM. */
MUST_CHECK int inet_create(int family, int type, int protocol, struct socket **out);

/* tcp_retries2: how long what isn't acknowledged is sent anew, in time-outs that double from 200 ms
 * on. */
extern uint8_t inet_tcp_retries;
