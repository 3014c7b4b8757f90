/*
 * Open files of a 9P server. Reads and writes go to the server; a file that is mapped, or was while
 * it is open, has pages in a page cache, which reads come from and writes go to, too.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/fd/pipe.h"
#include "kernel/fd/regular.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"

#define PAGES_MAX 32u /* in one request */
#define BLOCK_ORDER_MAX 5u

_Static_assert(PAGES_MAX *PAGE_SIZE == P9_DATA_MAX && PAGES_MAX <= CHANNEL9P_PARTS_MAX - 2,
               "a request's data");

static const struct file_ops p9_file_ops, p9_dir_ops;

/* ---- pages ---- */

static int p9_fill(struct filemap *map, uint64_t index, struct page **pages, unsigned count)
{
    struct p9_inode *p = container_of(map, struct p9_inode, map);
    struct p9_fid *fid = p9_fid_of(p9_mount_of(&p->inode), &p->mapped);
    int64_t n = fid ? 0 : -EIO;
    for (unsigned done = 0; done < count && n >= 0; done += PAGES_MAX) {
        struct channel9p_part parts[PAGES_MAX];
        unsigned some = (unsigned)min_u64(PAGES_MAX, count - done);
        for (unsigned i = 0; i < some; i++)
            parts[i] = (struct channel9p_part){page_virt(pages[done + i]), PAGE_SIZE};
        n = p9_transfer(fid, P9_READ, (index + done) << PAGE_SHIFT, parts, some);
        for (uint64_t at = n > 0 ? (uint64_t)n : 0; n >= 0 && at < some * PAGE_SIZE;
             at = align_down(at, PAGE_SIZE) + PAGE_SIZE)
            memset((char *)parts[at >> PAGE_SHIFT].data + (at & PAGE_MASK), 0,
                   PAGE_SIZE - (at & PAGE_MASK));
    }
    p9_fid_put(fid);
    return n == -ENOMEM ? -ENOMEM : n < 0 ? -EIO : 0;
}

const struct filemap_ops p9_map_ops = {.fill = p9_fill};

/* The next run of written pages from *index on, referenced. Returns how many. */
static unsigned dirty_run(struct filemap *map, uint64_t *index, struct page **pages)
{
    unsigned count = 0;
    uint64_t at = filemap_next_page(map, *index, true);
    *index = at;
    while (count < PAGES_MAX && at != UINT64_MAX && at == *index + count) {
        struct page *page = filemap_find_page(map, at);
        if (!page)
            break;
        pages[count++] = page;
        at = filemap_next_page(map, at + 1, true);
    }
    return count;
}

/* Writes count pages from index on, as far as the file reaches. */
static int write_pages(struct filemap *map, struct p9_fid *fid, uint64_t index, struct page **pages,
                       unsigned count)
{
    struct channel9p_part parts[PAGES_MAX];
    unsigned used = 0;
    uint64_t start = index << PAGE_SHIFT, wanted = 0;
    for (unsigned i = 0; i < count && start + i * PAGE_SIZE < map->size; i++) {
        uint64_t left = map->size - (start + i * PAGE_SIZE);
        parts[used] =
            (struct channel9p_part){page_virt(pages[i]), (uint32_t)min_u64(PAGE_SIZE, left)};
        wanted += parts[used++].size;
    }
    int64_t n = used ? p9_transfer(fid, P9_WRITE, start, parts, used) : 0;
    return n < 0 ? (int)n : (uint64_t)n < wanted ? -ENOSPC : 0;
}

int p9_flush(struct p9_inode *p)
{
    struct filemap *map = &p->map;
    struct page *pages[PAGES_MAX];
    struct p9_fid *fid = NULL;
    int result = 0;
    if (map->dirty_count)
        fid = p9_fid_of(p9_mount_of(&p->inode), &p->mapped);
    for (uint64_t index = 0; fid && index != UINT64_MAX;) {
        unsigned count = dirty_run(map, &index, pages);
        int err = count ? write_pages(map, fid, index, pages, count) : 0;
        result = result ? result : err;
        for (unsigned i = 0; i < count; i++)
            page_put(pages[i]);
        index += index == UINT64_MAX ? 0 : max_u64(count, 1);
    }
    p9_fid_put(fid);
    return result;
}

