/* Text that grows: twice as large each time. */
#include "kernel/base/text.h"

#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"

#define ROOM_FIRST 512u
#define FORMAT_MAX 512u

/* Where length more bytes can be written; NULL if there is no memory. */
static char *text_reserve(struct text *t, size_t length)
{
    if (length > t->room - t->length) {
        size_t room = t->room ? t->room : ROOM_FIRST;
        while (room - t->length < length)
            room *= 2;
        char *data = t->failed ? NULL : heap_realloc(t->data, t->room, room);
        if (!data) {
            t->failed = true;
            return NULL;
        }
        t->data = data;
        t->room = room;
    }
    return t->data + t->length;
}

void text_clear(struct text *t)
{
    heap_free(t->data);
    text_init(t);
}

void text_put(struct text *t, const char *bytes, size_t length)
{
    char *to = text_reserve(t, length);
    if (!to)
        return;
    memcpy(to, bytes, length);
    t->length += length;
}

void text_string(struct text *t, const char *string)
{
    text_put(t, string, strlen(string));
}

void text_char(struct text *t, char c)
{
    text_put(t, &c, 1);
}

void text_format(struct text *t, const char *fmt, ...)
{
    char line[FORMAT_MAX];
    va_list args;
    va_start(args, fmt);
    size_t length = format_va(line, sizeof(line), fmt, args);
    va_end(args);
    text_put(t, line, min_u64(length, sizeof(line) - 1));
}

void text_pad(struct text *t, size_t line_start, size_t columns)
{
    while (!t->failed && t->length - line_start < columns)
        text_char(t, ' ');
}

void text_escaped(struct text *t, const char *string, const char *special)
{
    for (; *string; string++) {
        if (*string == '\\' || strchr(special, *string))
            text_format(t, "\\%03o", (unsigned)(uint8_t)*string);
        else
            text_char(t, *string);
    }
}
