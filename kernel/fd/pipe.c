/*
 * Pipes: a ring of pages between a reading and a writing end.
 *
 * Each slot holds one page with the bytes [start, end). A small write goes into the last page as
 * long as there is room. The pipe's mutex guards everything and may be held while bytes are copied
 * from or to the program; poll reads the counters without it.
 */
#include "kernel/fd/pipe.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/eventpoll.h>
#include <linux/magic.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/cred.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/mode.h"

#define PIPE_ATOMIC 4096u /* PIPE_BUF */
#define SPARE_PAGES 2u
#define PIPE_DEVICE 0xdu
#define PIPE_SIZE_END (1ul << 31)

struct slot {
    struct page *page;
    uint32_t start, end;
    bool packet; /* one write in O_DIRECT mode: read alone */
};

struct pipe {
    struct mutex lock;
    struct slot *slots;
    uint32_t capacity;   /* of slots; a power of two */
    uint32_t head, tail; /* first slot in use, first free one; they only grow */
    struct page *spare[SPARE_PAGES];
    uint32_t readers, writers;           /* open files */
    uint32_t reader_opens, writer_opens; /* counts, for FIFOs */
    struct waitq waitq;
    uint32_t reserved;  /* free slots that are somebody's already */
    bool claimed;       /* somebody moves what is in it elsewhere: for others it is empty */
    struct inode inode; /* of a pipe without a name: attributes and locks */
    struct slot first_slots[PIPE_PAGES_DEFAULT];
};

static struct filesystem pipefs = {
    .type = "pipefs", .device = PIPE_DEVICE, .magic = PIPEFS_MAGIC, .next_ino = 1001};
static uint32_t limit = PIPE_BYTES_MAX; /* a power of two */

static inline struct slot *slot_at(struct pipe *p, uint32_t index)
{
    return &p->slots[index & (p->capacity - 1)];
}

static inline bool pipe_empty(const struct pipe *p)
{
    return __atomic_load_n(&p->head, __ATOMIC_ACQUIRE) ==
           __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE);
}

static inline bool pipe_full(const struct pipe *p)
{
    return __atomic_load_n(&p->tail, __ATOMIC_ACQUIRE) -
               __atomic_load_n(&p->head, __ATOMIC_ACQUIRE) + p->reserved >=
           p->capacity;
}

static struct pipe *pipe_alloc(void)
{
    struct pipe *p = heap_zalloc_object(sizeof(*p));
    if (!p)
        return NULL;
    mutex_init(&p->lock, RANK_STREAM);
    waitq_init(&p->waitq);
    p->slots = p->first_slots;
    p->capacity = PIPE_PAGES_DEFAULT;
    inode_init(&p->inode, &pipefs, S_IFIFO | 0600);
    p->inode.uid = cred_current()->uid[CRED_FS];
    p->inode.gid = cred_current()->gid[CRED_FS];
    return p;
}

static void pipe_free(struct pipe *p)
{
    for (; p->head != p->tail; p->head++) {
        page_put(slot_at(p, p->head)->page);
        cond_resched();
    }
    for (unsigned i = 0; i < SPARE_PAGES; i++)
        if (p->spare[i])
            page_put(p->spare[i]);
    if (p->slots != p->first_slots)
        heap_free(p->slots);
    heap_free(p);
}

static struct page *take_page(struct pipe *p)
{
    for (unsigned i = 0; i < SPARE_PAGES; i++) {
        struct page *page = p->spare[i];
        p->spare[i] = NULL;
        if (page)
            return page;
    }
    return page_alloc(0, ALLOC_OBJECT);
}

static void give_page(struct pipe *p, struct page *page)
{
    for (unsigned i = 0; i < SPARE_PAGES; i++) {
        if (!p->spare[i]) {
            p->spare[i] = page;
            return;
        }
    }
    page_put(page);
}

static void drop_head(struct pipe *p)
{
    give_page(p, slot_at(p, p->head)->page);
    __atomic_store_n(&p->head, p->head + 1, __ATOMIC_RELEASE);
}

/* Reads from the first slot. Returns bytes; fewer than could be: the program's memory faulted. */
static size_t read_slot(struct pipe *p, struct iter *it, bool *faulted)
{
    struct slot *s = slot_at(p, p->head);
    size_t size = min_u64(s->end - s->start, it->left);
    size_t n = iter_write(it, (const char *)page_virt(s->page) + s->start, size);
    *faulted = n < size;
    s->start += (uint32_t)n;
    return n;
}

