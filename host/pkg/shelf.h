/*
 * Packages in the store, each a folder $ORRIS_HOME/packages/NAME_VERSION (additions to it:
 * NAME_VERSION@HASH) with package.json, layer.erofs and layer.list. A folder appears complete or
 * not at all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/pkg/apt.h"
#include "host/pkg/pkg.h"

/* A package as it lies in the store. */
struct shelf_item {
    struct package package;
    struct strlist aliases;
    struct strlist requested; /* the Debian packages asked for */
    struct deb_list debs;
    struct strlist users, groups; /* those it adds to Debian's own, lines of /etc/passwd, group */
    char *description;            /* what it is, several lines; NULL: unknown */
    char *origin;        /* where it comes from; NULL: Debian's archive, and so it can come again */
    char *folder;        /* absolute */
    uint64_t layer_size; /* bytes */
    int64_t made;        /* when, seconds since 1970 */
};

void shelf_item_clear(struct shelf_item *item);

/* $ORRIS_HOME/packages; owned by the caller. */
char *shelf_path(struct error *err);

/* Finds NAME (or an alias) with a version that matches (NULL: any), the newest of several. Returns
 * 1, 0 if there is none, -1 with err set. */
int shelf_find(const char *name, const char *version, struct shelf_item *out, struct error *err);

/* The folder called id ("python_3.11.2"). The same results. */
int shelf_open(const char *id, struct shelf_item *out, struct error *err);

/* The ids of all there are, sorted; additions too if additions. */
bool shelf_list(bool additions, struct strlist *out, struct error *err);

/* Writes package.json into folder. */
bool shelf_write_manifest(const struct shelf_item *item, const char *folder, struct error *err);

/* Moves the complete folder made into its place as id, over an older one of that name. */
bool shelf_put(const char *made, const char *id, struct error *err);

/* Removes a package with its additions, or only the additions called id. */
bool shelf_delete(const char *id, struct error *err);

/* A new folder for work on a package; those that a killed orris left behind go first. The caller
 * holds the lock "packages", and owns the result. */
char *shelf_workshop(struct error *err);

/* Removes a folder and all in it. */
bool shelf_remove_tree(const char *path, struct error *err);
