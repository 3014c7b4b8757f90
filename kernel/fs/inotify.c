/*
 * inotify: instances, the watches they hold on inodes, and their queues of events.
 *
 * One spin lock, inotify_lock, guards all of it, and nothing is allocated under it: who has an
 * event to tell first counts how many copies it takes, then makes them, then hands them out. A
 * watch keeps its inode in memory.
 */
#include "kernel/fs/inotify.h"

#include <linux/eventpoll.h>
#include <linux/inotify.h>
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/mode.h"

#define EVENTS_MAX 16384u
#define WATCH_FLAGS (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)
/* What a directory hears of its entries, and nobody else. */
#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define FIONREAD 0x541b
#define NAME_ALIGN sizeof(struct inotify_event)

struct event {
    struct list_node node; /* in instance.events, or a local list of spare ones */
    int watch;
    uint32_t mask, cookie, name_length;
    char name[];
};

struct instance {
    struct list_node watches, events;
    unsigned event_count;
    int last_number;
    struct waitq waitq;
    uint64_t ino;
};

struct watch {
    struct list_node inode_node;    /* in inode->watches */
    struct list_node instance_node; /* in instance->watches, or a local list of removed ones */
    struct instance *instance;
    struct inode *inode; /* a reference */
    int number;
    uint32_t mask;
};

/* What happened, on its way to the watches. */
struct news {
    struct inode *inode;
    struct name name; /* length 0: the inode itself */
    uint32_t mask, cookie;
    struct list_node spare;   /* events to hand out */
    struct list_node removed; /* watches to free */
};

unsigned vfs_watch_count;
static unsigned instance_count;
static struct spinlock inotify_lock = SPINLOCK_INIT(RANK_INOTIFY);

static struct event *event_make(struct name name)
{
    struct event *e = heap_alloc_object(sizeof(*e) + name.length);
    if (!e)
        return NULL;
    *e = (struct event){.name_length = name.length};
    if (name.length > 0)
        memcpy(e->name, name.text, name.length);
    return e;
}

/* Makes count events; fewer if memory is short. */
static void spare_fill(struct news *news, unsigned count)
{
    for (; count > 0; count--) {
        struct event *e = event_make(news->name);
        if (!e)
            return;
        list_add_tail(&news->spare, &e->node);
    }
}

static void spare_free(struct news *news)
{
    list_for_each_safe(node, next, &news->spare) heap_free(list_entry(node, struct event, node));
}

