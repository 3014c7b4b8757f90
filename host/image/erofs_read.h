/*
 * Reading an uncompressed EROFS file system, so that `orris image` shows what is in an image
 * without mounting it. What it reads may be damaged: every number is checked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "host/base/error.h"

struct erofs_volume {
    int fd;
    uint64_t base, size; /* where in the file it lies */
    uint64_t meta;       /* offset of the inodes in it */
    uint64_t root;       /* number of the root's inode */
    int64_t build_time;  /* of inodes without a time of their own */
};

struct erofs_file {
    uint64_t number;
    mode_t mode;
    uint64_t size;
    int64_t mtime;  /* seconds since 1970 */
    uint64_t block; /* of the whole blocks */
    uint64_t tail;  /* offset of the last bytes, or 0: they have a block, too */
};

/* size: bytes that belong to it in the file. */
bool erofs_open(struct erofs_volume *volume, int fd, uint64_t base, uint64_t size,
                struct error *err);

bool erofs_stat(const struct erofs_volume *volume, uint64_t number, struct erofs_file *file);

/* The file at path, from the root on, along folders alone. False: there is none, or it is damaged.
 */
bool erofs_find(const struct erofs_volume *volume, const char *path, struct erofs_file *file);

/* Bytes from offset on, at most size, or -1 if the volume is damaged. */
ssize_t erofs_read(const struct erofs_volume *volume, const struct erofs_file *file, void *data,
                   size_t size, uint64_t offset);

/* Calls each for every name in a folder but "." and "..". False if the volume is damaged, or if
 * each returns false. */
bool erofs_list(const struct erofs_volume *volume, const struct erofs_file *folder,
                bool (*each)(void *context, const char *name, uint64_t number), void *context);