/* What was written goes to the pages that are cached, too. */
static void update_pages(struct filemap *map, uint64_t offset, const char *data, uint64_t size)
{
    for (uint64_t done = 0, part; done < size && map->page_count; done += part) {
        uint64_t at = offset + done;
        part = min_u64(PAGE_SIZE - (at & PAGE_MASK), size - done);
        struct page *page = filemap_find_page(map, at >> PAGE_SHIFT);
        if (!page)
            continue;
        memcpy((char *)page_virt(page) + (at & PAGE_MASK), data + done, part);
        page_put(page);
    }
}

/* ---- opening ---- */

/* A fid of its own for an open file. */
static int open_fid(struct p9_inode *p, unsigned flags, struct p9_fid **out)
{
    struct p9_mount *mount = p9_mount_of(&p->inode);
    struct p9_fid *path = p9_fid_of(mount, &p->fid);
    int err = p9_walk(path, (struct name){0}, out);
    p9_fid_put(path);
    if (err)
        return err;
    err = p9_open_fid(*out, flags);
    if (err)
        p9_fid_put(*out);
    return err;
}

/* The one that creating the file left, if there is one. */
static struct p9_fid *created_take(struct p9_inode *p)
{
    struct p9_mount *mount = p9_mount_of(&p->inode);
    spin_lock(&mount->lock);
    struct p9_fid *fid = p->created;
    p->created = NULL;
    spin_unlock(&mount->lock);
    return fid;
}

/* Pages are of use only while a file is open: what it is mapped from is. */
static void pages_forget(struct p9_inode *p)
{
    if (p->map.page_count)
        filemap_drop(&p->map, 0, UINT64_MAX, true);
}

static int open_regular(struct p9_inode *p, struct file *f)
{
    struct p9_fid *fid = created_take(p);
    int err = fid ? 0 : open_fid(p, f->flags, &fid);
    if (err)
        return err;
    mutex_lock(&p->inode.lock);
    p->open_count++;
    mutex_unlock(&p->inode.lock);
    f->private = fid;
    f->ops = &p9_file_ops;
    return 0;
}

static int open_dir(struct p9_inode *p, struct file *f)
{
    struct p9_fid *fid;
    int err = open_fid(p, O_RDONLY | O_DIRECTORY, &fid);
    if (err)
        return err;
    f->private = fid;
    f->ops = &p9_dir_ops;
    return 0;
}

int p9_open(struct inode *inode, struct file *f)
{
    if (S_ISFIFO(inode->mode))
        return fifo_open(inode, f);
    f->ops = NULL; /* nothing to be undone if this fails */
    if (inode_is_dir(inode))
        return open_dir(p9_of(inode), f);
    return inode_is_regular(inode) ? open_regular(p9_of(inode), f) : -ENXIO;
}

static void p9_file_release(struct file *f)
{
    struct p9_inode *p = p9_of(f->inode);
    mutex_lock(&p->inode.lock);
    int err = p9_flush(p);
    if (--p->open_count == 0) {
        pages_forget(p);
        p9_fid_set(p9_mount_of(f->inode), &p->mapped, NULL);
    }
    mutex_unlock(&p->inode.lock);
    if (err)
        log_note("what was written to %s through a mapping could not be kept (error %d)",
                 f->dentry->name, -err);
    p9_fid_put(f->private);
    p9_give_back(p9_mount_of(f->inode));
}

/* ---- reading and writing ---- */

/* A block of memory for up to size bytes; *room is what it holds. */
static struct page *block_get(uint64_t size, uint64_t *room)
{
    unsigned order = 0;
    while (order < BLOCK_ORDER_MAX && PAGE_SIZE << order < size)
        order++;
    struct page *page = NULL;
    for (; !page; order--) {
        page = page_alloc(order, order > 0 ? ALLOC_NORECLAIM : 0);
        *room = PAGE_SIZE << order;
        if (order == 0)
            break;
    }
    return page;
}

