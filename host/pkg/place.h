/* Putting links, folders and files into the folder that becomes a layer ("tree"): guest is the path
 * in the image. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "host/base/error.h"

char *place_path(const char *tree, const char *guest); /* on the host; owned by the caller */

/* A link at guest, in place of whatever file or link is there; parents are made. */
bool place_link(const char *tree, const char *guest, const char *target, struct error *err);
bool place_folder(const char *tree, const char *guest, mode_t mode, struct error *err);
bool place_file(const char *tree, const char *guest, const void *data, size_t size,
                struct error *err);
