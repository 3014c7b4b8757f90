/* inotify(7): watches on inodes, queues of events; the calls stand on these. */
#pragma once

#include "kernel/fd/file.h"

/* A new instance, without descriptor: NULL if there is no memory. flags: O_NONBLOCK or 0. */
struct file *inotify_create(unsigned flags);
bool inotify_is(const struct file *f);
/* Watches inode, or changes the watch it has. Returns the watch's number, or -EEXIST
 * (IN_MASK_CREATE), -ENOSPC (too many), -ENOMEM. */
int inotify_watch(struct file *f, struct inode *inode, uint32_t mask);
/* Returns 0 or -EINVAL. */
int inotify_unwatch(struct file *f, int number);
