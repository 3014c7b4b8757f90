/* Registers and calls, for reports. */
#include "kernel/arch/report.h"

#include "kernel/arch/regs.h"
#include "kernel/base/format.h"

#define OP_CALL_RELATIVE 0xe8u /* and four bytes */
#define OP_GROUP_5 0xffu       /* ModRM /2: call through a register or memory */
#define MODRM_REG(byte) ((byte) >> 3 & 7u)

uint64_t arch_regs_ip(const struct user_regs *regs)
{
    return regs->rip;
}

uint64_t arch_regs_sp(const struct user_regs *regs)
{
    return regs->rsp;
}

uint64_t arch_regs_fp(const struct user_regs *regs)
{
    return regs->rbp;
}

size_t arch_regs_text(const struct user_regs *r, char *buf, size_t size)
{
    return format(buf, size,
                  "  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n"
                  "  rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n"
                  "  r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n"
                  "  r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n"
                  "  rip %016lx  rflags %08lx\n",
                  r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8, r->r9,
                  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags);
}

bool arch_after_call(const uint8_t code[ARCH_CALL_BYTES])
{
    static const uint8_t indirect_sizes[] = {2, 3, 4, 6, 7};
    if (code[ARCH_CALL_BYTES - 5] == OP_CALL_RELATIVE)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(indirect_sizes); i++) {
        const uint8_t *op = code + ARCH_CALL_BYTES - indirect_sizes[i];
        if (op[0] == OP_GROUP_5 && MODRM_REG(op[1]) == 2)
            return true;
    }
    return false;
}
