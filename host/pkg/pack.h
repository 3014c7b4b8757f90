/*
 * A folder as a layer: the EROFS file and its listing (host/image/spec.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/image/bill.h"

/* Writes tree to the new files image and listing. Owners become root; times are kept. origin: where
 * the files come from, for the layer's bill of materials. */
bool pack_write(const char *tree, const struct bill_origin *origin, const char *image,
                const char *listing, struct error *err);

/* Unpacks a layer into the folder tree, which it makes; over what is there already. */
bool pack_extract(const char *image, const char *tree, struct error *err);

/* The newest modification time in tree, in seconds; taken before anything is added to it. */
int64_t pack_newest(const char *tree);

/* Sets all later times in tree to newest: so the same packages give the same bytes. */
bool pack_clamp_times(const char *tree, int64_t newest, struct error *err);
