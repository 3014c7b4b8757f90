/* Whether an image is what was built. */
#pragma once

#include <stddef.h>

#include "host/base/error.h"

/* Checks every checksum and hash of the image at path: header, records, kernel, each layer's file
 * system as a whole and each of its files. *files: how many files were checked. False with err
 * saying what is damaged. */
bool image_verify(const char *path, size_t *files, struct error *err);