static int64_t read_server(struct file *f, struct iter *it, uint64_t *pos)
{
    uint64_t room;
    struct page *block = it->left ? block_get(it->left, &room) : NULL;
    int64_t done = 0, n = block || !it->left ? 1 : -ENOMEM;
    while (it->left > 0 && n > 0) {
        uint32_t want = (uint32_t)min_u64(it->left, room);
        struct channel9p_part part = {page_virt(block), want};
        n = p9_transfer(f->private, P9_READ, *pos, &part, 1);
        if (n <= 0)
            break;
        size_t copied = iter_write(it, part.data, (size_t)n);
        *pos += copied;
        done += (int64_t)copied;
        if (copied < (size_t)n || n < want) {
            n = copied ? 0 : -EFAULT;
            break;
        }
    }
    if (block)
        page_put(block);
    return done ? done : n < 0 ? n : 0;
}

static int64_t p9_file_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct p9_inode *p = p9_of(f->inode);
    if (p->map.page_count) {
        (void)p9_refresh(p);
        return regular_file_ops.read(f, it, pos);
    }
    return read_server(f, it, pos);
}

/* Writes up to left bytes at *pos. */
static int64_t write_server(struct p9_inode *p, struct p9_fid *fid, struct iter *it, uint64_t *pos,
                            uint64_t left)
{
    uint64_t room;
    struct page *block = block_get(left, &room);
    int64_t done = 0, n = block ? 1 : -ENOMEM;
    while (left > 0 && n > 0) {
        struct iter start = *it;
        uint32_t got = (uint32_t)iter_read(it, page_virt(block), min_u64(left, room));
        struct channel9p_part part = {page_virt(block), got};
        n = got ? p9_transfer(fid, P9_WRITE, *pos, &part, 1) : -EFAULT;
        if (n <= 0)
            break;
        update_pages(&p->map, *pos, part.data, (uint64_t)n);
        *pos += (uint64_t)n;
        done += n;
        left -= (uint64_t)n;
        if (*pos > p->map.size)
            __atomic_store_n(&p->map.size, *pos, __ATOMIC_RELEASE);
        if ((uint64_t)n < got) {
            *it = start;
            iter_advance(it, (size_t)n);
        }
    }
    if (block)
        page_put(block);
    return done ? done : n;
}

/* The fid to write by: the file's own, unless O_APPEND was taken from it since it was opened. */
static int write_fid(struct file *f, struct p9_fid **out)
{
    struct p9_fid *fid = f->private;
    if (fid->append && !(f->flags & O_APPEND))
        return open_fid(p9_of(f->inode), f->flags, out);
    *out = p9_fid_get(fid);
    return 0;
}

static int64_t write_locked(struct file *f, struct iter *it, uint64_t *pos)
{
    struct p9_inode *p = p9_of(f->inode);
    struct p9_fid *fid;
    uint64_t at = *pos;
    if ((f->flags & O_APPEND) || it->append) {
        (void)p9_refresh(p);
        at = p->map.size;
    }
    int64_t n = regular_write_limit(&p->map, at, it->left);
    if (n < 0)
        return n;
    int err = write_fid(f, &fid);
    if (err)
        return err;
    n = write_server(p, fid, it, &at, (uint64_t)n);
    if (n > 0 && fid->append && !p9_refresh(p)) /* the host may append, too */
        at = max_u64(p->map.size, at);
    if (n > 0)
        *pos = at;
    p9_fid_put(fid);
    return n;
}

static int64_t p9_file_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct inode *inode = f->inode;
    if (it->left == 0)
        return 0;
    mutex_lock(&inode->lock);
    int64_t n = write_locked(f, it, pos);
    mutex_unlock(&inode->lock);
    return n;
}

static int64_t p9_file_seek(struct file *f, int64_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        (void)p9_refresh(p9_of(f->inode));
    return regular_file_ops.seek(f, offset, whence);
}

