/* The Internet sockets there are, for /proc/net. */
#pragma once

#include "kernel/base/text.h"
#include "kernel/net/abi.h"

/* Writes a line for each, without the heading. */
void inet_list(struct text *out, int family, bool tcp);
