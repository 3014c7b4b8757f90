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

#include "host/base/buf.h"
#include "host/base/escape.h"

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

/* Writes each line of text, escaped already, with the prefix. */
static void say_text(char *text)
{
    const char *end_of_line = say_raw_terminal ? "\r\n" : "\n";
    for (char *line; (line = strsep(&text, "\n"));) {
        char *full = mem_printf(SAY_PREFIX "%s%s", line, end_of_line);
        say_write(full, strlen(full));
        free(full);
    }
}

static void say_format(const char *format, va_list args)
{
    struct buf text = {0};
    escape_format(&text, format, args);
    say_text(text.data);
    buf_clear(&text);
}

void say_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_format(format, args);
    va_end(args);
}

void say(const char *format, ...)
{
    if (say_level < SAY_NORMAL)
        return;
    va_list args;
    va_start(args, format);
    say_format(format, args);
    va_end(args);
}

void say_verbose(const char *format, ...)
{
    if (say_level < SAY_VERBOSE)
        return;
    va_list args;
    va_start(args, format);
    say_format(format, args);
    va_end(args);
}

void say_lines(enum say_level least, const char *text)
{
    struct buf shown = {0};
    if (say_level < least)
        return;
    buf_string(&shown, "");
    escape_add(&shown, text, strlen(text), true);
    say_text(shown.data);
    buf_clear(&shown);
}

void print(const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    escape_format(&text, format, args);
    va_end(args);
    fwrite(text.data, 1, text.size, stdout);
    buf_clear(&text);
}

void print_lines(const char *text)
{
    struct buf shown = {0};
    buf_string(&shown, "");
    escape_add(&shown, text, strlen(text), true);
    fwrite(shown.data, 1, shown.size, stdout);
    buf_clear(&shown);
}