static int p9_file_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **out)
{
    struct p9_inode *p = p9_of(f->inode);
    struct p9_mount *mount = p9_mount_of(f->inode);
    struct p9_fid *fid = f->private;
    int err = regular_file_ops.mmap(f, prot, flags, out);
    if (err)
        return err;
    (void)p9_refresh(p);
    struct p9_fid *now = p9_fid_of(mount, &p->mapped);
    if (!now || (fid->writable && !now->writable))
        p9_fid_set(mount, &p->mapped, p9_fid_get(fid));
    p9_fid_put(now);
    return 0;
}

static int p9_file_fsync(struct file *f)
{
    int err = p9_flush(p9_of(f->inode));
    return err ? err : p9_sync(f->private);
}

static int p9_file_truncate(struct file *f, uint64_t size)
{
    return regular_file_ops.truncate(f, size);
}

static int p9_file_fallocate(struct file *f, int mode, uint64_t offset, uint64_t size)
{
    (void)f, (void)mode, (void)offset, (void)size;
    return -EOPNOTSUPP; /* the protocol has no such request */
}

static const struct file_ops p9_file_ops = {
    .name = "9p",
    .read = p9_file_read,
    .write = p9_file_write,
    .seek = p9_file_seek,
    .mmap = p9_file_mmap,
    .fsync = p9_file_fsync,
    .truncate = p9_file_truncate,
    .fallocate = p9_file_fallocate,
    .release = p9_file_release,
};

/* ---- directories ---- */

/* What no name may be, and the names that are vfs's. */
static bool is_name(const char *text, size_t length)
{
    if (length == 0 || length > NAME_BYTES_MAX || memchr(text, '/', length) ||
        memchr(text, 0, length))
        return false;
    return !(text[0] == '.' && (length == 1 || (length == 2 && text[1] == '.')));
}

/* Gives the names of one answer to emit. Returns whether there may be more to give. */
static bool emit_answer(struct p9_call *c, uint64_t *offset, dir_emit_t emit, void *arg)
{
    while (c->at < c->end) {
        struct p9_qid qid = p9_get_qid(c);
        uint64_t next = p9_get(c, 8);
        uint8_t type = (uint8_t)p9_get(c, 1);
        size_t length;
        const char *text = p9_get_text(c, &length);
        if (c->broken)
            return false;
        struct name name = {text, (uint32_t)length, 0};
        if (is_name(text, length) && !emit(arg, name, qid.path, type, next))
            return false;
        *offset = next;
    }
    return true;
}

static int p9_names(struct file *f, uint64_t offset, dir_emit_t emit, void *arg)
{
    const struct p9_fid *fid = f->private;
    for (bool more = true; more;) {
        struct p9_call c;
        int err = p9_begin(&c, fid->mount, P9_READDIR);
        if (err)
            return err;
        p9_put(&c, fid->number, 4);
        p9_put(&c, offset, 8);
        p9_put(&c, P9_MESSAGE_SIZE - P9_READ_HEAD_SIZE, 4);
        err = p9_send(&c);
        uint64_t size = err ? 0 : p9_get(&c, 4);
        more = size > 0 && emit_answer(&c, &offset, emit, arg);
        if (!err && c.broken)
            err = -EIO;
        p9_finish(&c);
        if (err || thread_current()->interrupted)
            return err;
    }
    return 0;
}

static int p9_dir_iterate(struct file *f, dir_emit_t emit, void *arg)
{
    return directory_iterate_by(f, p9_names, emit, arg);
}

static int p9_dir_fsync(struct file *f)
{
    return p9_sync(f->private);
}

static int64_t p9_dir_read(struct file *f, struct iter *it, uint64_t *pos)
{
    return directory_file_ops.read(f, it, pos);
}

static int64_t p9_dir_seek(struct file *f, int64_t offset, int whence)
{
    return directory_file_ops.seek(f, offset, whence);
}

static void p9_dir_release(struct file *f)
{
    p9_fid_put(f->private);
    p9_give_back(p9_mount_of(f->inode));
}

static const struct file_ops p9_dir_ops = {
    .name = "9p directory",
    .read = p9_dir_read,
    .seek = p9_dir_seek,
    .iterate = p9_dir_iterate,
    .fsync = p9_dir_fsync,
    .release = p9_dir_release,
    .plain_read = true,
};
