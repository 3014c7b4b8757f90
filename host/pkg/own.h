/*
 * Packages that don't come from Debian: a folder or tar archive with package.manifest and sysroot/
 * (the format of the article's tool), and what a program of this host needed.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

/* Puts the package in source, a folder or an archive, into the store. name is "NAME" or
 * "NAME_VERSION"; NULL: as the folder is called. *id (owned by the caller) is NAME_VERSION. */
bool own_add(const char *source, const char *name, char **id, struct error *err);

/* Makes a package of an image with its program, arguments and environment. */
bool own_add_image(const char *image, const char *name, char **id, struct error *err);
