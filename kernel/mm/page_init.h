/* Giving memory to the page allocator, for the boot. */
#pragma once

#include "kernel/base/types.h"

#define PAGE_RESERVED_MAX 8

struct page_range {
    paddr_t start, end;
};

/* ranges: RAM; reserved: parts of it that are in use, at most PAGE_RESERVED_MAX. Keeps 64
 * bytes for each page; touches nothing else. limit: bytes to use, 0: all. */
void page_init(const struct page_range *ranges, unsigned range_count,
               const struct page_range *reserved, unsigned reserved_count, uint64_t limit);
