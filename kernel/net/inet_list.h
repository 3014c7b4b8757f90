/* The Internet sockets there are, for /proc/net. */
#pragma once

#include "kernel/base/text.h"
#include "kernel/net/abi.h"

/* Writes a line for each socket of IPPROTO_TCP, UDP or UDPLITE, without the heading. */
void inet_list(struct text *out, int family, int protocol);
