/*
 * Several processors, and the kernel lock: kernel code runs on one CPU at a time, programs on all
 * (docs/locking.md). The other CPUs are started when there is work for them; until then, and on
 * machines with one CPU, nothing here costs more than a look at a flag.
 */
#pragma once

#include "abi/record.h"
#include "kernel/base/types.h"

#define CPUS_MAX ORRIS_CPUS_MAX

struct thread;

/* The CPU we are on. It may be another after a sleep. */
unsigned arch_cpu_index(void);

/* Whether there is more than one CPU to think of. */
extern bool arch_many_cpus;

/* The CPU whose own stores of pages and blocks to use: works from the first instruction on. */
static inline unsigned cpu_stock(void)
{
    return UNLIKELY(arch_many_cpus) ? arch_cpu_index() : 0;
}

void kernel_lock_take(void);
void kernel_lock_give(void);

/* From ring 3 into the kernel, and back. Sleeping gives the lock to whoever runs next on the CPU;
 * an idle CPU gives it away (arch_idle). */
static inline void kernel_enter(void)
{
    if (UNLIKELY(arch_many_cpus))
        kernel_lock_take();
}

static inline void kernel_leave(void)
{
    if (UNLIKELY(arch_many_cpus))
        kernel_lock_give();
}

/* Makes ready what CPU number cpu needs before it can start: it begins as idle. False: no memory.
 */
MUST_CHECK bool arch_cpu_prepare(unsigned cpu, struct thread *idle);
/* Starts the CPUs that were prepared. Does not wait for them: each comes to sched_cpu_started(). */
void arch_cpus_start(void);
/* Makes another CPU look at what it has to do: it wakes, or enters the kernel. */
void arch_cpu_kick(unsigned cpu);
/* Returns when every CPU that runs the program has passed a memory barrier since the call, and
 * those whose thread is to give the CPU away (thread.resched) have entered the kernel. */
void arch_cpus_sync(void);
/* Stops all other CPUs for good. */
void arch_cpus_stop(void);
/* Defined by the scheduler: a new CPU's first call, with the kernel lock. */
NORETURN void sched_cpu_started(void);
