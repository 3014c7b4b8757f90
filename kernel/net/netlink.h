/* AF_NETLINK, NETLINK_ROUTE: what addresses, interfaces and routes there are. */
#pragma once

#include "kernel/net/socket.h"

/* A message that a netlink socket will get: what it takes is there beforehand. */
struct netlink_notice;
/* Returns 0 with a notice of these bytes for the socket f, or -ENOTSOCK, -EINVAL (of another
 * family), -ENOMEM. */
MUST_CHECK int netlink_notice_make(struct file *f, const void *bytes, uint32_t size,
                                   struct netlink_notice **out);
/* Its bytes, to be changed. */
char *netlink_notice_bytes(struct netlink_notice *n);
/* Ends a notice: with or without the socket getting it. May sleep. */
void netlink_notice_send(struct netlink_notice *n);
void netlink_notice_drop(struct netlink_notice *n); /* NULL is fine */

extern const unsigned netlink_socket_size; /* bytes */
/* Returns 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT (other protocols) or -ENOMEM. */
MUST_CHECK int netlink_create(int type, int protocol, struct socket **out);
