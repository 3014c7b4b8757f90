/* printf into a buffer: %d %i %u %x %X %o %c %s %p %% with flags "-0 +#", width, precision and the
 * lengths hh h l ll z t; nothing else. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "kernel/base/attr.h"

/* Writes at most size bytes, the last a NUL (if size > 0). Returns the length the whole text has,
 * without the NUL, as snprintf does. */
size_t format(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t format_va(char *buf, size_t size, const char *fmt, va_list args);
