/* pipe and pipe2; splice, tee and vmsplice, which copy. */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/signal.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/pipe.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/splice.h"
#include "kernel/syscall/syscall.h"

#define SPLICE_MOVE 0x1u
#define SPLICE_NONBLOCK 0x2u
#define SPLICE_MORE 0x4u
#define SPLICE_GIFT 0x8u
#define SPLICE_FLAGS (SPLICE_MOVE | SPLICE_NONBLOCK | SPLICE_MORE | SPLICE_GIFT)
#define PART_BYTES 16384u

static int install_both(struct file *files[2], bool cloexec, int fds[2])
{
    fds[0] = fd_install(files[0], 0, cloexec);
    if (fds[0] < 0) {
        file_put(files[0]);
        file_put(files[1]);
        return fds[0];
    }
    fds[1] = fd_install(files[1], 0, cloexec);
    if (fds[1] < 0) {
        file_put(files[1]);
        (void)fd_close(fds[0]);
        return fds[1];
    }
    return 0;
}

int64_t sys_pipe2(struct uptr out, unsigned flags)
{
    struct file *files[2];
    int fds[2];
    if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int err = pipe_create(flags & (O_NONBLOCK | O_DIRECT), capable(CAP_SYS_RESOURCE), files);
    if (!err)
        err = install_both(files, (flags & O_CLOEXEC) != 0, fds);
    if (!err && copy_to_user(out, fds, sizeof(fds))) {
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
        err = -EFAULT;
    }
    return err;
}

int64_t sys_pipe(struct uptr out)
{
    return sys_pipe2(out, 0);
}

/* Waits until f is ready, unless the call or f must not wait. */
static int ready(struct file *f, uint32_t events, unsigned flags)
{
    if (file_poll(f) & (events | EPOLLHUP | EPOLLERR))
        return 0;
    return flags & SPLICE_NONBLOCK ? -EAGAIN : file_wait(f, events, DEADLINE_NONE);
}

bool splice_reads(const struct file *in)
{
    return in->ops->read && !in->ops->plain_read && !in->ops->no_splice;
}

bool splice_writes(const struct file *out)
{
    bool appends = (out->flags & O_APPEND) && !pipe_is(out);
    return out->ops->write && !out->ops->plain_write && !appends;
}

/* A part of what the pipe holds, from a place on, to out. The bytes stay in the pipe. */
static int64_t copy_out(struct file *pipe, struct pipe_place *from, struct file *out, uint64_t *to,
                        char *buf, size_t size)
{
    struct iter it;
    int64_t n = pipe_peek(pipe, buf, size, from);
    if (n <= 0)
        return n;
    iter_kernel(&it, buf, (size_t)n);
    return file_write(out, &it, to);
}

static int64_t from_pipe(struct file *pipe, struct file *out, uint64_t *to, char *buf, size_t size,
                         unsigned flags, bool keep)
{
    int64_t done = 0;
    struct pipe_place place = {0};
    int64_t n = ready(out, EPOLLOUT, flags);
    if (!n)
        n = pipe_claim(pipe, !(flags & SPLICE_NONBLOCK) && !(pipe->flags & O_NONBLOCK));
    if (n)
        return n;
    if (pipe_is(out) && (file_poll(out) & EPOLLERR)) {
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
        n = -EPIPE;
    }
    while (n >= 0 && (uint64_t)done < size) {
        place = keep ? place : (struct pipe_place){0};
        n = copy_out(pipe, &place, out, to, buf, min_u64(size - (uint64_t)done, PART_BYTES));
        if (n <= 0)
            break;
        done += n;
        if (!keep)
            pipe_drop(pipe, (size_t)n);
        if (!pipe_holds(pipe) || !(file_poll(out) & EPOLLOUT))
            break;
        if (keep && place.passed != (uint64_t)done) /* some wasn't written */
            break;
        cond_resched();
    }
    pipe_give_back(pipe);
    return done > 0 ? done : n;
}

/* Room comes first: what is taken from a socket can't be put back. */
int64_t splice_to_pipe(struct file *in, uint64_t *from, struct file *pipe, size_t size,
                       unsigned flags)
{
    struct page *page;
    struct iter it;
    int err = pipe_reserve(pipe, !(flags & SPLICE_NONBLOCK) && !(pipe->flags & O_NONBLOCK), &page);
    if (err == -EPIPE)
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
    if (err)
        return err;
    iter_kernel(&it, page_virt(page), min_u64(size, PAGE_SIZE));
    int64_t n = splice_reads(in) ? file_read(in, &it, from) : -EINVAL;
    pipe_fill(pipe, page, n > 0 ? (size_t)n : 0);
    return n;
}

