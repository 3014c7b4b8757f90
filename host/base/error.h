/*
 * Errors of the tool: what failed, on what, why, and what to do. Libraries never print and never
 * exit; a function that can fail returns false (or NULL) with *err filled in. What the arguments
 * hold is escaped as one line (host/base/escape.h), so that err->text has the lines of the formats.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error {
    char text[2048]; /* one or more lines, no final newline, no "orris: " */
};

/* Fills err (which may be NULL) and returns false, so that a caller can `return error_set(…)`. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and strerror(errno) at the end. */
bool error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "format: " before what err says already. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the text behind what err says already. Returns false. */
bool error_add(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts what another program said behind that, each line on one of its own, indented: so none of
 * them reads like one of ours. Returns false. text may be NULL. */
bool error_add_lines(struct error *err, const char *text);
