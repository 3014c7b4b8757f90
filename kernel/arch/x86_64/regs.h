/* Saved registers as the entry code pushes them: low address first. */
#pragma once

#include <stdint.h>

struct user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax; /* system call number, or ~0 for a trap; error code while in a trap */
    uint64_t rip, cs, rflags, rsp, ss;
};

#define USER_CS 0x33u
#define USER_SS 0x2bu

/* System-call view, neutral of the architecture. */
static inline uint64_t regs_syscall_nr(const struct user_regs *r)
{
    return r->orig_rax;
}
static inline uint64_t regs_syscall_arg(const struct user_regs *r, int i)
{
    switch (i) {
    case 0:
        return r->rdi;
    case 1:
        return r->rsi;
    case 2:
        return r->rdx;
    case 3:
        return r->r10;
    case 4:
        return r->r8;
    default:
        return r->r9;
    }
}
