/*
 * The tool's own talk. Each line is one write, so that lines of the tool and of the program do not
 * mix inside a line; while the terminal is raw, "\n" alone would not return the cursor.
 */
#include "host/base/say.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY_PREFIX "orris: "

enum say_level say_level = SAY_NORMAL;
bool say_raw_terminal;

static void say_write(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, data, size);
        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

/* Writes each line of text with the prefix. */
static void say_lines(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        return;
    const char *end_of_line = say_raw_terminal ? "\r\n" : "\n";
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *full = NULL;
        int size = asprintf(&full, SAY_PREFIX "%s%s", line, end_of_line);
        if (size > 0)
            say_write(full, (size_t)size);
        free(full);
    }
    free(text);
}

void say_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_lines(format, args);
    va_end(args);
}

void say(const char *format, ...)
{
    if (say_level < SAY_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    say_lines(format, args);
    va_end(args);
}

void say_verbose(const char *format, ...)
{
    if (say_level < SAY_VERBOSE)
        return;
    va_list args;
    va_start(args, format);
    say_lines(format, args);
    va_end(args);
}
