/*
 * The machine that accelerators are measured with (probe.S, which includes this file as well).
 */
#pragma once

#define PROBE_LOOPS 1000000
#define PROBE_INSTRUCTIONS_PER_LOOP 3

#ifndef __ASSEMBLER__
extern const char probe_elf[], probe_elf_end[];
#endif
