/* A package.manifest, which says what a package of the article's tool's format is. */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/pkg/pkg.h"

#define MANIFEST "package.manifest"

/* Program, arguments, environment, version and summary out of the file's text. called: the file's
 * name in errors. On false, package may hold some of them. */
bool manifest_read(const char *text, size_t size, const char *called, struct package *package,
                   struct error *err);
