/* CRC-32C by the CPU's instruction, where it has one. */
#pragma once

#include "kernel/base/types.h"

/* Continues *state (no inversions) over a prefix of data, perhaps all of it. Returns how many bytes
 * that were: 0 where there is no such instruction. */
size_t arch_crc32c(uint32_t *state, const uint8_t *data, size_t len);
