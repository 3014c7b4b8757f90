/* What the CPU says of itself, for /proc/cpuinfo and /sys/devices/system/cpu. */
#pragma once

#include "kernel/base/text.h"

/* The block of /proc/cpuinfo for one CPU of count, with the blank line that ends it. clock_khz: the
 * time-stamp counter's rate, which stands in where the CPU doesn't name its own. */
void arch_cpuinfo_text(struct text *out, unsigned cpu, unsigned count, uint64_t clock_khz);

/* /proc/interrupts, for that many CPUs. */
void arch_interrupts_text(struct text *out, unsigned count);
/* How many there were. */
uint64_t arch_interrupts_count(void);

enum cache_type { CACHE_NONE, CACHE_DATA, CACHE_INSTRUCTION, CACHE_UNIFIED };

struct cache_info {
    enum cache_type type;
    unsigned level, line_bytes, ways, sets, size_kb;
    bool shared; /* by all CPUs, else each has its own */
};

/* The index-th cache of a CPU. False: there are not so many. */
bool arch_cache_info(unsigned index, struct cache_info *out);
