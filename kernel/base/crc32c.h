/* CRC-32C (Castagnoli), the checksum of abi/image.h, abi/record.h and EROFS. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of what crc stands for (0: nothing yet) followed by len bytes of data. The start
 * and final inversions are done here. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
