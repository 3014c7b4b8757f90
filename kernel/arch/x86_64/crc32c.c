/*
 * SSE4.2's crc32 instruction: it needs general registers only. Hypervisors that interpret ring 0
 * lack it, so what is short, all that a boot needs, does without.
 */
#include "kernel/arch/crc32c.h"

#define CPUID_1_ECX_SSE42 (1u << 20)
#define WORTH_IT_BYTES 4096u

static bool has_crc32(void)
{
    static int8_t known; /* 0: not asked yet */
    if (!known) {
        uint32_t a = 1, b, c = 0, d;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        known = c & CPUID_1_ECX_SSE42 ? 1 : -1;
    }
    return known > 0;
}

size_t arch_crc32c(uint32_t *state, const uint8_t *data, size_t len)
{
    if (len < WORTH_IT_BYTES || !has_crc32())
        return 0;
    uint64_t crc = *state;
    size_t left = len;
    for (; left >= 8; data += 8, left -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, data, 8);
        __asm__("crc32q %1, %0" : "+r"(crc) : "r"(word));
    }
    for (; left > 0; data++, left--)
        __asm__("crc32b %1, %0" : "+r"(crc) : "q"(*data));
    *state = (uint32_t)crc;
    return len;
}
