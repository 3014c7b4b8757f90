/* The ports of the virtio console (abi/control.h numbers them). None of these sleeps. */
#pragma once

#include "kernel/base/types.h"
#include "kernel/sched/waitq.h"

#define PORT_COUNT 5 /* port 0 is not used */

bool port_exists(unsigned port); /* there is a console device */
/* Takes up to size bytes that came; 0: none now. */
size_t port_read(unsigned port, void *buf, size_t size);
size_t port_readable(unsigned port);
/* Queues up to size bytes for the host; returns how many there was room for. */
size_t port_write(unsigned port, const void *buf, size_t size);
size_t port_room(unsigned port);
struct waitq *port_waitq(unsigned port);
uint64_t port_bytes_out(unsigned port);
