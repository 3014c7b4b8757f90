/*
 * Files of a tree that strangers made (an archive's, a package's, an image's), looked up inside it:
 * "/" and absolute links mean the tree's root, and ".." doesn't leave it. Of the kernel where that
 * has openat2() (Linux 5.6) and lets us call it; else step by step, with the same results.
 *
 * root is a descriptor of the tree's folder; O_PATH is enough. -1 or false come with errno.
 */
#pragma once

#include <stdbool.h>

#include <dirent.h>
#include <sys/stat.h>

#include "host/base/buf.h"

enum inroot_links {
    INROOT_LINKS,    /* are followed: they are the tree's own */
    INROOT_NO_LINKS, /* nowhere in the path; ELOOP where there is one */
};

/* The tree's folder; -1 also if it is a link. */
int inroot_folder(const char *path);

/* Opens path; flags are open()'s, without O_CREAT. With O_NOFOLLOW the last part may be a link
 * only for O_PATH. */
int inroot_open(int root, const char *path, int flags, enum inroot_links links);

/* The same for a regular file to be read; anything else is EINVAL. Never waits (for a pipe's other
 * end). */
int inroot_open_file(int root, const char *path, enum inroot_links links);

/* Appends the whole file; EFBIG if it is longer than this, for memory is not a stranger's to fill.
 */
#define INROOT_TEXT_MAX (16u << 20) /* bytes */
bool inroot_read(int root, const char *path, enum inroot_links links, struct buf *out);

/* Of the file itself; follow says whether that is where a last link leads. */
bool inroot_stat(int root, const char *path, bool follow, struct stat *info);

/* As scandir(): the sorted entries of a folder, or -1. */
int inroot_scan(int root, const char *path, struct dirent ***out,
                int (*wanted)(const struct dirent *entry));

/* Opens the folder path, which is made with its parents where it isn't there. */
int inroot_make(int root, const char *path, mode_t mode);

/* Opens the folder that path lies in, made as above. *name, owned by the caller, is its last part:
 * neither empty nor "." nor "..". */
int inroot_parent(int root, const char *path, mode_t mode, char **name);
