/* Restartable sequences, rseq(2). */
#pragma once

#include "kernel/base/attr.h"

struct user_regs;

/* To be called before the current task goes back to ring 3 after it lost the CPU or a signal came:
 * writes the CPU's number into the task's area, and if it was interrupted inside a critical
 * section, sends it to the section's abort handler. Kills the task if the area is bad. */
void rseq_resume(struct user_regs *regs);
/* Writes the CPU number. Returns 0 or -EFAULT. */
MUST_CHECK int rseq_update_cpu(void);
