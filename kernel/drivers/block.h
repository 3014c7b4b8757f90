/* The disk: one, read-only, the image. */
#pragma once

#include "kernel/base/types.h"

struct page;

uint64_t block_size_bytes(void); /* of the whole disk; 0: there is none */

/* What was read so far. */
struct block_stats {
    uint64_t reads, sectors; /* of 512 bytes */
    uint64_t read_ns;        /* all reads together */
    uint64_t busy_ns;        /* at least one was under way */
    uint64_t stalled_ns;     /* and all CPUs were idle meanwhile */
    unsigned in_flight;
};
struct block_stats block_stats(void);

/* Reads count pages from byte offset (a multiple of 512) into pages, which need not be contiguous.
 * Sleeps. Bytes beyond the end of the disk read as zeros. Returns 0 or -EIO. */
MUST_CHECK int block_read_pages(uint64_t offset, struct page **pages, unsigned count);
