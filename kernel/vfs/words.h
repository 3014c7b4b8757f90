/* Text eight bytes at a time. */
#pragma once

#include "kernel/base/types.h"

#define EACH_BYTE(byte) (0x0101010101010101ul * (byte))
#define WORD_BYTES 8u

typedef uint64_t unaligned_word_t __attribute__((may_alias, aligned(1)));

/* The highest bit of the lowest byte that is zero is set; those above it mean nothing. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* The highest bit of every byte that is zero, and no other. */
static inline uint64_t zero_bytes_exact(uint64_t word)
{
    return ~(((word & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | word | EACH_BYTE(0x7f));
}

/* Eight bytes at text, of which those behind the end may be anything: they may lie outside the
 * string's memory, but not in another page. */
__attribute__((no_sanitize_address)) static inline uint64_t word_load(const char *text)
{
    uint64_t word = 0;
    if (LIKELY(((uintptr_t)text & PAGE_MASK) <= PAGE_SIZE - WORD_BYTES))
        return *(const unaligned_word_t *)text;
    for (unsigned i = 0; i < WORD_BYTES && (i == 0 || text[i - 1]); i++)
        word |= (uint64_t)(uint8_t)text[i] << (i * 8);
    return word;
}
