/* How long threads stood still for want of memory. */
#pragma once

#include "kernel/base/types.h"

struct pressure {
    uint64_t some_ns; /* some thread waited */
    uint64_t full_ns; /* and none could work meanwhile */
};

/* Around what a thread does for memory instead of its work. May be called under no spin lock. */
void pressure_begin(void);
void pressure_end(void);
/* Since boot. */
struct pressure pressure_get(void);
