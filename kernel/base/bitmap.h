/* Bitmaps: arrays of 64-bit words, bit 0 lowest. The caller locks. */
#pragma once

#include "kernel/base/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ul << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ul << (bit % 64));
}

/* The first bit >= from whose value is value, below size; size if there is none. */
static inline size_t bitmap_find(const uint64_t *map, size_t size, size_t from, bool value)
{
    uint64_t flip = value ? 0 : ~0ul;
    uint64_t mask = ~0ul << (from % 64);
    for (size_t word = from / 64; word * 64 < size; word++) {
        uint64_t bits = (map[word] ^ flip) & mask;
        mask = ~0ul;
        if (!bits)
            continue;
        size_t bit = word * 64 + (size_t)__builtin_ctzl(bits);
        return bit < size ? bit : size;
    }
    return size;
}

static inline size_t bitmap_find_set(const uint64_t *map, size_t size, size_t from)
{
    return bitmap_find(map, size, from, true);
}

static inline size_t bitmap_find_clear(const uint64_t *map, size_t size, size_t from)
{
    return bitmap_find(map, size, from, false);
}

static inline size_t bitmap_count(const uint64_t *map, size_t size)
{
    size_t count = 0;
    for (size_t bit = bitmap_find_set(map, size, 0); bit < size;
         bit = bitmap_find_set(map, size, bit + 1))
        count++;
    return count;
}
