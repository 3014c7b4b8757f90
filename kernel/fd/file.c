/*
 * Open files: their life, and the one place where reading and writing wait.
 *
 * A file operation that cannot move anything says -EAGAIN. What follows (sleep until the file's
 * wait queue tells of a change, time out, be interrupted) is the same for all kinds, and is here.
 */
#include "kernel/fd/file.h"

#include <asm/fcntl.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/inotify.h>

#include "kernel/base/errno.h"
#include "kernel/fd/epoll.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/flock.h"
#include "kernel/vfs/mode.h"

#define FILES_SURE 512u        /* that the kernel's other objects don't keep from a program */
#define FILES_MAX_LEAST 8192ul /* in the smallest machine */
#define READ_EVENTS (EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP | EPOLLRDHUP)
#define WRITE_EVENTS (EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP)

static uint64_t file_count;

uint64_t file_max(void)
{
    return max_u64(page_stats.total_pages, FILES_MAX_LEAST);
}

int file_alloc_error(void)
{
    return file_count >= file_max() ? -ENFILE : -ENOMEM;
}

struct file *file_alloc(const struct file_ops *ops, uint32_t flags, struct dentry *dentry,
                        void *private)
{
    if (file_count >= file_max())
        return NULL;
    struct file *f =
        file_count < FILES_SURE ? heap_zalloc(sizeof(*f)) : heap_zalloc_object(sizeof(*f));
    if (!f)
        return NULL;
    file_count++;
    f->refs = 1;
    f->flags = flags;
    f->ops = ops;
    f->dentry = dentry;
    f->inode = dentry ? dentry->inode : NULL;
    f->private = private;
    mutex_init(&f->pos_lock, RANK_FILE_POS);
    list_init(&f->epoll_items);
    return f;
}

struct file *file_get(struct file *f)
{
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    return f;
}

uint32_t file_type(struct file *f)
{
    struct inode_attr attr;
    file_getattr(f, &attr);
    return attr.mode & S_IFMT;
}

void file_notify(struct file *f, uint32_t event)
{
    struct dentry *d = f->dentry;
    if (!d)
        return;
    if (d->deleted) /* not all want to hear of it */
        event |= IN_EXCL_UNLINK;
    bool special = !inode_is_regular(f->inode) && !inode_is_dir(f->inode);
    if (special && (event & (IN_ACCESS | IN_MODIFY))) /* not for all who may see the directory */
        vfs_notify(f->inode, NULL, (struct name){0}, event, 0);
    else
        vfs_notify_dentry(d, event);
}

