/*
 * Advisory locks: flock(2), and record locks of fcntl(2), both the process's (POSIX) and an open
 * file's (OFD). They stand in inode->flocks.
 */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/fd/file.h"

/* flock(2): operation is LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB. Sleeps. Returns 0,
 * -EWOULDBLOCK, -EINVAL, -ENOMEM, -ERESTARTSYS. */
MUST_CHECK int flock_whole(struct file *f, int operation);

/* fcntl(2) F_GETLK, F_SETLK, F_SETLKW and F_OFD_*: arg is a struct flock in the program's memory.
 * Sleeps. Returns 0, -EAGAIN, -EBADF, -EINVAL, -EFAULT, -ENOMEM, -ERESTARTSYS. */
MUST_CHECK int flock_fcntl(struct file *f, int command, struct uptr arg);

/* The lines of /proc/PID/fdinfo for the locks that were taken through f. Returns their length, and
 * writes up to size bytes of them. */
size_t flock_info(struct file *f, char *buf, size_t size);

/* A descriptor of f was closed: the process's record locks on its file go. Cheap if there are
 * none. */
void flock_closed(struct file *f);
/* The open file ends: so do its locks. */
void flock_released(struct file *f);
