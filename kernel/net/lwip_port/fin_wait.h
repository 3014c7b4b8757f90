/* Read before tcp.c: how long a connection that is closed here waits for the other side's end is
 * for each its own. lwIP's own header defines the constant without asking. */
#pragma once

#include "lwip/priv/tcp_priv.h"

#undef TCP_FIN_WAIT_TIMEOUT
#define TCP_FIN_WAIT_TIMEOUT inet_hook_fin_wait(pcb)
