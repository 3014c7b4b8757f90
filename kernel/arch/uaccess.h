/* The only way to touch the program's memory. All of these may sleep (a page fault may read from
 * disk or wait for memory), so never call them under a spin lock. */
#pragma once

#include "kernel/base/types.h"

/* An address the program gave us. Not a pointer on purpose: it cannot be dereferenced, only passed
 * to the functions below. */
struct uptr {
    uint64_t addr;
};

static inline struct uptr uptr_add(struct uptr p, uint64_t bytes)
{
    return (struct uptr){p.addr + bytes};
}

static inline bool uptr_is_null(struct uptr p)
{
    return p.addr == 0;
}

/* Copies and returns how many bytes could NOT be copied (0: all). */
MUST_CHECK size_t copy_to_user_partial(struct uptr dst, const void *src, size_t len);
MUST_CHECK size_t copy_from_user_partial(void *dst, struct uptr src, size_t len);
MUST_CHECK size_t clear_user_partial(struct uptr dst, size_t len);

/* Copies all of len bytes. Returns 0 or -EFAULT (some bytes may then have been copied). */
MUST_CHECK int copy_to_user(struct uptr dst, const void *src, size_t len);
MUST_CHECK int copy_from_user(void *dst, struct uptr src, size_t len);

/* Copies a NUL-terminated string of at most size bytes, NUL included. Returns its length without
 * the NUL, -EFAULT, or -ENAMETOOLONG if there is no NUL in size bytes. */
MUST_CHECK int64_t copy_string_from_user(char *dst, struct uptr src, size_t size);

/* Whether [p, p+len) lies in the half of the address space that is the program's. */
bool user_range_ok(struct uptr p, size_t len);

/* One aligned 32-bit word, for futexes. */
MUST_CHECK int user_load_u32(struct uptr p, uint32_t *value);
/* Compare and exchange: *seen gets what was there. Returns 0 or -EFAULT. */
MUST_CHECK int user_cmpxchg_u32(struct uptr p, uint32_t expected, uint32_t desired, uint32_t *seen);
