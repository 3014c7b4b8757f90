/*
 * CRC-32C: by the CPU's instruction; else, half a byte at a time, by a table so small that it costs
 * nothing to have it.
 */
#include "kernel/base/crc32c.h"

#include "kernel/arch/crc32c.h"

/* What four bits do to the register: the polynomial 0x82f63b78, reflected. */
static const uint32_t nibble_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    uint32_t state = ~crc;
    size_t done = arch_crc32c(&state, data, len);
    for (const uint8_t *p = data; done < len; done++) {
        state ^= p[done];
        state = (state >> 4) ^ nibble_table[state & 15];
        state = (state >> 4) ^ nibble_table[state & 15];
    }
    return ~state;
}
