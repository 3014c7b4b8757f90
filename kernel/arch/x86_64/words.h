/* The string instructions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* count words of 8 bytes, the lowest first. Any alignment. */
static inline void arch_copy_words_up(void *dst, const void *src, size_t count)
{
    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(count) : : "memory");
}

/* The highest first; dst and src are the lowest. */
static inline void arch_copy_words_down(void *dst, const void *src, size_t count)
{
    uint64_t *to = (uint64_t *)dst + count - 1;
    const uint64_t *from = (const uint64_t *)src + count - 1;
    __asm__ volatile("std\n\trep movsq\n\tcld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static inline void arch_fill_words(void *dst, uint64_t word, size_t count)
{
    __asm__ volatile("rep stosq" : "+D"(dst), "+c"(count) : "a"(word) : "memory");
}
