/* What a report on a dying program shows of the processor. */
#pragma once

#include "kernel/base/types.h"

struct user_regs;

uint64_t arch_regs_ip(const struct user_regs *regs);
uint64_t arch_regs_sp(const struct user_regs *regs);
uint64_t arch_regs_fp(const struct user_regs *regs); /* frame pointer */
/* All registers, several lines. Returns the text's whole length, as format(). */
size_t arch_regs_text(const struct user_regs *regs, char *buf, size_t size);
/* Bytes before a return address that arch_after_call looks at. */
#define ARCH_CALL_BYTES 7
/* Whether code, the ARCH_CALL_BYTES bytes before an address, ends with a call instruction. */
bool arch_after_call(const uint8_t code[ARCH_CALL_BYTES]);
