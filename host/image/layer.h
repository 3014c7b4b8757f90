/*
 * Layers in the store: layers/HASH.erofs, named by their content. What made a layer (paths, modes,
 * times and the sources' stamps) is remembered, so that it is only made once.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"

/* Makes the layer of all entries of one tier, or finds it in the store. *path (owned by the caller)
 * is NULL if the tier has no entries. */
bool layer_get(const struct image_spec *spec, enum spec_tier tier, char **path, bool *fresh,
               struct error *err);
