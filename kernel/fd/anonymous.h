/* What descriptors without a name in the tree have in common (eventfd, timerfd, signalfd …). */
#pragma once

#include "kernel/base/format.h"
#include "kernel/fd/file.h"

#define ANONYMOUS_DEVICE 0xeu
#define ANONYMOUS_INO 9u

static inline void anonymous_getattr(struct file *f, struct inode_attr *attr)
{
    (void)f;
    *attr = (struct inode_attr){.ino = ANONYMOUS_INO,
                                .device = ANONYMOUS_DEVICE,
                                .mode = 0600,
                                .links = 1,
                                .block_size = PAGE_SIZE};
}

static inline size_t anonymous_describe(struct file *f, char *buf, size_t size)
{
    return format(buf, size, "anon_inode:[%s]", f->ops->name);
}
