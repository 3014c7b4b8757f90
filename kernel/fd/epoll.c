/*
 * epoll: a set of files to wait for, and a list of those that may be ready.
 *
 * An item hangs in its file's wait queue. The wake-up puts it on the instance's ready list; who
 * collects takes items from there and asks each file what is so (poll). A level-triggered item that
 * was ready goes back to the end of the list. So waiting costs what is ready, not what is watched.
 *
 * Threads that wait are exclusive waiters: each wake-up of a file wakes one of them. Who collected
 * and leaves something ready behind (the rest of a list longer than asked for, or what is
 * level-triggered) wakes the next. So n threads take n events, and one event that nobody takes
 * wakes all of them, one after the other.
 *
 * Locks: graph_lock, for changes of what watches what (both lists an item is in) and the search for
 * loops; an instance's mutex, for its items and while collecting; its ready_lock, a spin lock, for
 * the ready list, taken in wake-ups. The last two have no rank, for instances nest: the outer
 * instance's locks are taken before the inner one's, and there are no loops.
 */
#include "kernel/fd/epoll.h"

#include <asm/fcntl.h>
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/mode.h"

#define DEPTH_MAX 5u /* of nested instances */
#define BUCKETS_AT_FIRST 16u
#define ROUNDS_AT_ONCE 64u /* before others are let in */
#define PRIVATE_FLAGS ((uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE))
#define EXCLUSIVE_ALLOWED                                                                          \
    ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))

struct epoll;

struct item {
    struct epoll *ep;
    struct file *file; /* borrowed: the item goes before it does */
    int fd;
    uint32_t events;
    uint64_t data;
    struct waiter waiter;
    struct item *bucket_next;
    struct list_node file_node; /* in file->epoll_items; under graph_lock */
    /* Under ep->ready_lock. */
    struct list_node ready_node;
    bool queued; /* on the ready list or in the hands of a collector */
    bool missed; /* something happened while it was in those hands */
};

struct epoll {
    struct mutex lock;
    struct item **buckets; /* by descriptor; a power of two */
    unsigned bucket_count, item_count;
    struct spinlock ready_lock;
    struct list_node ready;
    bool collecting; /* a collector has items in its hands, which may be ready */
    struct waitq waitq;
    uint64_t ino;
    struct file *file; /* borrowed: its own */
    unsigned level;    /* more than that of any instance in it had; under graph_lock */
    struct item *first_buckets[BUCKETS_AT_FIRST];
};

static struct mutex graph_lock = {.rank = RANK_EPOLL,
                                  .waiters = {.lock = SPINLOCK_INIT(RANK_WAITQ),
                                              .waiters = LIST_INIT(graph_lock.waiters.waiters)}};

static const struct file_ops epoll_ops;

bool epoll_is(const struct file *f)
{
    return f->ops == &epoll_ops;
}

/* Wakes who waits for the instance. Returns whether a thread in epoll_wait() took it. */
static bool tell(struct epoll *ep)
{
    return waitq_wake(&ep->waitq, EPOLLIN | EPOLLRDNORM);
}

/* The wake-up of a file: the item may be ready. An exclusive item where no thread waits leaves it
 * to the next one, of another instance, too. */
static bool item_wake(struct waiter *w, uint32_t events)
{
    struct item *item = container_of(w, struct item, waiter);
    struct epoll *ep = item->ep;
    (void)events;
    spin_lock(&ep->ready_lock);
    if (!(item->events & ~PRIVATE_FLAGS)) { /* its one shot is gone */
        spin_unlock(&ep->ready_lock);
        return false;
    }
    if (item->queued) {
        item->missed = true;
    } else {
        item->queued = true;
        list_add_tail(&ep->ready, &item->ready_node);
    }
    spin_unlock(&ep->ready_lock);
    return tell(ep);
}

/* Items. ep->lock is held. */

static struct item **bucket_of(struct epoll *ep, int fd)
{
    return &ep->buckets[(unsigned)fd & (ep->bucket_count - 1)];
}

static struct item *find_item(struct epoll *ep, const struct file *f, int fd)
{
    for (struct item *i = *bucket_of(ep, fd); i; i = i->bucket_next)
        if (i->fd == fd && i->file == f)
            return i;
    return NULL;
}

