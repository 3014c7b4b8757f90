/*
 * Advisory locks. All locks of an inode are in one list; one spin lock guards them all, and whoever
 * waits is woken by every unlock and looks again: contention is rare.
 *
 * Owners: an open file (flock, OFD locks) or the process (POSIX locks), of which there is one, so
 * that POSIX locks only ever conflict with OFD locks.
 */
#include "kernel/vfs/flock.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/panic.h"
#include "kernel/fd/unnamed.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/mode.h"

#define LINES_AT_ONCE 256u /* of /proc/PID/fdinfo */
#define LOCKS_MAX 16384u   /* of all files; each is looked at for another one of its file */

struct lock {
    struct list_node node;   /* in inode->flocks */
    const void *owner;       /* a struct file, or &the_proc */
    const struct file *file; /* that it was taken through: open as long as the lock is there */
    bool whole;              /* of flock(2) */
    bool exclusive;
    uint64_t first, last; /* bytes */
};

static struct spinlock flock_lock = SPINLOCK_INIT(RANK_PIPE);
static struct waitq unlocked = {.lock = SPINLOCK_INIT(RANK_WAITQ),
                                .waiters = LIST_INIT(unlocked.waiters)};

static uint32_t lock_count;

/* Giving bytes back must not fail for there being too many locks. */
static struct lock *lock_alloc(bool unlock)
{
    if (!unlock && lock_count >= LOCKS_MAX)
        return NULL;
    struct lock *l = unlock ? heap_alloc(sizeof(*l)) : heap_alloc_object(sizeof(*l));
    lock_count += l != NULL;
    return l;
}

static void lock_free(struct lock *l)
{
    lock_count -= l != NULL;
    heap_free(l);
}

static bool overlap(const struct lock *a, const struct lock *b)
{
    return a->whole == b->whole && a->first <= b->last && b->first <= a->last;
}

static bool conflict(const struct lock *a, const struct lock *b)
{
    return a->owner != b->owner && (a->exclusive || b->exclusive) && overlap(a, b);
}

static struct lock *find_conflict(struct inode *inode, const struct lock *wanted)
{
    list_for_each(node, &inode->flocks)
    {
        struct lock *l = list_entry(node, struct lock, node);
        if (conflict(l, wanted))
            return l;
    }
    return NULL;
}

/* What to free after the spin lock was let go. */
static void free_list(struct list_node *list)
{
    list_for_each_safe(node, next, list) lock_free(list_entry(node, struct lock, node));
}

/*
 * Takes range's bytes away from its owner's locks. What is left of a lock behind the range goes
 * into *spare, which is then NULL. Emptied locks go to freed. Returns whether anything changed.
 */
static bool carve(struct inode *inode, const struct lock *range, struct lock **spare,
                  struct list_node *freed)
{
    bool changed = false;
    list_for_each_safe(node, next, &inode->flocks)
    {
        struct lock *l = list_entry(node, struct lock, node);
        if (l->owner != range->owner || !overlap(l, range))
            continue;
        changed = true;
        bool before = range->first > l->first, behind = l->last > range->last;
        if (before && behind) { /* once at most: an owner's locks do not overlap */
            ASSERT(*spare);
            **spare = *l;
            (*spare)->first = range->last + 1;
            list_add_tail(&inode->flocks, &(*spare)->node);
            *spare = NULL;
            l->last = range->first - 1;
        } else if (before) {
            l->last = range->first - 1;
        } else if (behind) {
            l->first = range->last + 1;
        } else {
            list_remove(&l->node);
            list_add_tail(freed, &l->node);
        }
    }
    return changed;
}

