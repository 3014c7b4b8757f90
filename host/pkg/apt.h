/*
 * Debian's archive through apt, apart from the host's own packages: apt's state, cache and list of
 * sources are private folders of the store, the package status is empty but for what recipes leave
 * out, and no root is needed. The sources are those of the machine's apt configuration that are
 * Debian's own; their signatures are checked against Debian's keyring. Proxies and mirrors that
 * the machine's configuration names are used.
 *
 * The caller holds the store's lock "packages".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/pkg/recipe.h"

struct apt {
    char *folder; /* …/packages/apt */
    char *debs;   /* …/packages/apt/debs, the downloaded packages */
    bool updated; /* the lists were fetched by this process */
};

struct deb {
    char *name;
    char *version; /* Debian's, with epoch and revision */
    char *file;    /* its name in debs */
    char *sha256;  /* hexadecimal */
    char *licence; /* SPDX expression of what its copyright file names; NULL: unknown */
    uint64_t size; /* bytes */
};

struct deb_list {
    struct deb *items;
    size_t count;
};

/* Prepares the private folders and the sources. preferences: apt's, as text. */
bool apt_open(struct apt *apt, const char *preferences, struct error *err);
void apt_close(struct apt *apt);

/* The lists of what there is: fetched when there are none, when they are older than a day and the
 * network is there, or when force says so. */
bool apt_update(struct apt *apt, bool force, struct error *err);

/* Debian's version and one-line description of a package; false if there is no such package. */
bool apt_describe(struct apt *apt, const char *name, char **version, char **summary,
                  struct error *err);

/* Appends "NAME - description" lines of the packages whose names match the regular expression. */
bool apt_search(struct apt *apt, const char *pattern, struct buf *out, struct error *err);

/* All packages that names need, themselves included, without what the rules leave out. */
bool apt_resolve(struct apt *apt, const struct strlist *names, const struct recipe_rules *rules,
                 struct deb_list *out, struct error *err);

/* Fetches those that are not there yet and checks every one; names as for apt_resolve(), which must
 * have been called last. what is for the progress bar. */
bool apt_download(struct apt *apt, const struct strlist *names, const struct deb_list *list,
                  const char *what, struct error *err);

const struct deb *deb_find(const struct deb_list *list, const char *name);
void deb_add(struct deb_list *list, const struct deb *deb); /* copies */
void deb_list_clear(struct deb_list *list);
uint64_t deb_list_bytes(const struct deb_list *list);

/* "3.11.2" from "1:3.11.2-6+deb12u9" or "3.11.2+dfsg-6"; owned by the caller. */
char *deb_upstream_version(const char *version);
