/* The stages of the start: what is not in line. */
#include "kernel/arch/x86_64/stages.h"

#define DR7_EXECUTE_0 1ul /* breakpoint 0, local, on execution */

uint64_t stage_cycles[ORRIS_STAGE_COUNT];
static uint64_t watched;

void stage_watch_entry(uint64_t entry)
{
    watched = entry;
    cpu_write_dr0(entry);
    cpu_write_dr7(DR7_EXECUTE_0);
}

bool stage_entry_trap(uint64_t addr)
{
    if (!watched || addr != watched) {
        return false;
    }
    stage_reached(ORRIS_STAGE_LOADER);
    watched = 0;
    cpu_write_dr7(0);
    cpu_write_dr6(0);
    return true;
}