/* Tries to set (or with unlock, clear) a lock. fresh and *spare are memory for it. */
static int lock_try(struct inode *inode, const struct lock *wanted, bool unlock,
                    struct lock **fresh, struct lock **spare)
{
    struct list_node freed = LIST_INIT(freed);
    spin_lock(&flock_lock);
    bool busy = !unlock && find_conflict(inode, wanted), changed = false;
    if (wanted->whole || !busy) /* flock(2) gives up the old lock first, in any case */
        changed = carve(inode, wanted, spare, &freed);
    if (!busy && !unlock) {
        **fresh = *wanted;
        list_add_tail(&inode->flocks, &(*fresh)->node);
        *fresh = NULL;
    }
    spin_unlock(&flock_lock);
    free_list(&freed);
    if (changed)
        waitq_wake(&unlocked, EVENTS_ANY);
    return busy ? -EAGAIN : 0;
}

/* Sets or clears a lock; waits if it must and may. */
static int lock_set(struct inode *inode, const struct lock *wanted, bool unlock, bool wait)
{
    struct lock *fresh = lock_alloc(unlock), *spare = lock_alloc(unlock);
    int err = fresh && spare ? 0 : -ENOLCK;
    if (!err) {
        struct waiter w;
        waiter_init(&w, EVENTS_ANY);
        if (wait)
            waitq_add(&unlocked, &w);
        for (;;) {
            waiter_arm(&w);
            err = lock_try(inode, wanted, unlock, &fresh, &spare);
            if (err != -EAGAIN || !wait)
                break;
            err = waiter_sleep(&w, DEADLINE_NONE, true);
            if (err)
                break;
        }
        waitq_remove(&unlocked, &w);
    }
    lock_free(fresh);
    lock_free(spare);
    return err == -EINTR ? -ERESTARTSYS : err;
}

int flock_whole(struct file *f, int operation)
{
    int kind = operation & ~LOCK_NB;
    if (!file_inode(f))
        return -ENOMEM;
    struct lock wanted = {
        .owner = f, .file = f, .whole = true, .exclusive = kind == LOCK_EX, .last = UINT64_MAX};
    return lock_set(file_inode(f), &wanted, kind == LOCK_UN, !(operation & LOCK_NB));
}

/* The bytes a struct flock means. */
static int range_of(struct file *f, const struct flock *fl, struct lock *out)
{
    int64_t base = 0, first, last;
    if (fl->l_whence == SEEK_CUR)
        base = (int64_t)f->pos;
    else if (fl->l_whence == SEEK_END)
        base = f->inode && f->inode->map ? (int64_t)f->inode->map->size : 0;
    else if (fl->l_whence != SEEK_SET)
        return -EINVAL;
    if (__builtin_add_overflow(base, fl->l_start, &first))
        return -EOVERFLOW;
    last = INT64_MAX;
    if (fl->l_len > 0) {
        if (__builtin_add_overflow(first, fl->l_len - 1, &last))
            return -EOVERFLOW;
    } else if (fl->l_len < 0) {
        last = first - 1;
        if (__builtin_add_overflow(first, fl->l_len, &first))
            return -EINVAL;
    }
    if (first < 0)
        return -EINVAL;
    out->first = (uint64_t)first;
    out->last = (uint64_t)last;
    return 0;
}

/* Answers F_GETLK: the first lock in the way, or F_UNLCK. */
static void lock_query(struct inode *inode, const struct lock *wanted, struct flock *fl)
{
    spin_lock(&flock_lock);
    struct lock *l = find_conflict(inode, wanted);
    if (l) {
        fl->l_type = l->exclusive ? F_WRLCK : F_RDLCK;
        fl->l_whence = SEEK_SET;
        fl->l_start = (int64_t)l->first;
        fl->l_len = l->last >= INT64_MAX ? 0 : (int64_t)(l->last - l->first + 1);
        fl->l_pid = l->owner == &the_proc ? PROC_PID : -1;
    } else {
        fl->l_type = F_UNLCK;
    }
    spin_unlock(&flock_lock);
}

