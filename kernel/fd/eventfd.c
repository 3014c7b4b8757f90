/* eventfd: the counter is one atomic number. */
#include "kernel/fd/eventfd.h"

#include <asm/fcntl.h>
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/anonymous.h"
#include "kernel/mm/heap.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    uint64_t count;
    bool semaphore;
    uint32_t id; /* what fdinfo tells apart by */
    struct waitq waitq;
};

/* Takes what a read gives, or 0: there is nothing. */
static uint64_t take(struct eventfd *e)
{
    uint64_t count = __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
    uint64_t rest;
    do {
        if (count == 0)
            return 0;
        rest = e->semaphore ? count - 1 : 0;
    } while (!__atomic_compare_exchange_n(&e->count, &count, rest, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return count - rest;
}

static bool add(struct eventfd *e, uint64_t value)
{
    uint64_t count = __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
    do {
        if (COUNT_MAX - count < value)
            return false;
    } while (!__atomic_compare_exchange_n(&e->count, &count, count + value, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return true;
}

static int64_t eventfd_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct eventfd *e = f->private;
    (void)pos;
    if (it->left < sizeof(uint64_t))
        return -EINVAL;
    uint64_t value = take(e);
    if (value == 0)
        return -EAGAIN;
    waitq_wake_long(&e->waitq, EPOLLOUT | EPOLLWRNORM);
    return iter_write(it, &value, sizeof(value)) == sizeof(value) ? (int64_t)sizeof(value)
                                                                  : -EFAULT;
}

static int64_t eventfd_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct eventfd *e = f->private;
    uint64_t value;
    (void)pos;
    struct iter before = *it;
    if (it->left != sizeof(value))
        return -EINVAL;
    if (iter_read(it, &value, sizeof(value)) < sizeof(value))
        return -EFAULT;
    if (value == UINT64_MAX)
        return -EINVAL;
    if (!add(e, value)) {
        *it = before;
        return -EAGAIN;
    }
    it->left = 0; /* one number is all a write takes */
    waitq_wake_long(&e->waitq, EPOLLIN | EPOLLRDNORM);
    return sizeof(value);
}

static uint32_t eventfd_poll(struct file *f)
{
    struct eventfd *e = f->private;
    uint64_t count = __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
    return (count > 0 ? EPOLLIN | EPOLLRDNORM : 0) |
           (count < COUNT_MAX ? EPOLLOUT | EPOLLWRNORM : 0);
}

static struct waitq *eventfd_waitq(struct file *f)
{
    struct eventfd *e = f->private;
    return &e->waitq;
}

static size_t eventfd_fdinfo(struct file *f, char *buf, size_t size)
{
    const struct eventfd *e = f->private;
    return format(buf, size, "eventfd-count: %16lx\neventfd-id: %u\neventfd-semaphore: %d\n",
                  e->count, e->id, e->semaphore);
}

static void eventfd_release(struct file *f)
{
    heap_free(f->private);
}

static const struct file_ops eventfd_ops = {
    .name = "eventfd",
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .waitq = eventfd_waitq,
    .getattr = anonymous_getattr,
    .no_splice = true,
    .plain_write = true,
    .describe = anonymous_describe,
    .fdinfo = eventfd_fdinfo,
    .release = eventfd_release,
};

struct file *eventfd_create(uint64_t value, bool semaphore, unsigned flags)
{
    static uint32_t last_id;
    struct eventfd *e = heap_zalloc_object(sizeof(*e));
    if (!e)
        return NULL;
    e->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    e->count = value;
    e->semaphore = semaphore;
    waitq_init(&e->waitq);
    struct file *f = file_alloc(&eventfd_ops, O_RDWR | flags, NULL, e);
    if (!f)
        heap_free(e);
    return f;
}

bool eventfd_is(const struct file *f)
{
    return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f)
{
    struct eventfd *e = f->private;
    if (add(e, 1))
        waitq_wake(&e->waitq, EPOLLIN | EPOLLRDNORM);
}
