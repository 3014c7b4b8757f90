/*
 * Memory and growing byte buffers.
 */
#include "host/base/buf.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *mem_check(void *memory)
{
    if (memory)
        return memory;
    fputs("orris: out of memory\n", stderr);
    exit(125);
}

void *mem_alloc(size_t size)
{
    return mem_check(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t size)
{
    return mem_check(realloc(old, size ? size : 1));
}

char *mem_string(const char *string)
{
    return string ? mem_check(strdup(string)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    return mem_check(size < 0 ? NULL : text);
}

void buf_reserve(struct buf *buf, size_t more)
{
    size_t need = buf->size + more + 1;
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    buf->data = mem_resize(buf->data, capacity);
    buf->capacity = capacity;
    buf->data[buf->size] = 0;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
    buf_reserve(buf, size);
    if (size)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = 0;
}

void buf_string(struct buf *buf, const char *string)
{
    buf_add(buf, string, strlen(string));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    mem_check(size < 0 ? NULL : text);
    buf_add(buf, text, (size_t)size);
    free(text);
}

void buf_drop(struct buf *buf, size_t count)
{
    if (!count)
        return;
    buf->size -= count;
    memmove(buf->data, buf->data + count, buf->size + 1);
}

void buf_clear(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}
