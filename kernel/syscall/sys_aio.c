/* Asynchronous I/O: arguments, and reads and writes; the rest is in kernel/fd/aio.c. */
#include <linux/fs.h>
#include <linux/stat.h>

#include "kernel/fd/aio.h"
#include "kernel/fd/eventfd.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/regular.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define KEY 0u /* what aio_key of a submitted iocb is */
#define POINTER_BYTES 8u

int64_t sys_io_setup(unsigned count, struct uptr id)
{
    uint64_t value;
    if (copy_from_user(&value, id, sizeof(value)))
        return -EFAULT;
    if (value)
        return -EINVAL;
    int err = aio_setup(count, &value);
    if (err)
        return err;
    if (copy_to_user(id, &value, sizeof(value))) {
        aio_destroy(value);
        return -EFAULT;
    }
    return 0;
}

int64_t sys_io_destroy(struct uptr id)
{
    return aio_destroy(id.addr);
}

/* Reads and writes. */

static bool writes(const struct iocb *cb)
{
    return cb->aio_lio_opcode == IOCB_CMD_PWRITE || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static int check_transfer(const struct iocb *cb, const struct file *f)
{
    unsigned flags = (unsigned)cb->aio_rw_flags;
    if (flags & ~RW_FLAGS || (flags & RWF_NOWAIT && !file_may_nowait(f, writes(cb))))
        return -EOPNOTSUPP;
    if (cb->aio_flags & IOCB_FLAG_IOPRIO && cb->aio_reqprio)
        return -EINVAL;
    if (!(writes(cb) ? file_writable(f) : file_readable(f)))
        return -EBADF;
    const struct file_ops *ops = f->ops;
    return (writes(cb) ? ops->write && !ops->plain_write : ops->read && !ops->plain_read) ? 0
                                                                                          : -EINVAL;
}

static int buffers_get(const struct iocb *cb, struct user_iovec *v)
{
    bool many = cb->aio_lio_opcode == IOCB_CMD_PREADV || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
    struct uptr at = {cb->aio_buf};
    if (many)
        return user_iovec_get(v, at, cb->aio_nbytes);
    if (!user_range_ok(at, cb->aio_nbytes))
        return -EFAULT;
    v->long_ranges = NULL;
    iter_user(&v->it, at, min_u64(cb->aio_nbytes, TRANSFER_MAX));
    return 0;
}

static int transfer(const struct iocb *cb, struct file *f, struct aio_request *r)
{
    struct user_iovec v;
    int err = check_transfer(cb, f);
    err = err ? err : buffers_get(cb, &v);
    if (!err && cb->aio_offset < 0) {
        user_iovec_put(&v);
        err = -EINVAL;
    }
    if (err) {
        aio_drop(r);
        return err;
    }
    uint64_t pos = (uint64_t)cb->aio_offset;
    v.it.append = cb->aio_rw_flags & RWF_APPEND;
    v.it.nowait = cb->aio_rw_flags & RWF_NOWAIT;
    int64_t n = -ESPIPE;
    if (!pos || file_type(f) != S_IFSOCK)
        n = writes(cb) ? file_write(f, &v.it, &pos) : file_read(f, &v.it, &pos);
    user_iovec_put(&v);
    aio_complete(r, n == -ERESTARTSYS ? -EINTR : n);
    return 0;
}

/* Submitting. */

static int submit_fsync(const struct iocb *cb, const struct file *f, struct aio_request *r)
{
    bool plain = !cb->aio_buf && !cb->aio_offset && !cb->aio_nbytes && !cb->aio_rw_flags;
    if (!plain || !f->ops->fsync) {
        aio_drop(r);
        return -EINVAL;
    }
    aio_fsync(r);
    return 0;
}

static int submit_poll(const struct iocb *cb, struct aio_request *r)
{
    uint16_t events = (uint16_t)cb->aio_buf;
    if (events != cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags) {
        aio_drop(r);
        return -EINVAL;
    }
    return aio_poll(r, events);
}

static int submit_as(const struct iocb *cb, struct file *f, struct aio_request *r)
{
    switch (cb->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        return transfer(cb, f, r);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return submit_fsync(cb, f, r);
    case IOCB_CMD_POLL:
        return submit_poll(cb, r);
    default:
        aio_drop(r);
        return -EINVAL;
    }
}

static int eventfd_get(const struct iocb *cb, struct file **out)
{
    *out = NULL;
    if (!(cb->aio_flags & IOCB_FLAG_RESFD))
        return 0;
    int err = fd_get((int)cb->aio_resfd, out);
    if (err || eventfd_is(*out))
        return err;
    file_put(*out);
    return -EINVAL;
}

static int submit_with(struct aio_context *ctx, const struct iocb *cb, struct uptr at,
                       struct file *f)
{
    struct file *eventfd;
    struct aio_request *r;
    uint32_t key = KEY;
    int err = eventfd_get(cb, &eventfd);
    if (err)
        return err;
    if (copy_to_user(uptr_add(at, offsetof(struct iocb, aio_key)), &key, sizeof(key)))
        err = -EFAULT;
    err = err ? err : aio_begin(ctx, cb, at, f, eventfd, &r);
    if (eventfd)
        file_put(eventfd);
    return err ? err : submit_as(cb, f, r);
}

static int submit_one(struct aio_context *ctx, struct uptr at)
{
    struct iocb cb;
    struct file *f;
    if (copy_from_user(&cb, at, sizeof(cb)))
        return -EFAULT;
    if (cb.aio_reserved2 || (int64_t)cb.aio_nbytes < 0)
        return -EINVAL;
    int err = fd_get((int)cb.aio_fildes, &f);
    if (err)
        return err;
    err = submit_with(ctx, &cb, at, f);
    file_put(f);
    return err;
}

int64_t sys_io_submit(struct uptr id, int64_t count, struct uptr array)
{
    if (count < 0)
        return -EINVAL;
    struct aio_context *ctx = aio_get(id.addr);
    if (!ctx)
        return -EINVAL;
    int err = 0;
    int64_t done = 0;
    count = (int64_t)min_u64((uint64_t)count, aio_size(ctx));
    for (; done < count; done++) {
        struct uptr at;
        err = copy_from_user(&at, uptr_add(array, (uint64_t)done * POINTER_BYTES), sizeof(at));
        err = err ? err : submit_one(ctx, at);
        if (err)
            break;
    }
    aio_put(ctx);
    return done ? done : err;
}

int64_t sys_io_cancel(struct uptr id, struct uptr iocb, struct uptr result)
{
    uint32_t key;
    (void)result; /* the completion comes through the ring */
    if (copy_from_user(&key, uptr_add(iocb, offsetof(struct iocb, aio_key)), sizeof(key)))
        return -EFAULT;
    if (key != KEY)
        return -EINVAL;
    struct aio_context *ctx = aio_get(id.addr);
    if (!ctx)
        return -EINVAL;
    int err = aio_cancel(ctx, iocb);
    aio_put(ctx);
    return err ? err : -EINPROGRESS;
}

/* Taking completions. */

/* As Linux, doesn't mind times that are none. */
static int deadline_get(struct uptr timeout, uint64_t *deadline)
{
    struct timespec_kernel ts;
    *deadline = DEADLINE_NONE;
    if (uptr_is_null(timeout))
        return 0;
    if (copy_from_user(&ts, timeout, sizeof(ts)))
        return -EFAULT;
    int64_t ns = timespec_ns(&ts);
    *deadline = ns > 0 ? deadline_in(ns) : 0;
    return 0;
}

static int64_t getevents(uint64_t id, int64_t min, int64_t max, struct uptr events,
                         uint64_t deadline)
{
    struct aio_context *ctx = aio_get(id);
    if (!ctx)
        return -EINVAL;
    int64_t n = min <= max && min >= 0 ? aio_take(ctx, min, max, events, deadline) : -EINVAL;
    aio_put(ctx);
    return n;
}

int64_t sys_io_getevents(struct uptr id, int64_t min, int64_t max, struct uptr events,
                         struct uptr timeout)
{
    uint64_t deadline;
    int err = deadline_get(timeout, &deadline);
    return err ? err : getevents(id.addr, min, max, events, deadline);
}

struct mask_argument {
    struct uptr mask;
    uint64_t size;
};

int64_t sys_io_pgetevents(struct uptr id, int64_t min, int64_t max, struct uptr events,
                          struct uptr timeout, struct uptr mask)
{
    struct mask_argument m = {0};
    uint64_t deadline;
    int err = deadline_get(timeout, &deadline);
    if (!err && !uptr_is_null(mask))
        err = copy_from_user(&m, mask, sizeof(m));
    err = err ? err : signal_mask_begin(m.mask, m.size);
    if (err)
        return err;
    int64_t n = getevents(id.addr, min, max, events, deadline);
    signal_mask_end(n == -EINTR);
    return n == -EINTR ? -ERESTARTNOHAND : n;
}
