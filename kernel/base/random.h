/* The kernel's random numbers: one ChaCha20 generator, seeded at boot, fed by the CPU's
 * instruction, virtio-rng and the run record. Never blocks. */
#pragma once

#include "kernel/base/types.h"

/* Never sleep; may be called under any lock but the log's. */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
/* Mixes data in; any quality. */
void random_feed(const void *data, size_t len);

/* One block of ChaCha20 as in RFC 8439, section 2.3: the key stream for this counter and nonce. */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                    uint8_t out[64]);
