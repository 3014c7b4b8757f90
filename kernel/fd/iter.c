/* Walking along the buffers of a read or a write. See iter.h. */
#include "kernel/fd/iter.h"

#include "kernel/base/string.h"

/* The address and size of what is left of the current range, past empty ones. */
static inline uint64_t iter_part(struct iter *it, size_t len, size_t *size)
{
    while (it->ranges->size == it->range_offset) {
        it->ranges++;
        it->range_count--;
        it->range_offset = 0;
    }
    *size = min_u64(len, it->ranges->size - it->range_offset);
    return it->ranges->base + it->range_offset;
}

enum transfer { TO_ITER, FROM_ITER, ZERO_ITER };

/* Returns how many bytes were not moved. */
static size_t move_part(const struct iter *it, uint64_t at, void *data, size_t size,
                        enum transfer what)
{
    struct uptr user = {at};
    if (LIKELY(!it->kernel)) {
        if (what == TO_ITER)
            return copy_to_user_partial(user, data, size);
        return what == FROM_ITER ? copy_from_user_partial(data, user, size)
                                 : clear_user_partial(user, size);
    }
    if (what == TO_ITER)
        memcpy((void *)at, data, size);
    else if (what == FROM_ITER)
        memcpy(data, (const void *)at, size);
    else
        memset((void *)at, 0, size);
    return 0;
}

static size_t iter_move(struct iter *it, char *data, size_t len, enum transfer what)
{
    size_t done = 0;
    len = min_u64(len, it->left);
    while (done < len) {
        size_t size;
        uint64_t at = iter_part(it, len - done, &size);
        size_t missed = move_part(it, at, data ? data + done : NULL, size, what);
        size -= missed;
        it->range_offset += size;
        it->left -= size;
        done += size;
        if (UNLIKELY(missed > 0))
            break;
    }
    return done;
}

/* Nearly every transfer lies within one range of the program's memory. */
static inline bool in_one_range(const struct iter *it, size_t len)
{
    return !it->kernel && len != 0 && len <= it->ranges->size - it->range_offset;
}

static inline size_t moved(struct iter *it, size_t done)
{
    it->range_offset += done;
    it->left -= done;
    return done;
}

size_t iter_write(struct iter *it, const void *src, size_t len)
{
    len = min_u64(len, it->left);
    if (UNLIKELY(!in_one_range(it, len)))
        return iter_move(it, (char *)(uintptr_t)src, len, TO_ITER);
    struct uptr to = {it->ranges->base + it->range_offset};
    return moved(it, len - copy_to_user_partial(to, src, len));
}

size_t iter_read(struct iter *it, void *dst, size_t len)
{
    len = min_u64(len, it->left);
    if (UNLIKELY(!in_one_range(it, len)))
        return iter_move(it, dst, len, FROM_ITER);
    struct uptr from = {it->ranges->base + it->range_offset};
    return moved(it, len - copy_from_user_partial(dst, from, len));
}

size_t iter_write_zero(struct iter *it, size_t len)
{
    return iter_move(it, NULL, len, ZERO_ITER);
}

uint64_t iter_place(struct iter *it, size_t *size)
{
    return iter_part(it, it->left, size);
}

void iter_advance(struct iter *it, size_t len)
{
    len = min_u64(len, it->left);
    while (len > 0) {
        size_t size;
        (void)iter_part(it, len, &size);
        it->range_offset += size;
        it->left -= size;
        len -= size;
    }
}