static int64_t read_locked(struct pipe *p, struct iter *it, bool *freed)
{
    int64_t done = 0;
    if (pipe_empty(p))
        return p->writers && it->left ? -EAGAIN : 0;
    while (it->left > 0 && !pipe_empty(p)) {
        struct slot *s = slot_at(p, p->head);
        bool faulted, packet = s->packet;
        done += (int64_t)read_slot(p, it, &faulted);
        if (s->start == s->end || (packet && !faulted)) {
            drop_head(p);
            *freed = true;
        }
        if (faulted)
            return done > 0 ? done : -EFAULT;
        if (packet)
            break;
        if (it->left > 0)
            cond_resched();
    }
    return done;
}

static int64_t pipe_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct pipe *p = f->private;
    bool freed = false;
    (void)pos;
    mutex_lock(&p->lock);
    int64_t n = UNLIKELY(p->claimed) ? -EAGAIN : read_locked(p, it, &freed);
    mutex_unlock(&p->lock);
    if (n > 0 && f->dentry) /* a FIFO */
        file_accessed(f);
    if (freed)
        waitq_wake_long(&p->waitq, EPOLLOUT | EPOLLWRNORM);
    return n;
}

/* Adds to the last page as much as fits into it. */
static size_t append(struct pipe *p, struct iter *it)
{
    struct slot *s = slot_at(p, p->tail - 1);
    if (pipe_empty(p) || s->packet || s->end == PAGE_SIZE)
        return 0;
    size_t n = iter_read(it, (char *)page_virt(s->page) + s->end, PAGE_SIZE - s->end);
    s->end += (uint32_t)n;
    return n;
}

/* Puts up to a page into a new slot. Returns bytes, -ENOMEM or -EFAULT. */
static int64_t add_slot(struct pipe *p, struct iter *it, bool packet)
{
    struct page *page = take_page(p);
    if (!page)
        return -ENOMEM;
    size_t n = iter_read(it, page_virt(page), PAGE_SIZE);
    if (n == 0) {
        give_page(p, page);
        return -EFAULT;
    }
    *slot_at(p, p->tail) = (struct slot){page, 0, (uint32_t)n, packet};
    __atomic_store_n(&p->tail, p->tail + 1, __ATOMIC_RELEASE);
    return (int64_t)n;
}

/* Whether size bytes fit, without being torn. */
static bool room_for(struct pipe *p, uint64_t size)
{
    uint64_t room = (uint64_t)(p->capacity - (p->tail - p->head) - p->reserved) * PAGE_SIZE;
    struct slot *last = slot_at(p, p->tail - 1);
    if (!pipe_empty(p) && !last->packet)
        room += PAGE_SIZE - last->end;
    return room >= size;
}

static int64_t write_locked(struct pipe *p, struct iter *it, bool packets)
{
    if (it->left == 0)
        return 0;
    if (!p->readers)
        return -EPIPE;
    if (it->left <= PIPE_ATOMIC && !room_for(p, it->left))
        return -EAGAIN;
    int64_t done = packets ? 0 : (int64_t)append(p, it);
    while (it->left > 0) {
        if (pipe_full(p))
            return done > 0 ? done : -EAGAIN;
        int64_t n = add_slot(p, it, packets);
        if (n < 0)
            return done > 0 ? done : n;
        done += n;
        if (it->left > 0)
            cond_resched();
    }
    return done;
}

static int64_t pipe_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct pipe *p = f->private;
    (void)pos;
    mutex_lock(&p->lock);
    int64_t n = write_locked(p, it, (f->flags & O_DIRECT) && !it->quiet);
    if (n > 0 && f->dentry) /* a FIFO */
        f->inode->mtime_ns = f->inode->ctime_ns = clock_realtime_ns();
    mutex_unlock(&p->lock);
    if (n > 0)
        waitq_wake_long(&p->waitq, EPOLLIN | EPOLLRDNORM);
    return n;
}

