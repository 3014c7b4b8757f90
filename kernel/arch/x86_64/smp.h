/* Between the CPUs: what paging and the trap code need. */
#pragma once

#include "kernel/arch/smp.h"
#include "kernel/arch/x86_64/cpu.h"

/* Makes the other CPUs forget the translations of [start, end) before they use memory of the
 * program again; those in ring 3 now have done so when this returns. */
void tlb_shoot(uint64_t start, uint64_t end);
/* Makes all of them forget everything now, idle ones too: page tables are about to be freed. */
void tlb_shoot_all(void);
/* The kernel's own mapping of an address that nobody uses any more is gone: the others forget it
 * when they next enter the kernel. */
void tlb_shoot_later(void);

/* Does what other CPUs asked of this one. */
void smp_serve(void);
/* An idle CPU's way to give the lock back after an interrupt. */
void kernel_lock_give_idle(void);
/* Whether this CPU holds the kernel lock: not in ring 3, not when idle. */
bool kernel_lock_held(void);
