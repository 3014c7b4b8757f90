/*
 * Packages: programs from Debian's archive (or the user's own), kept in the store as one EROFS
 * layer each, ready to be the bottom of an image.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

struct recipe;
struct deb_list;

struct package {
    char *name;    /* "python" */
    char *version; /* "3.11.2" */
    char *summary;
    char *program;               /* path in the image, "/usr/bin/python3.11" */
    struct strlist args;         /* what comes before the user's arguments, argv[0] first */
    struct strlist default_args; /* the user's, where there are none */
    struct strlist env;
    char *user;              /* "UID[:GID]" as user_check() takes it, or NULL: root */
    struct spec_layer layer; /* host/image/spec.h */
};

/* Finds reference ("python", "python_3.11", "python_3.11.2", or any Debian package's name) in the
 * store, and fetches it from Debian's archive first if it isn't there. Says on standard error what
 * it does, with a progress bar on a terminal. pins: lines of a lock file (host/pkg/pin.h): made of
 * exactly these versions, and made anew for that if need be; NULL: of any. */
bool package_get(const char *reference, const struct strlist *pins, struct package *out,
                 struct error *err);
void package_clear(struct package *package);

/* The same, but made anew when the archive has newer parts. */
bool package_update(const char *reference, struct package *out, struct error *err);

/* What a package that isn't in the store would be: its recipe, with version and summary, and the
 * Debian packages that it would be made of, as the archive's lists have them. Nothing is fetched
 * but those. */
bool package_offer(const char *reference, struct recipe *recipe, struct deb_list *debs,
                   struct error *err);

/* Appends to out a line "NAME - description" for each of Debian's packages whose name holds
 * pattern, a regular expression, sorted. */
bool package_search(const char *pattern, struct buf *out, struct error *err);

/* Makes one layer of all the Debian packages in names (config.json's "Packages", --pkg) and what
 * they need, without what base holds already; base is NULL when the image stands on no package.
 * out->program is NULL: it only adds files. names->count must not be 0. Apply it after base. */
bool package_get_additions(const struct strlist *names, const struct package *base,
                           const struct strlist *pins, struct package *out, struct error *err);

/* Adds the pins of the package (NULL: none) and of the additions in names to lines. */
bool package_pins(const char *reference, const struct strlist *names, struct strlist *lines,
                  struct error *err);

/* Puts the package's layer on top of those that spec has. Program, args and env (if the package
 * has a program) become spec's where spec has none yet. */
bool package_apply(const struct package *package, struct image_spec *spec, struct error *err);
