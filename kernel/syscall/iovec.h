/* Lists of buffers, as readv(2) and others take them. */
#pragma once

#include <linux/fs.h>

#include "kernel/fd/iter.h"

#define IOVEC_COUNT_MAX 1024
#define IOVEC_SHORT 8
#define RW_FLAGS ((unsigned)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOWAIT))
#define TRANSFER_MAX 0x7ffff000ul /* bytes that one call moves */

struct user_iovec {
    struct iter it;
    struct iter_range *long_ranges; /* ours to free; or NULL */
    struct iter_range short_ranges[IOVEC_SHORT];
};

/* Copies an array of count struct iovec in. Returns 0, -EINVAL, -EFAULT, -ENOMEM; on success
 * user_iovec_put() must follow. */
MUST_CHECK int user_iovec_get(struct user_iovec *v, struct uptr ranges, uint64_t count);
void user_iovec_put(struct user_iovec *v);
