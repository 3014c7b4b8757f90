/* The processor as a program's start sees it: capabilities, first registers. */
#include "kernel/arch/exec.h"

#include <cpuid.h>

#include "kernel/arch/regs.h"
#include "kernel/arch/thread.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/base/string.h"

#define CR4_FSGSBASE (1ul << 16)
#define HWCAP2_FSGSBASE (1ul << 1)
#define RFLAGS_IF 0x200u
#define RFLAGS_FIXED 0x2u
/* Frame, XSAVE's tail mark and alignment: what Linux adds to the FPU state's size. */
#define SIGNAL_FRAME_EXTRA (440u + 4u + 64u + 16u)

uint64_t arch_hwcap(void)
{
    uint32_t eax, ebx, ecx, edx;
    __cpuid(1, eax, ebx, ecx, edx);
    return edx;
}

uint64_t arch_hwcap2(void)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    return cr4 & CR4_FSGSBASE ? HWCAP2_FSGSBASE : 0;
}

const char *arch_platform_name(void)
{
    return "x86_64";
}

uint64_t arch_fpu_features(void)
{
    return cpu_features.xsave ? cpu_features.xcr0 : 0;
}

uint64_t arch_signal_stack_min(void)
{
    return arch_fpu_size() + SIGNAL_FRAME_EXTRA;
}

void arch_start_regs(struct user_regs *regs, uint64_t entry, uint64_t stack)
{
    memset(regs, 0, sizeof(*regs));
    regs->orig_rax = ~0ul;
    regs->rip = entry;
    regs->rsp = stack;
    regs->cs = USER_CS;
    regs->ss = USER_SS;
    regs->rflags = RFLAGS_IF | RFLAGS_FIXED;
}

void arch_clone_regs(struct user_regs *regs, uint64_t stack_end)
{
    regs->rax = 0;
    regs->orig_rax = ~0ul;
    if (stack_end)
        regs->rsp = stack_end;
}
