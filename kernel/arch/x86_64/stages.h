/*
 * When the stages of the start were reached, for `orris run --time`: the counter is read and
 * stored, in line, whether anybody will ask or not.
 */
#pragma once

#include "abi/control.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/base/types.h"

extern uint64_t stage_cycles[ORRIS_STAGE_COUNT];

static inline void stage_reached(enum orris_stage stage)
{
    stage_cycles[stage] = cpu_read_tsc();
}

/* The dynamic loader's end: a breakpoint of the CPU's on the program's own entry, only where the
 * tool asked for stages. */
void stage_watch_entry(uint64_t entry);
/* Whether a debug trap at addr was that one: the stage is noted, the breakpoint gone. */
bool stage_entry_trap(uint64_t addr);
