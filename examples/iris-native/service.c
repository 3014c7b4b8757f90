#include "service.h"

#include <stdarg.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SAMPLES 1000
#define USAGE "send [5.1, 3.5, 1.4, 0.2], or a list of such"

struct service {
    struct store *store; /* these are for service_refresh() alone */
    double least_accuracy;
    char seen[17]; /* the version of what the store sent last, be it good or not */
    bool failing;

    pthread_mutex_t lock; /* for the rest */
    struct model *model;
    struct refusal last;
    json_t *counts; /* of looks into the store, by what came of them */
};

struct service *service_create(struct store *store, double least_accuracy)
{
    struct service *service = zeroed(1, sizeof(*service));
    service->store = store;
    service->least_accuracy = least_accuracy;
    service->counts = json_object();
    pthread_mutex_init(&service->lock, NULL);
    refuse(&service->last, "none", "the store was not asked yet");
    return service;
}

static bool good_enough(const struct service *service, const struct model *model,
                        struct refusal *why)
{
    const struct model *old = service->model;
    for (int k = 0; old && k < old->classes.count; k++)
        if (class_find(&model->classes, old->classes.names[k]) < 0)
            return refuse(why, "shape", "%s is no longer in the data", old->classes.names[k]);
    return model->accuracy >= service->least_accuracy ||
           refuse(why, "worse", "accuracy %.3f, and %g is the least", model->accuracy,
                  service->least_accuracy);
}

/* A model of the data, or NULL and why not. */
static struct model *train_on(struct service *service, char *body, struct refusal *why)
{
    struct data data;
    struct model *model = data_parse(&data, body, why) ? model_train(&data, service->seen) : NULL;
    data_free(&data);
    if (model && good_enough(service, model, why))
        return model;
    free(model);
    return NULL;
}

static void count_and_tell(struct service *service, const struct refusal *news, bool failing)
{
    bool same = failing && service->failing && strcmp(news->text, service->last.text) == 0;
    if (service->failing && !failing)
        fprintf(stderr, "iris: the store answers again\n");
    if (*news->text && !same)
        fprintf(stderr, "iris: %s: %s\n", news->reason, news->text);
    service->failing = failing;
    pthread_mutex_lock(&service->lock);
    json_int_t count = json_integer_value(json_object_get(service->counts, news->reason));
    json_object_set_new(service->counts, news->reason, json_integer(count + 1));
    if (*news->text)
        service->last = *news;
    pthread_mutex_unlock(&service->lock);
}

bool service_refresh(struct service *service)
{
    struct refusal news = {.reason = "unchanged"};
    char *body, version[17];
    struct model *old = NULL;
    enum fetched got = store_fetch(service->store, &body, &news);
    if (got == FETCH_DATA)
        model_version(body, version);
    if (got == FETCH_DATA && strcmp(version, service->seen) != 0) {
        strcpy(service->seen, version);
        struct model *model = train_on(service, body, &news);
        if (model) {
            refuse(&news, "swapped", "model %s, %d samples, accuracy %.3f", model->version,
                   model->train_count, model->accuracy);
            pthread_mutex_lock(&service->lock);
            old = service->model;
            service->model = model;
            pthread_mutex_unlock(&service->lock);
        }
    }
    free(old);
    count_and_tell(service, &news, got == FETCH_FAILED);
    return service->model; /* this thread alone changes it */
}

unsigned service_error(unsigned status, json_t **answer, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *answer = json_pack("{s:s}", "error", text);
    return status;
}

unsigned service_health(struct service *service, json_t **answer)
{
    char last[256];
    pthread_mutex_lock(&service->lock);
    const struct model *model = service->model;
    snprintf(last, sizeof(last), "%s: %s", service->last.reason, service->last.text);
    *answer = json_pack("{s:s, s:s?, s:o, s:s}", "status", model ? "ok" : "no model", "model",
                        model ? model->version : NULL, "refreshes", json_deep_copy(service->counts),
                        "last", last);
    pthread_mutex_unlock(&service->lock);
    return model ? 200 : 503;
}

/* Whether there is a model to ask; if so, it stays until the lock is given back. */
static bool service_hold(struct service *service, json_t **answer)
{
    pthread_mutex_lock(&service->lock);
    if (service->model)
        return true;
    service_error(503, answer, "there is no model yet: %s", service->last.text);
    pthread_mutex_unlock(&service->lock);
    return false;
}

unsigned service_describe(struct service *service, json_t **answer)
{
    if (!service_hold(service, answer))
        return 503;
    *answer = model_describe(service->model);
    pthread_mutex_unlock(&service->lock);
    return 200;
}

static bool sample_of(const json_t *list, size_t place, double *x, json_t **answer)
{
    bool numbers = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list) && numbers; i++)
        numbers = json_is_number(json_array_get(list, i));
    if (!numbers)
        return !service_error(400, answer, "sample %zu is not a list of numbers", place);
    if (json_array_size(list) != FEATURES)
        return !service_error(400, answer, "sample %zu has %zu numbers, not %d", place,
                              json_array_size(list), FEATURES);
    for (size_t i = 0; i < FEATURES; i++)
        x[i] = json_number_value(json_array_get(list, i));
    return true;
}

static unsigned predict_all(const struct model *model, json_t *list, json_t **answer)
{
    json_t *found = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        double x[FEATURES];
        if (!sample_of(json_array_get(list, i), i, x, answer)) {
            json_decref(found);
            return 400;
        }
        json_array_append_new(found, model_answer(model, x));
    }
    *answer = json_pack("{s:s, s:o}", "model", model->version, "predictions", found);
    return 200;
}

unsigned service_predict(struct service *service, const char *body, size_t size, json_t **answer)
{
    json_t *given = json_loadb(body, size, 0, NULL);
    unsigned status = 400;
    if (!json_array_size(given)) {
        service_error(status, answer, "the body is no list in JSON: " USAGE);
    } else {
        bool many = json_is_array(json_array_get(given, 0));
        json_t *list = many ? json_incref(given) : json_pack("[O]", given);
        if (json_array_size(list) > MOST_SAMPLES)
            status = service_error(413, answer, "%d samples are the most", MOST_SAMPLES);
        else if (!service_hold(service, answer))
            status = 503;
        else {
            status = predict_all(service->model, list, answer);
            pthread_mutex_unlock(&service->lock);
        }
        json_decref(list);
    }
    json_decref(given);
    return status;
}
