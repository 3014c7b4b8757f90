#include "kernel/syscall/grown.h"

#include "kernel/base/errno.h"
#include "kernel/base/string.h"

/* Whether the bytes beyond what we know are zero. */
static int check_zeros(struct uptr at, size_t size)
{
    for (; size > 0; size--, at = uptr_add(at, 1)) {
        uint8_t byte;
        if (copy_from_user(&byte, at, 1))
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return 0;
}

int grown_get(void *to, size_t known, struct uptr from, size_t size)
{
    int err = size > known ? check_zeros(uptr_add(from, known), size - known) : 0;
    if (err)
        return err;
    memset(to, 0, known);
    return copy_from_user(to, from, min_u64(size, known));
}
