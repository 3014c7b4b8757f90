/* Unpacking a tar archive (also a compressed one) into a folder. */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

/* folder is an absolute path without links. Owners, set-id bits and attributes but those of users
 * (user.*) are not kept, times are. Paths that lead out of the archive are an error; devices and
 * sockets are left out. */
bool untar(const char *archive, const char *folder, struct error *err);