/* More buckets when they get long. Without memory they stay long. */
static void grow_buckets(struct epoll *ep)
{
    struct item **old = ep->buckets;
    unsigned old_count = ep->bucket_count;
    struct item **fresh = heap_zalloc_object(2 * old_count * sizeof(struct item *));
    if (!fresh)
        return;
    ep->buckets = fresh;
    ep->bucket_count = 2 * old_count;
    for (unsigned i = 0; i < old_count; i++) {
        cond_resched();
        for (struct item *item = old[i], *next; item; item = next) {
            next = item->bucket_next;
            struct item **bucket = bucket_of(ep, item->fd);
            item->bucket_next = *bucket;
            *bucket = item;
        }
    }
    if (old != ep->first_buckets)
        heap_free(old);
}

static void link_item(struct epoll *ep, struct item *item)
{
    if (ep->item_count >= 2 * ep->bucket_count)
        grow_buckets(ep);
    struct item **bucket = bucket_of(ep, item->fd);
    item->bucket_next = *bucket;
    *bucket = item;
    ep->item_count++;
}

static void unlink_item(struct epoll *ep, struct item *item)
{
    struct item **at = bucket_of(ep, item->fd);
    while (*at != item)
        at = &(*at)->bucket_next;
    *at = item->bucket_next;
    ep->item_count--;
}

static struct waitq *queue_of(struct file *f)
{
    return f->ops->waitq ? f->ops->waitq(f) : NULL;
}

/* Ends an item. No wake-up comes once it is out of the file's queue. graph_lock and ep->lock are
 * held. */
static void item_destroy(struct item *item)
{
    struct epoll *ep = item->ep;
    struct waitq *q = queue_of(item->file);
    if (q)
        waitq_remove(q, &item->waiter);
    list_remove(&item->file_node);
    unlink_item(ep, item);
    spin_lock(&ep->ready_lock);
    list_remove(&item->ready_node);
    spin_unlock(&ep->ready_lock);
    heap_free(item);
}

/* Looks at the file as it is now: it may be ready already. */
static void item_look(struct item *item)
{
    struct epoll *ep = item->ep;
    if (!(file_poll(item->file) & item->events))
        return;
    spin_lock(&ep->ready_lock);
    if (!item->queued) {
        item->queued = true;
        list_add_tail(&ep->ready, &item->ready_node);
    }
    spin_unlock(&ep->ready_lock);
    tell(ep);
}

static uint32_t wanted_of(const struct epoll_event *event)
{
    return event->events | EPOLLERR | EPOLLHUP;
}

/* Nesting. graph_lock is held. */

static struct epoll *epoll_of(const struct file *f)
{
    return f->ops == &epoll_ops ? f->private : NULL;
}

/* A walk down the instances below one, level by level, without recursion: next item in turn. */
struct walk {
    struct item *at[DEPTH_MAX + 1];
    unsigned bucket[DEPTH_MAX + 1];
    struct epoll *ep[DEPTH_MAX + 1];
    unsigned depth;
};

static struct item *walk_next(struct walk *w)
{
    unsigned d = w->depth;
    struct item *item = w->at[d] ? w->at[d]->bucket_next : NULL;
    while (!item && w->bucket[d] < w->ep[d]->bucket_count)
        item = w->ep[d]->buckets[w->bucket[d]++];
    w->at[d] = item;
    return item;
}

/* Whether outer is somewhere below inner. */
static bool makes_loop(struct epoll *inner, const struct epoll *outer)
{
    struct walk w = {.ep = {inner}};
    if (inner == outer)
        return true;
    for (;;) {
        struct item *item = walk_next(&w);
        cond_resched();
        if (!item) {
            if (w.depth-- == 0)
                return false;
            continue;
        }
        struct epoll *below = epoll_of(item->file);
        if (!below)
            continue;
        if (below == outer)
            return true;
        ASSERT(w.depth < DEPTH_MAX);
        w.depth++;
        w.at[w.depth] = NULL;
        w.bucket[w.depth] = 0;
        w.ep[w.depth] = below;
    }
}

