/* Structs whose size the program tells, so that they can grow: openat2, clone3, sched_setattr. */
#pragma once

#include "kernel/arch/uaccess.h"

/* Copies what we know of a struct of size bytes in: what it does not have is zero here, what we do
 * not know must be zero there. Returns 0, -EFAULT, or -E2BIG. */
MUST_CHECK int grown_get(void *to, size_t known, struct uptr from, size_t size);
