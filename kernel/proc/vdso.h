/* The vDSO: calls that need not enter the kernel. */
#pragma once

#include "kernel/base/types.h"

/* Maps it into the new address space. Returns its address, or 0 if it can't be (programs do
 * without). */
uint64_t vdso_map(void);
