/* The kernel's heap on libc's. */
#include "kernel/mm/heap.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/fakes/fakes.h"

long fake_heap_blocks, fake_heap_left = -1;

static bool exhausted(void)
{
    return fake_heap_left == 0 || (fake_heap_left > 0 && fake_heap_left-- == 0);
}

void *heap_alloc(size_t size)
{
    void *block = exhausted() ? NULL : malloc(size ? size : 1);
    if (block) {
        memset(block, 0xa5, size);
        fake_heap_blocks++;
    }
    return block;
}

void *heap_zalloc(size_t size)
{
    void *block = heap_alloc(size);
    return block ? memset(block, 0, size) : NULL;
}

void *heap_alloc_flags(size_t size, unsigned flags)
{
    (void)flags;
    return heap_alloc(size);
}

void *heap_zalloc_flags(size_t size, unsigned flags)
{
    (void)flags;
    return heap_zalloc(size);
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
    fake_heap_blocks -= block != NULL;
    free(block);
}
