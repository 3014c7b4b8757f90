/* Training data: CSV without quotes, one sample a line, and the split as the store decided it. The
 * format is that of examples/iris-service/data.py. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FEATURES 4
#define MOST_CLASSES 20
#define LONGEST_NAME 40

extern const char *const feature_names[FEATURES];

struct classes {
    int count;
    char names[MOST_CLASSES][LONGEST_NAME + 1]; /* sorted */
};

struct sample {
    double x[FEATURES];
    const char *species; /* within the text */
    int y;               /* its position in data.classes */
};

struct samples {
    int count;
    struct sample *all;
};

struct data {
    struct classes classes;
    struct samples train, test;
};

/* Why something is of no use: one word for counting, and a text for people. */
struct refusal {
    const char *reason;
    char text[200];
};

/* Fills *why and returns false. */
bool refuse(struct refusal *why, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As calloc(); ends the program without memory: the size of the data is bounded, so this is a
 * machine that is too small. */
void *zeroed(size_t count, size_t size);

/* The position of the name, or −1. */
int class_find(const struct classes *classes, const char *name);

/* Fills *data; false and *why if the text makes no model. data_free() either way. Changes the text,
 * which ends with a zero byte and must stay as long as the data. */
bool data_parse(struct data *data, char *text, struct refusal *why);
void data_free(struct data *data);
