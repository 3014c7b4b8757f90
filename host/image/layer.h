/*
 * Layers in the store: layers/HASH.erofs, named by their content. What made a layer (paths, modes,
 * times and the sources' stamps) is remembered, so that it is only made once.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

/* Makes the layer of all entries of one tier, or finds it in the store. *path (owned by the caller)
 * is NULL if the tier has no entries. */
bool layer_get(const struct image_spec *spec, enum spec_tier tier, char **path, bool *fresh,
               struct error *err);

/* Makes a layer of what root holds; the path is owned by the caller, NULL with err set. */
struct erofs_node;
char *layer_of(struct erofs_node *root, struct error *err);

/* Appends all that it takes to make the tier's layer again, without the spec. Nothing if the tier
 * has no entries. After layer_get(). */
void layer_recipe(const struct image_spec *spec, enum spec_tier tier, struct buf *out);

/* Makes the layer again from its recipe, with the files' present content. False with *stale set if
 * that isn't enough: a file has gone, or became a program. */
bool layer_remake(const char *recipe, size_t size, char **path, bool *stale, struct error *err);
