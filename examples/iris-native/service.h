/* The model that serves, and how the last look into the store went. */
#pragma once

#include "model.h"
#include "store.h"

struct service;

struct service *service_create(struct store *store, double least_accuracy);
/* Asks the store once. Whatever comes, the model that serves goes on until a better one is whole;
 * returns whether there is one. */
bool service_refresh(struct service *service);

/* Each with an HTTP status and its answer. */
unsigned service_health(struct service *service, json_t **answer);
unsigned service_describe(struct service *service, json_t **answer);
unsigned service_predict(struct service *service, const char *body, size_t size, json_t **answer);
/* {"error": …}, as the answer to be returned with that status. */
unsigned service_error(unsigned status, json_t **answer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
