/*
 * Paths that the program passes, with the descriptor they are relative to. A path lives on the
 * kernel stack if it is short, so that most calls allocate nothing.
 */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/fd/file.h"
#include "kernel/vfs/vfs.h"

struct user_path {
    const char *text;
    struct dentry *base; /* for vfs_lookup: NULL is the current directory */
    struct file *dir;    /* holds base; or NULL */
    char *long_text;     /* ours to free; or NULL */
    char short_text[232];
};

/* Copies a path in. dirfd is a descriptor or AT_FDCWD. Returns 0 or -EFAULT, -ENAMETOOLONG,
 * -ENOENT (empty, unless flags has AT_EMPTY_PATH), -EBADF, -ENOTDIR (dirfd is no directory and the
 * path is relative and not empty), -ENOMEM. On success user_path_put() must follow. */
MUST_CHECK int user_path_get(struct user_path *p, int dirfd, struct uptr path, unsigned flags);
void user_path_put(struct user_path *p);

/* The dentry a path names, with a reference. flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; others are
 * the caller's to refuse. Errors as above, as vfs_lookup's, and -EXDEV for an empty path on a
 * descriptor that has no dentry. */
MUST_CHECK int user_path_lookup(int dirfd, struct uptr path, unsigned flags, struct dentry **out);

/* The dentry of a descriptor, with a reference: also for O_PATH files if allow_path. Returns 0 or
 * -EBADF; or -EXDEV if the file has none. */
MUST_CHECK int fd_dentry_get(int fd, bool allow_path, struct dentry **out);
