/* The bill of materials of an image as SPDX 2.3 JSON. */
#pragma once

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/image.h"

/* Appends the document about the image open at fd, called name. The same image gives the same
 * bytes: times in it are those of the newest file. False with err set if a layer has no bill. */
bool spdx_print(int fd, const char *name, const struct image_info *info, struct buf *out,
                struct error *err);
