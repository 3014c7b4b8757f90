/* BLAKE2b as RFC 7693, section 3, describes it; inputs below 2^64 bytes, no key. */
#include "host/base/blake2b.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 12

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value >> bits | value << (64 - bits);
}

static inline void mix(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x,
                       uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
}

static void compress(struct blake2b *state, const uint8_t block[128], uint64_t count, uint64_t last)
{
    uint64_t m[16], v[16];
    memcpy(m, block, sizeof(m));
    memcpy(v, state->h, sizeof(state->h));
    memcpy(v + 8, iv, sizeof(iv));
    v[12] ^= count;
    v[14] ^= last;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint8_t *s = sigma[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        state->h[i] ^= v[i] ^ v[i + 8];
}

void blake2b_init(struct blake2b *state)
{
    memset(state, 0, sizeof(*state));
    memcpy(state->h, iv, sizeof(iv));
    state->h[0] ^= 0x01010000u ^ BLAKE2B_SIZE;
}

void blake2b_update(struct blake2b *state, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size) {
        if (state->fill == sizeof(state->block)) {
            state->count += state->fill;
            compress(state, state->block, state->count, 0);
            state->fill = 0;
        }
        for (; !state->fill && size > sizeof(state->block); at += sizeof(state->block)) {
            state->count += sizeof(state->block);
            compress(state, at, state->count, 0);
            size -= sizeof(state->block);
        }
        size_t room = sizeof(state->block) - state->fill;
        size_t part = size < room ? size : room;
        memcpy(state->block + state->fill, at, part);
        state->fill += part;
        at += part;
        size -= part;
    }
}

void blake2b_final(struct blake2b *state, uint8_t digest[BLAKE2B_SIZE])
{
    memset(state->block + state->fill, 0, sizeof(state->block) - state->fill);
    compress(state, state->block, state->count + state->fill, ~0ull);
    memcpy(digest, state->h, BLAKE2B_SIZE);
}

void blake2b_name(const uint8_t digest[BLAKE2B_SIZE], char name[41])
{
    for (unsigned i = 0; i < 20; i++)
        snprintf(name + 2 * (size_t)i, 3, "%02x", digest[i]);
}
