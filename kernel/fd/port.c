/*
 * Standard streams that are not terminals: pipes and files of the host, behind a port of their own.
 *
 * Bytes go through a page of the port's, for a port must not touch the program's memory: copying
 * from there may sleep, and handing over to the machine may not.
 */
#include "kernel/fd/port.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/eventpoll.h>
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/platform/run.h"

#define PORT_COUNT 3
#define PORT_DEVICE 0xdu
#define PORT_INO 100u
#define NULL_DEVICE 0x103u /* a character device that isn't a terminal: most likely this one */
#define BOUNCE_BYTES PAGE_SIZE

static struct port {
    struct mutex lock;
    enum stream stream;
    uint32_t mode; /* st_mode at the host */
    char bounce[BOUNCE_BYTES];
} ports[PORT_COUNT];

static int64_t port_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct port *p = f->private;
    int64_t done = 0, n = 0;
    (void)pos;
    mutex_lock(&p->lock);
    while (it->left > 0) {
        n = stream_read(p->stream, p->bounce, min_u64(it->left, BOUNCE_BYTES));
        if (n <= 0)
            break;
        size_t copied = iter_write(it, p->bounce, (size_t)n);
        done += (int64_t)copied;
        if (copied < (size_t)n) {
            n = -EFAULT;
            break;
        }
    }
    mutex_unlock(&p->lock);
    return done > 0 ? done : n;
}

/* Hands over up to a page. Returns bytes or -errno. */
static int64_t write_part(struct port *p, struct iter *it)
{
    struct iter before = *it;
    size_t size = iter_read(it, p->bounce, BOUNCE_BYTES);
    if (size == 0)
        return -EFAULT;
    int64_t n = stream_write(p->stream, p->bounce, size);
    if (n < (int64_t)size) {
        *it = before;
        if (n > 0)
            iter_advance(it, (size_t)n);
    }
    return n;
}

static int64_t port_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct port *p = f->private;
    int64_t done = 0, n = 0;
    (void)pos;
    mutex_lock(&p->lock);
    while (it->left > 0) {
        n = write_part(p, it);
        if (n < 0)
            break;
        done += n;
    }
    mutex_unlock(&p->lock);
    return done > 0 ? done : n;
}

static uint32_t port_poll(struct file *f)
{
    const struct port *p = f->private;
    uint32_t events = stream_poll(p->stream);
    if (events & EPOLLIN)
        events |= EPOLLRDNORM;
    if (events & EPOLLOUT)
        events |= EPOLLWRNORM;
    return events;
}

static struct waitq *port_waitq(struct file *f)
{
    const struct port *p = f->private;
    return stream_waitq(p->stream);
}

static int64_t port_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    const struct port *p = f->private;
    if (request != FIONREAD || S_ISCHR(p->mode))
        return -ENOTTY;
    bool in = p->stream == STREAM_STDIN; /* what the host has of the others can't be seen */
    int bytes = in ? (int)min_u64(stream_available(p->stream), INT32_MAX) : 0;
    return copy_to_user((struct uptr){arg}, &bytes, sizeof(bytes));
}

static void port_getattr(struct file *f, struct inode_attr *attr)
{
    const struct port *p = f->private;
    *attr = (struct inode_attr){.ino = PORT_INO + p->stream,
                                .device = PORT_DEVICE,
                                .rdev = S_ISCHR(p->mode) ? NULL_DEVICE : 0,
                                .mode = p->mode,
                                .links = 1,
                                .uid = the_run.user.uid,
                                .gid = the_run.user.gid,
                                .block_size = PAGE_SIZE};
}

static size_t port_describe(struct file *f, char *buf, size_t size)
{
    const struct port *p = f->private;
    const char *kind = S_ISSOCK(p->mode) ? "socket" : S_ISFIFO(p->mode) ? "pipe" : "host";
    return format(buf, size, "%s:[%u]", kind, PORT_INO + p->stream);
}

static const struct file_ops port_ops = {
    .name = "port",
    .read = port_read,
    .write = port_write,
    .poll = port_poll,
    .waitq = port_waitq,
    .ioctl = port_ioctl,
    .getattr = port_getattr,
    .describe = port_describe,
};

/* A plain file or device at the host is always ready, and epoll doesn't take it. */
static const struct file_ops port_plain_ops = {
    .name = "port",
    .read = port_read,
    .write = port_write,
    .waitq = port_waitq,
    .ioctl = port_ioctl,
    .getattr = port_getattr,
    .describe = port_describe,
};

struct file *port_open(enum stream s, uint32_t mode)
{
    struct port *p = &ports[s];
    mutex_init(&p->lock, RANK_STREAM);
    p->stream = s;
    p->mode = mode & S_IFMT ? mode : S_IFIFO | 0600;
    bool plain = S_ISREG(p->mode) || S_ISBLK(p->mode) || S_ISCHR(p->mode);
    return file_alloc(plain ? &port_plain_ops : &port_ops, s == STREAM_STDIN ? O_RDONLY : O_WRONLY,
                      NULL, p);
}
