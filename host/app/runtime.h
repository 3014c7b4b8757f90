/*
 * Interpreters and their libraries: asking them, and putting what they search into the image.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/app/closure.h"
#include "host/base/error.h"
#include "host/image/spec.h"

/* Runs `path flag code` and splits what it prints into lines. variables: its whole environment, or
 * NULL for ours. */
bool runtime_ask(const char *path, const char *flag, const char *code,
                 const struct strlist *variables, struct strlist *lines, struct error *err);

/* The environment to ask in: the program's, but for HOME, which is the host's. */
void runtime_environment(const struct closure *closure, struct strlist *out);

/* Puts a folder or file that an interpreter searches into the image, with the links on the way;
 * does nothing if it isn't there. */
bool runtime_add(struct closure *closure, const char *path, struct error *err);

/* Puts what the links among spec's entries from first on lead to into the image. */
bool runtime_add_link_targets(struct closure *closure, size_t first, struct error *err);
