/* Local APIC, IO-APIC and the interrupt vectors. */
#pragma once

#include "kernel/base/types.h"

/* Handles an interrupt vector (32 and up) and tells the controller. */
void interrupt_handle(uint32_t vector);
