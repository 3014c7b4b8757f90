/*
 * The image file: what the tool writes, and the kernel reads when it boots without a run record.
 *
 * An image is one file, bootable with `qemu -kernel IMAGE`:
 *
 *   0           the kernel, an ELF file with a PVH entry
 *   1 MiB       struct orris_image_header, then the records (abi/record.h)
 *   2 MiB       the layers: EROFS file systems, each at a multiple of 2 MiB, bottom layer first;
 *               after them the annex, one more, for the tool alone: what it knows about the image
 *
 * The same file is the machine's only disk; the LAYER records say where in it the layers lie.
 * All numbers are little-endian. Checksums are CRC-32C (Castagnoli, reflected, start and final
 * xor of all ones).
 */
#pragma once

#include <stdint.h>

#define ORRIS_ABI_VERSION 3u

#define ORRIS_IMAGE_MAGIC "ORRISIMG" /* 8 bytes, no NUL */
#define ORRIS_IMAGE_HEADER_OFFSET 0x100000u
#define ORRIS_IMAGE_LAYER_ALIGN 0x200000u
#define ORRIS_IMAGE_RECORDS_MAX (0x100000u - 4096u) /* bytes of records that fit */
#define ORRIS_IMAGE_LAYERS_MAX 8u

struct orris_image_header {
    char magic[8];
    uint32_t version;      /* ORRIS_ABI_VERSION */
    uint32_t header_crc;   /* of this struct, with header_crc 0 */
    uint64_t image_size;   /* bytes of the whole file */
    uint64_t kernel_size;  /* bytes of the ELF file at offset 0 */
    uint32_t kernel_crc;   /* of those bytes */
    uint32_t records_size; /* bytes of records, which start right after this struct */
    uint32_t records_crc;  /* of those bytes */
    uint32_t reserved;
    uint64_t annex_offset; /* a multiple of ORRIS_IMAGE_LAYER_ALIGN; 0: there is none */
    uint64_t annex_size;   /* bytes */
};
_Static_assert(sizeof(struct orris_image_header) == 64, "image header layout");
