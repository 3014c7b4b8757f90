/* Per-CPU data, reached through GS in the kernel, and what the CPU can do. */
#pragma once

#include "kernel/arch/x86_64/asm.h"
#include "kernel/base/types.h"

struct thread;

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map_base;
} __attribute__((packed));

struct cpu {
    struct cpu *self;
    uint64_t kernel_stack; /* top, for system calls */
    uint64_t user_rsp;     /* scratch of the entry code */
    struct thread *thread;
    uint64_t reserved;
    struct thread *fpu_owner; /* whose FPU state the registers hold, or NULL */
    unsigned index;
    struct tss tss;
    uint64_t gdt[8];
};
_Static_assert(offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "asm.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "asm.h");

static inline struct cpu *cpu_current(void)
{
    struct cpu *c;
    __asm__("mov %%gs:0, %0" : "=r"(c));
    return c;
}

struct cpu_features {
    bool smap, smep, umip, fsgsbase, xsave, rdrand, page_1g, rdtscp, rdpid;
    uint64_t xcr0;       /* FPU state components in use */
    uint32_t xsave_size; /* bytes of the XSAVE area for them */
};
extern struct cpu_features cpu_features;

/* Finds the features and sets the control registers, GDT, TSS, IDT and system-call entry. */
void cpu_init(void);
/* Gives the current kernel stack's top to traps and calls from ring 3. */
void cpu_set_kernel_stack(uint64_t top);
