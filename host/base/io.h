/*
 * Whole reads and writes: interrupted and partial transfers are carried on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "host/base/buf.h"
#include "host/base/error.h"

/* Bytes read before the end of the file (at most size), or -1 with errno. */
ssize_t io_pread(int fd, void *data, size_t size, off_t offset);

/* All size bytes, or false with errno set. */
bool io_write(int fd, const void *data, size_t size);
/* The same to a new file on a disk, where long runs of zeros become holes. Whoever is done sets the
 * file's size, for it may end in one. */
bool io_write_sparse(int fd, const void *data, size_t size);
bool io_pwrite(int fd, const void *data, size_t size, off_t offset);

/* Appends what is left of the file, or false with errno set. */
bool io_read_all(int fd, struct buf *out);
/* Appends the whole file to out. A missing file is an error with errno ENOENT. */
bool io_read_file(const char *path, struct buf *out, struct error *err);
/* Whether there is such a file, which is no folder and may be read. */
bool io_can_read(const char *path);

/* Makes path a file with these bytes, whole or not at all. mode 0666 is narrowed by the umask, any
 * other is taken exactly. */
bool io_write_file(const char *path, const void *data, size_t size, mode_t mode, struct error *err);
