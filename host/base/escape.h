/*
 * What strangers wrote (names in archives, images and packages, what the guest or another program
 * says), made fit for a terminal: one line stays one line, and nothing in it is a command.
 *
 * Bytes and characters that a terminal acts on become text: "\n", "\x1b" for bytes, "\u202e" for
 * characters. These are the controls (0 to 31, 127, U+0080 to U+009F), line and paragraph
 * separators, those that change the direction of writing, and whatever is no UTF-8. A backslash
 * stays as it is, so that escaping twice is escaping once.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "host/base/buf.h"

/* The length of the UTF-8 character at text (1 to 4 bytes); 0: there is none. text ends with NUL or
 * has size bytes at least. */
size_t utf8_length(const char *text, size_t size);

/* Appends text. lines: "\n" and "\t" stay; else they are escaped, too. */
void escape_add(struct buf *out, const char *text, size_t size, bool lines);

/* The same as a string of its own, owned by the caller. */
char *escape(const char *text);

/* Appends text as a JSON string in quotes, which may stand in a page, too; bytes that are no UTF-8
 * by the format broken ("%02X"). */
void escape_json(struct buf *out, const char *text, const char *broken);

/* Appends JSON with what a terminal would act on as "\u…"; only its strings hold such. */
void escape_in_json(struct buf *out, const char *json);

/* Appends format with its arguments; what %s and %c stand for is escaped, as one line each. The
 * format's own characters are trusted. Knows what printf knows but for %n, %ls, %lc and %1$d. */
void escape_format(struct buf *out, const char *format, va_list list);
