/* Tables on standard output. */
#include "host/cmd/table.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/buf.h"
#include "host/base/escape.h"
#include "host/base/json.h"
#include "host/base/say.h"

#define GAP 2 /* blanks between columns */

static size_t column_count(const struct table *table)
{
    size_t count = 1; /* a table has one at least */
    while (table->columns[count].name)
        count++;
    return count;
}

static void add_cell(struct table *table, const char *text, int64_t number)
{
    table->texts = mem_resize(table->texts, (table->cells + 1) * sizeof(*table->texts));
    table->numbers = mem_resize(table->numbers, (table->cells + 1) * sizeof(*table->numbers));
    table->texts[table->cells] = mem_string(text);
    table->numbers[table->cells++] = number;
}

void table_text(struct table *table, const char *text)
{
    add_cell(table, text ? text : "", 0);
}

void table_number(struct table *table, int64_t number)
{
    add_cell(table, NULL, number);
}

/* A cell as people read it, owned by the caller. */
static char *cell_text(const struct table *table, size_t cell, enum column_kind kind)
{
    int64_t number = table->numbers[cell];
    char when[32] = "";
    time_t seconds = (time_t)number;
    struct tm parts;
    if (kind == COLUMN_TEXT)
        return escape(table->texts[cell]);
    if (number < 0)
        return mem_string(table->none ? table->none : "-");
    if (kind == COLUMN_NUMBER)
        return mem_printf("%" PRId64, number);
    if (kind == COLUMN_BYTES)
        return mem_printf("%.1f MB", (double)number / 1e6);
    if (localtime_r(&seconds, &parts))
        strftime(when, sizeof(when), "%F %R", &parts);
    return mem_string(when);
}

static bool is_right(enum column_kind kind)
{
    return kind == COLUMN_NUMBER || kind == COLUMN_BYTES;
}

static void print_line(const struct table *table, char *const *texts, const size_t *widths)
{
    size_t count = column_count(table);
    for (size_t i = 0; i < count; i++) {
        int width = i + 1 < count || is_right(table->columns[i].kind) ? (int)widths[i] : 0;
        print("%*s%*s", i ? GAP : 0, "", is_right(table->columns[i].kind) ? width : -width,
              texts[i]);
    }
    putchar('\n');
}

static void print_people(const struct table *table)
{
    size_t columns = column_count(table), rows = table->cells / columns;
    char **texts = mem_alloc((table->cells + columns) * sizeof(*texts));
    size_t *widths = mem_alloc(columns * sizeof(*widths));
    for (size_t i = 0; i < columns + rows * columns; i++) {
        const struct column *column = &table->columns[i % columns];
        texts[i] =
            i < columns ? mem_string(column->name) : cell_text(table, i - columns, column->kind);
        if (strlen(texts[i]) > widths[i % columns])
            widths[i % columns] = strlen(texts[i]);
    }
    for (size_t row = 0; rows && row <= rows; row++)
        print_line(table, texts + row * columns, widths);
    for (size_t i = 0; i < columns + rows * columns; i++)
        free(texts[i]);
    free(texts);
    free(widths);
}

static json_t *cell_json(const struct table *table, size_t cell, enum column_kind kind)
{
    int64_t number = table->numbers[cell];
    char when[32] = "";
    time_t seconds = (time_t)number;
    struct tm parts;
    if (kind == COLUMN_TEXT)
        return json_foreign(table->texts[cell]);
    if (number < 0)
        return json_null();
    if (kind != COLUMN_TIME)
        return json_integer(number);
    if (gmtime_r(&seconds, &parts))
        strftime(when, sizeof(when), "%FT%TZ", &parts);
    return json_string(when);
}

static void print_json(const struct table *table)
{
    size_t columns = column_count(table);
    json_t *list = json_array();
    for (size_t cell = 0; cell < table->cells; cell += columns) {
        json_t *row = json_object();
        for (size_t i = 0; i < columns; i++) {
            char *name = mem_string(table->columns[i].name);
            for (char *at = name; *at; at++)
                *at = *at == ' ' ? '_' : (char)tolower((unsigned char)*at);
            json_object_set_new(row, name, cell_json(table, cell + i, table->columns[i].kind));
            free(name);
        }
        json_array_append_new(list, row);
    }
    json_put(list);
    json_decref(list);
}

bool table_print(struct table *table, bool json)
{
    if (json)
        print_json(table);
    else
        print_people(table);
    for (size_t i = 0; i < table->cells; i++)
        free(table->texts[i]);
    free(table->texts);
    free(table->numbers);
    *table = (struct table){.columns = table->columns};
    return !fflush(stdout);
}

bool table_flags(int *argc, char **argv, bool *json)
{
    int kept = 1;
    bool good = true;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
            *json = true;
        else if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0)
            say_level = SAY_QUIET;
        else if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0)
            say_level = SAY_VERBOSE;
        else
            argv[kept++] = argv[i];
    }
    for (int i = 1; good && i < kept; i++)
        if (argv[i][0] == '-' && argv[i][1]) {
            argv[1] = argv[i];
            good = false;
        }
    *argc = kept;
    return good;
}
