// UNIT: kernel/fs/inotify.c kernel/base/format.c
// UNIT: tests/unit/fakes/heap.c
/* Watches and queues, without a filesystem: events are told directly. */
#include <errno.h>
#include <linux/inotify.h>

#include "kernel/fs/inotify.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

static unsigned wakes;

void waitq_init(struct waitq *q)
{
    q->waiters.next = NULL; /* as if somebody waited */
}

bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    (void)q, (void)events;
    wakes++;
    return false;
}

struct file *file_alloc(const struct file_ops *ops, uint32_t flags, struct dentry *dentry,
                        void *private)
{
    struct file *f = heap_zalloc(sizeof(*f));
    if (f)
        *f = (struct file){.ops = ops, .flags = flags, .dentry = dentry, .private = private};
    return f;
}

struct inode *inode_get(struct inode *inode)
{
    inode->refs++;
    return inode;
}

void inode_put(struct inode *inode)
{
    inode->refs--;
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    memcpy((void *)dst.addr, src, len);
    return 0;
}

/* The kernel's iterator, over one range. */
size_t iter_write(struct iter *it, const void *src, size_t len)
{
    memcpy((char *)it->one.base + it->range_offset, src, len);
    it->range_offset += len;
    it->left -= len;
    return len;
}

size_t iter_write_zero(struct iter *it, size_t len)
{
    static const char zeros[64];
    return iter_write(it, zeros, len);
}

static struct inode dir, file;
static char buffer[4096] __attribute__((aligned(8)));

static struct file *begin(void)
{
    list_init(&dir.watches);
    list_init(&file.watches);
    dir.links = file.links = 1;
    return inotify_create(0);
}

static void end(struct file *f)
{
    f->ops->release(f);
    heap_free(f);
    CHECK_EQ(fake_heap_blocks, 0);
    CHECK_EQ(dir.refs + file.refs, 0);
    CHECK_EQ(vfs_watch_count, 0);
}

static int64_t read_events(struct file *f, size_t size)
{
    struct iter it = {.kernel = true, .left = size, .one = {(uintptr_t)buffer, size}};
    return f->ops->read(f, &it, NULL);
}

static struct name name_of(const char *text)
{
    return (struct name){.text = text, .length = (uint32_t)strlen(text)};
}

/* The next event is this one. */
static bool next_is(struct file *f, int watch, uint32_t mask, uint32_t cookie, const char *name)
{
    size_t name_size = *name ? (strlen(name) + 16) / 16 * 16 : 0;
    int64_t size = read_events(f, sizeof(struct inotify_event) + name_size);
    struct inotify_event *e = (struct inotify_event *)buffer;
    return size == (int64_t)(sizeof(*e) + name_size) && e->wd == watch && e->mask == mask &&
           e->cookie == cookie && e->len == name_size &&
           (name_size == 0 || strcmp(e->name, name) == 0);
}

static void directory_and_file_hear_their_own(void)
{
    struct file *f = begin();
    int on_dir = inotify_watch(f, &dir, IN_ALL_EVENTS);
    int on_file = inotify_watch(f, &file, IN_ALL_EVENTS);
    CHECK(on_dir == 1 && on_file == 2 && vfs_watch_count == 2);
    vfs_notify(&file, &dir, name_of("new"), IN_CREATE, 0);
    vfs_notify(&file, &dir, name_of("new"), IN_MODIFY, 0);
    vfs_notify(&dir, NULL, name_of(""), IN_MOVE_SELF, 0);
    CHECK_EQ(wakes, 4);
    CHECK(next_is(f, on_dir, IN_CREATE, 0, "new"));
    CHECK(next_is(f, on_dir, IN_MODIFY, 0, "new"));
    CHECK(next_is(f, on_file, IN_MODIFY, 0, ""));
    CHECK(next_is(f, on_dir, IN_MOVE_SELF, 0, ""));
    CHECK_EQ(read_events(f, 100), -EAGAIN);
    end(f);
}

static void names_are_padded_to_16(void)
{
    struct file *f = begin();
    inotify_watch(f, &dir, IN_MOVED_FROM | IN_MOVED_TO);
    vfs_notify(NULL, &dir, name_of("fifteen_letters"), IN_MOVED_FROM, 7);
    vfs_notify(NULL, &dir, name_of("sixteen__letters"), IN_MOVED_TO | IN_ISDIR, 7);
    CHECK(next_is(f, 1, IN_MOVED_FROM, 7, "fifteen_letters"));
    CHECK_EQ(read_events(f, 16 + 31), -EINVAL); /* too small for the next */
    CHECK(next_is(f, 1, IN_MOVED_TO | IN_ISDIR, 7, "sixteen__letters"));
    end(f);
}

