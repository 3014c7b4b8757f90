/* The folder that becomes a layer ("tree"), whose files are strangers': looking at it, and putting
 * links, folders and files into it. guest is the path in the image; links on the way are the tree's
 * own, and nothing outside it is read or written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "host/base/buf.h"
#include "host/base/error.h"

/* On the host, as text: for programs that walk a folder without following links. Owned by the
 * caller. */
char *place_path(const char *tree, const char *guest);

/* Whether there is such a file; follow: where a last link leads. */
bool place_stat(const char *tree, const char *guest, bool follow, struct stat *info);
bool place_exists(const char *tree, const char *guest);

/* The sorted entries of a folder that are wanted, as scandir() gives them; 0 if it isn't there. */
int place_scan(const char *tree, const char *folder, struct dirent ***out,
               int (*wanted)(const struct dirent *entry));

/* Appends the whole of a regular file. */
bool place_read(const char *tree, const char *guest, struct buf *out, struct error *err);

/* The text of a link, owned by the caller; NULL if it is none. */
char *place_read_link(const char *tree, const char *guest);

/* A link at guest, in place of whatever file or link is there; parents are made. */
bool place_link(const char *tree, const char *guest, const char *target, struct error *err);
bool place_folder(const char *tree, const char *guest, mode_t mode, struct error *err);
bool place_file(const char *tree, const char *guest, const void *data, size_t size,
                struct error *err);

/* Removes a file or link, if there is one; folders stay. */
bool place_remove(const char *tree, const char *guest, struct error *err);