static bool event_same(const struct event *a, const struct event *b)
{
    return a->watch == b->watch && a->mask == b->mask && a->cookie == b->cookie &&
           a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

/* Takes an event from the spare ones and queues it, unless it says again what the last one said or
 * the queue is full (then the last says so). inotify_lock is held. */
static void queue_event(struct instance *in, struct news *news, int watch, uint32_t mask)
{
    if (list_empty(&news->spare))
        return;
    struct event *e = list_entry(news->spare.next, struct event, node);
    e->watch = watch;
    e->mask = mask;
    e->cookie = news->cookie;
    if (mask & (IN_IGNORED | IN_Q_OVERFLOW))
        e->name_length = e->cookie = 0;
    if (in->event_count > EVENTS_MAX)
        return;
    if (in->event_count == EVENTS_MAX) {
        e->watch = -1;
        e->mask = IN_Q_OVERFLOW;
        e->name_length = e->cookie = 0;
    }
    struct event *last = list_entry(in->events.prev, struct event, node);
    if (!list_empty(&in->events) && event_same(last, e))
        return;
    list_remove(&e->node);
    list_add_tail(&in->events, &e->node);
    in->event_count++;
    waitq_wake(&in->waitq, EPOLLIN | EPOLLRDNORM);
}

/* inotify_lock is held; the caller frees what is in removed afterwards. */
static void watch_detach(struct watch *w, struct list_node *removed)
{
    list_remove(&w->inode_node);
    list_remove(&w->instance_node);
    list_add_tail(removed, &w->instance_node);
    __atomic_fetch_sub(&vfs_watch_count, 1, __ATOMIC_RELAXED);
}

static void watches_free(struct list_node *removed)
{
    list_for_each_safe(node, next, removed)
    {
        struct watch *w = list_entry(node, struct watch, instance_node);
        inode_put(w->inode);
        heap_free(w);
    }
}

static bool watch_wants(const struct watch *w, const struct news *news)
{
    return (w->mask & news->mask & IN_ALL_EVENTS) && !(w->mask & news->mask & IN_EXCL_UNLINK);
}

/* How many events the watches on target will take. */
static unsigned count_events(struct inode *target, const struct news *news)
{
    unsigned count = 0;
    list_for_each(
        node, &target->watches) if (watch_wants(list_entry(node, struct watch, inode_node), news))
        count += 2; /* the event, and IN_IGNORED */
    if (news->mask & IN_DELETE_SELF)
        list_for_each(node, &target->watches) count++;
    return count;
}

static void deliver_locked(struct inode *target, struct news *news)
{
    list_for_each_safe(node, next, &target->watches)
    {
        struct watch *w = list_entry(node, struct watch, inode_node);
        bool wanted = watch_wants(w, news);
        if (wanted)
            queue_event(w->instance, news, w->number, news->mask & (IN_ALL_EVENTS | IN_ISDIR));
        if ((wanted && (w->mask & IN_ONESHOT)) || (news->mask & IN_DELETE_SELF)) {
            queue_event(w->instance, news, w->number, IN_IGNORED);
            watch_detach(w, &news->removed);
        }
    }
}

/* Tells the watches on target: the inode itself, or its directory (then name is the entry's). */
static void tell(struct inode *target, struct inode *inode, struct name name, uint32_t mask,
                 uint32_t cookie)
{
    if (list_empty(&target->watches))
        return;
    struct news news = {.inode = inode, .name = name, .mask = mask, .cookie = cookie};
    list_init(&news.spare);
    list_init(&news.removed);
    spin_lock(&inotify_lock);
    unsigned count = count_events(target, &news);
    spin_unlock(&inotify_lock);
    if (count == 0)
        return;
    spare_fill(&news, count);
    spin_lock(&inotify_lock);
    deliver_locked(target, &news);
    spin_unlock(&inotify_lock);
    spare_free(&news);
    watches_free(&news.removed);
}

void vfs_notify_watchers(struct inode *inode, struct inode *parent, struct name name, uint32_t mask,
                         uint32_t cookie)
{
    if (inode && inode_is_dir(inode) && !(mask & SELF_EVENTS))
        mask |= IN_ISDIR;
    if (parent && parent != inode && !(mask & SELF_EVENTS))
        tell(parent, inode, name, mask, cookie);
    if (inode && !(mask & NAME_EVENTS))
        tell(inode, inode, (struct name){0}, mask, cookie);
}

/* The open file. */

static size_t event_size(const struct event *e)
{
    size_t name = e->name_length ? align_up(e->name_length + 1, NAME_ALIGN) : 0;
    return sizeof(struct inotify_event) + name;
}

/* The first event, if it fits into room: 0 and *out (NULL: there is none), or -EINVAL. */
static int take_event(struct instance *in, size_t room, struct event **out)
{
    int err = 0;
    *out = NULL;
    spin_lock(&inotify_lock);
    if (!list_empty(&in->events)) {
        struct event *e = list_entry(in->events.next, struct event, node);
        if (event_size(e) <= room) {
            list_remove(&e->node);
            in->event_count--;
            *out = e;
        } else {
            err = -EINVAL;
        }
    }
    spin_unlock(&inotify_lock);
    return err;
}

static bool put_event(struct iter *it, const struct event *e)
{
    size_t size = event_size(e), padding = size - sizeof(struct inotify_event) - e->name_length;
    struct inotify_event head = {.wd = e->watch,
                                 .mask = e->mask,
                                 .cookie = e->cookie,
                                 .len = (uint32_t)(size - sizeof(head))};
    return iter_write(it, &head, sizeof(head)) == sizeof(head) &&
           iter_write(it, e->name, e->name_length) == e->name_length &&
           iter_write_zero(it, padding) == padding;
}

static int64_t inotify_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)pos;
    int64_t done = 0;
    for (;;) {
        struct event *e;
        int err = take_event(f->private, it->left, &e);
        if (!e) {
            if (done > 0)
                return done;
            return err ? err : -EAGAIN;
        }
        size_t size = event_size(e);
        bool copied = put_event(it, e);
        heap_free(e);
        if (!copied)
            return done > 0 ? done : -EFAULT;
        done += (int64_t)size;
        cond_resched();
    }
}

static uint32_t inotify_poll(struct file *f)
{
    const struct instance *in = f->private;
    return __atomic_load_n(&in->event_count, __ATOMIC_ACQUIRE) ? EPOLLIN | EPOLLRDNORM : 0;
}

static struct waitq *inotify_waitq(struct file *f)
{
    struct instance *in = f->private;
    return &in->waitq;
}

static int64_t inotify_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    struct instance *in = f->private;
    if (request != FIONREAD)
        return -ENOTTY;
    int bytes = 0;
    spin_lock(&inotify_lock);
    list_for_each(node, &in->events) bytes += (int)event_size(list_entry(node, struct event, node));
    spin_unlock(&inotify_lock);
    return copy_to_user((struct uptr){arg}, &bytes, sizeof(bytes));
}

static void inotify_getattr(struct file *f, struct inode_attr *attr)
{
    const struct instance *in = f->private;
    *attr = (struct inode_attr){.ino = in->ino, .mode = 0600, .links = 1, .block_size = PAGE_SIZE};
}

