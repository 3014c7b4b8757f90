/* JSON that the tool prints: what is in it came from strangers (host/base/escape.h). */
#pragma once

#include <jansson.h>

/* A string of any bytes: what is no UTF-8 is escaped. NULL gives null. */
json_t *json_foreign(const char *text);

/* Prints value and a newline on standard output; what a terminal would act on as "\u…". */
void json_put(const json_t *value);
