/* Takes in what the loader left for us in memory (PVH). */
#include "kernel/platform/pvh.h"

#include "kernel/arch/x86_64/layout.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"

paddr_t pvh_start_info_phys;
struct boot_info boot_info;

static void read_memory_map(const struct pvh_start_info *info)
{
    const struct pvh_memory_range *range = phys_to_virt(info->memory_map);
    for (uint32_t i = 0; i < info->memory_map_entries; i++) {
        if (range[i].type == PVH_MEMORY_RAM && boot_info.range_count < BOOT_RANGES_MAX) {
            boot_info.ranges[boot_info.range_count].start = range[i].address;
            boot_info.ranges[boot_info.range_count].end = range[i].address + range[i].size;
            boot_info.range_count++;
        }
    }
}

void boot_info_read(void)
{
    const struct pvh_start_info *info = phys_to_virt(pvh_start_info_phys);
    if (info->magic != PVH_MAGIC || info->version < 1) {
        panic("not started through PVH: magic %#x, version %u", info->magic, info->version);
    }
    read_memory_map(info);
    if (info->module_count > 0) {
        const struct pvh_module *module = phys_to_virt(info->modules);
        boot_info.module = module->address;
        boot_info.module_size = module->size;
    }
    if (info->command_line) {
        const char *line = phys_to_virt(info->command_line);
        size_t length = strnlen(line, sizeof(boot_info.command_line) - 1);
        memcpy(boot_info.command_line, line, length);
    }
}

paddr_t boot_memory_end(void)
{
    return early_end;
}
