/* The kernel's log: shown with -v; the last 16 KiB are kept for a report. */
#pragma once

#include <stddef.h>

#include "kernel/base/attr.h"

/* One line, without newline, cut at 512 bytes. Never sleeps. */
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* One line that the user sees even without -v, as "orris: LINE" on the host's standard error. */
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Copies the log's latest bytes, beginning at the start of a line, oldest first, each line with its
 * newline, NUL-terminated (size > 0). Returns the length. */
size_t log_copy(char *buf, size_t size);
