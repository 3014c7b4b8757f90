// UNIT: kernel/platform/run.c kernel/base/crc32c.c
/* Whatever a run record holds, the kernel takes it or says why not. */
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/crc32c.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

size_t arch_crc32c(uint32_t *state, const uint8_t *data, size_t len)
{
    (void)state, (void)data, (void)len;
    return 0;
}

void *heap_alloc(size_t size)
{
    return malloc(size);
}

void *heap_zalloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *block)
{
    free(block);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const char *why = NULL;
    unsigned char *copy = malloc(size ? size : 1); /* so that a read behind it shows */
    if (size)
        memcpy(copy, data, size);
    if (run_begin(copy, size, &why)) {
        if (!why)
            abort();
    } else {
        free(the_run.argv);
        for (unsigned i = 0; i < the_run.secret_count; i++)
            free(the_run.secrets[i].name);
    }
    free(copy);
    return 0;
}
