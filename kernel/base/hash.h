/* Hashes for tables: fast, good distribution, no defence against chosen keys beyond a seed. */
#pragma once

#include "kernel/base/types.h"

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ul

static inline uint32_t hash_u64(uint64_t value)
{
    value *= HASH_MULTIPLIER;
    return (uint32_t)(value >> 32);
}

static inline uint64_t hash_mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * HASH_MULTIPLIER;
    return state ^ (state >> 32);
}

/* Eight bytes at a time; the last, partial word is assembled from two overlapping loads. */
static inline uint32_t hash_bytes(const char *text, size_t length, uint64_t seed)
{
    uint64_t state = seed ^ length, word = 0;
    for (; length > 8; text += 8, length -= 8) {
        __builtin_memcpy(&word, text, 8);
        state = hash_mix(state, word);
    }
    if (length >= 4) {
        uint32_t low = 0, high = 0;
        __builtin_memcpy(&low, text, 4);
        __builtin_memcpy(&high, text + length - 4, 4);
        word = (uint64_t)high << 32 | low;
    } else if (length > 0) {
        word = (uint64_t)(uint8_t)text[0] | (uint64_t)(uint8_t)text[length / 2] << 8 |
               (uint64_t)(uint8_t)text[length - 1] << 16;
    } else {
        word = 0;
    }
    state = hash_mix(state, word);
    return (uint32_t)(state >> 32); /* the product's upper half is the well mixed one */
}
