/* The serial console as a stream. None of these sleeps. */
#pragma once

#include "kernel/base/types.h"
#include "kernel/sched/waitq.h"

size_t serial_read(void *buf, size_t size); /* bytes, 0: none now */
size_t serial_available(void);
struct waitq *serial_waitq(void);