static int64_t splice_files(struct file *in, uint64_t *from, struct file *out, uint64_t *to,
                            size_t size, unsigned flags)
{
    bool in_pipe = pipe_is(in), out_pipe = pipe_is(out);
    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if (!in_pipe && !out_pipe)
        return -EINVAL;
    if ((in_pipe && from) || (out_pipe && to))
        return -ESPIPE;
    if ((from && !in->ops->seek) || (to && !out->ops->seek))
        return -EINVAL;
    if (in->private == out->private || !splice_writes(out))
        return -EINVAL;
    if (!in_pipe)
        return splice_to_pipe(in, from, out, size, flags);
    char *buf = heap_alloc(PART_BYTES);
    if (!buf)
        return -ENOMEM;
    int64_t n = from_pipe(in, out, to, buf, size, flags, false);
    heap_free(buf);
    return n;
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

static int offset_get(struct uptr at, uint64_t *offset)
{
    if (uptr_is_null(at))
        return 0;
    if (copy_from_user(offset, at, sizeof(*offset)))
        return -EFAULT;
    return *offset > INT64_MAX ? -EINVAL : 0;
}

static int offset_put(struct uptr at, uint64_t offset)
{
    return uptr_is_null(at) ? 0 : copy_to_user(at, &offset, sizeof(offset));
}

int64_t sys_splice(int in_fd, struct uptr off_in, int out_fd, struct uptr off_out, size_t size,
                   unsigned flags)
{
    struct file *in, *out;
    uint64_t from = 0, to = 0;
    if (!size)
        return 0;
    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    int64_t n = two_files_get(in_fd, out_fd, &in, &out);
    if (n)
        return n;
    bool at_pipe =
        (pipe_is(in) && !uptr_is_null(off_in)) || (pipe_is(out) && !uptr_is_null(off_out));
    n = at_pipe ? -ESPIPE : offset_get(off_in, &from);
    if (!n)
        n = offset_get(off_out, &to);
    if (!n)
        n = splice_files(in, uptr_is_null(off_in) ? NULL : &from, out,
                         uptr_is_null(off_out) ? NULL : &to, min_u64(size, TRANSFER_MAX), flags);
    if (n > 0 && (offset_put(off_in, from) || offset_put(off_out, to)))
        n = -EFAULT;
    file_put(in);
    file_put(out);
    return n;
}

int64_t sys_tee(int in_fd, int out_fd, size_t size, unsigned flags)
{
    struct file *in, *out;
    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    if (!size)
        return 0;
    int64_t n = two_files_get(in_fd, out_fd, &in, &out);
    if (n)
        return n;
    char *buf = heap_alloc(PART_BYTES);
    if (!file_readable(in) || !file_writable(out))
        n = -EBADF;
    else if (!pipe_is(in) || !pipe_is(out) || in->private == out->private)
        n = -EINVAL;
    else if (!buf)
        n = -ENOMEM;
    else
        n = from_pipe(in, out, NULL, buf, size, flags, true);
    heap_free(buf);
    file_put(in);
    file_put(out);
    return n;
}

/* The pages are copied, SPLICE_F_GIFT or not. */
int64_t sys_vmsplice(int fd, struct uptr ranges, uint64_t count, unsigned flags)
{
    struct file *f;
    struct user_iovec v;
    if (flags & ~SPLICE_FLAGS)
        return -EINVAL;
    int64_t n = fd_get(fd, &f);
    if (n)
        return n;
    bool writes = file_writable(f);
    n = writes || file_readable(f) ? user_iovec_get(&v, ranges, count) : -EBADF;
    if (!n) {
        n = !v.it.left ? 0 : !pipe_is(f) ? -EBADF : writes ? ready(f, EPOLLOUT, flags) : 0;
        v.it.nowait = flags & SPLICE_NONBLOCK;
        v.it.quiet = true; /* and they are no packets */
        if (!n && v.it.left)
            n = writes ? file_write(f, &v.it, NULL) : file_read(f, &v.it, NULL);
        user_iovec_put(&v);
    }
    file_put(f);
    return n;
}
