/* The kernel heap: size classes of slabs up to half a page, whole pages above. */
#pragma once

#include "kernel/mm/page.h"

/* 16-byte aligned; NULL if there is no memory. size 0 is 1. At most 4 MiB. */
void *heap_alloc(size_t size);
void *heap_zalloc(size_t size); /* zeroed */
/* The same with flags of page_alloc(). */
void *heap_alloc_flags(size_t size, unsigned flags);
void *heap_zalloc_flags(size_t size, unsigned flags);
/* Grows or shrinks; NULL leaves the old block as it was. */
void *heap_realloc(void *block, size_t old_size, size_t new_size);
void heap_free(void *block); /* NULL is fine */
/* Gives the blocks that CPUs keep for themselves back to the slabs. False: there were none. */
bool heap_reclaim(void);

/* For what a call makes and what stays: NULL also when such objects have what they may have. */
static inline void *heap_alloc_object(size_t size)
{
    return heap_alloc_flags(size, ALLOC_OBJECT);
}

static inline void *heap_zalloc_object(size_t size)
{
    return heap_zalloc_flags(size, ALLOC_OBJECT);
}
