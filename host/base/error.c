/*
 * Errors of the tool. A text that grows too long is cut at its end: what failed stands first.
 */
#include "host/base/error.h"

#include <stdarg.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void error_format(struct error *err, const char *format, va_list args)
{
    vsnprintf(err->text, sizeof(err->text), format, args);
}

bool error_set(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    error_format(err, format, args);
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
    error_format(err, format, args);
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
    error_format(err, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", rest);
    return false;
}
