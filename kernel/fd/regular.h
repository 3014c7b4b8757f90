/* Open files that stand for a thing in a filesystem: regular files, directories, O_PATH. */
#pragma once

#include "kernel/fd/file.h"

extern const struct file_ops regular_file_ops;   /* data in inode->map */
extern const struct file_ops directory_file_ops; /* names from inode->ops->iterate */
extern const struct file_ops path_file_ops;      /* O_PATH: no operations */

/* Writes to a regular file at *pos, as its write operation does, under the inode's mutex. */
int64_t regular_write(struct file *f, struct iter *it, uint64_t *pos);
