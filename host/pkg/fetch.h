/*
 * Making a package: from names of Debian packages to a complete folder in the store.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/pkg/recipe.h"
#include "host/pkg/shelf.h"

/* Fetches the recipe's packages and puts the result on the shelf as NAME_VERSION. The recipe's
 * unset fields are filled in. update: even if it is there, when the archive has newer parts. pins
 * (host/pkg/pin.h; NULL: none): with exactly these versions, or not at all. */
bool fetch_package(struct recipe *recipe, const char *version, const struct strlist *pins,
                   bool update, struct error *err);

/* What the archive has for the recipe, without fetching any of it: the recipe's unset fields are
 * filled in (but for the program), debs is what the package would be made of, as far as the lists
 * tell. */
bool fetch_offer(struct recipe *recipe, const char *version, struct deb_list *debs,
                 struct error *err);

/* The same as fetch_package() for additions to base (NULL: to nothing), as id. */
bool fetch_additions(const struct strlist *names, const struct shelf_item *base, const char *id,
                     const struct strlist *pins, struct error *err);
