/*
 * Packages: programs from Debian's archive (or the user's own), kept in the store as one EROFS
 * layer each, ready to be the bottom of an image.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"

struct package {
    char *name;       /* "python" */
    char *version;    /* "3.11.2" */
    char *summary;
    char *program;    /* path in the image, "/usr/bin/python3.11" */
    struct strlist args; /* what comes before the user's arguments, argv[0] first */
    struct strlist env;
    struct spec_layer layer; /* host/image/spec.h */
};

/* Finds reference ("python", "python_3.11", "python_3.11.2", or any Debian package's name) in the
 * store, and fetches it from Debian's archive first if it isn't there. Says on standard error what
 * it does, with a progress bar on a terminal. */
bool package_get(const char *reference, struct package *out, struct error *err);
void package_clear(struct package *package);

/* Puts the package under spec: its layer at the bottom of those still to come; program, args and
 * env as defaults that what was or will be set in spec overrides. */
bool package_apply(const struct package *package, struct image_spec *spec, struct error *err);
