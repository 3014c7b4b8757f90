/*
 * Regular files on a page cache. Reads copy straight out of cached pages, without a lock; writes,
 * and all that changes the size, hold the inode's mutex.
 */
#include "kernel/fd/regular.h"

#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/inotify.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/signal.h>

#include "kernel/base/errno.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/flock.h"
#include "kernel/vfs/permission.h"

/* Between two pages of a long transfer. True: the process ends. */
static bool give_way(void)
{
    cond_resched();
    return UNLIKELY(signal_fatal_pending());
}

static int64_t regular_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct filemap *map = f->inode->map;
    int64_t done = 0;
    if (it->left > 0)
        file_accessed(f);
    while (it->left > 0 && *pos < map->size) {
        size_t offset = *pos & PAGE_MASK;
        size_t want = min_u64(min_u64(PAGE_SIZE - offset, map->size - *pos), it->left);
        struct page *page = filemap_find_page(map, *pos >> PAGE_SHIFT);
        if (UNLIKELY(!page)) {
            unsigned how = it->nowait ? FILEMAP_READ | FILEMAP_NOWAIT : FILEMAP_READ;
            int err = filemap_get_page(map, *pos >> PAGE_SHIFT, how, &page);
            if (err)
                return done ? done : err;
        }
        size_t copied = iter_write(it, (char *)page_virt(page) + offset, want);
        page_put(page);
        *pos += copied;
        done += (int64_t)copied;
        if (copied < want)
            return done ? done : -EFAULT;
        if (it->left > 0 && give_way())
            break;
    }
    return done;
}

/* Writes a whole page that is not in the cache: fills it before anybody sees it. Returns bytes, or
 * -EEXIST if it is in the cache. */
static int64_t write_new_page(struct filemap *map, struct iter *it, uint64_t index)
{
    struct page *page = filemap_find_page(map, index);
    if (page) {
        page_put(page);
        return -EEXIST;
    }
    page = page_alloc(0, 0);
    if (!page)
        return -ENOMEM;
    list_init(&page->lru);
    struct iter start = *it;
    size_t copied = iter_read(it, page_virt(page), PAGE_SIZE);
    int err = copied < PAGE_SIZE ? -EEXIST : filemap_add_page(map, index, page);
    page_put(page);
    if (err)
        *it = start;
    return err ? err : (int64_t)PAGE_SIZE;
}

/* Writes want bytes that lie in one page. Returns bytes (fewer: the program's memory faulted). */
static int64_t write_page(struct filemap *map, struct iter *it, uint64_t pos, size_t want)
{
    uint64_t index = pos >> PAGE_SHIFT;
    if (want == PAGE_SIZE) {
        int64_t n = write_new_page(map, it, index);
        if (n != -EEXIST)
            return n;
    }
    struct page *page;
    int err = filemap_get_page(map, index, FILEMAP_WRITE, &page);
    if (err)
        return err;
    size_t copied = iter_read(it, (char *)page_virt(page) + (pos & PAGE_MASK), want);
    page_put(page);
    return copied > 0 ? (int64_t)copied : -EFAULT;
}

int64_t regular_write_limit(const struct filemap *map, uint64_t pos, uint64_t size)
{
    uint64_t limit = proc_limit(RLIMIT_FSIZE);
    if (UNLIKELY(pos >= limit)) {
        (void)signal_send_task(task_current(), SIGXFSZ, NULL);
        return -EFBIG;
    }
    if (pos >= INT64_MAX)
        return -EFBIG;
    if (map->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if ((map->seals & F_SEAL_GROW) && pos + size > map->size)
        return -EPERM;
    return (int64_t)min_u64(size, min_u64(limit, INT64_MAX) - pos);
}

static int64_t write_locked(struct file *f, struct iter *it, uint64_t *pos)
{
    struct filemap *map = f->inode->map;
    uint64_t at = (f->flags & O_APPEND) || it->append ? map->size : *pos;
    int64_t left = regular_write_limit(map, at, it->left);
    int64_t done = 0, n = left < 0 ? left : 0;
    while (left > 0) {
        size_t want = min_u64(PAGE_SIZE - (at & PAGE_MASK), (uint64_t)left);
        n = write_page(map, it, at, want);
        if (n < 0)
            break;
        at += (uint64_t)n;
        done += n;
        left -= n;
        if (at > map->size)
            __atomic_store_n(&map->size, at, __ATOMIC_RELEASE);
        if (left > 0 && give_way())
            break;
    }
    if (done == 0)
        return n;
    *pos = at;
    return done;
}

int64_t regular_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct inode *inode = f->inode;
    if (it->left == 0)
        return 0;
    mutex_lock(&inode->lock);
    int64_t n = write_locked(f, it, pos);
    if (n > 0) {
        inode->mtime_ns = inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
        inode_remove_privileges(inode);
    }
    mutex_unlock(&inode->lock);
    return n;
}

/* SEEK_DATA and SEEK_HOLE. A file of a layer is all data; in one made here, what was written is. */
static int64_t seek_data(struct filemap *map, uint64_t offset, bool hole)
{
    uint64_t size = map->size;
    if (offset >= size)
        return -ENXIO;
    if (map->ops && map->ops->fill)
        return (int64_t)(hole ? size : offset);
    uint64_t index = offset >> PAGE_SHIFT;
    uint64_t next = filemap_next_page(map, index, true);
    if (!hole) {
        if (next >= (size + PAGE_MASK) >> PAGE_SHIFT)
            return -ENXIO;
        return (int64_t)max_u64(offset, next << PAGE_SHIFT);
    }
    for (; next == index && index << PAGE_SHIFT < size; cond_resched())
        next = filemap_next_page(map, ++index, true);
    return (int64_t)min_u64(size, max_u64(offset, index << PAGE_SHIFT));
}