static void equal_events_become_one(void)
{
    struct file *f = begin();
    inotify_watch(f, &file, IN_MODIFY | IN_ATTRIB);
    for (int i = 0; i < 3; i++)
        vfs_notify(&file, NULL, name_of(""), IN_MODIFY, 0);
    vfs_notify(&file, NULL, name_of(""), IN_ATTRIB, 0);
    vfs_notify(&file, NULL, name_of(""), IN_MODIFY, 0);
    CHECK_EQ(read_events(f, sizeof(buffer)), 3 * sizeof(struct inotify_event));
    end(f);
}

static void one_shot_and_deleted_watches_end(void)
{
    struct file *f = begin();
    inotify_watch(f, &file, IN_OPEN | IN_ONESHOT);
    inotify_watch(f, &dir, IN_CREATE);
    vfs_notify(&file, NULL, name_of(""), IN_OPEN, 0);
    vfs_notify(&file, NULL, name_of(""), IN_OPEN, 0);
    CHECK(next_is(f, 1, IN_OPEN, 0, ""));
    CHECK(next_is(f, 1, IN_IGNORED, 0, ""));
    CHECK_EQ(file.refs, 0);
    vfs_notify(&dir, NULL, name_of(""), IN_DELETE_SELF, 0); /* not asked for, but it ends */
    CHECK(next_is(f, 2, IN_IGNORED, 0, ""));
    CHECK_EQ(inotify_unwatch(f, 2), -EINVAL);
    end(f);
}

static void watches_change(void)
{
    struct file *f = begin();
    CHECK_EQ(inotify_watch(f, &file, IN_OPEN), 1);
    CHECK_EQ(inotify_watch(f, &file, IN_MODIFY | IN_MASK_ADD), 1);
    CHECK_EQ(inotify_watch(f, &file, IN_MODIFY | IN_MASK_CREATE), -EEXIST);
    vfs_notify(&file, NULL, name_of(""), IN_OPEN, 0);
    CHECK(next_is(f, 1, IN_OPEN, 0, ""));
    CHECK_EQ(inotify_watch(f, &file, IN_MODIFY), 1);
    vfs_notify(&file, NULL, name_of(""), IN_OPEN, 0);
    CHECK_EQ(read_events(f, 100), -EAGAIN);
    CHECK_EQ(inotify_unwatch(f, 1), 0);
    CHECK(next_is(f, 1, IN_IGNORED, 0, ""));
    CHECK_EQ(inotify_watch(f, &file, IN_OPEN), 2); /* numbers are not used again */
    end(f);
}

static void unlinked_files_can_be_left_out(void)
{
    struct file *f = begin();
    inotify_watch(f, &dir, IN_MODIFY | IN_EXCL_UNLINK);
    vfs_notify(&file, &dir, name_of("x"), IN_MODIFY, 0);
    vfs_notify(&file, &dir, name_of("y"), IN_MODIFY | IN_EXCL_UNLINK, 0);
    CHECK(next_is(f, 1, IN_MODIFY, 0, "x"));
    CHECK_EQ(read_events(f, 100), -EAGAIN);
    end(f);
}

static void a_full_queue_says_so_once(void)
{
    struct file *f = begin();
    inotify_watch(f, &dir, IN_CREATE);
    char name[16];
    for (int i = 0; i < 16400; i++) {
        snprintf(name, sizeof(name), "%d", i);
        vfs_notify(NULL, &dir, name_of(name), IN_CREATE, 0);
    }
    int events = 0;
    struct inotify_event last = {0};
    while (read_events(f, 32) > 0 && ++events)
        last = *(struct inotify_event *)buffer;
    CHECK_EQ(events, 16385);
    CHECK(last.mask == IN_Q_OVERFLOW && last.wd == -1 && last.len == 0);
    end(f);
}

static void without_memory_events_are_lost(void)
{
    struct file *f = begin();
    inotify_watch(f, &dir, IN_CREATE);
    fake_heap_left = 0;
    vfs_notify(NULL, &dir, name_of("x"), IN_CREATE, 0);
    CHECK_EQ(inotify_watch(f, &file, IN_CREATE), -ENOMEM);
    CHECK(inotify_create(0) == NULL);
    fake_heap_left = -1;
    CHECK_EQ(read_events(f, 100), -EAGAIN);
    end(f);
}

int main(void)
{
    RUN(directory_and_file_hear_their_own);
    RUN(names_are_padded_to_16);
    RUN(equal_events_become_one);
    RUN(one_shot_and_deleted_watches_end);
    RUN(watches_change);
    RUN(unlinked_files_can_be_left_out);
    RUN(a_full_queue_says_so_once);
    RUN(without_memory_events_are_lost);
    return check_done();
}
