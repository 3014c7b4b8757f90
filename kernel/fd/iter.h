/* Where the bytes of a read go, or those of a write come from: the program's memory (one range or
 * an iovec) or the kernel's. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/types.h"

struct iter_range {
    uint64_t base; /* user address, or kernel pointer */
    uint64_t size;
};

struct iter {
    bool kernel;
    bool quiet;  /* no inotify: who copies tells it once */
    bool append; /* RWF_APPEND: what is written goes to the file's end, wherever that is then */
    bool nowait; /* RWF_NOWAIT: only what is there already */
    const struct iter_range *ranges; /* the current one first */
    uint32_t range_count;
    uint64_t range_offset; /* bytes of the first range that are done */
    uint64_t left;         /* bytes in all that are not done yet */
    struct iter_range one; /* storage when there is only one */
};

static inline void iter_ranges(struct iter *it, const struct iter_range *ranges, uint32_t count,
                               uint64_t total)
{
    it->kernel = it->quiet = it->append = it->nowait = false;
    it->ranges = ranges;
    it->range_count = count;
    it->range_offset = 0;
    it->left = total;
}

static inline void iter_user(struct iter *it, struct uptr base, size_t size)
{
    it->one = (struct iter_range){base.addr, size};
    iter_ranges(it, &it->one, 1, size);
}

static inline void iter_kernel(struct iter *it, void *base, size_t size)
{
    it->one = (struct iter_range){(uint64_t)base, size};
    iter_ranges(it, &it->one, 1, size);
    it->kernel = true;
}

/* Copies up to len bytes and moves on. Returns bytes copied: fewer than min(len, it->left) only
 * when the program's memory faulted (0: -EFAULT is the answer). May sleep. */
MUST_CHECK size_t iter_write(struct iter *it, const void *src, size_t len); /* kernel → iter */
MUST_CHECK size_t iter_read(struct iter *it, void *dst, size_t len);        /* iter → kernel */
MUST_CHECK size_t iter_write_zero(struct iter *it, size_t len);
void iter_advance(struct iter *it, size_t len);
/* Where the next bytes are, and how many are in one piece there. it->left is not 0. */
uint64_t iter_place(struct iter *it, size_t *size);
/* Undoes the last len bytes' advance (they must lie in the state saved before). Save/restore by
 * copying the struct. */
