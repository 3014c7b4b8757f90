/*
 * The tool's own talk: lines on standard error that begin with "orris: ", and a verb's result on
 * standard output, where nothing else ever goes. Everything the tool prints goes through here, and
 * what the arguments hold is escaped (host/base/escape.h): only the format itself makes lines. The
 * program's own bytes don't come this way.
 */
#pragma once

#include <stdbool.h>

enum say_level {
    SAY_QUIET,   /* -q: errors only */
    SAY_NORMAL,  /* notes that matter */
    SAY_VERBOSE, /* -v */
};

extern enum say_level say_level;

/* Lines end with "\r\n" while this is set: the terminal is in raw mode. */
extern bool say_raw_terminal;

void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* always */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));         /* unless -q */
void say_verbose(const char *format, ...) __attribute__((format(printf, 1, 2))); /* -v */

/* Text of several lines that stay lines: an error's, a report. The rest of it is escaped. */
void say_lines(enum say_level least, const char *text);

/* Standard output, for a verb's result. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_lines(const char *text);
