/*
 * CRC-32C (Castagnoli), the checksum of abi/image.h and abi/record.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of what crc stands for (0: nothing yet) followed by size bytes of data. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
