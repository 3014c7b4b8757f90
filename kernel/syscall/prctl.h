/* What prctl(2) does with credentials: sys_cred.c. Each returns what the call returns. */
#pragma once

#include "kernel/base/types.h"

int64_t prctl_bounding_drop(uint64_t capability);
int64_t prctl_bounding_read(uint64_t capability);
int64_t prctl_ambient(uint64_t action, uint64_t capability, uint64_t b, uint64_t c);
int64_t prctl_keep_capabilities(uint64_t keep);
int64_t prctl_set_securebits(uint64_t bits);
