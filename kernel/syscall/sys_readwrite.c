/* Moving bytes: read, write, their forms with an offset and with many buffers; lseek. */
#include <linux/fs.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/pidfd.h"
#include "kernel/fd/regular.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/syscall.h"

enum direction { READ, WRITE };

static int file_for(int fd, bool positioned, enum direction direction, struct file **out)
{
    int err = fd_get(fd, out);
    if (err)
        return err;
    if (positioned && !(*out)->ops->seek)
        err = -ESPIPE;
    else if (direction == READ ? !file_readable(*out) : !file_writable(*out))
        err = -EBADF;
    if (err)
        file_put(*out);
    return err;
}

static int64_t transfer(struct file *f, struct iter *it, uint64_t *pos, enum direction direction)
{
    return direction == READ ? file_read(f, it, pos) : file_write(f, it, pos);
}

static int may_move(const struct file *f, enum direction direction)
{
    return (direction == READ ? f->ops->read != NULL : f->ops->write != NULL) ? 0 : -EINVAL;
}

/* Whether what is to be moved would end beyond all positions. */
static bool too_far(const uint64_t *pos, uint64_t size)
{
    return UNLIKELY(pos && (int64_t)(*pos + size) < 0);
}

/* At the file's own position, or at *pos. */
static int64_t transfer_one(int fd, struct uptr buf, size_t size, uint64_t *pos,
                            enum direction direction)
{
    struct file *f;
    struct iter it;
    int err = file_for(fd, pos, direction, &f);
    if (err)
        return err;
    int64_t n;
    if (UNLIKELY(!user_range_ok(buf, size))) {
        n = may_move(f, direction);
        n = n ? n : -EFAULT;
    } else if (too_far(pos, size)) {
        n = -EINVAL;
    } else {
        iter_user(&it, buf, min_u64(size, TRANSFER_MAX));
        n = transfer(f, &it, pos, direction);
    }
    file_put(f);
    return n;
}

int64_t sys_read(int fd, struct uptr buf, size_t size)
{
    return transfer_one(fd, buf, size, NULL, READ);
}

int64_t sys_write(int fd, struct uptr buf, size_t size)
{
    return transfer_one(fd, buf, size, NULL, WRITE);
}

int64_t sys_pread64(int fd, struct uptr buf, size_t size, int64_t offset)
{
    uint64_t pos = (uint64_t)offset;
    return offset < 0 ? -EINVAL : transfer_one(fd, buf, size, &pos, READ);
}

int64_t sys_pwrite64(int fd, struct uptr buf, size_t size, int64_t offset)
{
    uint64_t pos = (uint64_t)offset;
    return offset < 0 ? -EINVAL : transfer_one(fd, buf, size, &pos, WRITE);
}

static int64_t transfer_many(int fd, struct uptr ranges, uint64_t count, uint64_t *pos,
                             enum direction direction, unsigned flags)
{
    struct file *f;
    struct user_iovec v;
    int64_t n = file_for(fd, pos, direction, &f);
    if (n)
        return n;
    n = may_move(f, direction);
    if (!n)
        n = user_iovec_get(&v, ranges, count);
    if (!n && flags & RWF_NOWAIT && !file_may_nowait(f, direction == WRITE)) {
        user_iovec_put(&v);
        n = -EOPNOTSUPP;
    }
    if (!n) {
        v.it.append = flags & RWF_APPEND;
        v.it.nowait = flags & RWF_NOWAIT;
        n = !v.it.left                ? 0
            : too_far(pos, v.it.left) ? -EINVAL
            : flags & ~RW_FLAGS       ? -EOPNOTSUPP
                                      : transfer(f, &v.it, pos, direction);
        user_iovec_put(&v);
    }
    file_put(f);
    return n;
}

int64_t sys_readv(int fd, struct uptr ranges, uint64_t count)
{
    return transfer_many(fd, ranges, count, NULL, READ, 0);
}

int64_t sys_writev(int fd, struct uptr ranges, uint64_t count)
{
    return transfer_many(fd, ranges, count, NULL, WRITE, 0);
}

int64_t sys_preadv(int fd, struct uptr ranges, uint64_t count, int64_t offset)
{
    uint64_t pos = (uint64_t)offset;
    return offset < 0 ? -EINVAL : transfer_many(fd, ranges, count, &pos, READ, 0);
}

int64_t sys_pwritev(int fd, struct uptr ranges, uint64_t count, int64_t offset)
{
    uint64_t pos = (uint64_t)offset;
    return offset < 0 ? -EINVAL : transfer_many(fd, ranges, count, &pos, WRITE, 0);
}

/* Offset -1 is the file's own position. What RW_FLAGS doesn't name needs nothing. */
int64_t sys_preadv2(int fd, struct uptr ranges, uint64_t count, int64_t offset, uint64_t high,
                    unsigned flags)
{
    uint64_t pos = (uint64_t)offset;
    (void)high;
    if (offset < -1)
        return -EINVAL;
    return transfer_many(fd, ranges, count, offset == -1 ? NULL : &pos, READ, flags);
}

int64_t sys_pwritev2(int fd, struct uptr ranges, uint64_t count, int64_t offset, uint64_t high,
                     unsigned flags)
{
    uint64_t pos = (uint64_t)offset;
    (void)high;
    if (offset < -1)
        return -EINVAL;
    return transfer_many(fd, ranges, count, offset == -1 ? NULL : &pos, WRITE, flags);
}

int64_t sys_lseek(int fd, int64_t offset, int whence)
{
    struct file *f;
    int64_t result = fd_get(fd, &f);
    if (result)
        return result;
    result = (unsigned)whence > SEEK_MAX ? -EINVAL : -ESPIPE;
    if (f->ops->seek && result == -ESPIPE) {
        mutex_lock(&f->pos_lock);
        result = f->ops->seek(f, offset, whence);
        mutex_unlock(&f->pos_lock);
    } else if (result == -ESPIPE && !file_type(f) && !pidfd_is(f)) {
        result = 0; /* an eventfd and the like is asked in vain, without an error */
    }
    file_put(f);
    return result;
}
