// UNIT: kernel/fs/pseudofs.c kernel/base/text.c kernel/base/format.c
// UNIT: tests/unit/fakes/heap.c
/* Lookup, listing, links and text files of a small table. */
#include <errno.h>

#include "kernel/fs/memfs.h"
#include "kernel/fs/pseudofs.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

static bool locked;

void mutex_init(struct mutex *m, enum lock_rank rank)
{
    m->rank = (uint8_t)rank;
}
void mutex_lock(struct mutex *m)
{
    (void)m;
    locked = true;
}
void mutex_unlock(struct mutex *m)
{
    (void)m;
    locked = false;
}
void inode_init(struct inode *inode, struct filesystem *fs, uint32_t mode)
{
    *inode = (struct inode){.refs = 1, .fs = fs, .mode = mode};
}
struct dentry *dentry_make_root(struct inode *inode)
{
    struct dentry *d = heap_zalloc(sizeof(*d));
    d->inode = inode;
    return d;
}
int vfs_mount(const char *path, struct filesystem *fs)
{
    (void)path, (void)fs;
    return 0;
}
int vfs_make(struct dentry *base, const char *path, uint32_t mode, uint64_t rdev,
             const char *target, struct dentry **out)
{
    (void)base, (void)path, (void)mode, (void)rdev, (void)target, (void)out;
    return 0;
}
struct filesystem *tmpfs_create(uint32_t mode, uint64_t pages_max)
{
    (void)mode, (void)pages_max;
    return NULL;
}
size_t iter_write(struct iter *it, const void *src, size_t len)
{
    memcpy((char *)it->one.base + it->range_offset, src, len);
    it->range_offset += len;
    it->left -= len;
    return len;
}
size_t iter_read(struct iter *it, void *dst, size_t len)
{
    memcpy(dst, (char *)it->one.base + it->range_offset, len);
    it->left -= len;
    return len;
}

struct filesystem procfs, sysfs, devfs, devpts;
const struct pseudo_entry procfs_root, sysfs_root, devfs_root, devpts_root;

/* A table: a counter, a fixed file, a link, and rooms 3, 5 and 8 with doors 0 and 1 each. */
static unsigned calls;
static char written[64];

static void counter_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "call %u\n", ++calls);
}
static int counter_write(pseudo_key_t key, const char *bytes, size_t length)
{
    (void)key;
    memcpy(written, bytes, length + 1); /* with its NUL */
    return length > 10 ? -EINVAL : 0;
}
static void door_text(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u/%u", pseudo_outer_number(key), pseudo_number(key));
}
static bool next_room(pseudo_key_t key, uint32_t *number)
{
    static const uint32_t rooms[] = {3, 5, 8};
    (void)key;
    for (unsigned i = 0; i < 3; i++) {
        if (rooms[i] < *number)
            continue;
        *number = rooms[i];
        return true;
    }
    return false;
}
static bool next_door(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    return *number < 2;
}

static const struct pseudo_entry door = PSEUDO_FILE("", door_text);
static const struct pseudo_dir doors = {.child = &door, .prefix = "door", .next = next_door};
static const struct pseudo_entry room_entries[] = {PSEUDO_DIR("doors", &doors), PSEUDO_END};
static const struct pseudo_dir room_dir = {.entries = room_entries};
static const struct pseudo_entry room = PSEUDO_DIR("", &room_dir);
static const struct pseudo_entry top_entries[] = {
    PSEUDO_FILE_MODE("counter", 0644, counter_text, counter_write),
    PSEUDO_FIXED("fixed", "as it is\n"), PSEUDO_LINK("link", "fixed"), PSEUDO_END};
static const struct pseudo_dir top_dir = {
    .entries = top_entries, .child = &room, .next = next_room};
static const struct pseudo_entry top = PSEUDO_DIR("", &top_dir);

static struct filesystem fs;

static void put(struct inode *inode)
{
    inode->ops->release(inode);
}

/* Looks up one name; the directory is let go unless it is the root. */
static struct inode *step(struct inode *dir, const char *text)
{
    struct inode *out = NULL;
    struct name name = {.text = text, .length = (uint32_t)strlen(text)};
    int err = dir->ops->lookup(dir, name, &out);
    if (dir != fs.root->inode)
        put(dir);
    return err ? NULL : out;
}

static int64_t read_at(struct file *f, uint64_t pos, char *buf, size_t size)
{
    struct iter it = {.kernel = true, .left = size, .one = {(uintptr_t)buf, size}};
    int64_t n = f->ops->read(f, &it, &pos);
    buf[n > 0 ? n : 0] = 0;
    return n;
}

