/* POSIX message queues: the queues. Their names are in mqueue_fs.c. */
#include "kernel/ipc/mqueue.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/ipc/mqueue_priv.h"
#include "kernel/mm/heap.h"
#include "kernel/net/netlink.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"

#define WAITING 1 /* mq_wait.result: nothing has happened */
#define TEXT_BYTES 128u
#define REAL_TIME_ABOVE 1000

struct mq_wait {
    struct list_node node;
    struct waiter waiter;
    int priority;            /* of the thread; higher ones come first */
    struct message *message; /* what a sender brings; what a receiver got */
    int result;
};

static const struct file_ops mqueue_ops;

bool mqueue_is(const struct file *f)
{
    return f->ops == &mqueue_ops;
}

static struct mqueue *queue_of(const struct file *f)
{
    return container_of(f->inode, struct mqueue, inode);
}

void mqueue_setup(struct mqueue *q)
{
    list_init(&q->messages);
    list_init(&q->senders);
    list_init(&q->receivers);
    waitq_init(&q->waitq);
    q->inode.file_ops = &mqueue_ops;
}

/* Waiting. */

static int own_priority(void)
{
    const struct thread *t = thread_current();
    return t->rt_priority ? REAL_TIME_ABOVE + t->rt_priority : -t->nice;
}

static void wait_begin(struct mq_wait *w, struct list_node *list)
{
    struct list_node *at = list->next;
    w->result = WAITING;
    w->priority = own_priority();
    waiter_init(&w->waiter, EVENTS_ANY);
    while (at != list && list_entry(at, struct mq_wait, node)->priority >= w->priority)
        at = at->next;
    list_insert_before(at, &w->node);
}

static void finish(struct mq_wait *w)
{
    list_remove(&w->node);
    w->result = 0;
    waiter_signal(&w->waiter);
}

static struct mq_wait *first(struct list_node *list)
{
    return list_empty(list) ? NULL : list_entry(list->next, struct mq_wait, node);
}

/* Wakes the sleeper when the clock is set. */
struct clock_watch {
    struct waiter waiter, *sleeper;
};

static bool clock_was_set(struct waiter *w, uint32_t events)
{
    (void)events;
    waiter_signal(container_of(w, struct clock_watch, waiter)->sleeper);
    return true;
}

/* Sleeps until another has finished the wait. */
static int sleep_until(struct mq_wait *w, int64_t deadline_ns)
{
    for (;;) {
        waiter_arm(&w->waiter);
        if (w->result != WAITING)
            return 0;
        uint64_t until =
            deadline_ns == INT64_MAX ? DEADLINE_NONE : deadline_of_realtime(deadline_ns);
        int err = waiter_sleep(&w->waiter, until, true);
        if (!err || (err == -ETIMEDOUT && clock_realtime_ns() < deadline_ns))
            continue;
        spin_lock(&ipc_lock);
        list_remove(&w->node);
        spin_unlock(&ipc_lock);
        if (w->result == WAITING)
            return err == -EINTR ? -ERESTARTSYS : err;
    }
}

static int wait_end(struct mq_wait *w, int64_t deadline_ns)
{
    struct clock_watch watch = {.sleeper = &w->waiter};
    if (deadline_ns == INT64_MAX)
        return sleep_until(w, deadline_ns);
    waiter_init(&watch.waiter, EVENTS_ANY);
    watch.waiter.wake = clock_was_set;
    waitq_add(clock_realtime_waitq(), &watch.waiter);
    int err = sleep_until(w, deadline_ns);
    waitq_remove(clock_realtime_waitq(), &watch.waiter);
    return err;
}

/* Notification. */

static void notice_end(struct netlink_notice *notice, char code)
{
    if (!notice)
        return;
    netlink_notice_bytes(notice)[NOTIFY_COOKIE_LEN - 1] = code;
    netlink_notice_send(notice);
}

/* A message has come to the empty queue: tells it once. Returns the notice to send, or NULL. */
static struct netlink_notice *notify(struct mqueue *q)
{
    struct netlink_notice *notice = q->notify.notice;
    if (!q->notified)
        return NULL;
    if (q->notify.how == SIGEV_SIGNAL) {
        siginfo_t info = {.si_signo = q->notify.signo, .si_code = SI_MESGQ};
        info.si_pid = PROC_PID;
        info.si_uid = cred_current()->uid[CRED_REAL];
        info.si_value = q->notify.value;
        (void)signal_send_process(q->notify.signo, &info);
    }
    q->notified = false;
    q->notify.notice = NULL;
    return notice;
}

int mqueue_notify_set(struct file *f, const struct mqueue_notify *how)
{
    struct mqueue *q = queue_of(f);
    spin_lock(&ipc_lock);
    bool free = !q->notified;
    if (free) {
        q->notify = *how;
        q->notified = true;
    }
    spin_unlock(&ipc_lock);
    return free ? 0 : -EBUSY;
}

void mqueue_notify_clear(struct file *f)
{
    struct mqueue *q = queue_of(f);
    spin_lock(&ipc_lock);
    struct netlink_notice *notice = q->notify.notice;
    q->notified = false;
    q->notify.notice = NULL;
    spin_unlock(&ipc_lock);
    notice_end(notice, NOTIFY_REMOVED);
}

/* Messages. */

static void insert(struct mqueue *q, struct message *m)
{
    struct list_node *at = q->messages.prev;
    while (at != &q->messages && list_entry(at, struct message, node)->type < m->type)
        at = at->prev;
    list_insert_before(at->next, &m->node);
    q->count++;
    q->bytes += m->size;
}

