/* The sockets there are, for /proc/net. */
#pragma once

#include "kernel/base/text.h"
#include "kernel/net/abi.h"

/* Writes a line for each socket of IPPROTO_TCP, UDP or UDPLITE, without the heading. */
void inet_list(struct text *out, int family, int protocol);

/* /proc/net/snmp, sockstat and sockstat6, igmp and igmp6, whole. */
void inet_list_counters(struct text *out);
void inet_list_usage(struct text *out, int family);
void inet_list_groups(struct text *out, int family);
/* /proc/net/unix, without the heading. */
void unix_list(struct text *out);
