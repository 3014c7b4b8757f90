/* The kernel's random numbers: one ChaCha20 generator, seeded at boot, fed by the CPU's
 * instruction, virtio-rng and the run record. Never blocks. */
#pragma once

#include "kernel/base/types.h"

void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
/* Mixes data in; any quality. */
void random_feed(const void *data, size_t len);
