/*
 * The tool's own talk: lines on standard error that begin with "orris: ". Nothing but a verb's
 * result ever goes to standard output.
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
