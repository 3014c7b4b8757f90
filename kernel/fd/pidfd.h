/* pidfd_open(2): a descriptor of a process. There is only one, and while its descriptors are open
 * it lives, so nothing about it ever becomes ready. */
#pragma once

#include "kernel/fd/file.h"

/* pid: what /proc/self/fdinfo tells; flags: O_NONBLOCK. NULL: no memory. */
struct file *pidfd_create(int pid, unsigned flags);
bool pidfd_is(const struct file *f);
/* The file of fd, which must be a pidfd, with a new reference: 0 or -EBADF. */
MUST_CHECK int pidfd_get(int fd, struct file **out);
