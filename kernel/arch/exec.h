/* What a program's start needs to know of the processor. */
#pragma once

#include "kernel/base/types.h"

struct user_regs;

/* AT_HWCAP, AT_HWCAP2, AT_PLATFORM, AT_MINSIGSTKSZ of the auxiliary vector. */
uint64_t arch_hwcap(void);
uint64_t arch_hwcap2(void);
const char *arch_platform_name(void);
uint64_t arch_signal_stack_min(void);

/* The end of the program's half of the address space, and where position-independent programs go
 * before randomization. */
#define ARCH_USER_END 0x7ffffffff000ul
#define ARCH_PIE_BASE 0x555555554000ul
/* Calls of old programs that go to this page are done where they fault. */
#define ARCH_VSYSCALL 0xffffffffff600000ul

/* Registers of a program's first instruction. */
void arch_start_regs(struct user_regs *regs, uint64_t entry, uint64_t stack);
/* Of a new thread that returns from clone: result 0, its own stack unless stack_end is 0. */
void arch_clone_regs(struct user_regs *regs, uint64_t stack_end);
