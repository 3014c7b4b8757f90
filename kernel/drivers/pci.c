/* PCI: configuration space, capabilities, message-signalled interrupts. */
#include "kernel/drivers/pci.h"

#include "kernel/arch/cpu.h"
#include "kernel/platform/pci_ports.h"

#define REG_COMMAND 0x04
#define REG_BAR0 0x10
#define REG_CAPABILITIES 0x34
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define STATUS_CAPABILITIES (1u << 20)
#define CAP_MSIX 0x11
#define MSIX_ENABLE (1u << 31)
#define CAPABILITIES_MAX 48

static uint32_t config_address(struct pci_address a, unsigned offset)
{
    return (uint32_t)a.device << 11 | (uint32_t)a.function << 8 | (offset & 0xfc);
}

uint32_t pci_read(struct pci_address a, unsigned offset)
{
    return platform_pci_read(config_address(a, offset));
}

void pci_write(struct pci_address a, unsigned offset, uint32_t value)
{
    platform_pci_write(config_address(a, offset), value);
}

paddr_t pci_bar(struct pci_address a, unsigned index)
{
    uint32_t low = pci_read(a, REG_BAR0 + 4 * index);
    if (low & 1) {
        return 0;
    }
    uint64_t high = (low & 6) == 4 ? pci_read(a, REG_BAR0 + 4 * index + 4) : 0;
    return high << 32 | (low & ~15u);
}

unsigned pci_capability(struct pci_address a, uint8_t id, unsigned from)
{
    if (!(pci_read(a, REG_COMMAND) & STATUS_CAPABILITIES)) {
        return 0;
    }
    unsigned at = from ? pci_read(a, from) >> 8 & 0xfc : pci_read(a, REG_CAPABILITIES) & 0xfc;
    for (unsigned i = 0; at && i < CAPABILITIES_MAX; i++) {
        uint32_t header = pci_read(a, at);
        if ((header & 0xff) == id) {
            return at;
        }
        at = header >> 8 & 0xfc;
    }
    return 0;
}

void pci_enable(struct pci_address a)
{
    pci_write(a, REG_COMMAND, pci_read(a, REG_COMMAND) | COMMAND_MEMORY | COMMAND_MASTER);
}

bool pci_msix(struct pci_address a, unsigned entry, const char *name, void (*handler)(void *),
              void *arg)
{
    unsigned cap = pci_capability(a, CAP_MSIX, 0);
    uint64_t address;
    uint32_t data;
    if (!cap || !arch_msi_register(name, handler, arg, &address, &data)) {
        return false;
    }
    uint32_t table = pci_read(a, cap + 4);
    paddr_t bar = pci_bar(a, table & 7);
    volatile uint32_t *line = arch_map_device(bar + (table & ~7u) + entry * 16, 16);
    if (!bar || !line) {
        return false;
    }
    line[0] = (uint32_t)address;
    line[1] = (uint32_t)(address >> 32);
    line[2] = data;
    line[3] = 0; /* not masked */
    pci_write(a, cap, pci_read(a, cap) | MSIX_ENABLE);
    return true;
}
