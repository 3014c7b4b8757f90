/* The processor, as the rest of the kernel sees it. */
#pragma once

#include "kernel/base/types.h"

/* Boot, once there are pages: forgets the one-to-one mapping of low memory. */
void paging_init(void);
/* Boot: traps, system calls, FPU, protection bits. */
void arch_init(void);
/* Waits for an interrupt and handles it; interrupts are off again on return. */
void arch_idle(void);
/* Handles the interrupts that are pending now, if any. */
void arch_poll_interrupts(void);
/* The interrupt controller and timer. */
void arch_interrupts_init(void);
/* A free-running counter, and its rate if the CPU or hypervisor tells it (else 0). */
uint64_t arch_cycles(void);
uint64_t arch_cycles_hz(void);
/* A second clock of known rate that is slow to read, in ns; to find the counter's rate. */
uint64_t arch_reference_ns(void);
/* Interrupts (timer_run) after about delta_ns, or earlier: at least once a second. */
void arch_timer_arm(uint64_t delta_ns);
/* Calls handler(arg) when the machine's interrupt line irq (a global system interrupt) fires. name:
 * what /proc/interrupts calls it. */
void arch_irq_register(unsigned irq, const char *name, void (*handler)(void *), void *arg);
/* A message-signalled interrupt: what the device is to write where. False: no vector is left. */
bool arch_msi_register(const char *name, void (*handler)(void *), void *arg, uint64_t *address,
                       uint32_t *data);
/* Maps device registers; never unmapped. NULL: no memory. */
void *arch_map_device(paddr_t phys, size_t size);
/* The return addresses on the current stack, innermost first. Returns how many. */
unsigned arch_backtrace(uint64_t *frames, unsigned max);
/* Loaded address of an address in the kernel, as in orris.elf. */
uint64_t arch_link_address(uint64_t addr);
/* Random bits of the CPU's instruction; false if it has none. */
bool arch_random(uint64_t *value);
/* Stops for good, interrupts on: the host ends the machine. */
NORETURN void arch_halt(void);
