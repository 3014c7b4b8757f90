/* Text that grows: what pseudo-files are written into. A failed allocation is remembered, not
 * reported each time; text_failed tells at the end. */
#pragma once

#include "kernel/base/types.h"

struct text {
    char *data; /* not NUL-terminated; NULL while empty */
    size_t length, room;
    bool failed;
};

static inline void text_init(struct text *t)
{
    *t = (struct text){0};
}

/* Frees the memory and leaves an empty text. */
void text_clear(struct text *t);
void text_put(struct text *t, const char *bytes, size_t length);
void text_string(struct text *t, const char *string);
void text_char(struct text *t, char c);
/* At most 512 bytes a call; a longer result is cut. */
void text_format(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Blanks until the line that begins at offset line_start is columns long. */
void text_pad(struct text *t, size_t line_start, size_t columns);
/* The string with each byte of special, and each backslash, as \ooo (as in /proc/self/mounts). */
void text_escaped(struct text *t, const char *string, const char *special);

static inline bool text_failed(const struct text *t)
{
    return t->failed;
}
