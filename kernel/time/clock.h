/* Clocks, in nanoseconds. */
#pragma once

#include "kernel/base/types.h"

uint64_t clock_monotonic_ns(void); /* since the kernel's entry; never goes back */
int64_t clock_realtime_ns(void);   /* since 1970 UTC */
/* Steps the real-time clock. Timers on it are re-evaluated through clock_realtime_changes(). */
void clock_realtime_set(int64_t realtime_ns);
/* Realtime minus monotonic: adds up to a realtime deadline's monotonic one. */
int64_t clock_realtime_offset_ns(void);
/* Counts steps of the real-time clock (timerfd's TFD_TIMER_CANCEL_ON_SET). */
uint64_t clock_realtime_changes(void);
struct waitq *clock_realtime_waitq(void); /* woken at each step */

/* What the vDSO needs to compute the same: ns = ((tsc - tsc_base) * mult >> shift) + ns_base. */
struct clock_params {
    uint32_t sequence; /* odd while it is being changed */
    uint32_t mult, shift;
    uint32_t reserved;
    uint64_t tsc_base;
    uint64_t monotonic_base_ns;
    int64_t realtime_offset_ns;
};
extern struct clock_params *clock_params; /* in a page of its own (shared with the vDSO) */
struct page;
struct page *clock_params_page(void);
