/* epoll instances, for the system calls and for files that end. */
#pragma once

#include "kernel/fd/file.h"

struct epoll_event;

/* A new instance; NULL if there is no memory. */
struct file *epoll_create(void);
bool epoll_is(const struct file *f);

/* epoll_ctl(2) on ep, which must be an instance. fd is the number f was given by: an entry belongs
 * to both. Returns 0, -EEXIST, -ENOENT, -EPERM (f cannot be waited for), -EINVAL, -ELOOP, -ENOMEM.
 */
MUST_CHECK int epoll_add(struct file *ep, struct file *f, int fd, const struct epoll_event *event);
MUST_CHECK int epoll_modify(struct file *ep, struct file *f, int fd,
                            const struct epoll_event *event);
MUST_CHECK int epoll_remove(struct file *ep, struct file *f, int fd);

/* Copies up to max events that are ready to the program's array; waits for the first until the
 * deadline (0: does not wait). Returns their number, -EFAULT, or -EINTR. */
int64_t epoll_collect(struct file *ep_file, struct uptr to, int max, uint64_t deadline_ns);

/* f ends: its entries go. Only called if it has some. */
void epoll_file_gone(struct file *f);
