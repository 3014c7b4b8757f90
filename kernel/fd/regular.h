/* Open files that stand for a thing in a filesystem: regular files, directories, O_PATH. */
#pragma once

#include "kernel/fd/file.h"

extern const struct file_ops regular_file_ops;   /* data in inode->map */
extern const struct file_ops directory_file_ops; /* names from inode->ops->iterate */
extern const struct file_ops path_file_ops;      /* O_PATH: no operations */

/* Whether f can be read or written without waiting (RWF_NOWAIT): what waits for events, and reads
 * of the page cache. */
bool file_may_nowait(const struct file *f, bool writes);

/* How many of size bytes may be written at pos: or -EPERM, -EFBIG. */
int64_t regular_write_limit(const struct filemap *map, uint64_t pos, uint64_t size);

/* What directory_file_ops.iterate does, with names that by gives: those from offset on, as
 * inode_ops.iterate does. */
typedef int (*directory_names_t)(struct file *f, uint64_t offset, dir_emit_t emit, void *arg);
int directory_iterate_by(struct file *f, directory_names_t by, dir_emit_t emit, void *arg);

/* Writes to a regular file at *pos, as its write operation does, under the inode's mutex. */
int64_t regular_write(struct file *f, struct iter *it, uint64_t *pos);
