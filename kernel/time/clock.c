/*
 * Clocks from the CPU's free-running counter. The rate comes from the CPU, the hypervisor or the
 * run record; failing these it is compared with the interrupt controller's timer.
 */
#include "kernel/time/clock.h"

#include "kernel/arch/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sched/waitq.h"
#include "kernel/time/clock_init.h"

#define CALIBRATE_NS 200000ul

struct clock_params *clock_params;
static struct page *params_page;
static uint64_t changes;
static struct waitq change_waitq;

static uint64_t calibrate(void)
{
    uint64_t start_ns = arch_reference_ns(), start = arch_cycles(), now_ns;
    do {
        now_ns = arch_reference_ns();
    } while (now_ns - start_ns < CALIBRATE_NS);
    return (arch_cycles() - start) * (uint64_t)NS_PER_SECOND / (now_ns - start_ns);
}

void clock_init(uint64_t counter_hz, int64_t realtime_ns)
{
    params_page = page_alloc(0, ALLOC_ZERO);
    if (!params_page) {
        panic("no memory for the clock");
    }
    clock_params = page_virt(params_page);
    waitq_init(&change_waitq);
    uint64_t hz = arch_cycles_hz();
    hz = hz ? hz : counter_hz;
    hz = hz ? hz : calibrate();
    uint32_t shift = 32;
    while (((uint64_t)NS_PER_SECOND << shift) / hz > UINT32_MAX) {
        shift--;
    }
    clock_params->mult = (uint32_t)(((uint64_t)NS_PER_SECOND << shift) / hz);
    clock_params->shift = shift;
    clock_params->tsc_base = arch_cycles();
    clock_params->monotonic_base_ns = CLOCK_START_NS;
    clock_params->realtime_offset_ns = time_sub(realtime_ns, (int64_t)CLOCK_START_NS);
}

uint64_t clock_monotonic_ns(void)
{
    uint64_t cycles = arch_cycles() - clock_params->tsc_base;
    return clock_params->monotonic_base_ns +
           (uint64_t)((unsigned __int128)cycles * clock_params->mult >> clock_params->shift);
}

uint64_t clock_cycles(uint64_t ns)
{
    return (ns << clock_params->shift) / clock_params->mult;
}

int64_t clock_realtime_ns(void)
{
    return time_add((int64_t)clock_monotonic_ns(), clock_params->realtime_offset_ns);
}

int64_t clock_realtime_offset_ns(void)
{
    return clock_params->realtime_offset_ns;
}

void clock_realtime_set(int64_t realtime_ns)
{
    int64_t offset = time_sub(realtime_ns, (int64_t)clock_monotonic_ns());
    __atomic_store_n(&clock_params->sequence, clock_params->sequence + 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    clock_params->realtime_offset_ns = offset;
    __atomic_store_n(&clock_params->sequence, clock_params->sequence + 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&changes, 1, __ATOMIC_RELAXED);
    waitq_wake(&change_waitq, EVENTS_ANY);
}

uint64_t clock_realtime_changes(void)
{
    return __atomic_load_n(&changes, __ATOMIC_RELAXED);
}

struct waitq *clock_realtime_waitq(void)
{
    return &change_waitq;
}

struct page *clock_params_page(void)
{
    return params_page;
}
