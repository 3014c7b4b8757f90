/* A trained classifier with everything that is told about it; never changes once made. */
#pragma once

#include <jansson.h>
#include <time.h>

#include "data.h"

#define WEIGHTS (FEATURES + 1) /* the last one is the intercept */

struct model {
    char version[17]; /* a digest of the data */
    time_t trained;
    int train_count, test_count;
    struct classes classes;
    double weights[MOST_CLASSES][WEIGHTS];
    double accuracy;
    int confusion[MOST_CLASSES][MOST_CLASSES]; /* what it is, what was said */
};

void model_version(const char *text, char version[static 17]);
struct model *model_train(const struct data *data, const char *version);

/* {"class": …, "scores": {…}} */
json_t *model_answer(const struct model *model, const double x[static FEATURES]);
/* What GET /model tells. */
json_t *model_describe(const struct model *model);
/* The table that scikit-learn's classification_report prints, to be freed. */
char *model_report(const struct model *model);

/* The weights of every class against all others: fit.c, the only file that knows liblinear. */
void fit(const struct samples *samples, int class_count, double weights[][WEIGHTS]);
