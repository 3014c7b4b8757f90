/* Digests; the arithmetic is libb2's. Its functions fail only for sizes that are never passed. */
#include "host/base/digest.h"

#include <stdio.h>

void digest_init(struct digest *digest)
{
    (void)blake2b_init(&digest->state, DIGEST_SIZE);
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
    (void)blake2b_update(&digest->state, data, size);
}

void digest_final(struct digest *digest, uint8_t bytes[DIGEST_SIZE])
{
    (void)blake2b_final(&digest->state, bytes, DIGEST_SIZE);
}

void digest_name(const uint8_t bytes[DIGEST_SIZE], char name[41])
{
    for (unsigned i = 0; i < 20; i++)
        snprintf(name + 2 * (size_t)i, 3, "%02x", bytes[i]);
}