static size_t inotify_describe(struct file *f, char *buf, size_t size)
{
    (void)f;
    return format(buf, size, "anon_inode:inotify");
}

static size_t inotify_fdinfo(struct file *f, char *buf, size_t size)
{
    const struct instance *in = f->private;
    size_t length = 0;
    spin_lock(&inotify_lock);
    list_for_each(node, &in->watches)
    {
        const struct watch *w = list_entry(node, struct watch, instance_node);
        if (length < size)
            length += format(buf + length, size - length,
                             "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0\n", w->number,
                             w->inode->ino, device_inner(w->inode->fs->device),
                             w->mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT));
    }
    spin_unlock(&inotify_lock);
    return length;
}

static void inotify_release(struct file *f)
{
    struct instance *in = f->private;
    struct list_node removed = LIST_INIT(removed);
    instance_count--;
    spin_lock(&inotify_lock);
    list_for_each_safe(node, next, &in->watches)
        watch_detach(list_entry(node, struct watch, instance_node), &removed);
    spin_unlock(&inotify_lock);
    watches_free(&removed);
    list_for_each_safe(node, next, &in->events)
    {
        heap_free(list_entry(node, struct event, node));
        cond_resched();
    }
    heap_free(in);
}

static const struct file_ops inotify_ops = {
    .name = "inotify",
    .read = inotify_read,
    .poll = inotify_poll,
    .waitq = inotify_waitq,
    .ioctl = inotify_ioctl,
    .getattr = inotify_getattr,
    .describe = inotify_describe,
    .fdinfo = inotify_fdinfo,
    .release = inotify_release,
    .plain_read = true,
};

bool inotify_instances_full(void)
{
    return instance_count >= INOTIFY_INSTANCES_MAX;
}

struct file *inotify_create(unsigned flags)
{
    static uint64_t last_ino;
    if (inotify_instances_full())
        return NULL;
    struct instance *in = heap_zalloc_object(sizeof(*in));
    if (!in)
        return NULL;
    list_init(&in->watches);
    list_init(&in->events);
    waitq_init(&in->waitq);
    in->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    struct file *f = file_alloc(&inotify_ops, flags, NULL, in);
    if (f)
        instance_count++;
    else
        heap_free(in);
    return f;
}

bool inotify_is(const struct file *f)
{
    return f->ops == &inotify_ops;
}

static struct watch *find_watch(const struct instance *in, struct inode *inode)
{
    list_for_each(node, &inode->watches)
    {
        struct watch *w = list_entry(node, struct watch, inode_node);
        if (w->instance == in)
            return w;
    }
    return NULL;
}

/* Changes the watch there is, or makes fresh the one. Returns its number or -errno. */
static int watch_set_locked(struct instance *in, struct inode *inode, uint32_t mask,
                            struct watch *fresh)
{
    struct watch *old = find_watch(in, inode);
    if (old) {
        if (mask & IN_MASK_CREATE)
            return -EEXIST;
        uint32_t kept = mask & IN_MASK_ADD ? old->mask : 0;
        old->mask = kept | (mask & WATCH_FLAGS);
        return old->number;
    }
    if (vfs_watch_count >= INOTIFY_WATCHES_MAX)
        return -ENOSPC;
    fresh->instance = in;
    fresh->inode = inode_get(inode);
    fresh->number = ++in->last_number;
    fresh->mask = mask & WATCH_FLAGS;
    list_add_tail(&inode->watches, &fresh->inode_node);
    list_add_tail(&in->watches, &fresh->instance_node);
    __atomic_fetch_add(&vfs_watch_count, 1, __ATOMIC_RELAXED);
    return fresh->number;
}

int inotify_watch(struct file *f, struct inode *inode, uint32_t mask)
{
    struct watch *fresh = heap_zalloc_object(sizeof(*fresh));
    if (!fresh)
        return -ENOMEM;
    spin_lock(&inotify_lock);
    int number = watch_set_locked(f->private, inode, mask, fresh);
    bool used = fresh->inode != NULL;
    spin_unlock(&inotify_lock);
    if (used)
        inode->pinned = true; /* else the name cache may drop it and load another in its place */
    else
        heap_free(fresh);
    return number;
}

int inotify_unwatch(struct file *f, int number)
{
    struct instance *in = f->private;
    struct news news = {0};
    list_init(&news.spare);
    list_init(&news.removed);
    spare_fill(&news, 1);
    spin_lock(&inotify_lock);
    list_for_each_safe(node, next, &in->watches)
    {
        struct watch *w = list_entry(node, struct watch, instance_node);
        if (w->number != number)
            continue;
        queue_event(in, &news, number, IN_IGNORED);
        watch_detach(w, &news.removed);
        break;
    }
    spin_unlock(&inotify_lock);
    bool found = !list_empty(&news.removed);
    spare_free(&news);
    watches_free(&news.removed);
    return found ? 0 : -EINVAL;
}
