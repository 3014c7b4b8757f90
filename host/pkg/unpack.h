/*
 * Unpacking Debian packages into a folder, without their scripts.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/pkg/recipe.h"
#include "host/pkg/script.h"

/* What a package tells besides its files. */
struct deb_facts {
    char *description;    /* of its control file: several lines, the first the summary; or NULL */
    char *copyright;      /* the text of its copyright file, or NULL … */
    char *copyright_of;   /* … where another package has it: that one's name */
    struct strlist files; /* paths in the image of the files that were unpacked */
};
void deb_facts_clear(struct deb_facts *facts);

/* Unpacks the package file deb into folder (a path without links) but for what the rules leave
 * out, paths through /bin, /sbin and /lib landing in /usr. Owners are not kept, set-id bits
 * neither; times are. Adds to scripts what the package's own would have set up, and
 * fills in facts. */
bool unpack_deb(const char *deb, const char *folder, const struct recipe_rules *rules,
                struct scripts *scripts, struct deb_facts *facts, struct error *err);

/* "/usr/bin/x" for "./bin/x": the path in the image of a member of a package; owned by the caller.
 * NULL for a path that leads out of it. */
char *unpack_guest_path(const char *member);

bool unpack_left_out(const struct recipe_rules *rules, const char *guest);
