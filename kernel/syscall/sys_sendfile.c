/*
 * Copying between descriptors inside the kernel: sendfile and copy_file_range. What is read is
 * written whole before the next part is read, and the source's position moves only past what was
 * written.
 */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/pipe.h"
#include "kernel/fd/regular.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/splice.h"
#include "kernel/syscall/syscall.h"

#define PART_SIZE 32768u

/* One part. *from moves past what was written. Returns bytes written. */
static int64_t copy_part(struct file *in, uint64_t *from, struct file *out, uint64_t *to, char *buf,
                         size_t size)
{
    struct iter it;
    uint64_t at = *from;
    iter_kernel(&it, buf, size);
    it.quiet = true;
    int64_t n = file_read(in, &it, &at);
    if (n <= 0)
        return n;
    iter_kernel(&it, buf, (size_t)n);
    it.quiet = true;
    n = file_write(out, &it, to);
    if (n > 0)
        *from += (uint64_t)n;
    return n;
}

static int64_t copy_all(struct file *in, uint64_t *from, struct file *out, uint64_t *to,
                        size_t size)
{
    int64_t done = 0;
    char *buf = heap_alloc(min_u64(size, PART_SIZE));
    if (!buf)
        return -ENOMEM;
    while ((uint64_t)done < size) {
        size_t part = min_u64(size - (uint64_t)done, PART_SIZE);
        int64_t n = copy_part(in, from, out, to, buf, part);
        if (n < 0 && done == 0)
            done = n;
        if (n <= 0)
            break;
        done += n;
        if ((size_t)n < part && out->ops->waitq && (out->flags & O_NONBLOCK))
            break;
        cond_resched(); /* gigabytes may follow */
        if (thread_current()->interrupted)
            break;
    }
    heap_free(buf);
    if (done > 0) {
        file_notify(in, IN_ACCESS);
        file_notify(out, IN_MODIFY);
    }
    return done;
}

/* A position the caller passed by reference, or the file's own. */
static int position_get(struct file *f, struct uptr offset, uint64_t *pos)
{
    if (uptr_is_null(offset)) {
        mutex_lock(&f->pos_lock);
        *pos = f->pos;
        mutex_unlock(&f->pos_lock);
        return 0;
    }
    return copy_from_user(pos, offset, sizeof(*pos));
}

static int position_put(struct file *f, struct uptr offset, uint64_t pos)
{
    if (!uptr_is_null(offset))
        return copy_to_user(offset, &pos, sizeof(pos));
    mutex_lock(&f->pos_lock);
    f->pos = pos;
    mutex_unlock(&f->pos_lock);
    return 0;
}

static bool appends(const struct file *out)
{
    return (out->flags & O_APPEND) && !pipe_is(out);
}

/* What can't be sought in goes into a pipe alone, where it isn't lost. */
static bool send_allowed(const struct file *in, const struct file *out)
{
    return splice_reads(in) && splice_writes(out) &&
           (in->ops->seek || (pipe_is(out) && !pipe_is(in)));
}

/* In Linux's order: all about the source comes first. */
static int64_t send_file(int out_fd, struct file *in, struct uptr offset, size_t size)
{
    uint64_t from;
    struct file *out;
    if (!file_readable(in))
        return -EBADF;
    if (!in->ops->seek && !uptr_is_null(offset))
        return -ESPIPE;
    int err = position_get(in, offset, &from);
    if (!err && (from > INT64_MAX || from + size > INT64_MAX))
        err = -EINVAL;
    if (!err)
        err = fd_get(out_fd, &out);
    if (err)
        return err;
    int64_t n = file_writable(out) ? 0 : -EBADF;
    bool too_far = out->ops->seek && out->pos + size > INT64_MAX;
    if (!n && (appends(out) || too_far || (size && !send_allowed(in, out))))
        n = -EINVAL;
    if (!n && size)
        n = in->ops->seek ? copy_all(in, &from, out, NULL, min_u64(size, TRANSFER_MAX))
                          : splice_to_pipe(in, NULL, out, size, 0);
    file_put(out);
    err = n > 0 ? position_put(in, offset, from) : 0;
    return err ? err : n;
}

static int two_files_get(int fd_a, int fd_b, struct file **a, struct file **b)
{
    int err = fd_get(fd_a, a);
    if (err)
        return err;
    err = fd_get(fd_b, b);
    if (err)
        file_put(*a);
    return err;
}

int64_t sys_sendfile(int out_fd, int in_fd, struct uptr offset, size_t size)
{
    struct file *in;
    uint64_t first;
    if (!uptr_is_null(offset) && copy_from_user(&first, offset, sizeof(first)))
        return -EFAULT;
    int err = fd_get(in_fd, &in);
    if (err)
        return err;
    int64_t n = send_file(out_fd, in, offset, size);
    file_put(in);
    return n;
}

static int copy_check(const struct file *in, const struct file *out)
{
    if ((in->inode && inode_is_dir(in->inode)) || (out->inode && inode_is_dir(out->inode)))
        return -EISDIR;
    if (!in->inode || !inode_is_regular(in->inode) || !out->inode || !inode_is_regular(out->inode))
        return -EINVAL;
    if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
        return -EBADF;
    if (in->inode->fs != out->inode->fs)
        return -EXDEV;
    return in->inode->map && out->inode->map ? 0 : -EINVAL;
}

/* What can be copied of size bytes: 0 and *size, or why not, in Linux's order. */
static int copy_range_check(const struct file *in, uint64_t from, const struct file *out,
                            uint64_t to, size_t *size)
{
    if (from + *size < from || to + *size < to)
        return -EOVERFLOW;
    if (from > INT64_MAX || to > INT64_MAX)
        return -EINVAL;
    uint64_t in_size = in->inode->map->size;
    *size = from < in_size ? min_u64(*size, in_size - from) : 0;
    int64_t allowed = regular_write_limit(out->inode->map, to, *size);
    if (allowed < 0)
        return (int)allowed;
    *size = (size_t)allowed;
    if (in->inode == out->inode && from < to + *size && to < from + *size)
        return -EINVAL;
    return 0;
}

static int64_t copy_range(struct file *in, struct uptr off_in, struct file *out,
                          struct uptr off_out, size_t size)
{
    uint64_t from, to;
    int err = position_get(in, off_in, &from);
    if (!err)
        err = position_get(out, off_out, &to);
    if (!err)
        err = copy_check(in, out);
    if (err)
        return err;
    err = copy_range_check(in, from, out, to, &size);
    if (err)
        return err;
    size = min_u64(size, TRANSFER_MAX);
    int64_t n = size ? copy_all(in, &from, out, &to, size) : 0;
    if (n > 0)
        err = position_put(in, off_in, from);
    if (n > 0 && !err)
        err = position_put(out, off_out, to);
    return err ? err : n;
}

int64_t sys_copy_file_range(int in_fd, struct uptr off_in, int out_fd, struct uptr off_out,
                            size_t size, unsigned flags)
{
    struct file *in, *out;
    int err = two_files_get(in_fd, out_fd, &in, &out);
    if (err)
        return err;
    int64_t n = flags ? -EINVAL : copy_range(in, off_in, out, off_out, size);
    file_put(in);
    file_put(out);
    return n;
}
