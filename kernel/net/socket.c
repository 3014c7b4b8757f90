/* Sockets as open files, and waiting in send and receive. */
#include "kernel/net/socket.h"

#include <asm/ioctls.h>
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/sockios.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fd/unnamed.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet.h"
#include "kernel/net/interface.h"
#include "kernel/net/netlink.h"
#include "kernel/net/unix.h"
#include "kernel/proc/cred.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"
#include "kernel/vfs/mode.h"

#define ROOM_DEFAULT 212992u
#define SOCKET_DEVICE 0x8u
#define READ_EVENTS (EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP | EPOLLRDHUP)
#define WRITE_EVENTS (EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP)

static const struct file_ops socket_file_ops;
static unsigned open_counts[SOCKET_KINDS]; /* under the kernel lock */

static enum socket_kind kind_of(const struct socket *s)
{
    unsigned v6 = s->family == AF_INET6 ? SOCKET_V6 : 0;
    if (s->family == AF_NETLINK)
        return SOCKET_NETLINK;
    if (s->family == AF_UNIX)
        return s->type == SOCK_STREAM ? SOCKET_UNIX_STREAM : SOCKET_UNIX;
    if (s->type == SOCK_STREAM)
        return SOCKET_TCP + v6;
    if (s->type == SOCK_RAW)
        return SOCKET_RAW + v6;
    return (s->protocol == IPPROTO_UDP       ? SOCKET_UDP
            : s->protocol == IPPROTO_UDPLITE ? SOCKET_UDPLITE
                                             : SOCKET_PING) +
           v6;
}

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type)
{
    static uint64_t last_ino = 10000;
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->send_room = s->receive_room = ROOM_DEFAULT;
    s->receive_low = 1;
    s->cpu = s->peek_at = -1;
    s->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    s->uid = cred_current()->uid[CRED_FS];
    s->gid = cred_current()->gid[CRED_FS];
    waitq_init(&s->waitq);
}

int socket_create(int family, int type, int protocol, struct socket **out)
{
    if (family == AF_INET || family == AF_INET6)
        return inet_create(family, type, protocol, out);
    if (family == AF_NETLINK)
        return netlink_create(type, protocol, out);
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    return unix_create(type, out);
}

struct file *socket_file(struct socket *s, unsigned flags)
{
    struct file *f = file_alloc(&socket_file_ops, O_RDWR | flags, NULL, s);
    if (!f)
        s->ops->release(s);
    else
        s->file = f;
    if (f)
        open_counts[kind_of(s)]++;
    return f;
}

unsigned socket_count_of(enum socket_kind kind)
{
    return open_counts[kind];
}

unsigned socket_count(void)
{
    unsigned count = 0;
    for (unsigned n = 0; n < SOCKET_KINDS; n++)
        count += open_counts[n];
    return count;
}

struct socket *socket_of(const struct file *f)
{
    return f->ops == &socket_file_ops ? f->private : NULL;
}

int socket_take_error(struct socket *s)
{
    return s->error ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL) : 0;
}

void socket_peek_moved(struct socket *s, unsigned flags, int64_t bytes)
{
    int at = s->peek_at;
    if (at < 0 || bytes <= 0)
        return;
    if (flags & MSG_PEEK)
        at = bytes < INT32_MAX - at ? at + (int)bytes : INT32_MAX;
    else
        at = bytes < at ? at - (int)bytes : 0;
    s->peek_at = at;
}

void socket_control_put(struct socket_message *m, int level, int type, const void *data,
                        unsigned size)
{
    if (!m->controls || m->control_count == SOCKET_CONTROLS_MAX)
        return;
    struct socket_control *c = &m->controls[m->control_count++];
    c->level = level;
    c->type = type;
    c->size = size;
    memcpy(c->data, data, size);
}