/* The instances above ep must have higher levels than it. Returns 0 or -ELOOP: it goes too high. */
static int raise_level(struct epoll *ep, unsigned level)
{
    struct list_node *at[DEPTH_MAX + 1]; /* where the walk upwards is in each file's entries */
    struct epoll *of[DEPTH_MAX + 1];
    unsigned d = 0;
    if (level <= ep->level)
        return 0;
    if (level > DEPTH_MAX)
        return -ELOOP;
    ep->level = level;
    of[0] = ep;
    at[0] = ep->file->epoll_items.next;
    for (;;) {
        cond_resched();
        if (at[d] == &of[d]->file->epoll_items) {
            if (d-- == 0)
                return 0;
            continue;
        }
        struct epoll *above = list_entry(at[d], struct item, file_node)->ep;
        at[d] = at[d]->next;
        if (above->level > of[d]->level)
            continue;
        if (of[d]->level == DEPTH_MAX)
            return -ELOOP;
        above->level = of[d]->level + 1;
        d++;
        of[d] = above;
        at[d] = above->file->epoll_items.next;
    }
}

static int check_nesting(struct epoll *ep, struct file *f)
{
    struct epoll *inner = epoll_of(f);
    if (!inner)
        return 0;
    if (makes_loop(inner, ep))
        return -ELOOP;
    return raise_level(ep, inner->level + 1);
}

/* Requests. */

static int check_exclusive(const struct file *f, uint32_t events)
{
    if (!(events & EPOLLEXCLUSIVE))
        return 0;
    return (events & ~EXCLUSIVE_ALLOWED) || epoll_is(f) ? -EINVAL : 0;
}

