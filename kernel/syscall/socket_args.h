/* What socket calls share: sockets by descriptor, names from and to the program. */
#pragma once

#include "kernel/fd/fdtable.h"
#include "kernel/net/socket.h"

/* The socket of fd, through its file with a new reference. Returns 0, -EBADF or -ENOTSOCK. */
MUST_CHECK int socket_get(int fd, struct file **file, struct socket **out);

/* Reads a name of size bytes. Returns 0, -EINVAL or -EFAULT. */
MUST_CHECK int socket_name_read(struct uptr from, int size, struct socket_name *out);
/* Writes as much of a name as there is room for (*size, in the program's memory, which then gets
 * the whole length). Returns 0, -EINVAL or -EFAULT. */
MUST_CHECK int socket_name_write(const struct socket_name *name, struct uptr to, struct uptr size);