static uint32_t pipe_poll(struct file *f)
{
    struct pipe *p = f->private;
    uint32_t events = 0;
    uint32_t readers = __atomic_load_n(&p->readers, __ATOMIC_RELAXED);
    uint32_t writers = __atomic_load_n(&p->writers, __ATOMIC_RELAXED);
    if (file_readable(f)) {
        if (!pipe_empty(p) && !p->claimed)
            events |= EPOLLIN | EPOLLRDNORM;
        /* A FIFO that never had a writer while this file was open isn't hung up. */
        if (!writers && f->readahead != p->writer_opens)
            events |= EPOLLHUP;
    }
    if (file_writable(f)) {
        if (!pipe_full(p))
            events |= EPOLLOUT | EPOLLWRNORM;
        if (!readers)
            events |= EPOLLERR;
    }
    return events;
}

static struct waitq *pipe_waitq(struct file *f)
{
    struct pipe *p = f->private;
    return &p->waitq;
}

static int64_t pipe_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    struct pipe *p = f->private;
    int bytes = 0;
    if (request != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock);
    for (uint32_t i = p->head; i != p->tail; i++) {
        bytes += (int)(slot_at(p, i)->end - slot_at(p, i)->start);
        cond_resched();
    }
    mutex_unlock(&p->lock);
    return copy_to_user((struct uptr){arg}, &bytes, sizeof(bytes));
}

static void pipe_getattr(struct file *f, struct inode_attr *attr)
{
    vfs_getattr(f->inode, attr);
}

static size_t pipe_describe(struct file *f, char *buf, size_t size)
{
    const struct pipe *p = f->private;
    return format(buf, size, "pipe:[%lu]", p->inode.ino);
}

/* One end goes. Returns whether it was the last. p->lock is not held. */
static bool end_closed(struct pipe *p, const struct file *f)
{
    mutex_lock(&p->lock);
    p->readers -= file_readable(f);
    p->writers -= file_writable(f);
    bool last = !p->readers && !p->writers;
    mutex_unlock(&p->lock);
    if (!last)
        waitq_wake(&p->waitq, EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLOUT | EPOLLWRNORM | EPOLLERR);
    return last;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->private;
    if (end_closed(p, f))
        pipe_free(p);
}

static int pipe_reopen(struct file *target, struct file *fresh);

static const struct file_ops pipe_ops = {
    .name = "pipe",
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .waitq = pipe_waitq,
    .ioctl = pipe_ioctl,
    .getattr = pipe_getattr,
    .release = pipe_release,
    .describe = pipe_describe,
    .reopen = pipe_reopen,
};

int pipe_create(unsigned flags, bool privileged, struct file *files[2])
{
    struct pipe *p = pipe_alloc();
    if (!p)
        return -ENOMEM;
    if (!privileged)
        p->capacity = (uint32_t)min_u64(p->capacity, pipe_limit() / PAGE_SIZE);
    files[0] = file_alloc(&pipe_ops, O_RDONLY | (flags & O_NONBLOCK), NULL, p);
    files[1] = file_alloc(&pipe_ops, O_WRONLY | flags, NULL, p);
    if (!files[0] || !files[1]) {
        for (unsigned i = 0; i < 2 && files[i]; i++) {
            files[i]->ops = NULL;
            file_put(files[i]);
        }
        pipe_free(p);
        return file_alloc_error();
    }
    files[0]->inode = files[1]->inode = &p->inode;
    p->inode.pipe = p;
    p->readers = p->writers = p->writer_opens = 1;
    return 0;
}

/* FIFOs: the pipe hangs on the inode, under the inode's mutex, while anybody has it open. */

static void fifo_release(struct file *f)
{
    struct pipe *p = f->private;
    struct inode *inode = f->inode;
    mutex_lock(&inode->lock);
    bool last = end_closed(p, f);
    if (last)
        inode->pipe = NULL;
    mutex_unlock(&inode->lock);
    if (last)
        pipe_free(p);
}

static const struct file_ops fifo_ops = {
    .name = "fifo",
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .waitq = pipe_waitq,
    .ioctl = pipe_ioctl,
    .release = fifo_release,
};

bool pipe_is(const struct file *f)
{
    return f->ops == &pipe_ops || f->ops == &fifo_ops;
}

