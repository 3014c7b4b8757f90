/* inotify(7): watches on inodes, queues of events; the calls stand on these. */
#pragma once

#include "kernel/fd/file.h"

#define INOTIFY_INSTANCES_MAX 1024
#define INOTIFY_WATCHES_MAX 65536 /* of all instances */

/* Whether there can be no other instance (-EMFILE). */
bool inotify_instances_full(void);
/* A new instance, without descriptor: NULL if there is no memory, or they are too many. flags:
 * O_NONBLOCK or 0. */
struct file *inotify_create(unsigned flags);
bool inotify_is(const struct file *f);
/* Watches inode, or changes the watch it has. Returns the watch's number, or -EEXIST
 * (IN_MASK_CREATE), -ENOSPC (too many), -ENOMEM. */
int inotify_watch(struct file *f, struct inode *inode, uint32_t mask);
/* Returns 0 or -EINVAL. */
int inotify_unwatch(struct file *f, int number);