static struct message *take(struct mqueue *q)
{
    struct message *m = list_entry(q->messages.next, struct message, node);
    list_remove(&m->node);
    q->count--;
    q->bytes -= m->size;
    return m;
}

static void touch(struct mqueue *q)
{
    q->inode.mtime_ns = q->inode.ctime_ns = clock_realtime_ns();
}

/* Returns 0, -EAGAIN, or WAITING. */
static int send_locked(struct mqueue *q, struct message *m, bool nonblocking, struct mq_wait *w,
                       struct netlink_notice **notice)
{
    if (q->count >= q->count_max) {
        if (nonblocking)
            return -EAGAIN;
        w->message = m;
        wait_begin(w, &q->senders);
        return WAITING;
    }
    struct mq_wait *receiver = first(&q->receivers);
    if (receiver) {
        receiver->message = m;
        finish(receiver);
    } else {
        insert(q, m);
        if (q->count == 1)
            *notice = notify(q);
        waitq_wake(&q->waitq, EPOLLIN | EPOLLRDNORM);
    }
    touch(q);
    return 0;
}

int mqueue_send(struct file *f, struct message *m, int64_t deadline_ns)
{
    struct mqueue *q = queue_of(f);
    struct netlink_notice *notice = NULL;
    struct mq_wait w;
    if (m->size > q->size_max)
        return -EMSGSIZE;
    spin_lock(&ipc_lock);
    int err = send_locked(q, m, f->flags & O_NONBLOCK, &w, &notice);
    spin_unlock(&ipc_lock);
    notice_end(notice, NOTIFY_WOKENUP);
    return err == WAITING ? wait_end(&w, deadline_ns) : err;
}

static int receive_locked(struct mqueue *q, bool nonblocking, struct mq_wait *w)
{
    if (!q->count) {
        if (nonblocking)
            return -EAGAIN;
        w->message = NULL;
        wait_begin(w, &q->receivers);
        return WAITING;
    }
    w->message = take(q);
    struct mq_wait *sender = first(&q->senders);
    if (sender) {
        insert(q, sender->message);
        finish(sender);
    } else {
        waitq_wake(&q->waitq, EPOLLOUT | EPOLLWRNORM);
    }
    touch(q);
    return 0;
}

int mqueue_receive(struct file *f, size_t size_max, int64_t deadline_ns, struct message **out)
{
    struct mqueue *q = queue_of(f);
    struct mq_wait w = {.message = NULL};
    if (size_max < q->size_max)
        return -EMSGSIZE;
    spin_lock(&ipc_lock);
    int err = receive_locked(q, f->flags & O_NONBLOCK, &w);
    spin_unlock(&ipc_lock);
    if (err == WAITING)
        err = wait_end(&w, deadline_ns);
    *out = w.message;
    return err;
}

size_t mqueue_message_max(const struct file *f)
{
    return queue_of(f)->size_max;
}

void mqueue_get_attr(const struct file *f, struct mq_attr *out)
{
    const struct mqueue *q = queue_of(f);
    *out = (struct mq_attr){.mq_flags = f->flags & O_NONBLOCK,
                            .mq_maxmsg = (int64_t)q->count_max,
                            .mq_msgsize = (int64_t)q->size_max,
                            .mq_curmsgs = (int64_t)q->count};
}

/* Files. */

static int64_t mqueue_read(struct file *f, struct iter *it, uint64_t *pos)
{
    char text[TEXT_BYTES];
    const struct mqueue *q = queue_of(f);
    spin_lock(&ipc_lock);
    bool on = q->notified;
    int how = on ? q->notify.how : 0;
    size_t size =
        format(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
               q->bytes, how, on && how == SIGEV_SIGNAL ? q->notify.signo : 0, on ? PROC_PID : 0);
    spin_unlock(&ipc_lock);
    if (*pos >= size || !it->left)
        return 0;
    size_t want = min_u64(size - *pos, it->left), done = iter_write(it, text + *pos, want);
    *pos += done;
    return done ? (int64_t)done : -EFAULT;
}

static int64_t mqueue_seek(struct file *f, int64_t offset, int whence)
{
    int64_t from = whence == 1 /* SEEK_CUR */ ? (int64_t)f->pos : 0, to;
    if ((whence != 0 && whence != 1) || __builtin_add_overflow(from, offset, &to) || to < 0)
        return -EINVAL;
    f->pos = (uint64_t)to;
    return to;
}

/* What is left of the file as Linux counts it, which is not what reading it gives. */
static int64_t mqueue_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    int left = (int)(80 - f->pos);
    return request == FIONREAD ? copy_to_user((struct uptr){arg}, &left, sizeof(left)) : -ENOTTY;
}

static uint32_t mqueue_poll(struct file *f)
{
    const struct mqueue *q = queue_of(f);
    return (q->count ? EPOLLIN | EPOLLRDNORM : 0) |
           (q->count < q->count_max ? EPOLLOUT | EPOLLWRNORM : 0);
}

static struct waitq *mqueue_waitq(struct file *f)
{
    return &queue_of(f)->waitq;
}

static const struct file_ops mqueue_ops = {
    .name = "mqueue",
    .read = mqueue_read,
    .seek = mqueue_seek,
    .ioctl = mqueue_ioctl,
    .poll = mqueue_poll,
    .waitq = mqueue_waitq,
    .closed = mqueue_notify_clear,
    .plain_read = true,
};
