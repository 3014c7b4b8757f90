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
    struct thread *fpu_fresh; /* the owner, while it has not been in ring 3 */
    bool fpu_used;            /* a program had the FPU since the CPU's reset */
    bool in_user;             /* in ring 3, or back and waiting for the kernel lock */
    bool holds_kernel;        /* the kernel lock */
    uint8_t asked_kind;       /* what other CPUs ask of it: smp.c */
    uint32_t asked, done;     /* the last request's number, and of the last one served */
    unsigned index, apic_id;
    struct tss tss;
    uint64_t gdt[16];
};
_Static_assert(offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "asm.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "asm.h");

static inline struct cpu *cpu_current(void)
{
    struct cpu *c;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(c)); /* another one after a sleep */
    return c;
}

struct cpu_features {
    bool stac; /* the override of SMAP has instructions of its own that are safe to use */
    bool smap, smep, umip, fsgsbase, xsave, rdrand, page_1g, rdtscp, rdpid;
    uint64_t xcr0;       /* FPU state components in use */
    uint32_t xsave_size; /* bytes of the XSAVE area for them */
};
#define EFLAGS_AC (1ul << 18)
extern struct cpu_features cpu_features;

/* Sets or clears EFLAGS.AC, which overrides SMAP, without STAC and CLAC: a KVM that interprets ring
 * 0, as some do in nested machines, lacks these. */
static inline void cpu_set_ac(bool on)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(flags) : : "memory");
    flags = on ? flags | EFLAGS_AC : flags & ~(uint64_t)EFLAGS_AC;
    __asm__ volatile("push %0\n\tpopfq" : : "r"(flags) : "memory", "cc");
}

/* Opens and closes the program's memory to the kernel's own loads and stores. */
static inline void cpu_user_access_begin(void)
{
    if (LIKELY(cpu_features.stac)) {
        __asm__ volatile("stac" : : : "memory", "cc");
    } else if (cpu_features.smap) {
        cpu_set_ac(true);
    }
}

static inline void cpu_user_access_end(void)
{
    if (LIKELY(cpu_features.stac)) {
        __asm__ volatile("clac" : : : "memory", "cc");
    } else if (cpu_features.smap) {
        cpu_set_ac(false);
    }
}

/* Finds the features and sets the control registers, GDT, TSS, IDT and system-call entry. */
void cpu_init(void);
/* The same for CPU c, on that CPU, when the features are known. Its exception stacks are set. */
void cpu_start(struct cpu *c);
/* Gives the current kernel stack's top to traps and calls from ring 3. */
void cpu_set_kernel_stack(uint64_t top);
/* Before threads move between CPUs: whose FPU state only the registers hold, gets it written. */
void fpu_settle(void);
