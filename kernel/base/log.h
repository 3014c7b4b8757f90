/* The kernel's log: shown with -v; the last 16 KiB are kept for a report. */
#pragma once

#include "kernel/base/attr.h"

/* One line, without newline. */
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* One line that the user sees even without -v, as "orris: LINE" on the host's standard error. */
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
