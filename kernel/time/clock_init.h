/* Setting the clocks up, for the boot. */
#pragma once

#include "kernel/base/types.h"

/* Starts the clocks at monotonic 0. counter_hz: the counter's rate, or 0 to find it out. */
void clock_init(uint64_t counter_hz, int64_t realtime_ns);
