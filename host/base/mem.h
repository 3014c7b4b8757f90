/* Memory that is always there: each of these ends the tool with a message when there is none. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size); /* zeroed */
void *mem_realloc(void *old, size_t size);
char *mem_strdup(const char *string);
char *mem_strndup(const char *string, size_t size);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
