/*
 * Which of this host's Debian packages files belong to, by dpkg's own lists. Nothing is found where
 * there is no dpkg.
 */
#pragma once

#include <stdbool.h>

#include "host/image/bill.h"
#include "host/image/spec.h"

struct dpkg {
    struct bill_package *packages;
    size_t count;
    struct dpkg_path *paths; /* by path */
    size_t path_count;
};

/* Finds the packages of the files at paths, which are the host's. */
void dpkg_find(struct dpkg *dpkg, const struct strlist *paths);
void dpkg_clear(struct dpkg *dpkg);

/* The number of path's package, from 1; 0 if it has none. */
size_t dpkg_owner(const struct dpkg *dpkg, const char *path);
