#include "model.h"

#include <blake2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_version(const char *text, char version[static 17])
{
    unsigned char digest[8];
    blake2b(digest, text, NULL, sizeof(digest), strlen(text), 0);
    for (size_t i = 0; i < sizeof(digest); i++)
        sprintf(version + 2 * i, "%02x", digest[i]);
}

static int predict(const struct model *model, const double *x, double *scores)
{
    int best = 0;
    for (int k = 0; k < model->classes.count; k++) {
        scores[k] = model->weights[k][FEATURES];
        for (int i = 0; i < FEATURES; i++)
            scores[k] += model->weights[k][i] * x[i];
        if (scores[k] > scores[best])
            best = k;
    }
    return best;
}

static void judge(struct model *model, const struct samples *test)
{
    double scores[MOST_CLASSES];
    int right = 0;
    for (int i = 0; i < test->count; i++) {
        const struct sample *sample = &test->all[i];
        int said = predict(model, sample->x, scores);
        model->confusion[sample->y][said]++;
        right += said == sample->y;
    }
    model->accuracy = (double)right / test->count;
}

struct model *model_train(const struct data *data, const char *version)
{
    struct model *model = zeroed(1, sizeof(*model));
    strcpy(model->version, version);
    model->trained = time(NULL);
    model->train_count = data->train.count;
    model->test_count = data->test.count;
    model->classes = data->classes;
    fit(&data->train, data->classes.count, model->weights);
    judge(model, &data->test);
    return model;
}

/* Four digits are told: enough to compare, few enough to be the same everywhere. */
static json_t *rounded(double value)
{
    return json_real(rint(value * 1e4) / 1e4);
}

json_t *model_answer(const struct model *model, const double x[static FEATURES])
{
    double scores[MOST_CLASSES];
    int best = predict(model, x, scores);
    json_t *told = json_object();
    for (int k = 0; k < model->classes.count; k++)
        json_object_set_new(told, model->classes.names[k], rounded(scores[k]));
    return json_pack("{s:s, s:o}", "class", model->classes.names[best], "scores", told);
}

json_t *model_describe(const struct model *model)
{
    json_t *features = json_array(), *classes = json_array(), *confusion = json_array();
    json_t *coefficients = json_array(), *intercepts = json_array();
    for (int i = 0; i < FEATURES; i++)
        json_array_append_new(features, json_string(feature_names[i]));
    for (int k = 0; k < model->classes.count; k++) {
        json_t *row = json_array(), *counts = json_array();
        for (int i = 0; i < FEATURES; i++)
            json_array_append_new(row, rounded(model->weights[k][i]));
        for (int i = 0; i < model->classes.count; i++)
            json_array_append_new(counts, json_integer(model->confusion[k][i]));
        json_array_append_new(classes, json_string(model->classes.names[k]));
        json_array_append_new(coefficients, row);
        json_array_append_new(intercepts, rounded(model->weights[k][FEATURES]));
        json_array_append_new(confusion, counts);
    }
    char trained[32], *report = model_report(model);
    struct tm utc;
    strftime(trained, sizeof(trained), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&model->trained, &utc));
    json_t *told = json_pack(
        "{s:s, s:s, s:{s:i, s:i}, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "version", model->version,
        "trained", trained, "samples", "train", model->train_count, "test", model->test_count,
        "features", features, "classes", classes, "coefficients", coefficients, "intercepts",
        intercepts, "accuracy", rounded(model->accuracy), "confusion", confusion, "report", report);
    free(report);
    return told;
}

struct score {
    double precision, recall, f1;
    int support;
};

static struct score score_of(const struct model *model, int k)
{
    int said = 0, right = model->confusion[k][k];
    struct score s = {0};
    for (int i = 0; i < model->classes.count; i++) {
        said += model->confusion[i][k];
        s.support += model->confusion[k][i];
    }
    s.precision = said ? (double)right / said : 0;
    s.recall = s.support ? (double)right / s.support : 0;
    s.f1 = right ? 2 * s.precision * s.recall / (s.precision + s.recall) : 0;
    return s;
}

static void add_weighted(struct score *sum, const struct score *s, double weight)
{
    sum->precision += s->precision * weight;
    sum->recall += s->recall * weight;
    sum->f1 += s->f1 * weight;
}

static void print_row(FILE *to, int width, const char *name, const struct score *s)
{
    fprintf(to, "%*s  %9.2f %9.2f %9.2f %9d\n", width, name, s->precision, s->recall, s->f1,
            s->support);
}

char *model_report(const struct model *model)
{
    int width = sizeof("weighted avg") - 1, count = model->classes.count;
    for (int k = 0; k < count; k++)
        if ((int)strlen(model->classes.names[k]) > width)
            width = (int)strlen(model->classes.names[k]);
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    fprintf(to, "%*s  %9s %9s %9s %9s\n\n", width, "", "precision", "recall", "f1-score",
            "support");
    int total = model->test_count;
    struct score macro = {.support = total}, weighted = {.support = total};
    for (int k = 0; k < count; k++) {
        struct score s = score_of(model, k);
        print_row(to, width, model->classes.names[k], &s);
        add_weighted(&macro, &s, 1.0 / count);
        add_weighted(&weighted, &s, (double)s.support / total);
    }
    fprintf(to, "\n%*s  %9s %9s %9.2f %9d\n", width, "accuracy", "", "", model->accuracy, total);
    print_row(to, width, "macro avg", &macro);
    print_row(to, width, "weighted avg", &weighted);
    fclose(to);
    return text;
}