static int add_locked(struct epoll *ep, struct file *f, int fd, const struct epoll_event *event)
{
    if (find_item(ep, f, fd))
        return -EEXIST;
    struct item *item = heap_zalloc_object(sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->ep = ep;
    item->file = f;
    item->fd = fd;
    item->events = wanted_of(event);
    item->data = event->data;
    list_init(&item->ready_node);
    link_item(ep, item);
    list_add_tail(&f->epoll_items, &item->file_node);
    waiter_init(&item->waiter, item->events);
    item->waiter.wake = item_wake;
    item->waiter.exclusive = (item->events & EPOLLEXCLUSIVE) != 0;
    struct waitq *q = queue_of(f);
    if (q)
        waitq_add(q, &item->waiter);
    item_look(item);
    return 0;
}

int epoll_add(struct file *ep_file, struct file *f, int fd, const struct epoll_event *event)
{
    struct epoll *ep = ep_file->private;
    if (!f->ops->poll)
        return -EPERM;
    if (f == ep_file)
        return -EINVAL;
    int err = check_exclusive(f, event->events);
    if (err)
        return err;
    mutex_lock(&graph_lock);
    err = check_nesting(ep, f);
    if (!err) {
        mutex_lock(&ep->lock);
        err = add_locked(ep, f, fd, event);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&graph_lock);
    return err;
}

static int modify_locked(struct epoll *ep, struct file *f, int fd, const struct epoll_event *event)
{
    struct item *item = find_item(ep, f, fd);
    if (!item)
        return -ENOENT;
    if ((item->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    spin_lock(&ep->ready_lock);
    item->events = wanted_of(event);
    item->data = event->data;
    spin_unlock(&ep->ready_lock);
    __atomic_store_n(&item->waiter.events, item->events, __ATOMIC_SEQ_CST);
    item_look(item);
    return 0;
}

int epoll_modify(struct file *ep_file, struct file *f, int fd, const struct epoll_event *event)
{
    struct epoll *ep = ep_file->private;
    if (f == ep_file)
        return -EINVAL;
    mutex_lock(&ep->lock);
    int err = modify_locked(ep, f, fd, event);
    mutex_unlock(&ep->lock);
    return err;
}

int epoll_remove(struct file *ep_file, struct file *f, int fd)
{
    struct epoll *ep = ep_file->private;
    if (f == ep_file)
        return -EINVAL;
    mutex_lock(&graph_lock);
    mutex_lock(&ep->lock);
    struct item *item = find_item(ep, f, fd);
    if (item)
        item_destroy(item);
    mutex_unlock(&ep->lock);
    mutex_unlock(&graph_lock);
    return item ? 0 : -ENOENT;
}

void epoll_file_gone(struct file *f)
{
    mutex_lock(&graph_lock);
    while (!list_empty(&f->epoll_items)) {
        struct item *item = list_entry(f->epoll_items.next, struct item, file_node);
        struct epoll *ep = item->ep;
        mutex_lock(&ep->lock);
        item_destroy(item);
        mutex_unlock(&ep->lock);
        if (UNLIKELY(cond_resched_due())) { /* who closes a file may wait for the lock */
            mutex_unlock(&graph_lock);
            cond_resched();
            mutex_lock(&graph_lock);
        }
    }
    mutex_unlock(&graph_lock);
}

/* Collecting. ep->lock is held. */

/* The first item of the ready list, in our hands now; or NULL. */
static struct item *take_ready(struct epoll *ep)
{
    struct item *item = NULL;
    spin_lock(&ep->ready_lock);
    if (!list_empty(&ep->ready)) {
        item = list_entry(ep->ready.next, struct item, ready_node);
        list_remove(&item->ready_node);
        item->missed = false;
        ep->collecting = true;
    }
    spin_unlock(&ep->ready_lock);
    return item;
}

/* Gives an item back: to again if it stays ready, or something happened meanwhile. */
static void give_back(struct epoll *ep, struct item *item, bool stays, struct list_node *again)
{
    spin_lock(&ep->ready_lock);
    if (stays || item->missed)
        list_add_tail(again, &item->ready_node);
    else
        item->queued = false;
    spin_unlock(&ep->ready_lock);
}

/* The end of collecting: what stays ready goes to the end of the list. */
static void put_again(struct epoll *ep, struct list_node *again)
{
    spin_lock(&ep->ready_lock);
    list_splice_tail(&ep->ready, again);
    ep->collecting = false;
    spin_unlock(&ep->ready_lock);
}

/* Whether the item is to be reported once more without anything new. */
static bool stays_ready(struct item *item, uint32_t events)
{
    if (!events)
        return false;
    if (item->events & EPOLLONESHOT) {
        item->events &= PRIVATE_FLAGS;
        return false;
    }
    return !(item->events & EPOLLET);
}

static int64_t collect_locked(struct epoll *ep, struct uptr to, int max)
{
    struct list_node again = LIST_INIT(again);
    int count = 0;
    unsigned rounds = 0;
    struct item *item;
    bool fault = false;
    while (count < max && !fault && (item = take_ready(ep))) {
        uint32_t events = file_poll(item->file) & item->events & ~PRIVATE_FLAGS;
        bool stays = false;
        if (events) {
            struct epoll_event out = {.events = events, .data = item->data};
            fault = copy_to_user(uptr_add(to, (uint64_t)count * sizeof(out)), &out, sizeof(out));
            stays = fault || stays_ready(item, events);
            count += !fault;
        }
        give_back(ep, item, stays, &again);
        if (++rounds % ROUNDS_AT_ONCE == 0)
            cond_resched();
    }
    put_again(ep, &again);
    return fault && count == 0 ? -EFAULT : count;
}

static bool has_ready(struct epoll *ep)
{
    spin_lock(&ep->ready_lock);
    bool ready = ep->collecting || !list_empty(&ep->ready);
    spin_unlock(&ep->ready_lock);
    return ready;
}

static int64_t collect(struct epoll *ep, struct uptr to, int max)
{
    if (!has_ready(ep))
        return 0;
    mutex_lock(&ep->lock);
    int64_t n = collect_locked(ep, to, max);
    mutex_unlock(&ep->lock);
    return n;
}

/* Waits until there is something to collect. Returns as collect(), or -EINTR; 0: too late. */
static int64_t wait_and_collect(struct epoll *ep, struct uptr to, int max, uint64_t deadline_ns)
{
    int64_t n;
    int err = 0;
    struct waiter w;
    waiter_init(&w, EPOLLIN);
    w.exclusive = true;
    waitq_add(&ep->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        n = collect(ep, to, max);
        if (n != 0 || err)
            break;
        err = waiter_sleep(&w, deadline_ns, true);
        if (err == -EINTR)
            break;
    }
    waitq_remove(&ep->waitq, &w);
    return n == 0 && err == -EINTR ? -EINTR : n;
}

int64_t epoll_collect(struct file *ep_file, struct uptr to, int max, uint64_t deadline_ns)
{
    struct epoll *ep = ep_file->private;
    int64_t n = collect(ep, to, max);
    if (n == 0 && deadline_ns != 0)
        n = wait_and_collect(ep, to, max, deadline_ns);
    if (!waitq_empty(&ep->waitq) && has_ready(ep)) /* the next one's turn */
        waitq_wake_one(&ep->waitq);
    return n;
}

/* The open file. */

/* Whether any item on the ready list is ready indeed; takes off those that are not. */
static uint32_t epoll_poll(struct file *f)
{
    struct epoll *ep = f->private;
    struct list_node again = LIST_INIT(again);
    uint32_t events = 0;
    struct item *item;
    if (!has_ready(ep))
        return 0;
    mutex_lock(&ep->lock);
    while (!events && (item = take_ready(ep))) {
        if (file_poll(item->file) & item->events & ~PRIVATE_FLAGS)
            events = EPOLLIN | EPOLLRDNORM;
        give_back(ep, item, events != 0, &again);
        cond_resched();
    }
    put_again(ep, &again);
    mutex_unlock(&ep->lock);
    return events;
}

static struct waitq *epoll_waitq(struct file *f)
{
    struct epoll *ep = f->private;
    return &ep->waitq;
}

static void epoll_getattr(struct file *f, struct inode_attr *attr)
{
    const struct epoll *ep = f->private;
    *attr = (struct inode_attr){.ino = ep->ino, .mode = 0600, .links = 1, .block_size = PAGE_SIZE};
}

static size_t epoll_describe(struct file *f, char *buf, size_t size)
{
    (void)f;
    return format(buf, size, "anon_inode:[eventpoll]");
}

static size_t item_info(const struct item *item, char *buf, size_t size)
{
    struct inode_attr attr = {0};
    file_getattr(item->file, &attr);
    return format(buf, size, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n",
                  item->fd, item->events, item->data, (int64_t)item->file->pos, attr.ino,
                  device_inner(attr.device));
}

static size_t epoll_fdinfo(struct file *f, char *buf, size_t size)
{
    struct epoll *ep = f->private;
    size_t length = 0;
    mutex_lock(&ep->lock);
    for (unsigned i = 0; i < ep->bucket_count && length < size; i++) {
        for (struct item *item = ep->buckets[i]; item && length < size; item = item->bucket_next)
            length += item_info(item, buf + length, size - length);
        cond_resched();
    }
    mutex_unlock(&ep->lock);
    return length;
}

/* The items of some buckets: who closes a file may wait for the locks, so for no more than those.
 */
static void destroy_items(struct epoll *ep, unsigned first)
{
    mutex_lock(&graph_lock);
    mutex_lock(&ep->lock);
    for (unsigned i = first; i < first + BUCKETS_AT_FIRST; i++)
        while (ep->buckets[i])
            item_destroy(ep->buckets[i]);
    mutex_unlock(&ep->lock);
    mutex_unlock(&graph_lock);
    cond_resched();
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->private;
    for (unsigned i = 0; i < ep->bucket_count; i += BUCKETS_AT_FIRST)
        destroy_items(ep, i);
    if (ep->buckets != ep->first_buckets)
        heap_free(ep->buckets);
    heap_free(ep);
}

static const struct file_ops epoll_ops = {
    .name = "epoll",
    .poll = epoll_poll,
    .waitq = epoll_waitq,
    .getattr = epoll_getattr,
    .describe = epoll_describe,
    .fdinfo = epoll_fdinfo,
    .release = epoll_release,
};

struct file *epoll_create(void)
{
    static uint64_t last_ino = 1000000;
    struct epoll *ep = heap_zalloc_object(sizeof(*ep));
    if (!ep)
        return NULL;
    mutex_init(&ep->lock, RANK_NONE);
    spin_init(&ep->ready_lock, RANK_NONE);
    waitq_init_rank(&ep->waitq, RANK_NONE);
    list_init(&ep->ready);
    ep->buckets = ep->first_buckets;
    ep->bucket_count = BUCKETS_AT_FIRST;
    ep->level = 1;
    ep->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    ep->file = file_alloc(&epoll_ops, O_RDWR, NULL, ep);
    if (!ep->file) {
        heap_free(ep);
        return NULL;
    }
    return ep->file;
}
