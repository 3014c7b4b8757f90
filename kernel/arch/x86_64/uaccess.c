/* Copies between kernel and program. The range check keeps kernel addresses out; faults inside the
 * range end the copy early through the exception table (entry.S). */
#include "kernel/arch/uaccess.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/base/errno.h"

size_t user_copy_raw(void *dst, const void *src, size_t len);
size_t user_clear_raw(void *dst, size_t len);
int64_t user_string_raw(char *dst, const char *src, size_t size);
int user_load32_raw(uint32_t *value, const uint32_t *src);
int user_cmpxchg32_raw(uint32_t *dst, uint32_t expected, uint32_t desired, uint32_t *seen);

bool user_range_ok(struct uptr p, size_t len)
{
    return len <= USER_END_ASM && p.addr <= USER_END_ASM - len;
}

/* How much of the range lies in the program's half. */
static size_t clip(struct uptr p, size_t len)
{
    if (LIKELY(user_range_ok(p, len))) {
        return len;
    }
    return p.addr >= USER_END_ASM ? 0 : USER_END_ASM - p.addr;
}

size_t copy_to_user_partial(struct uptr dst, const void *src, size_t len)
{
    size_t part = clip(dst, len);
    cpu_user_access_begin();
    size_t left = user_copy_raw((void *)dst.addr, src, part);
    cpu_user_access_end();
    return left + (len - part);
}

size_t copy_from_user_partial(void *dst, struct uptr src, size_t len)
{
    size_t part = clip(src, len);
    cpu_user_access_begin();
    size_t left = user_copy_raw(dst, (const void *)src.addr, part);
    cpu_user_access_end();
    return left + (len - part);
}

size_t clear_user_partial(struct uptr dst, size_t len)
{
    size_t part = clip(dst, len);
    cpu_user_access_begin();
    size_t left = user_clear_raw((void *)dst.addr, part);
    cpu_user_access_end();
    return left + (len - part);
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    return copy_to_user_partial(dst, src, len) ? -EFAULT : 0;
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    return copy_from_user_partial(dst, src, len) ? -EFAULT : 0;
}

int64_t copy_string_from_user(char *dst, struct uptr src, size_t size)
{
    size_t part = clip(src, size);
    cpu_user_access_begin();
    int64_t length = user_string_raw(dst, (const char *)src.addr, part);
    cpu_user_access_end();
    if (length < 0) {
        return -EFAULT;
    }
    if ((size_t)length < part) {
        return length;
    }
    return part < size ? -EFAULT : -ENAMETOOLONG;
}

int user_load_u32(struct uptr p, uint32_t *value)
{
    if (!user_range_ok(p, sizeof(*value))) {
        return -EFAULT;
    }
    cpu_user_access_begin();
    int err = user_load32_raw(value, (const uint32_t *)p.addr);
    cpu_user_access_end();
    return err ? -EFAULT : 0;
}

int user_cmpxchg_u32(struct uptr p, uint32_t expected, uint32_t desired, uint32_t *seen)
{
    if (!user_range_ok(p, sizeof(*seen))) {
        return -EFAULT;
    }
    cpu_user_access_begin();
    int err = user_cmpxchg32_raw((uint32_t *)p.addr, expected, desired, seen);
    cpu_user_access_end();
    return err ? -EFAULT : 0;
}
