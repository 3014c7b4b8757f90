/*
 * Memory and growing byte buffers. A tool that runs out of memory has nothing left to report with:
 * these functions end the process with status 125 then, and never return NULL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size); /* zeroed; free() it */
void *mem_resize(void *old, size_t size);
char *mem_string(const char *string); /* a copy; NULL gives NULL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct buf {
    char *data; /* NULL or data[size] == 0 */
    size_t size, capacity;
};

void buf_reserve(struct buf *buf, size_t more); /* room for so many bytes and a NUL */
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_string(struct buf *buf, const char *string);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *buf, size_t count); /* the first count bytes */
void buf_clear(struct buf *buf);              /* frees */
