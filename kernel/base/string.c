/*
 * Bytes and strings. The string instructions move eight bytes a step: under an emulator each step
 * counts as one instruction, and on hardware they run at the speed of the cache. Small sizes are
 * done by loads and stores that overlap. Only general registers exist here.
 */
#include "kernel/base/string.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/arch/words.h"

/* Keep the compiler from turning these loops into calls of the functions they implement. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

/* Strings are read in aligned words, which may reach beyond their ends, never into another page. */
#define READS_WHOLE_WORDS __attribute__((no_sanitize("address")))

#define ONES 0x0101010101010101ul
#define HIGHS 0x8080808080808080ul

static inline uint64_t load8(const void *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return v;
}

static inline uint32_t load4(const void *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return v;
}

static inline void store8(void *p, uint64_t v)
{
    __builtin_memcpy(p, &v, 8);
}

static inline void store4(void *p, uint32_t v)
{
    __builtin_memcpy(p, &v, 4);
}

/* Up to 16 bytes: everything is loaded before anything is stored, so overlap does not matter. */
static inline void copy_small(uint8_t *dst, const uint8_t *src, size_t len)
{
    if (len >= 8) {
        uint64_t head = load8(src), tail = load8(src + len - 8);
        store8(dst, head);
        store8(dst + len - 8, tail);
    } else if (len >= 4) {
        uint32_t head = load4(src), tail = load4(src + len - 4);
        store4(dst, head);
        store4(dst + len - 4, tail);
    } else if (len > 0) {
        uint8_t head = src[0], middle = src[len / 2], tail = src[len - 1];
        dst[0] = head;
        dst[len / 2] = middle;
        dst[len - 1] = tail;
    }
}

/* 17 to 32 bytes, likewise. */
static inline void copy_medium(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t a = load8(src), b = load8(src + 8);
    uint64_t c = load8(src + len - 16), d = load8(src + len - 8);
    store8(dst, a);
    store8(dst + 8, b);
    store8(dst + len - 16, c);
    store8(dst + len - 8, d);
}

/* More than 8 bytes, from low to high: right also when dst lies below src and they overlap, as the
 * tail is loaded before it can be overwritten. */
static inline void copy_up(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t tail = load8(src + len - 8);
    arch_copy_words_up(dst, src, len / 8);
    store8(dst + len - 8, tail);
}

/* More than 8 bytes, from high to low. */
static inline void copy_down(uint8_t *dst, const uint8_t *src, size_t len)
{
    uint64_t head = load8(src);
    arch_copy_words_down(dst + len % 8, src + len % 8, len / 8);
    store8(dst, head);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
    if (len <= 16)
        copy_small(dst, src, len);
    else if (len <= 32)
        copy_medium(dst, src, len);
    else
        copy_up(dst, src, len);
    return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
    if (len <= 16)
        copy_small(dst, src, len);
    else if (len <= 32)
        copy_medium(dst, src, len);
    else if ((uintptr_t)dst - (uintptr_t)src >= len)
        copy_up(dst, src, len);
    else
        copy_down(dst, src, len);
    return dst;
}

void *memset(void *dst, int byte, size_t len)
{
    uint8_t *p = dst;
    uint64_t word = (uint8_t)byte * ONES;
    if (len >= 8) {
        store8(p + len - 8, word);
        size_t words = len / 8;
        if (words <= 2) {
            store8(p, word);
            store8(p + words * 8 - 8, word);
            return dst;
        }
        arch_fill_words(p, word, words);
    } else if (len >= 4) {
        store4(p, (uint32_t)word);
        store4(p + len - 4, (uint32_t)word);
    } else if (len > 0) {
        p[0] = p[len / 2] = p[len - 1] = (uint8_t)byte;
    }
    return dst;
}

static inline int compare_words(uint64_t a, uint64_t b)
{
    return __builtin_bswap64(a) < __builtin_bswap64(b) ? -1 : 1;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    for (; len >= 8; x += 8, y += 8, len -= 8)
        if (load8(x) != load8(y))
            return compare_words(load8(x), load8(y));
    for (; len > 0; x++, y++, len--)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* The lowest byte of word that is zero has its top bit set in the result; bits above it may be
 * wrong; 0 if there is none. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

static inline size_t first_byte(uint64_t marks)
{
    return (size_t)__builtin_ctzl(marks) / 8;
}

READS_WHOLE_WORDS void *memchr(const void *s, int byte, size_t len)
{
    const uint8_t *p = s, *end = p + len;
    if (end < p) /* "no limit" */
        end = (const uint8_t *)UINTPTR_MAX;
    uint64_t pattern = (uint8_t)byte * ONES;
    for (; p < end && (uintptr_t)p % 8; p++)
        if (*p == (uint8_t)byte)
            return (void *)(uintptr_t)p;
    for (; p < end; p += 8) {
        uint64_t marks = zero_bytes(*(const uint64_t *)(const void *)p ^ pattern);
        if (!marks)
            continue;
        p += first_byte(marks);
        return p < end ? (void *)(uintptr_t)p : NULL;
    }
    return NULL;
}

READS_WHOLE_WORDS size_t strlen(const char *s)
{
    const char *p = s;
    for (; (uintptr_t)p % 8; p++)
        if (!*p)
            return (size_t)(p - s);
    for (;; p += 8) {
        uint64_t marks = zero_bytes(*(const uint64_t *)(const void *)p);
        if (marks)
            return (size_t)(p - s) + first_byte(marks);
    }
}

size_t strnlen(const char *s, size_t max)
{
    const char *end = memchr(s, 0, max);
    return end ? (size_t)(end - s) : max;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t len)
{
    for (; len > 0 && *a && *a == *b; a++, b++, len--)
        ;
    return len > 0 ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    for (;; s++) {
        if (*s == (char)c)
            last = s;
        if (!*s)
            return (char *)(uintptr_t)last;
    }
}
