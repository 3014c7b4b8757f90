/*
 * Standard input that is a file of the host, to be read, sought in and mapped, not written to.
 *
 * What is read comes as answers of the tool (ORRIS_MSG_STDIN_READ) on the stream's port, in the
 * order asked for. Who reads on where a read ended has the next piece on its way meanwhile; what
 * lies in the port too long is not used, as the host may have changed it. Mapped pages are dropped
 * once an answer tells that the file has changed.
 */
#include "kernel/fd/hostfile.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/stat.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fd/regular.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/signal.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/dentry.h"

#define HOST_DEVICE 0xcu
#define FRESH_NS 100000000u /* how long an answer may wait to be used */
#define BLOCK_ORDER 2
#define BLOCK_BYTES (PAGE_SIZE << BLOCK_ORDER) /* passed on at once */
#define WINDOW_START 16384u /* bytes asked for at least where a reader reads on, at first */

static struct filesystem host_fs = {
    .type = "host", .device = HOST_DEVICE, .magic = V9FS_MAGIC, .read_only = true};

static struct hostfile {
    struct inode inode;
    struct filemap map;
    struct file *file; /* standard input itself, while it is open */
    uint64_t position; /* where it was closed */
    uint64_t read_to;  /* where the last read ended */
    struct mutex lock; /* guards all below, and the port */
    uint32_t window;   /* bytes to ask for where a reader reads on */
    struct orris_stdin_answer answer;
    uint64_t at;         /* of what the port holds next: left bytes */
    uint32_t left;       /* of the answer */
    bool short_answer;   /* the file ended there */
    bool asked;          /* another answer will come */
    uint32_t asked_size; /* which */
    uint64_t asked_at;
    uint64_t asked_ns, answer_ns; /* when it was asked for, the answer began to be used */
    char *kept; /* what was taken last, for who reads little or goes back a little */
    uint64_t kept_at, kept_size, kept_ns;
} host;

static bool is_fresh(uint64_t ns)
{
    return ns_sub(clock_monotonic_ns(), ns) < FRESH_NS;
}

/* ---- requests and answers, under the lock ---- */

static void ask(uint64_t offset, uint32_t size)
{
    struct orris_stdin_read request = {.offset = offset, .size = size};
    host.asked = control_send(ORRIS_MSG_STDIN_READ, &request, sizeof(request), true);
    host.asked_at = offset;
    host.asked_size = size;
    host.asked_ns = clock_monotonic_ns();
}

static void answer_begin(void)
{
    struct orris_stdin_answer *answer = &host.answer;
    if (!host.asked || !stream_receive(STREAM_STDIN, answer, sizeof(*answer)))
        *answer = (struct orris_stdin_answer){.error = EIO};
    host.asked = false;
    host.at = host.asked_at;
    host.left = answer->error ? 0 : answer->size;
    host.short_answer = host.left < host.asked_size;
    host.answer_ns = clock_monotonic_ns();
}

static void answer_skip(void)
{
    static char unwanted[1024];
    while (host.left) {
        uint32_t part = (uint32_t)min_u64(host.left, sizeof(unwanted));
        host.left = stream_receive(STREAM_STDIN, unwanted, part) ? host.left - part : 0;
    }
}

/* Makes the port's next bytes those at offset; there are host.left of them (0: the file's end).
 * Returns 0 or -errno. */
static int answer_find(uint64_t offset, uint32_t size, bool ahead)
{
    if (host.left && host.at == offset && size && is_fresh(host.answer_ns))
        return 0;
    answer_skip();
    if (host.asked) {
        bool wanted = size && host.asked_at == offset && is_fresh(host.asked_ns);
        answer_begin();
        if (!wanted)
            answer_skip();
    }
    if (!host.left) { /* also where the file ended a moment ago */
        ask(offset, size);
        answer_begin();
    }
    if (ahead && !host.short_answer) {
        if (host.window > WINDOW_START)
            ask(offset + host.left, host.window);
        host.window = (uint32_t)min_u64(2 * host.window, ORRIS_STDIN_READ_MAX);
    }
    return -(int)host.answer.error;
}