int flock_fcntl(struct file *f, int command, struct uptr arg)
{
    struct flock fl;
    bool ofd = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    bool query = command == F_GETLK || command == F_OFD_GETLK;
    if (copy_from_user(&fl, arg, sizeof(fl)))
        return -EFAULT;
    struct inode *inode = file_inode(f);
    if (!inode)
        return -ENOMEM;
    if (ofd && fl.l_pid != 0)
        return -EINVAL;
    if (fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && (fl.l_type != F_UNLCK || query))
        return -EINVAL;
    struct lock wanted = {
        .owner = ofd ? (const void *)f : &the_proc, .file = f, .exclusive = fl.l_type == F_WRLCK};
    int err = range_of(f, &fl, &wanted);
    if (err)
        return err;
    if (query) {
        lock_query(inode, &wanted, &fl);
        return copy_to_user(arg, &fl, sizeof(fl));
    }
    if ((fl.l_type == F_RDLCK && !file_readable(f)) || (fl.l_type == F_WRLCK && !file_writable(f)))
        return -EBADF;
    bool wait = command == F_SETLKW || command == F_OFD_SETLKW;
    return lock_set(inode, &wanted, fl.l_type == F_UNLCK, wait);
}

/* One line: "lock:\t1: FLOCK  ADVISORY  WRITE 1 00:02:77 0 EOF". */
static size_t lock_line(const struct lock *l, unsigned number, const struct inode *inode, char *buf,
                        size_t size)
{
    bool posix = l->owner == &the_proc;
    uint64_t device = inode->fs->device;
    char end[24] = "EOF";
    if (l->last < INT64_MAX)
        (void)format(end, sizeof(end), "%lu", l->last);
    return format(buf, size, "lock:\t%u: %s ADVISORY  %s %d %02x:%02x:%lu %lu %s\n", number,
                  l->whole ? "FLOCK "
                  : posix  ? "POSIX "
                           : "OFDLCK",
                  l->exclusive ? "WRITE" : "READ", l->whole || posix ? PROC_PID : -1,
                  device_major(device), device_minor(device), inode->ino, l->first, end);
}

/* The lines behind the first *number. */
static size_t some_lines(struct file *f, unsigned *number, char *buf, size_t size)
{
    size_t length = 0;
    unsigned at = 0, end = *number + LINES_AT_ONCE;
    spin_lock(&flock_lock);
    for (int whole = 1; whole >= 0; whole--) {
        list_for_each(node, &f->inode->flocks)
        {
            const struct lock *l = list_entry(node, struct lock, node);
            if (l->file != f || l->whole != whole || at++ < *number)
                continue;
            if (*number == end || length >= size)
                break;
            length += lock_line(l, ++*number, f->inode, buf + length, size - length);
        }
    }
    spin_unlock(&flock_lock);
    return length;
}

size_t flock_info(struct file *f, char *buf, size_t size)
{
    size_t length = 0;
    unsigned number = 0, last;
    if (!f->inode || list_empty(&f->inode->flocks))
        return 0;
    do {
        last = number;
        length += some_lines(f, &number, buf + length, size - length);
        cond_resched();
    } while (number - last == LINES_AT_ONCE && length < size);
    return length;
}

/* Frees all locks of owner; whole and record ones if both. */
static void locks_drop(struct inode *inode, const void *owner)
{
    struct list_node freed = LIST_INIT(freed);
    spin_lock(&flock_lock);
    list_for_each_safe(node, next, &inode->flocks)
    {
        struct lock *l = list_entry(node, struct lock, node);
        if (l->owner == owner) {
            list_remove(&l->node);
            list_add_tail(&freed, &l->node);
        }
    }
    spin_unlock(&flock_lock);
    if (list_empty(&freed))
        return;
    free_list(&freed);
    waitq_wake(&unlocked, EVENTS_ANY);
}

/* Where f's locks are, if it may have any. */
static struct inode *locked_inode(struct file *f)
{
    return f->inode ? f->inode : unnamed_shared();
}

void flock_closed(struct file *f)
{
    struct inode *inode = locked_inode(f);
    if (!list_empty(&inode->flocks))
        locks_drop(inode, &the_proc);
}

void flock_released(struct file *f)
{
    struct inode *inode = locked_inode(f);
    if (!list_empty(&inode->flocks))
        locks_drop(inode, f);
}
