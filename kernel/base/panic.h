/* The end: the kernel found a bug of its own. */
#pragma once

#include "kernel/base/attr.h"

/* Reports, with a backtrace, and stops the machine with the exit kind PANIC. */
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* For our own invariants only: always compiled in, free of side effects. What comes from the
 * program, a disk, the network or a config file gets an errno, never an assert. */
#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (UNLIKELY(!(cond)))                                                                     \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);                       \
    } while (0)
