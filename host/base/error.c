/*
 * Errors of the tool. A text that grows too long is cut at its end: what failed stands first.
 */
#include "host/base/error.h"

#include <stdarg.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/escape.h"

/* Puts the text at err->text + used; the end of what is there when that is how long it is. */
static void error_format(struct error *err, size_t used, const char *format, va_list args)
{
    struct buf text = {0};
    escape_format(&text, format, args);
    snprintf(err->text + used, sizeof(err->text) - used, "%s", text.data);
    buf_clear(&text);
}

bool error_set(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    error_format(err, 0, format, args);
    va_end(args);
    return false;
}

bool error_errno(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    const char *reason = strerror(errno); /* before anything can change errno */
    va_list args;
    va_start(args, format);
    error_format(err, 0, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", reason);
    return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    char rest[sizeof(err->text)];
    memcpy(rest, err->text, sizeof(rest));
    va_list args;
    va_start(args, format);
    error_format(err, 0, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", rest);
    return false;
}

bool error_add(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    error_format(err, strlen(err->text), format, args);
    va_end(args);
    return false;
}

bool error_add_lines(struct error *err, const char *text)
{
    while (err && text && *text) {
        size_t length = strcspn(text, "\r\n");
        if (length)
            error_add(err, "\n    %.*s", (int)length, text);
        text += length + (text[length] != 0);
    }
    return false;
}
