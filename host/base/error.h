/*
 * Errors of the tool: what failed, on what, why, and what to do. Libraries never print and never
 * exit; a function that can fail returns false (or NULL) with *err filled in.
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
