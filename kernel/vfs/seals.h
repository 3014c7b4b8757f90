/* Seals of memfds: fcntl(2) F_ADD_SEALS and F_GET_SEALS. */
#pragma once

#include "kernel/fd/file.h"

/* Returns 0, or -EINVAL (no memfd, unknown seal), -EPERM (not writable, or sealed), -EBUSY. */
MUST_CHECK int seals_add(struct file *f, unsigned seals);
/* The seals, or -EINVAL. */
int seals_get(const struct file *f);
