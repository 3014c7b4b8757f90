/* The kernel as it stands at the beginning of an image. */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"

/* Reads the kernel's ELF file, cut off behind what is loaded (symbols and debug data are for tools,
 * which have the file itself). */
bool kernel_read(const char *path, struct buf *out, struct error *err);

/* The version of the kernel that images get, owned by the caller, or NULL with err set. */
char *kernel_version(struct error *err);
