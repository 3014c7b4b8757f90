/* Taking in lists of buffers. See iovec.h. */
#include "kernel/syscall/iovec.h"

#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"

/* struct iovec and struct iter_range have the same layout. */
_Static_assert(sizeof(struct iter_range) == 16, "iovec layout");

/* Checks the sizes and cuts what is too much in all. */
static int ranges_check(struct iter_range *ranges, uint64_t count, uint64_t *total)
{
    *total = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (ranges[i].size > INT64_MAX)
            return -EINVAL;
        if (!user_range_ok((struct uptr){ranges[i].base}, ranges[i].size))
            return -EFAULT;
        ranges[i].size = min_u64(ranges[i].size, TRANSFER_MAX - *total);
        *total += ranges[i].size;
    }
    return 0;
}

int user_iovec_get(struct user_iovec *v, struct uptr array, uint64_t count)
{
    uint64_t total;
    if (count > IOVEC_COUNT_MAX)
        return -EINVAL;
    struct iter_range *ranges = v->short_ranges;
    v->long_ranges = NULL;
    if (count > IOVEC_SHORT) {
        ranges = v->long_ranges = heap_alloc(count * sizeof(*ranges));
        if (!ranges)
            return -ENOMEM;
    }
    int err = copy_from_user(ranges, array, count * sizeof(*ranges));
    if (!err)
        err = ranges_check(ranges, count, &total);
    if (err) {
        heap_free(v->long_ranges);
        return err;
    }
    iter_ranges(&v->it, ranges, (uint32_t)count, total);
    return 0;
}

void user_iovec_put(struct user_iovec *v)
{
    if (UNLIKELY(v->long_ranges != NULL))
        heap_free(v->long_ranges);
}