/* Takes up to room bytes of the answer. Returns bytes or -EIO. */
static int64_t answer_take(void *buf, size_t room)
{
    uint32_t n = (uint32_t)min_u64(host.left, room);
    host.at += n;
    host.left -= n;
    return stream_receive(STREAM_STDIN, buf, n) ? (int64_t)n : -EIO;
}

/* Where readers read on, more is asked for from one request to the next. */
static uint32_t request_size(uint64_t size, bool ahead)
{
    if (!ahead && size)
        host.window = WINDOW_START;
    return (uint32_t)min_u64(max_u64(size, ahead ? host.window : 0), ORRIS_STDIN_READ_MAX);
}

static int64_t fetch_locked(uint64_t offset, void *buf, size_t room, uint64_t size, bool ahead)
{
    uint64_t from = offset - host.kept_at;
    if (from >= host.kept_size || !is_fresh(host.kept_ns)) {
        bool keep = room <= PAGE_SIZE;
        int64_t n = answer_find(
            offset, request_size(keep ? max_u64(size, BLOCK_BYTES) : size, ahead), ahead);
        n = n ? n : answer_take(keep ? host.kept : buf, keep ? BLOCK_BYTES : room);
        if (!keep)
            return n;
        host.kept_size = n > 0 ? (uint64_t)n : 0;
        host.kept_at = offset;
        host.kept_ns = host.answer_ns;
        from = 0;
        if (n < 0)
            return n;
    }
    size_t part = min_u64(room, host.kept_size - from);
    memcpy(buf, host.kept + from, part);
    return (int64_t)part;
}

/* Reads up to room of the size bytes that are wanted. Returns bytes, 0 at the end, or -errno. */
static int64_t fetch(uint64_t offset, void *buf, size_t room, uint64_t size, bool ahead)
{
    mutex_lock(&host.lock);
    int64_t n = fetch_locked(offset, buf, room, size, ahead);
    mutex_unlock(&host.lock);
    return n;
}

/* ---- attributes and pages ---- */

/* Takes over what the last answer tells of the file. */
static void settle(void)
{
    struct inode *inode = &host.inode;
    const struct orris_stdin_answer *a = &host.answer;
    uint64_t old = host.map.size, size = a->file_size;
    if (a->error || (size == old && inode->mtime_ns == a->mtime_ns))
        return;
    inode->mtime_ns = a->mtime_ns;
    __atomic_store_n(&host.map.size, size, __ATOMIC_RELEASE);
    if (!host.map.page_count && list_empty(&host.map.areas))
        return;
    filemap_drop(&host.map, 0, UINT64_MAX, false);
    if (size < old)
        filemap_drop(&host.map, (size + PAGE_MASK) >> PAGE_SHIFT, UINT64_MAX, true);
}

static void refresh(void)
{
    mutex_lock(&host.lock);
    host.kept_size = 0;
    (void)answer_find(0, 0, false);
    mutex_unlock(&host.lock);
    settle();
}

static int hostfile_fill(struct filemap *map, uint64_t index, struct page **pages, unsigned count)
{
    uint64_t end = (index + count) << PAGE_SHIFT;
    int64_t n = 1;
    (void)map;
    for (unsigned i = 0; i < count; i++) {
        char *to = page_virt(pages[i]);
        size_t done = 0;
        for (; done < PAGE_SIZE && n > 0; done += (size_t)n) {
            uint64_t at = ((index + i) << PAGE_SHIFT) + done;
            n = fetch(at, to + done, PAGE_SIZE - done, end - at, false);
            if (n < 0)
                return -EIO;
        }
        memset(to + done, 0, PAGE_SIZE - done);
    }
    return 0;
}

static const struct filemap_ops map_ops = {.fill = hostfile_fill};

static void hostfile_getattr(struct inode *inode, struct inode_attr *attr)
{
    refresh();
    const struct orris_stdin_answer *a = &host.answer;
    inode->mode = S_IFREG | (a->mode & 07777);
    inode->uid = a->uid == the_run.user.host_uid ? the_run.user.uid : a->uid;
    inode->gid = a->gid == the_run.user.host_gid ? the_run.user.gid : a->gid;
    attr->mode = inode->mode;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->ino = a->ino;
    attr->size = a->file_size;
    attr->blocks = a->blocks;
    attr->links = a->links;
    attr->block_size = a->block_size;
    attr->atime_ns = a->atime_ns;
    attr->mtime_ns = a->mtime_ns;
    attr->ctime_ns = a->ctime_ns;
}

