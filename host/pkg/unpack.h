/*
 * Unpacking Debian packages into a folder, without their scripts.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/pkg/recipe.h"

/* A link that a package's script would have made with update-alternatives. */
struct alternative {
    char *link;   /* "/usr/lib/x86_64-linux-gnu/libblas.so.3" */
    char *target; /* absolute */
    int priority;
};

struct alternative_list {
    struct alternative *items;
    size_t count;
};
void alternative_list_clear(struct alternative_list *list);

/* Unpacks the package file deb into folder (a path without links) but for what the rules leave
 * out, paths through /bin, /sbin and /lib landing in /usr. Owners are not kept, set-id bits
 * neither; times are. Adds to alternatives what the package's scripts would have set up. */
bool unpack_deb(const char *deb, const char *folder, const struct recipe_rules *rules,
                struct alternative_list *alternatives, struct error *err);

/* "/usr/bin/x" for "./bin/x": the path in the image of a member of a package; owned by the caller.
 * NULL for a path that leads out of it. */
char *unpack_guest_path(const char *member);

bool unpack_left_out(const struct recipe_rules *rules, const char *guest);

/* The update-alternatives lines of a script. */
void unpack_read_script(const char *script, struct alternative_list *out);
