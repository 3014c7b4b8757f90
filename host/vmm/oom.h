/* Whether the host's kernel killed for lack of memory, as the tool's control group counts it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The processes killed in our control group so far, for either version of control groups. root: ""
 * or, for tests, what stands before "/proc" and the mount points. False: it can't be told. */
bool oom_kills(const char *root, uint64_t *count);
