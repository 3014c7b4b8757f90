/* Access to PCI configuration space through the machine's ports. */
#pragma once

#include "kernel/base/types.h"

uint32_t platform_pci_read(uint32_t address);
void platform_pci_write(uint32_t address, uint32_t value);
