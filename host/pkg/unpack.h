/*
 * Unpacking Debian packages into a folder, without their scripts.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/pkg/recipe.h"
#include "host/pkg/script.h"

/* Unpacks the package file deb into folder (a path without links) but for what the rules leave
 * out, paths through /bin, /sbin and /lib landing in /usr. Owners are not kept, set-id bits
 * neither; times are. Adds to scripts what the package's own would have set up. */
bool unpack_deb(const char *deb, const char *folder, const struct recipe_rules *rules,
                struct scripts *scripts, struct error *err);

/* "/usr/bin/x" for "./bin/x": the path in the image of a member of a package; owned by the caller.
 * NULL for a path that leads out of it. */
char *unpack_guest_path(const char *member);

bool unpack_left_out(const struct recipe_rules *rules, const char *guest);
