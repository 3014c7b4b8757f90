/* Attributes and locks of open files that have no name: pipes, sockets, event files. */
#pragma once

#include "kernel/fd/file.h"

/* The file's inode, made if it has none so far. NULL: no memory. */
struct inode *file_inode(struct file *f);
struct inode *unnamed_shared(void); /* of all that have none of their own */
/* Puts what was changed into attr. */
void unnamed_getattr(const struct inode *inode, struct inode_attr *attr);
/* As vfs_setattr; -EOPNOTSUPP for what has no attributes of its own. */
MUST_CHECK int unnamed_setattr(struct file *f, struct inode_attr *attr, unsigned what);
