/*
 * Names of things by their content: BLAKE2b (RFC 7693, by libb2) with digests of 32 bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <blake2.h>

#define DIGEST_SIZE 32

struct digest {
    blake2b_state state;
};

void digest_init(struct digest *digest);
void digest_update(struct digest *digest, const void *data, size_t size);
void digest_final(struct digest *digest, uint8_t bytes[DIGEST_SIZE]);

/* The first 20 bytes in hexadecimal, with a NUL: long enough for a name. */
void digest_name(const uint8_t bytes[DIGEST_SIZE], char name[41]);