static void file_destroy(struct file *f)
{
    if (!list_empty(&f->epoll_items))
        epoll_file_gone(f);
    if (f->is_open)
        file_notify(f, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    flock_released(f);
    if (f->ops && f->ops->release)
        f->ops->release(f);
    if (f->is_writer)
        __atomic_fetch_sub(&f->inode->writers, 1, __ATOMIC_RELAXED);
    if (f->dentry)
        dentry_put(f->dentry);
    else if (f->owns_inode)
        inode_put(f->inode);
    heap_free(f);
    file_count--;
}

void file_put(struct file *f)
{
    if (f && __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0)
        file_destroy(f);
}

uint32_t file_poll(struct file *f)
{
    return f->ops->poll ? f->ops->poll(f) : EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

static struct waitq *file_waitq(struct file *f)
{
    return f->ops->waitq ? f->ops->waitq(f) : NULL;
}

static uint64_t file_deadline(struct file *f, bool writing)
{
    uint64_t timeout = f->ops->timeout_ns ? f->ops->timeout_ns(f, writing) : 0;
    return deadline_of_timeout(timeout);
}

/* What a call answers that waited in vain. With a time-out it is not to be started again. */
static int64_t wait_error(int err, uint64_t deadline)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return deadline == DEADLINE_NONE ? -ERESTARTSYS : -EINTR;
}

/* Reads once there is something. */
static int64_t read_later(struct file *f, struct iter *it, uint64_t *pos)
{
    struct waitq *q = file_waitq(f);
    if (!q || (f->flags & O_NONBLOCK))
        return -EAGAIN;
    uint64_t deadline = file_deadline(f, false);
    struct waiter w;
    int64_t n;
    waiter_init(&w, READ_EVENTS);
    waitq_add(q, &w);
    for (;;) {
        waiter_arm(&w);
        n = f->ops->read(f, it, pos);
        if (n != -EAGAIN)
            break;
        int err = waiter_sleep(&w, deadline, true);
        if (err) {
            n = wait_error(err, deadline);
            break;
        }
    }
    waitq_remove(q, &w);
    return n;
}

static void told(struct file *f, const struct iter *it, int64_t n, uint32_t event)
{
    if (n > 0 && f->dentry && !it->quiet)
        file_notify(f, event);
}

/* Whether what is to be moved would end beyond all positions. */
static inline bool too_far(uint64_t pos, const struct iter *it)
{
    return UNLIKELY((int64_t)(pos + it->left) < 0);
}

int64_t file_read(struct file *f, struct iter *it, uint64_t *pos) NO_LOCK_ANALYSIS
{
    if (UNLIKELY(!f->ops->read))
        return -EINVAL;
    bool own_pos = !pos && f->ops->seek;
    if (own_pos)
        mutex_lock(&f->pos_lock);
    if (!pos)
        pos = &f->pos;
    int64_t n = too_far(*pos, it) ? -EINVAL : f->ops->read(f, it, pos);
    if (UNLIKELY(n == -EAGAIN) && !it->nowait)
        n = read_later(f, it, pos);
    if (own_pos)
        mutex_unlock(&f->pos_lock);
    told(f, it, n, IN_ACCESS);
    return n;
}

/* Writes the rest as room comes; done bytes are written already. */
static int64_t write_later(struct file *f, struct iter *it, uint64_t *pos, int64_t done)
{
    struct waitq *q = file_waitq(f);
    if (!q || it->nowait || (f->flags & O_NONBLOCK))
        return done > 0 ? done : -EAGAIN;
    uint64_t deadline = file_deadline(f, true);
    int64_t n;
    struct waiter w;
    waiter_init(&w, WRITE_EVENTS);
    waitq_add(q, &w);
    for (;;) {
        waiter_arm(&w);
        n = f->ops->write(f, it, pos);
        if (n > 0)
            done += n;
        if (n == 0 || (n < 0 && n != -EAGAIN) || it->left == 0)
            break;
        if (n > 0)
            continue;
        int err = waiter_sleep(&w, deadline, true);
        if (err) {
            n = wait_error(err, deadline);
            break;
        }
    }
    waitq_remove(q, &w);
    if (n == -EPIPE && !f->ops->quiet_epipe)
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
    return done > 0 ? done : n;
}

int64_t file_write(struct file *f, struct iter *it, uint64_t *pos) NO_LOCK_ANALYSIS
{
    if (UNLIKELY(!f->ops->write))
        return -EINVAL;
    bool own_pos = !pos && f->ops->seek;
    if (own_pos)
        mutex_lock(&f->pos_lock);
    if (!pos)
        pos = &f->pos;
    int64_t n = too_far(*pos, it) ? -EINVAL : f->ops->write(f, it, pos);
    if (UNLIKELY(n == -EAGAIN))
        n = write_later(f, it, pos, 0);
    else if (UNLIKELY(n == -EPIPE) && !f->ops->quiet_epipe)
        (void)signal_send_task(task_current(), SIGPIPE, NULL);
    else if (UNLIKELY(n > 0 && it->left > 0 && f->ops->waitq))
        n = write_later(f, it, pos, n);
    if (own_pos)
        mutex_unlock(&f->pos_lock);
    told(f, it, n, IN_MODIFY);
    return n;
}

int file_wait(struct file *f, uint32_t events, uint64_t deadline_ns)
{
    struct waitq *q = file_waitq(f);
    int err = 0;
    struct waiter w;
    events |= EPOLLERR | EPOLLHUP;
    if ((file_poll(f) & events) || !q)
        return 0;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    waiter_init(&w, events);
    waitq_add(q, &w);
    for (;;) {
        waiter_arm(&w);
        if (file_poll(f) & events)
            break;
        err = waiter_sleep(&w, deadline_ns, true);
        if (err)
            break;
    }
    waitq_remove(q, &w);
    return err == -EINTR ? -ERESTARTSYS : err;
}
