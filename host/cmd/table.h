/*
 * Tables on standard output: columns for people, or with --json an array of objects for programs.
 * Numbers are exact there, times are in UTC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_BYTES, COLUMN_TIME /* seconds since 1970 */ };

struct column {
    const char *name; /* "CREATED"; in JSON in small letters */
    enum column_kind kind;
};

struct table {
    const struct column *columns; /* a NULL name ends them */
    const char *none;             /* what people see of a negative number; NULL: "-" */
    char **texts;                 /* of all cells, row by row; NULL for numbers */
    int64_t *numbers;
    size_t cells;
};

/* The next cell: of a TEXT column, of any other. A negative number is none. */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, int64_t number);
/* Prints it and clears it. Without rows, nothing is printed for people. False: it can't be written.
 */
bool table_print(struct table *table, bool json);

/* Takes --json, -q and -v out of argv's flags: true if argv[1…] held nothing else that begins with
 * "-"; else the first such is argv[1]. *argc is what is left. */
bool table_flags(int *argc, char **argv, bool *json);
