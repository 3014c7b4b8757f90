/* What /dev needs of others. */
#pragma once

#include "kernel/base/types.h"

struct file;
struct inode;
struct inode_attr;

/* These make file (new, without operations) one of a device: set its ops and private. Return 0 or
 * -errno. number: which one of several. */

/* /dev/tty and /dev/console: the program's terminal; -ENXIO: there is none. */
int devfs_open_terminal(struct file *file, uint32_t number);
/* /dev/ptmx: a new pseudo-terminal; -ENOSPC: there are too many. */
int devfs_open_ptmx(struct file *file, uint32_t number);
/* /dev/pts/NUMBER: its slave; -EIO: it is still locked. */
int devfs_open_pts(struct file *file, uint32_t number);
/* Makes the inode of the number-th that of who opened its master. */
void devfs_pts_owner(struct inode *inode, uint32_t number, const struct inode_attr *attr,
                     unsigned what);
/* Finds the first pseudo-terminal from *number on. */
bool devfs_next_pts(uint32_t *number);
