/* PCI configuration space of bus 0. */
#pragma once

#include "kernel/base/types.h"

struct pci_address {
    uint8_t device, function;
};

uint32_t pci_read(struct pci_address a, unsigned offset);
void pci_write(struct pci_address a, unsigned offset, uint32_t value);
/* Physical address of memory BAR index, or 0. */
paddr_t pci_bar(struct pci_address a, unsigned index);
/* Offset of the next capability with this id after offset from (0: the first); 0: none. */
unsigned pci_capability(struct pci_address a, uint8_t id, unsigned from);
/* Turns on memory access and bus mastering. */
void pci_enable(struct pci_address a);
/* Points MSI-X vector entry at handler(arg). False: it has none. */
bool pci_msix(struct pci_address a, unsigned entry, const char *name, void (*handler)(void *),
              void *arg);
