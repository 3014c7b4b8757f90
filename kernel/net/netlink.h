/* AF_NETLINK, NETLINK_ROUTE: what addresses, interfaces and routes there are. */
#pragma once

#include "kernel/net/socket.h"

/* Returns 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT (other protocols) or -ENOMEM. */
MUST_CHECK int netlink_create(int type, int protocol, struct socket **out);
