/*
 * The vDSO: clock calls that run in the program, without entering the kernel.
 *
 * They compute what kernel/time/clock.c computes, from the same numbers, in a page mapped read-only
 * right before this code. The kernel makes the sequence odd while it changes them. What can't be
 * answered from there is a system call.
 */
#include <stdint.h>

#include <asm/unistd_64.h>
#include <linux/time.h>

#include "kernel/arch/x86_64/asm.h"
#include "kernel/base/attr.h"
#include "kernel/proc/vdso_data.h"

#define EXPORT __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((visibility("default"), weak, alias(name)))
#define COARSE_TICK_NS 1000000

/* of <linux/time_types.h> and <asm/posix_types.h>, by the names POSIX has for them */
struct result_timespec {
    int64_t sec, nsec;
};
struct result_timeval {
    int64_t sec, usec;
};

extern const uint8_t vdso_page[] __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct result_timespec *ts);
int __vdso_gettimeofday(struct result_timeval *tv, struct timezone *zone);
int64_t __vdso_time(int64_t *seconds);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *cache);
int __vdso_clock_getres(int clock, struct result_timespec *ts);

static long system_call(long nr, long a, long b)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), "d"(0)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/* The limit of a segment that each CPU has of its own. */
static unsigned cpu_number(void)
{
    unsigned number;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(SEL_CPU_NUMBER));
    return number;
}

/* Nanoseconds of the clock; false if the page can't tell. */
static int now(int realtime, uint64_t *ns)
{
    const volatile struct clock_params *p = (const volatile struct clock_params *)vdso_page;
    uint32_t sequence;
    do {
        sequence = __atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE) & ~1u;
        if (p->mult == 0)
            return 0;
        uint64_t ticks = read_tsc() - p->tsc_base;
        uint64_t elapsed = (uint64_t)((unsigned __int128)ticks * p->mult >> p->shift);
        *ns = p->monotonic_base_ns + elapsed + (realtime ? (uint64_t)p->realtime_offset_ns : 0);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (p->sequence != sequence);
    return 1;
}

/* Which of the two clocks answers, or -1. */
static int is_realtime(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return 1;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return 0;
    default:
        return -1;
    }
}

EXPORT int __vdso_clock_gettime(int clock, struct result_timespec *ts)
{
    uint64_t ns;
    int realtime = is_realtime(clock);
    if (realtime < 0 || !now(realtime, &ns))
        return (int)system_call(__NR_clock_gettime, clock, (long)ts);
    ts->sec = (int64_t)(ns / (uint64_t)NS_PER_SECOND);
    ts->nsec = (int64_t)(ns % (uint64_t)NS_PER_SECOND);
    return 0;
}

EXPORT int __vdso_gettimeofday(struct result_timeval *tv, struct timezone *zone)
{
    uint64_t ns;
    if (!now(1, &ns))
        return (int)system_call(__NR_gettimeofday, (long)tv, (long)zone);
    if (tv) {
        tv->sec = (int64_t)(ns / (uint64_t)NS_PER_SECOND);
        tv->usec = (int64_t)(ns % (uint64_t)NS_PER_SECOND / (uint64_t)NS_PER_US);
    }
    if (zone)
        zone->tz_minuteswest = zone->tz_dsttime = 0;
    return 0;
}

EXPORT int64_t __vdso_time(int64_t *seconds)
{
    uint64_t ns;
    if (!now(1, &ns))
        return system_call(__NR_time, (long)seconds, 0);
    int64_t now_seconds = (int64_t)(ns / (uint64_t)NS_PER_SECOND);
    if (seconds)
        *seconds = now_seconds;
    return now_seconds;
}

EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *cache)
{
    const struct vdso_data *data = (const struct vdso_data *)(vdso_page + VDSO_DATA_OFFSET);
    (void)cache;
    if (cpu)
        *cpu = data->one_cpu ? 0 : cpu_number();
    if (node)
        *node = 0;
    return 0;
}

EXPORT int __vdso_clock_getres(int clock, struct result_timespec *ts)
{
    if (is_realtime(clock) < 0)
        return (int)system_call(__NR_clock_getres, clock, (long)ts);
    int coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    if (ts) {
        ts->sec = 0;
        ts->nsec = coarse ? COARSE_TICK_NS : 1;
    }
    return 0;
}

int clock_gettime(int clock, struct result_timespec *ts) ALIAS("__vdso_clock_gettime");
int gettimeofday(struct result_timeval *tv, struct timezone *zone) ALIAS("__vdso_gettimeofday");
int64_t time(int64_t *seconds) ALIAS("__vdso_time");
long getcpu(unsigned *cpu, unsigned *node, void *cache) ALIAS("__vdso_getcpu");
int clock_getres(int clock, struct result_timespec *ts) ALIAS("__vdso_clock_getres");
