/* Clocks, in nanoseconds. */
#pragma once

#include "kernel/time/ns.h"

/* What the monotonic clock begins with: to many programs (ping, tracepath) a time below a second is
 * one that was never read, and on Linux none of them sees it. */
#define CLOCK_START_NS (60 * (uint64_t)NS_PER_SECOND)

uint64_t
clock_monotonic_ns(void);        /* since the kernel's entry, on CLOCK_START_NS; never goes back */
int64_t clock_realtime_ns(void); /* since 1970 UTC, 9223372036 s at most */
/* Steps the real-time clock. Timers on it are re-evaluated through clock_realtime_changes(). */
void clock_realtime_set(int64_t realtime_ns);
int64_t clock_realtime_offset_ns(void); /* realtime minus monotonic */
/* When the monotonic clock gets to a real time, as long as nobody sets that. */
static inline uint64_t deadline_of_realtime(int64_t realtime_ns)
{
    return ns_of(time_sub(realtime_ns, clock_realtime_offset_ns()));
}
/* A length from now on; DEADLINE_NONE for the longest there is. */
static inline uint64_t deadline_in(int64_t length_ns)
{
    return deadline_after(clock_monotonic_ns(), length_ns);
}
/* How many cycles of the CPU's counter a time of up to 4 s takes. */
uint64_t clock_cycles(uint64_t ns);
/* Counts steps of the real-time clock (timerfd's TFD_TIMER_CANCEL_ON_SET). */
uint64_t clock_realtime_changes(void);
struct waitq *clock_realtime_waitq(void); /* woken at each step */
/* Of a time-out where 0 means none. */
static inline uint64_t deadline_of_timeout(uint64_t timeout_ns)
{
    return timeout_ns ? ns_add(clock_monotonic_ns(), timeout_ns) : DEADLINE_NONE;
}

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