void socket_control_stamp(struct socket *s, struct socket_message *m, uint64_t stamp_ns)
{
    if (!stamp_ns && s->stamp) /* it came before anybody wanted to know */
        stamp_ns = (uint64_t)clock_realtime_ns();
    int64_t seconds = (int64_t)(stamp_ns / NS_PER_SECOND),
            rest = (int64_t)(stamp_ns % NS_PER_SECOND);
    bool micro = s->stamp == SO_TIMESTAMP_OLD || s->stamp == SO_TIMESTAMP_NEW;
    int64_t told[2] = {seconds, micro ? rest / NS_PER_US : rest};
    if (stamp_ns)
        s->last_stamp_ns = stamp_ns;
    if (stamp_ns && s->stamp)
        socket_control_put(m, SOL_SOCKET, s->stamp, told, sizeof(told));
}

/* Waiting. */

typedef int64_t (*move_t)(struct socket *s, struct socket_message *m);

static int64_t wait_error(int err, uint64_t timeout)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return timeout ? -EINTR : -ERESTARTSYS;
}

/* Whether a call that moved n bytes of a stream goes on. */
static bool goes_on(const struct socket *s, const struct socket_message *m, bool sending)
{
    if (s->type != SOCK_STREAM || m->it->left == 0)
        return false;
    return sending || ((m->flags & MSG_WAITALL) && !(m->flags & MSG_PEEK) && !m->files);
}

static int64_t move_later(struct socket *s, struct socket_message *m, move_t move, bool sending,
                          int64_t done)
{
    uint64_t timeout = sending ? s->send_timeout_ns : s->receive_timeout_ns;
    uint64_t deadline = deadline_of_timeout(timeout);
    int64_t n;
    struct waiter w;
    waiter_init(&w, sending ? WRITE_EVENTS : READ_EVENTS);
    waitq_add(&s->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        n = move(s, m);
        if (n > 0)
            done += n;
        if (n > 0 && goes_on(s, m, sending))
            continue;
        if (n == -EAGAIN && m->over)
            n = 0;
        if (n != -EAGAIN)
            break;
        int err = waiter_sleep(&w, deadline, true);
        if (err) {
            n = wait_error(err, timeout);
            break;
        }
    }
    waitq_remove(&s->waitq, &w);
    return done > 0 ? done : n;
}

static int64_t move_message(struct file *f, struct socket_message *m, move_t move, bool sending)
{
    struct socket *s = f->private;
    int64_t n = move(s, m);
    if (LIKELY(n != -EAGAIN && !(n > 0 && goes_on(s, m, sending))))
        return n;
    if ((f->flags & O_NONBLOCK) || (m->flags & MSG_DONTWAIT) ||
        (!sending && (m->flags & (MSG_OOB | MSG_ERRQUEUE))))
        return n;
    return move_later(s, m, move, sending, n > 0 ? n : 0);
}

int64_t socket_send(struct file *f, struct socket_message *m)
{
    struct socket *s = f->private;
    return move_message(f, m, s->ops->send, true);
}

int64_t socket_receive(struct file *f, struct socket_message *m)
{
    struct socket *s = f->private;
    return move_message(f, m, s->ops->receive, false);
}

/* The open file. */

static int64_t socket_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct socket *s = f->private;
    (void)pos;
    struct socket_message m = {.it = it};
    if (it->left == 0)
        return 0;
    int64_t n = s->ops->receive(s, &m);
    if (n == -EAGAIN && m.over && !(f->flags & O_NONBLOCK))
        n = 0;
    if (m.files)
        passed_files_drop(m.files);
    return n;
}

static int64_t socket_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct socket *s = f->private;
    (void)pos;
    struct socket_message m = {.it = it};
    return s->ops->send(s, &m);
}

static uint32_t socket_poll(struct file *f)
{
    struct socket *s = f->private;
    return s->ops->poll(s);
}

static struct waitq *socket_waitq(struct file *f)
{
    struct socket *s = f->private;
    return &s->waitq;
}

static uint64_t socket_timeout(struct file *f, bool writing)
{
    const struct socket *s = f->private;
    return writing ? s->send_timeout_ns : s->receive_timeout_ns;
}

