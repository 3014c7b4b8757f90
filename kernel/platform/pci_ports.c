/* Configuration mechanism 1: ports 0xcf8 and 0xcfc. */
#include "kernel/platform/pci_ports.h"

#include "kernel/arch/x86_64/io.h"

uint32_t platform_pci_read(uint32_t address)
{
    io_out32(0xcf8, 0x80000000u | address);
    return io_in32(0xcfc);
}

void platform_pci_write(uint32_t address, uint32_t value)
{
    io_out32(0xcf8, 0x80000000u | address);
    io_out32(0xcfc, value);
}
