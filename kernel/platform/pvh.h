/* The PVH start information (xen/arch-x86/hvm/start_info.h describes it), and what we keep of it.
 */
#pragma once

#include "kernel/base/types.h"

struct pvh_start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map; /* version 1 on */
    uint32_t memory_map_entries, reserved;
};

struct pvh_module {
    uint64_t address, size, command_line, reserved;
};

#define PVH_MAGIC 0x336ec578u
#define PVH_MEMORY_RAM 1u
struct pvh_memory_range {
    uint64_t address, size;
    uint32_t type, reserved;
};

extern paddr_t pvh_start_info_phys;

#define BOOT_RANGES_MAX 16

struct boot_info {
    struct {
        paddr_t start, end;
    } ranges[BOOT_RANGES_MAX]; /* memory that is RAM, ascending */
    unsigned range_count;
    paddr_t module; /* the run record */
    uint64_t module_size;
    char command_line[1024];
};
extern struct boot_info boot_info;

/* Copies what boot was told out of memory that will be used otherwise. */
void boot_info_read(void);
/* Physical end of what the kernel and its first page tables take. */
paddr_t boot_memory_end(void);
