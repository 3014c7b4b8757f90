/*
 * The annex of an image: what the tool knows about it and the machine doesn't see. One EROFS file
 * system, of which a file is read by view_annex():
 *
 *   why   for each path whose reason isn't that of the folder it lies in: the path, a NUL, the
 *         reason, a NUL
 */
#pragma once

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

#define ANNEX_WHY "why"

/* The annex of what spec holds, in the store; the path is owned by the caller, NULL with err set.
 */
char *annex_make(const struct image_spec *spec, struct error *err);

/* Why a path (without links in it) is in the image, by the text of the file "why": the path's own
 * reason, or that of the nearest folder above that has one. Points into why; NULL if it isn't told.
 */
const char *annex_why(const struct buf *why, const char *path);