/* Waits until somebody else has opened the end that *opens counts, or has it open. */
static int wait_for_end(struct pipe *p, const uint32_t *count, const uint32_t *opens)
{
    uint32_t before = *opens;
    int err = 0;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&p->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        if (__atomic_load_n(count, __ATOMIC_ACQUIRE) ||
            __atomic_load_n(opens, __ATOMIC_ACQUIRE) != before)
            break;
        err = waiter_sleep(&w, DEADLINE_NONE, true);
        if (err)
            break;
    }
    waitq_remove(&p->waitq, &w);
    return err ? -ERESTARTSYS : 0;
}

/* Joins the FIFO of inode, or makes it. Returns 0, -ENXIO or -ENOMEM. */
static int fifo_join(struct inode *inode, struct file *file)
{
    bool only_write = !file_readable(file) && inode->fs != &pipefs;
    mutex_lock(&inode->lock);
    struct pipe *p = inode->pipe;
    int err = 0;
    if (only_write && (file->flags & O_NONBLOCK) && (!p || !p->readers))
        err = -ENXIO;
    if (!err && !p)
        p = pipe_alloc();
    if (!err && !p)
        err = -ENOMEM;
    if (!err) {
        inode->pipe = p;
        file->private = p;
        mutex_lock(&p->lock);
        file->readahead = p->writers ? p->writer_opens - 1 : p->writer_opens;
        p->readers += file_readable(file);
        p->reader_opens += file_readable(file);
        p->writers += file_writable(file);
        p->writer_opens += file_writable(file);
        mutex_unlock(&p->lock);
        waitq_wake(&p->waitq, EPOLLHUP);
    }
    mutex_unlock(&inode->lock);
    return err;
}

int fifo_open(struct inode *inode, struct file *file)
{
    int err = fifo_join(inode, file);
    if (err)
        return err;
    struct pipe *p = file->private;
    file->ops = &fifo_ops;
    if ((file->flags & O_NONBLOCK) || (file_readable(file) && file_writable(file)))
        return 0;
    if (file_readable(file))
        return wait_for_end(p, &p->writers, &p->writer_opens);
    return wait_for_end(p, &p->readers, &p->reader_opens);
}

/* Another file of a pipe, for what it likes: its end isn't asked for. */
static int pipe_reopen(struct file *target, struct file *fresh)
{
    dentry_put(fresh->dentry);
    fresh->dentry = NULL;
    fresh->inode = target->inode;
    fresh->ops = &pipe_ops;
    fresh->flags |= O_LARGEFILE;
    return fifo_join(target->inode, fresh);
}

int pipe_size(struct file *f)
{
    const struct pipe *p = f->private;
    return (int)(p->capacity * PAGE_SIZE);
}

static int resize_locked(struct pipe *p, uint32_t capacity, struct slot *slots)
{
    uint32_t used = p->tail - p->head;
    if (used + p->reserved > capacity)
        return -EBUSY;
    for (uint32_t i = 0; i < used; i++) {
        slots[i] = *slot_at(p, p->head + i);
        cond_resched();
    }
    struct slot *old = p->slots;
    p->slots = slots;
    p->capacity = capacity;
    p->head = 0;
    p->tail = used;
    if (old != p->first_slots)
        heap_free(old);
    return 0;
}

/* The power of two of bytes, a page at least, that size stands for; 0: too much. */
static uint64_t round_size(uint64_t size)
{
    uint64_t rounded = PAGE_SIZE;
    while (rounded < size && rounded < PIPE_SIZE_END)
        rounded *= 2;
    return rounded < size ? 0 : rounded;
}

unsigned pipe_limit(void)
{
    return __atomic_load_n(&limit, __ATOMIC_RELAXED);
}

int pipe_limit_set(uint64_t size)
{
    uint64_t rounded = round_size(size);
    if (!rounded)
        return -EINVAL;
    __atomic_store_n(&limit, (uint32_t)rounded, __ATOMIC_RELAXED);
    return 0;
}