static void names_and_numbers_are_found(void)
{
    struct inode *root = fs.root->inode;
    char text[32];
    struct inode *inode = step(step(step(root, "5"), "doors"), "door1");
    CHECK(inode && inode_is_regular(inode));
    struct file f = {.inode = inode};
    CHECK_EQ(inode->ops->open(inode, &f), 0);
    CHECK_EQ(read_at(&f, 0, text, 20), 3);
    CHECK_STR(text, "5/1");
    f.ops->release(&f);
    put(inode);
    static const char *const missing[] = {"4",  "05",     "5 ", "door5",      "fixe",
                                          "-5", "fixed2", "",   "4294967301", "99999999999"};
    for (unsigned i = 0; i < ARRAY_SIZE(missing); i++)
        CHECK(step(root, missing[i]) == NULL);
}

static void inode_numbers_stay(void)
{
    struct inode *root = fs.root->inode;
    struct inode *a = step(root, "fixed"), *b = step(root, "fixed"), *c = step(root, "counter");
    CHECK(a != b && a->ino == b->ino && a->ino != c->ino);
    put(a);
    put(b);
    put(c);
}

struct listing {
    char text[256];
    unsigned stop_after;
    uint64_t next;
};

static bool list_name(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    struct listing *l = arg;
    (void)ino, (void)type;
    if (l->stop_after-- == 0)
        return false;
    strncat(l->text, name.text, name.length);
    strcat(l->text, " ");
    l->next = next;
    return true;
}

static void listing_goes_on_where_it_stopped(void)
{
    struct inode *root = fs.root->inode;
    for (unsigned pieces = 1; pieces < 8; pieces++) {
        struct listing l = {.next = 0};
        for (int round = 0; round < 8; round++) {
            l.stop_after = pieces;
            CHECK_EQ(root->ops->iterate(root, l.next, list_name, &l), 0);
        }
        CHECK_STR(l.text, "counter fixed link 3 5 8 ");
    }
}

static void text_is_made_anew_at_the_start_only(void)
{
    char text[32];
    struct inode *inode = step(fs.root->inode, "counter");
    struct file f = {.inode = inode, .flags = 2};
    calls = 0;
    CHECK_EQ(inode->ops->open(inode, &f), 0);
    CHECK_EQ(calls, 0);
    CHECK_EQ(read_at(&f, 0, text, 3), 3);
    CHECK_EQ(read_at(&f, 3, text + 3, 20), 4);
    CHECK_STR(text, "call 1\n");
    CHECK_EQ(read_at(&f, 7, text, 20), 0);
    CHECK_EQ(read_at(&f, 1000, text, 20), 0);
    CHECK_EQ(read_at(&f, 0, text, 20), 7);
    CHECK_STR(text, "call 2\n");
    fake_heap_left = 0;
    CHECK_EQ(read_at(&f, 0, text, 20), -ENOMEM);
    fake_heap_left = -1;
    CHECK(!locked);
    f.ops->release(&f);
    put(inode);
}

static int64_t write_text(struct file *f, const char *text)
{
    uint64_t pos = 0;
    struct iter it = {.kernel = true, .left = strlen(text), .one = {(uintptr_t)text, 0}};
    return f->ops->write(f, &it, &pos);
}

static void writing_calls_the_entry(void)
{
    struct inode *inode = step(fs.root->inode, "counter"), *fixed = step(fs.root->inode, "fixed");
    struct file f = {.inode = inode, .flags = 1};
    CHECK_EQ(inode->ops->open(inode, &f), 0);
    CHECK_EQ(write_text(&f, "12"), 2);
    CHECK_STR(written, "12");
    CHECK_EQ(write_text(&f, "more than ten"), -EINVAL);
    f.ops->release(&f);
    struct file g = {.inode = fixed, .flags = 1};
    CHECK_EQ(fixed->ops->open(fixed, &g), -EACCES);
    put(fixed);
    put(inode);
}

static void links_have_their_text_at_hand(void)
{
    struct inode *link = step(fs.root->inode, "link");
    char text[8] = "";
    CHECK(inode_is_link(link) && !link->ops->follow);
    CHECK_STR(link->link_text, "fixed");
    CHECK_EQ(link->ops->readlink(link, text, 3), 5);
    CHECK_STR(text, "fix");
    put(link);
}

int main(void)
{
    CHECK_EQ(pseudo_make_root(&fs, &top), 0);
    RUN(names_and_numbers_are_found);
    RUN(inode_numbers_stay);
    RUN(listing_goes_on_where_it_stopped);
    RUN(text_is_made_anew_at_the_start_only);
    RUN(writing_calls_the_entry);
    RUN(links_have_their_text_at_hand);
    CHECK_EQ(fake_heap_blocks, 2); /* the root */
    put(fs.root->inode);
    heap_free(fs.root);
    return check_done();
}
