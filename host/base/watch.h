/*
 * What a result depends on: files by their stamps, folders by what they hold, and names that must
 * stay absent. A list of these, saved beside the result, tells with one stat call a file whether
 * the result still holds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/stat.h>

#include "host/base/buf.h"

/* A change of this makes everything be looked for anew; other classes name the part (the layer)
 * that alone must be made again. */
#define WATCH_ALL 0xffu

enum watch_kind {
    WATCH_FILE,    /* a file or link: its stamp (lstat) */
    WATCH_FOLDER,  /* a folder: its stamp */
    WATCH_MODULES, /* a folder: the names in it that Python could import, see watch_is_module() */
    WATCH_ABSENT,  /* nothing of this name */
};

struct watch_item {
    char *path;     /* absolute */
    uint64_t stamp; /* stamp_hash(), for MODULES of the names */
    enum watch_kind kind;
    uint8_t part; /* WATCH_ALL or the part that depends on the content */
};

struct watch {
    struct watch_item *items;
    size_t count;
    int64_t newest_ctime_ns;
};

void watch_file(struct watch *watch, const char *path, const struct stat *info, unsigned part);
void watch_folder(struct watch *watch, const char *path, const struct stat *info);
void watch_modules(struct watch *watch, const char *path);
void watch_absent(struct watch *watch, const char *path);
void watch_clear(struct watch *watch);

/* Looks at path (lstat) and watches whatever comes out, a file, a folder or nothing. Returns
 * whether it exists. */
bool watch_look(struct watch *watch, const char *path, struct stat *info);

/* Looks at path, following links: each link is watched, and the absence of a part, but not a file
 * at the end. *real, if real isn't NULL, is the path without links, owned by the caller. */
bool watch_follow(struct watch *watch, const char *path, struct stat *info, char **real);

/* The same, and a file at the end is watched, too. */
bool watch_use(struct watch *watch, const char *path, struct stat *info);

/* Whether Python takes a name beside a script for a module: *.py, *.pyc, *.so, or (is_folder) an
 * identifier. */
bool watch_is_module(const char *name, bool is_folder);

/* Waits (a few ms at most) until the clock of the file systems has moved on since the newest
 * change, so that content read from now on can't change under an unchanged stamp. */
void watch_settle(int64_t newest_ctime_ns);

/* Appends the list to out in the form that watch_check() reads. Sorts it. */
void watch_save(struct watch *watch, struct buf *out);

/* Compares a saved list with the host. Returns a set of bits: 1 << part for every part that must be
 * made anew, WATCH_CHANGED if everything must, 0 if all is as it was. A list that can't be read
 * counts as changed. */
#define WATCH_CHANGED (1u << 31)
unsigned watch_check(const char *data, size_t size);

/* Stamps the items of these parts (bits) anew in a saved list, in place. False if one of them is no
 * longer a file. */
bool watch_refresh(char *data, size_t size, unsigned parts, int64_t *newest_ctime_ns);
