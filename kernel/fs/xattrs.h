/* Extended attributes of in-memory inodes. */
#pragma once

#include "kernel/fs/memfs.h"

/* inode_ops of these names; they take the inode's mutex. */
int64_t memfs_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int64_t memfs_listxattr(struct inode *inode, char *list, size_t size);
int memfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
                   int flags);
void xattrs_free(struct memfs_inode *m);
