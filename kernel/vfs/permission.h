/*
 * What the current thread may do with files: its filesystem ids and capabilities
 * (kernel/proc/cred.h) against an inode's owner, group and mode. Each returns 0, or what the call
 * fails with.
 */
#pragma once

#include "kernel/vfs/vfs.h"

#define MAY_EXEC 1u /* directories: search */
#define MAY_WRITE 2u
#define MAY_READ 4u

/* -EACCES */
MUST_CHECK int inode_permission(const struct inode *inode, unsigned wanted);
/* Whether the thread owns inode or has CAP_FOWNER. */
bool inode_owner_or_capable(const struct inode *inode);
/* Making a name in dir: -EACCES. */
MUST_CHECK int may_create(const struct inode *dir);
/* Taking away or moving a name of dir that stands for inode: -EACCES, -EPERM (sticky). */
MUST_CHECK int may_delete(const struct inode *dir, const struct inode *inode);
extern bool protected_hardlinks; /* /proc/sys/fs */
/* Another name for inode, made by a path: -EPERM (protected_hardlinks). */
MUST_CHECK int may_link(const struct inode *inode);
/* Setting what (ATTR_*) to attr: -EPERM, -EACCES. Of the mode it leaves what the thread may set; a
 * new owner takes the set-id bits of what can be executed. */
MUST_CHECK int may_setattr(const struct inode *inode, struct inode_attr *attr, unsigned *what);
/* Opening with these O_* flags: -EACCES, -EPERM (O_NOATIME). */
MUST_CHECK int may_open(const struct inode *inode, unsigned flags);
/* Whether the thread may search every directory, so that lookups needn't ask. */
bool may_search_all(void);

/* Owner and group of a new inode in dir, and what of mode it gets. */
void inode_init_owner(struct inode *inode, const struct inode *dir, uint32_t mode);
/* Somebody writes or truncates: the set-id bits go, and the capabilities. The last thing under
 * inode's mutex, which is let go of meanwhile. */
void inode_remove_privileges(struct inode *inode);
/* The same of the capabilities alone: inode->capable is true. */
void inode_remove_capabilities(struct inode *inode);
