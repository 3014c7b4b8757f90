/* The process's descriptors. */
#pragma once

#include "kernel/fd/file.h"

#define FD_MAX 1048576

/* The file of fd with a new reference: 0, or -EBADF (also for O_PATH files unless allow_path). */
MUST_CHECK int fd_get(int fd, struct file **out);
/* What a call with bad arguments answers: -EBADF if fd isn't open, else err. */
int fd_refuse(int fd, int err);
MUST_CHECK int fd_get_path(int fd, struct file **out); /* O_PATH files too */
/* The lowest free descriptor >= min for f, taking over the caller's reference on success only.
 * Returns it or -EMFILE, -ENOMEM, -EINVAL (min too high). */
MUST_CHECK int fd_install(struct file *f, int min, bool cloexec);
/* Shorthand: installs or drops the reference; f may be an error's NULL. */
int fd_install_or_put(struct file *f, bool cloexec);
/* The lowest free descriptor, for a file whose making has effects that can't be undone: first comes
 * the descriptor, or -EMFILE, -ENOMEM. Then fd_settle() installs f there and returns fd, or gives
 * the descriptor up and returns err. */
MUST_CHECK int fd_reserve(void);
int fd_settle(int fd, int err, struct file *f, bool cloexec);
/* Puts f at exactly fd, closing what was there; takes over the caller's reference on success only.
 * Returns fd, or -EBADF (beyond RLIMIT_NOFILE), -EBUSY (reserved), -ENOMEM. */
MUST_CHECK int fd_replace(int fd, struct file *f, bool cloexec);
int fd_close(int fd);
int fd_close_range(unsigned first, unsigned last, bool only_set_cloexec);
void fd_close_on_exec(void);
void fd_close_all(void);
int fd_get_flags(int fd); /* FD_CLOEXEC or 0, or -EBADF */
int fd_set_flags(int fd, int flags);
/* The next descriptor in use >= fd, or -1; for /proc/self/fd. */
int fd_next(int fd);
unsigned fd_count(void);
