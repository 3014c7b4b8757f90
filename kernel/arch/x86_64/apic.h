/* Local APIC, IO-APIC and the interrupt vectors. */
#pragma once

#include "kernel/base/types.h"

/* Interrupts between CPUs. */
#define VECTOR_IPI 64u               /* the first of them: above the class of all others */
#define VECTOR_SERVE VECTOR_IPI      /* do what is asked (smp.h): handled without the kernel lock */
#define VECTOR_KICK (VECTOR_IPI + 1) /* enter the kernel and look */
#define VECTOR_STOP (VECTOR_IPI + 2)
#define VECTOR_END (VECTOR_IPI + 3)
#define PRIORITY_BELOW_IPI 3ul /* of the task priority register: only they come through */

/* Switches on this CPU's controller; its number. */
uint32_t apic_start(void);
void apic_send(uint32_t apic_id, uint32_t vector);
void apic_send_others(uint32_t vector);
/* Makes all other CPUs start in real mode at this page. */
void apic_start_others(uint32_t page);
/* Counts an interrupt from another CPU, and tells the controller that it is handled. */
void apic_served(uint32_t vector);

/* Handles an interrupt vector (32 and up) and tells the controller. */
void interrupt_handle(uint32_t vector);
