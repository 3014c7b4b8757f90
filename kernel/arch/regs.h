/* The program's registers at its last entry into the kernel. */
#pragma once

#include "kernel/arch/x86_64/regs.h"

struct thread;

/* Where the current program thread's registers lie (top of its kernel stack). */
struct user_regs *arch_user_regs(struct thread *t);