static int64_t regular_seek(struct file *f, int64_t offset, int whence)
{
    struct filemap *map = f->inode->map;
    int64_t base = 0;
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        offset = offset < 0 ? -ENXIO : seek_data(map, (uint64_t)offset, whence == SEEK_HOLE);
        if (offset < 0)
            return offset;
    } else if (whence == SEEK_CUR) {
        base = (int64_t)f->pos;
    } else if (whence == SEEK_END) {
        base = (int64_t)map->size;
    } else if (whence != SEEK_SET) {
        return -EINVAL;
    }
    int64_t target;
    if (__builtin_add_overflow(base, offset, &target) || target < 0)
        return -EINVAL;
    f->pos = (uint64_t)target;
    return target;
}

static int regular_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **out)
{
    struct filemap *map = f->inode->map;
    uint32_t type = flags & MAP_TYPE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    if (!file_readable(f))
        return -EACCES;
    if (shared && (prot & PROT_WRITE) && !file_writable(f))
        return -EACCES;
    if (shared && (prot & PROT_WRITE) && map->writable_maps_denied)
        return -EPERM;
    *out = map;
    file_accessed(f);
    return 0;
}

static int regular_truncate(struct file *f, uint64_t size)
{
    int err = vfs_truncate(f->inode, size);
    if (!err)
        vfs_notify_dentry(f->dentry, IN_MODIFY);
    return err;
}

/* Zeros [from, to), which lies in one page. */
static int zero_part(struct filemap *map, uint64_t from, uint64_t to)
{
    struct page *page;
    if (from == to)
        return 0;
    int err = filemap_get_page(map, from >> PAGE_SHIFT, FILEMAP_WRITE, &page);
    if (err)
        return err;
    memset((char *)page_virt(page) + (from & PAGE_MASK), 0, to - from);
    page_put(page);
    return 0;
}

/* Makes pages [first, end) exist, so that writing to them cannot fail any more. */
static int pages_reserve(struct filemap *map, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        struct page *page;
        int err = filemap_get_page(map, i, FILEMAP_WRITE, &page);
        if (err)
            return err;
        page_put(page);
        cond_resched();
        if (thread_current()->interrupted)
            return -EINTR;
    }
    return 0;
}

/* Makes [from, to) read as zeros. Whole pages are dropped; those that would come back from a layer
 * are replaced by zeros. */
static int range_zero(struct filemap *map, uint64_t from, uint64_t to)
{
    uint64_t first = align_up(from, PAGE_SIZE), end = align_down(to, PAGE_SIZE);
    if (first > end) /* in the middle of a page */
        return zero_part(map, from, to);
    int err = zero_part(map, from, first);
    if (!err)
        err = zero_part(map, end, to);
    if (err || first == end)
        return err;
    filemap_drop(map, first >> PAGE_SHIFT, (end >> PAGE_SHIFT) - 1, false);
    for (uint64_t i = first >> PAGE_SHIFT; map->ops && map->ops->fill && i < end >> PAGE_SHIFT;
         i++) {
        struct page *page;
        err = filemap_get_page(map, i, FILEMAP_WRITE | FILEMAP_OVERWRITE, &page);
        if (err)
            return err;
        page_zero(page); /* a fault may have filled it again meanwhile */
        page_put(page);
        cond_resched();
    }
    return 0;
}

static int fallocate_locked(struct filemap *map, int mode, uint64_t offset, uint64_t size)
{
    uint64_t end = offset + size;
    bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && end > map->size;
    bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
    if (zeroes && (map->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    int err = 0;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && end > map->size) /* also if the size is kept */
        err = vfs_check_size(map, end);
    uint64_t zero_end = min_u64(end, align_up(map->size, PAGE_SIZE)); /* behind it all is zero */
    if (!err && zeroes && offset < zero_end)
        err = range_zero(map, offset, zero_end);
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
        err = pages_reserve(map, offset >> PAGE_SHIFT, (end + PAGE_MASK) >> PAGE_SHIFT);
    if (!err && grows)
        map->size = end;
    return err;
}

static int regular_fallocate(struct file *f, int mode, uint64_t offset, uint64_t size)
{
    struct inode *inode = f->inode;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) &&
        (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
        return -EOPNOTSUPP;
    mutex_lock(&inode->lock);
    int err = fallocate_locked(inode->map, mode, offset, size);
    if (!err) {
        inode->mtime_ns = inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
        inode_remove_privileges(inode);
    }
    mutex_unlock(&inode->lock);
    if (!err)
        file_notify(f, IN_MODIFY);
    return err;
}

static int regular_fsync(struct file *f)
{
    (void)f; /* there is nothing more durable to write to */
    return 0;
}

const struct file_ops regular_file_ops = {
    .name = "regular",
    .read = regular_read,
    .write = regular_write,
    .seek = regular_seek,
    .mmap = regular_mmap,
    .fsync = regular_fsync,
    .truncate = regular_truncate,
    .fallocate = regular_fallocate,
};

bool file_may_nowait(const struct file *f, bool writes)
{
    return f->ops->waitq || (f->ops == &regular_file_ops && !writes);
}

const struct file_ops path_file_ops = {.name = "path"};

int64_t vfs_read_kernel(struct file *file, void *buf, size_t size, uint64_t offset)
{
    struct iter it;
    iter_kernel(&it, buf, size);
    return file->ops->read ? file->ops->read(file, &it, &offset) : -EINVAL;
}