static void hostfile_end(struct inode *inode)
{
    filemap_fini(inode->map); /* the inode is nobody's to free */
}

static int hostfile_open(struct inode *inode, struct file *file);

static const struct inode_ops inode_ops = {
    .open = hostfile_open, .getattr = hostfile_getattr, .release = hostfile_end};

/* ---- the open file ---- */

/* Whether the last answer told so; asked again, the file may have grown. */
static bool ends_at(uint64_t pos)
{
    return !host.left && host.short_answer && host.at == pos;
}

static int64_t hostfile_read(struct file *f, struct iter *it, uint64_t *pos)
{
    size_t room = it->left > PAGE_SIZE ? BLOCK_BYTES : PAGE_SIZE;
    struct page *page = page_alloc(room > PAGE_SIZE ? BLOCK_ORDER : 0, ALLOC_NORECLAIM);
    if (!page) {
        room = PAGE_SIZE;
        page = page_alloc(0, 0);
    }
    bool ahead = *pos == host.read_to;
    int64_t done = 0, n = page ? 1 : -ENOMEM;
    (void)f;
    while (it->left > 0 && n > 0 && !(done && ends_at(*pos))) {
        n = fetch(*pos, page_virt(page), min_u64(it->left, room), it->left, ahead);
        size_t copied = n > 0 ? iter_write(it, page_virt(page), (size_t)n) : 0;
        *pos += copied;
        done += (int64_t)copied;
        if (n > 0 && copied < (size_t)n)
            n = -EFAULT;
        cond_resched();
        if (UNLIKELY(signal_fatal_pending()))
            break;
    }
    if (page)
        page_put(page);
    host.read_to = *pos;
    settle();
    return done ? done : n < 0 ? n : 0;
}

static int64_t hostfile_seek(struct file *f, int64_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        refresh();
    return regular_file_ops.seek(f, offset, whence);
}

static int hostfile_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map)
{
    refresh();
    return regular_file_ops.mmap(f, prot, flags, map);
}

static size_t hostfile_describe(struct file *f, char *buf, size_t size)
{
    (void)f;
    return format(buf, size, "host:[%lu]", host.answer.ino);
}

static int hostfile_fsync(struct file *f)
{
    (void)f; /* nothing was written */
    return 0;
}

static void hostfile_release(struct file *f)
{
    if (f != host.file)
        return;
    host.position = f->pos;
    host.file = NULL;
}

static const struct file_ops hostfile_ops = {
    .name = "host",
    .read = hostfile_read,
    .seek = hostfile_seek,
    .mmap = hostfile_mmap,
    .fsync = hostfile_fsync,
    .describe = hostfile_describe,
    .release = hostfile_release,
};

static int hostfile_open(struct inode *inode, struct file *file)
{
    (void)inode;
    file->ops = &hostfile_ops;
    return 0;
}

struct file *hostfile_open_stdin(void)
{
    struct inode *inode = &host.inode;
    uint32_t mode = S_IFREG | (the_run.streams.host_mode[STREAM_STDIN] & 07777);
    mutex_init(&host.lock, RANK_BLOCK);
    filemap_init(&host.map, &map_ops);
    inode_init(inode, &host_fs, mode);
    inode->ops = &inode_ops;
    inode->map = &host.map;
    inode->uid = the_run.user.uid;
    inode->gid = the_run.user.gid;
    struct page *kept = page_alloc(BLOCK_ORDER, 0);
    struct dentry *d = kept ? dentry_make_root(inode) : NULL;
    if (!d)
        return NULL;
    host.kept = page_virt(kept);
    host.window = WINDOW_START;
    host.read_to = host.position = the_run.streams.stdin_position;
    host.file = file_alloc(&hostfile_ops, O_RDONLY | O_LARGEFILE, d, NULL);
    if (host.file)
        host.file->pos = host.position;
    return host.file;
}

void hostfile_tell_position(void)
{
    uint64_t position = host.file ? host.file->pos : host.position;
    if (position != the_run.streams.stdin_position)
        control_send(ORRIS_MSG_STDIN_POSITION, &position, sizeof(position), true);
}
