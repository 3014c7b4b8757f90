#include "data.h"

#include <stdarg.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm),species,set"
#define FIELDS (FEATURES + 2)
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const char *const feature_names[FEATURES] = {"sepal length (cm)", "sepal width (cm)",
                                             "petal length (cm)", "petal width (cm)"};

bool refuse(struct refusal *why, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    why->reason = reason;
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    for (char *at = why->text; *at; at++)
        *at = *at < ' ' || *at > '~' ? '?' : *at; /* much of it comes from the store */
    return false;
}

void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

static bool number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    bool whole = *text && text[strspn(text, "0123456789+-.eE")] == 0 && *end == 0;
    return whole && isfinite(*value) && fabs(*value) <= 1e6;
}

static int class_find(const struct data *data, const char *name)
{
    for (int i = 0; i < data->class_count; i++)
        if (strcmp(data->classes[i], name) == 0)
            return i;
    return -1;
}

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    return length && length <= LONGEST_NAME && strchr(LETTERS, name[0]) &&
           strspn(name, LETTERS "0123456789 ._-") == length;
}

/* Splits at commas, in place; how many fields there are, of which the first FIELDS are told. */
static int split(char *line, char *fields[FIELDS])
{
    int count = 0;
    for (char *field; (field = strsep(&line, ",")); count++)
        if (count < FIELDS)
            fields[count] = field;
    return count;
}

static bool parse_line(struct data *data, char *text, int line, struct refusal *why)
{
    char *fields[FIELDS];
    struct sample sample;
    int count = split(text, fields);
    if (count != FIELDS)
        return refuse(why, "malformed", "line %d has %d fields, not %d", line, count, FIELDS);
    for (int i = 0; i < FEATURES; i++)
        if (!number(fields[i], &sample.x[i]))
            return refuse(why, "malformed", "line %d: \"%.20s\" is not a measurement", line,
                          fields[i]);
    const char *species = fields[FEATURES], *set = fields[FEATURES + 1];
    bool train = strcmp(set, "train") == 0;
    if (!name_is_good(species))
        return refuse(why, "malformed", "line %d: no name of a species", line);
    if (!train && strcmp(set, "test") != 0)
        return refuse(why, "malformed", "line %d: the set is \"%.20s\", not train or test", line,
                      set);
    sample.y = class_find(data, species);
    if (sample.y < 0 && data->class_count == MOST_CLASSES)
        return refuse(why, "shape", "more than %d species", MOST_CLASSES);
    if (sample.y < 0)
        strcpy(data->classes[sample.y = data->class_count++], species);
    struct samples *to = train ? &data->train : &data->test;
    to->all[to->count++] = sample;
    return true;
}

static char *next_line(char **text)
{
    char *line = strsep(text, "\n");
    size_t length = line ? strlen(line) : 0;
    if (length && line[length - 1] == '\r')
        line[length - 1] = 0;
    return line;
}

static bool parse_lines(struct data *data, char *text, struct refusal *why)
{
    if (!*text)
        return refuse(why, "empty", "the data is empty");
    char *header = next_line(&text);
    if (strcmp(header, HEADER) != 0)
        return refuse(why, "shape", "the columns are \"%.60s\", not \"" HEADER "\"", header);
    int line = 2;
    for (char *at; (at = next_line(&text)) && (*at || text); line++)
        if (!parse_line(data, at, line, why))
            return false;
    return line > 2 || refuse(why, "empty", "the data has a header and no samples");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The order of the classes is that of their names, not that of the lines. */
static void sort_classes(struct data *data)
{
    char before[MOST_CLASSES][LONGEST_NAME + 1];
    int now[MOST_CLASSES];
    memcpy(before, data->classes, sizeof(before));
    qsort(data->classes, (size_t)data->class_count, sizeof(*data->classes), by_name);
    for (int i = 0; i < data->class_count; i++)
        now[i] = class_find(data, before[i]);
    for (int i = 0; i < data->train.count; i++)
        data->train.all[i].y = now[data->train.all[i].y];
    for (int i = 0; i < data->test.count; i++)
        data->test.all[i].y = now[data->test.all[i].y];
}

static bool has_all(const struct data *data, const struct samples *samples, const char *set,
                    struct refusal *why)
{
    bool there[MOST_CLASSES] = {false};
    for (int i = 0; i < samples->count; i++)
        there[samples->all[i].y] = true;
    for (int i = 0; i < data->class_count; i++)
        if (!there[i])
            return refuse(why, "shape", "the %s set has no %s", set, data->classes[i]);
    return true;
}

static bool parse(struct data *data, char *text, struct refusal *why)
{
    size_t lines = 1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    data->train.all = zeroed(lines, sizeof(struct sample));
    data->test.all = zeroed(lines, sizeof(struct sample));
    if (!parse_lines(data, text, why))
        return false;
    if (data->class_count < 2)
        return refuse(why, "shape", "one species is too few");
    sort_classes(data);
    return has_all(data, &data->train, "train", why) && has_all(data, &data->test, "test", why);
}

struct data *data_parse(char *text, struct refusal *why)
{
    struct data *data = zeroed(1, sizeof(*data));
    if (parse(data, text, why))
        return data;
    data_free(data);
    return NULL;
}

void data_free(struct data *data)
{
    if (!data)
        return;
    free(data->train.all);
    free(data->test.all);
    free(data);
}
