/*
 * Files that come into being whole: written without a name, named when complete, so that nothing is
 * left behind however the tool ends.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

struct fresh_file {
    int fd;     /* open for reading and writing, close-on-exec */
    char *path; /* a temporary name, where the file system has no files without one */
};

bool fresh_open(struct fresh_file *file, const char *folder, struct error *err);

/* Gives the file its name, in place of what had it, and closes it. On failure the file is still to
 * be dropped. */
bool fresh_keep(struct fresh_file *file, const char *path, struct error *err);

/* The same, but *fd is left open for the caller. */
bool fresh_keep_open(struct fresh_file *file, const char *path, int *fd, struct error *err);
void fresh_drop(struct fresh_file *file);