int64_t pipe_resize(struct file *f, uint64_t size, bool privileged)
{
    struct pipe *p = f->private;
    uint64_t rounded = round_size(size);
    uint32_t capacity = (uint32_t)(rounded / PAGE_SIZE);
    if (!rounded)
        return -EINVAL;
    if (capacity > p->capacity && rounded > pipe_limit() && !privileged)
        return -EPERM;
    struct slot *slots = heap_zalloc_object(capacity * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    mutex_lock(&p->lock);
    int err = resize_locked(p, capacity, slots);
    mutex_unlock(&p->lock);
    if (err) {
        heap_free(slots);
        return err;
    }
    waitq_wake(&p->waitq, EPOLLOUT | EPOLLWRNORM);
    return (int64_t)rounded;
}

int64_t pipe_peek(struct file *f, void *buf, size_t size, struct pipe_place *place)
{
    struct pipe *p = f->private;
    size_t done = 0;
    mutex_lock(&p->lock);
    bool end = pipe_empty(p) && !p->writers;
    while (p->head + place->slot != p->tail && done < size) {
        const struct slot *s = slot_at(p, p->head + place->slot);
        uint32_t from = s->start + place->skip;
        uint32_t part = (uint32_t)min_u64(s->end - from, size - done);
        memcpy((char *)buf + done, (const char *)page_virt(s->page) + from, part);
        done += part;
        place->skip += part;
        if (from + part == s->end) {
            place->skip = 0;
            place->slot++;
        }
    }
    mutex_unlock(&p->lock);
    place->passed += done;
    return done > 0 || end ? (int64_t)done : -EAGAIN;
}

void pipe_drop(struct file *f, size_t size)
{
    struct pipe *p = f->private;
    mutex_lock(&p->lock);
    while (size > 0 && !pipe_empty(p)) {
        struct slot *s = slot_at(p, p->head);
        size_t part = min_u64(s->end - s->start, size);
        s->start += (uint32_t)part;
        size -= part;
        if (s->start == s->end)
            drop_head(p);
        cond_resched();
    }
    mutex_unlock(&p->lock);
    waitq_wake(&p->waitq, EPOLLOUT | EPOLLWRNORM);
}

bool pipe_holds(const struct file *f)
{
    return !pipe_empty(f->private);
}

int pipe_claim(struct file *f, bool wait)
{
    struct pipe *p = f->private;
    int err = 0;
    struct waiter w;
    waiter_init(&w, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
    waitq_add(&p->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        mutex_lock(&p->lock);
        bool busy = p->claimed || (pipe_empty(p) && p->writers);
        if (!busy)
            p->claimed = true;
        mutex_unlock(&p->lock);
        if (!busy)
            break;
        err = wait ? waiter_sleep(&w, DEADLINE_NONE, true) : -EAGAIN;
        if (err)
            break;
    }
    waitq_remove(&p->waitq, &w);
    return err == -EINTR ? -ERESTARTSYS : err;
}

void pipe_give_back(struct file *f)
{
    struct pipe *p = f->private;
    mutex_lock(&p->lock);
    p->claimed = false;
    mutex_unlock(&p->lock);
    waitq_wake(&p->waitq, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/* Reserves a slot: its page, or NULL and *err. */
static struct page *reserve_locked(struct pipe *p, int *err)
{
    *err = !p->readers ? -EPIPE : pipe_full(p) ? -EAGAIN : 0;
    struct page *page = *err ? NULL : take_page(p);
    if (!*err && !page)
        *err = -ENOMEM;
    p->reserved += page != NULL;
    return page;
}

int pipe_reserve(struct file *f, bool wait, struct page **out)
{
    struct pipe *p = f->private;
    int err;
    struct waiter w;
    waiter_init(&w, EPOLLOUT | EPOLLWRNORM | EPOLLERR);
    waitq_add(&p->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        mutex_lock(&p->lock);
        *out = reserve_locked(p, &err);
        mutex_unlock(&p->lock);
        if (err != -EAGAIN || !wait)
            break;
        err = waiter_sleep(&w, DEADLINE_NONE, true);
        if (err)
            break;
    }
    waitq_remove(&p->waitq, &w);
    return err == -EINTR ? -ERESTARTSYS : err;
}

void pipe_fill(struct file *f, struct page *page, size_t size)
{
    struct pipe *p = f->private;
    mutex_lock(&p->lock);
    p->reserved--;
    if (size) {
        *slot_at(p, p->tail) = (struct slot){page, 0, (uint32_t)size, (f->flags & O_DIRECT) != 0};
        __atomic_store_n(&p->tail, p->tail + 1, __ATOMIC_RELEASE);
    } else {
        give_page(p, page);
    }
    mutex_unlock(&p->lock);
    waitq_wake(&p->waitq, size ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM);
}
