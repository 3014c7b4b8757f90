/* SipHash-2-4: a short keyed hash that nobody without the key can foretell. */
#pragma once

#include "kernel/base/types.h"

/* Of len bytes under a key of 16. */
uint64_t siphash(const uint64_t key[2], const void *data, size_t len);
