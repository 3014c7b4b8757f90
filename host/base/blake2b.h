/*
 * BLAKE2b (RFC 7693) with digests of 32 bytes: the names of things by their content.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_SIZE 32

struct blake2b {
    uint64_t h[8];
    uint64_t count; /* bytes taken in before those in block */
    size_t fill;
    uint8_t block[128];
};

void blake2b_init(struct blake2b *state);
void blake2b_update(struct blake2b *state, const void *data, size_t size);
void blake2b_final(struct blake2b *state, uint8_t digest[BLAKE2B_SIZE]);

/* The digest's first 20 bytes in hexadecimal, with a NUL: long enough for a name. */
void blake2b_name(const uint8_t digest[BLAKE2B_SIZE], char name[41]);
