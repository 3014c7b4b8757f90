/* Saved context of a thread that does not run. */
#pragma once

#include <stdint.h>

struct cpu;

struct arch_thread {
    uint64_t rsp; /* kernel stack pointer; callee-saved registers lie there */
    uint64_t fs_base, gs_base;
    struct cpu *fpu_cpu; /* whose registers had its FPU state last, or NULL */
    void *fpu;           /* XSAVE area of arch_fpu_size() bytes, 64-byte aligned, or NULL */
};
