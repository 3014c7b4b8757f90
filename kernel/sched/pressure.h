/* How long threads stood still for want of a CPU, the disk or memory. */
#pragma once

#include "kernel/base/types.h"

enum pressure_kind { PRESSURE_CPU, PRESSURE_IO, PRESSURE_MEMORY, PRESSURE_KINDS };

struct pressure {
    uint64_t some_ns; /* some thread waited */
    uint64_t full_ns; /* and none could work meanwhile */
};

/* Around what a thread waits for, or does instead of its work. Not for PRESSURE_CPU, which the
 * scheduler knows. May be called under no spin lock. */
void pressure_begin(enum pressure_kind kind);
void pressure_end(enum pressure_kind kind);
/* Since boot. */
struct pressure pressure_get(enum pressure_kind kind);