/* When the last message came. Who asks for the first time makes that it is known from then on. */
static int64_t tell_stamp(struct socket *s, bool micro, struct uptr to)
{
    uint64_t ns = s->last_stamp_ns;
    s->stamps = true;
    if (!ns)
        return -ENOENT;
    uint64_t rest = ns % NS_PER_SECOND;
    uint64_t told[2] = {ns / NS_PER_SECOND, micro ? rest / NS_PER_US : rest};
    return copy_to_user(to, told, sizeof(told));
}

static int64_t tell_number(int number, struct uptr to)
{
    return number < 0 ? number : copy_to_user(to, &number, sizeof(number));
}

static int64_t socket_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    struct socket *s = f->private;
    if (request == SIOCATMARK && s->ops->at_mark) {
        int at = s->ops->at_mark(s);
        return copy_to_user((struct uptr){arg}, &at, sizeof(at));
    }
    if (request == SIOCGSTAMP_OLD || request == SIOCGSTAMPNS_OLD)
        return tell_stamp(s, request == SIOCGSTAMP_OLD, (struct uptr){arg});
    if (request == SIOCOUTQNSD && s->ops->unsent)
        return tell_number(s->ops->unsent(s), (struct uptr){arg});
    if (request != FIONREAD && request != SIOCOUTQ)
        return interface_ioctl(request, (struct uptr){arg});
    return tell_number(s->ops->queued(s, request == SIOCOUTQ), (struct uptr){arg});
}

static void socket_getattr(struct file *f, struct inode_attr *attr)
{
    const struct socket *s = f->private;
    *attr = (struct inode_attr){.ino = s->ino,
                                .device = SOCKET_DEVICE,
                                .mode = S_IFSOCK | 0777,
                                .links = 1,
                                .uid = s->uid,
                                .gid = s->gid,
                                .block_size = PAGE_SIZE};
    if (f->inode)
        unnamed_getattr(f->inode, attr);
}

static size_t socket_describe(struct file *f, char *buf, size_t size)
{
    const struct socket *s = f->private;
    return format(buf, size, "socket:[%lu]", s->ino);
}

static void socket_release(struct file *f)
{
    struct socket *s = f->private;
    open_counts[kind_of(s)]--;
    s->ops->release(s);
}

static const struct file_ops socket_file_ops = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .waitq = socket_waitq,
    .ioctl = socket_ioctl,
    .getattr = socket_getattr,
    .timeout_ns = socket_timeout,
    .release = socket_release,
    .describe = socket_describe,
    .quiet_epipe = true,
};

/* Passed files. */

static struct spinlock doomed_lock = SPINLOCK_INIT(RANK_PIPE);
static struct list_node doomed = LIST_INIT(doomed);
static bool dooming; /* somebody works on the list */

static struct passed_files *next_doomed(void)
{
    struct passed_files *p = NULL;
    spin_lock(&doomed_lock);
    if (!list_empty(&doomed)) {
        p = list_entry(doomed.next, struct passed_files, node);
        list_remove(&p->node);
    } else {
        dooming = false;
    }
    spin_unlock(&doomed_lock);
    return p;
}

void passed_files_drop(struct passed_files *p)
{
    spin_lock(&doomed_lock);
    list_add_tail(&doomed, &p->node);
    bool ours = !dooming;
    dooming = true;
    spin_unlock(&doomed_lock);
    if (!ours)
        return;
    while ((p = next_doomed())) {
        for (unsigned i = 0; i < p->count; i++)
            file_put(p->files[i]);
        heap_free(p);
    }
}

struct passed_files *passed_files_copy(const struct passed_files *p)
{
    struct passed_files *copy = heap_alloc_object(sizeof(*p) + p->count * sizeof(struct file *));
    if (!copy)
        return NULL;
    copy->count = p->count;
    for (unsigned i = 0; i < p->count; i++)
        copy->files[i] = file_get(p->files[i]);
    return copy;
}
