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

int class_find(const struct classes *classes, const char *name)
{
    for (int i = 0; i < classes->count; i++)
        if (strcmp(classes->names[i], name) == 0)
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
    struct classes *classes = &data->classes;
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
    bool new = class_find(classes, species) < 0;
    if (new && classes->count == MOST_CLASSES)
        return refuse(why, "shape", "more than %d species", MOST_CLASSES);
    if (new)
        strcpy(classes->names[classes->count++], species);
    sample.species = species;
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

/* Numbers the samples' classes, of which none may be missing. */
static bool number_classes(const struct classes *classes, struct samples *samples, const char *set,
                           struct refusal *why)
{
    bool there[MOST_CLASSES] = {false};
    for (int i = 0; i < samples->count; i++) {
        samples->all[i].y = class_find(classes, samples->all[i].species);
        there[samples->all[i].y] = true;
    }
    for (int k = 0; k < classes->count; k++)
        if (!there[k])
            return refuse(why, "shape", "the %s set has no %s", set, classes->names[k]);
    return true;
}

bool data_parse(struct data *data, char *text, struct refusal *why)
{
    struct classes *classes = &data->classes;
    size_t lines = 1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    *data = (struct data){.train.all = zeroed(lines, sizeof(struct sample)),
                          .test.all = zeroed(lines, sizeof(struct sample))};
    if (!parse_lines(data, text, why))
        return false;
    if (classes->count < 2)
        return refuse(why, "shape", "one species is too few");
    qsort(classes->names, (size_t)classes->count, sizeof(*classes->names), by_name);
    return number_classes(classes, &data->train, "train", why) &&
           number_classes(classes, &data->test, "test", why);
}

void data_free(struct data *data)
{
    free(data->train.all);
    free(data->test.all);
}
