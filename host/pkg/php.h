/* What the scripts of Debian's PHP packages set up: the extensions that are switched on. */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

/* Links each extension's ini file below /usr/share/phpX.Y-NAME into PHP's configuration, under the
 * number that its line "; priority=N" gives it. Nothing to do without PHP. */
bool php_extensions(const char *tree, struct error *err);
