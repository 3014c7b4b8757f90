/* Files of variables (--env-file): NAME=VALUE lines, as other tools have them. */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"

/* Adds what the file says to list, as -e has it: "NAME=VALUE", or "NAME" for the host's value.
 * Empty lines and those that begin with "#" don't count; a value is taken as it stands. */
bool envfile_read(const char *path, struct strlist *list, struct error *err);
