/* The kernel's heap for unit tests: libc's, with a count of what is in use, so that a test can show
 * that nothing leaks, and a number of allocations after which there is no memory. */
#pragma once

#include <stddef.h>

#include <string.h>

/* Not from <stdlib.h>, which does not go with the kernel interface's <linux/signal.h>. */
void *malloc(size_t size);
void free(void *block);

static long heap_blocks, heap_left = -1; /* heap_left -1: no limit */

static int heap_exhausted(void)
{
    return heap_left == 0 || (heap_left > 0 && heap_left-- == 0);
}

void *heap_alloc(size_t size);
void *heap_zalloc(size_t size);
void *heap_realloc(void *block, size_t old_size, size_t new_size);
void heap_free(void *block);

void *heap_alloc(size_t size)
{
    if (heap_exhausted())
        return NULL;
    heap_blocks++;
    void *block = malloc(size ? size : 1);
    memset(block, 0xa5, size); /* nobody may count on zeros */
    return block;
}

void *heap_zalloc(size_t size)
{
    void *block = heap_alloc(size);
    return block ? memset(block, 0, size) : NULL;
}

void *heap_realloc(void *block, size_t old_size, size_t new_size)
{
    void *fresh = heap_alloc(new_size);
    if (fresh && block) {
        memcpy(fresh, block, old_size < new_size ? old_size : new_size);
        heap_free(block);
    }
    return fresh;
}

void heap_free(void *block)
{
    heap_blocks -= block != NULL;
    free(block);
}
