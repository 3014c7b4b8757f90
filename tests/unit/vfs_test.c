// UNIT: kernel/vfs/change.c kernel/vfs/dentry.c kernel/vfs/filemap.c kernel/vfs/workingset.c kernel/vfs/flock.c kernel/fd/unnamed.c
// UNIT: kernel/vfs/inode.c kernel/vfs/lookup.c kernel/vfs/memo.c kernel/vfs/missing.c
// UNIT: kernel/vfs/namespace.c
// UNIT: kernel/vfs/permission.c kernel/proc/cred.c
// UNIT: kernel/vfs/open.c kernel/vfs/seals.c kernel/fd/regular.c kernel/fd/directory.c
// UNIT: kernel/fs/erofs.c kernel/fs/layers.c kernel/fs/memfs.c kernel/fs/rootfs.c
// UNIT: kernel/fs/xattrs.c kernel/base/radix.c kernel/base/crc32c.c
// UNIT: tests/unit/fakes/heap.c tests/unit/fakes/page.c tests/unit/fakes/sched.c
// UNIT: tests/unit/fakes/disk.c tests/unit/fakes/world.c tests/unit/fakes/file.c
// UNIT: tests/unit/fakes/crc.c kernel/base/format.c
/* The root: layers made by mkfs.erofs, merged, changed, listed; and damaged in a thousand ways. */
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "kernel/base/crc32c.h"
#include "kernel/fd/file.h"
#include "kernel/fs/memfs.h"
#include "kernel/platform/run.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/flock.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/seals.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

#define LAYER_ALIGN 0x200000u

/* Makes layers of the folders L0, L1 … in the scratch folder, one file, and tells the_run. */
static bool make_image(unsigned count)
{
    const char *dir = fake_folder();
    bool ok = fake_shell("rm -f %s/image && touch %s/image", dir, dir);
    for (unsigned i = 0; i < count && ok; i++)
        ok = fake_shell("cd %s && mkfs.erofs --quiet --preserve-mtime --all-root -E noinline_data "
                        "layer%u L%u >mkfs.log 2>&1 && truncate -s %%%u image && "
                        "cat layer%u >>image && stat -c %%s layer%u >size%u",
                        dir, i, i, LAYER_ALIGN, i, i, i);
    char path[256];
    snprintf(path, sizeof(path), "%s/image", dir);
    ok = ok && fake_disk_open(path);
    uint64_t offset = 0;
    for (unsigned i = 0; i < count && ok; i++) {
        snprintf(path, sizeof(path), "%s/size%u", dir, i);
        FILE *f = fopen(path, "r");
        unsigned long size = 0;
        ok = f && fscanf(f, "%lu", &size) == 1;
        if (f)
            fclose(f);
        the_run.layers[i] = (struct orris_layer){.offset = offset, .size = size};
        the_run.layers[i].superblock_crc = crc32c(0, fake_disk + offset + 1024, 128);
        offset = align_up(offset + size, LAYER_ALIGN);
    }
    the_run.layer_count = count;
    return ok;
}

static int errno_of(int err)
{
    return -err;
}

static int stat_of(const char *path, struct inode_attr *attr)
{
    struct dentry *d;
    int err = vfs_lookup(NULL, path, LOOKUP_FOLLOW, &d, NULL);
    if (err)
        return err;
    vfs_getattr(d->inode, attr);
    dentry_put(d);
    return 0;
}

static int exists(const char *path)
{
    struct inode_attr attr;
    return stat_of(path, &attr);
}

static const char *content(const char *path)
{
    static char text[65536];
    struct file *f;
    int err = vfs_open(NULL, path, O_RDONLY, 0, &f);
    if (err) {
        snprintf(text, sizeof(text), "error %d", -err);
        return text;
    }
    int64_t n = vfs_read_kernel(f, text, sizeof(text) - 1, 0);
    file_put(f);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

static int64_t put(const char *path, unsigned flags, const char *text, uint64_t pos)
{
    struct file *f;
    struct iter it;
    int err = vfs_open(NULL, path, O_WRONLY | flags, 0666, &f);
    if (err)
        return err;
    iter_kernel(&it, (void *)(uintptr_t)text, strlen(text));
    int64_t n = f->ops->write(f, &it, &pos);
    file_put(f);
    return n;
}

static char list_text[65536];
static bool list_emit(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    (void)ino, (void)type, (void)next;
    unsigned *left = arg;
    if (*left == 0)
        return false;
    --*left;
    size_t used = strlen(list_text);
    snprintf(list_text + used, sizeof(list_text) - used, "%.*s ", (int)name.length, name.text);
    return true;
}

/* All names of a directory, step names at a time, in the order they come. */
static const char *listing(const char *path, unsigned step)
{
    struct file *f;
    list_text[0] = 0;
    if (vfs_open(NULL, path, O_RDONLY | O_DIRECTORY, 0, &f))
        return "error";
    for (;;) {
        unsigned left = step;
        f->ops->iterate(f, list_emit, &left);
        if (left == step)
            break;
    }
    file_put(f);
    return list_text;
}

static void check_merging(void)
{
    struct inode_attr a, b;
    CHECK_STR(content("/etc/both"), "upper\n");
    CHECK_STR(content("/etc/lower"), "lower\n");
    CHECK_STR(content("/etc/upper"), "only upper\n");
    CHECK_STR(content("/lib/deep/file"), "deep\n");
    CHECK_STR(content("/usr/../lib/./deep//file"), "deep\n");
    CHECK_EQ(errno_of(exists("/nowhere")), ENOENT);
    CHECK_EQ(errno_of(exists("/etc/both/x")), ENOTDIR);
    CHECK_EQ(errno_of(exists("/etc/both/")), ENOTDIR);
    CHECK_EQ(errno_of(exists("/loop")), ELOOP);
    CHECK_EQ(errno_of(exists("")), ENOENT);
    CHECK_STR(listing("/etc", 100), ". .. both upper lower ");
    CHECK_STR(listing("/etc", 1), ". .. both upper lower ");
    CHECK_STR(content("/turned"), "a file now\n");
    CHECK_EQ(stat_of("/etc/both", &a), 0);
    CHECK_EQ(a.size, 6);
    CHECK_EQ(a.mode, S_IFREG | 0640);
    CHECK_EQ(a.mtime_ns / 1000000000, 1000000000);
    CHECK_EQ(a.uid, 0);
    CHECK_EQ(stat_of("/etc/lower", &b), 0);
    CHECK(a.ino != b.ino);
    CHECK_EQ(stat_of("/hard1", &a), 0);
    CHECK_EQ(stat_of("/hard2", &b), 0);
    CHECK_EQ(a.ino, b.ino);
    CHECK_EQ(a.links, 2);
    CHECK_EQ(stat_of("/tmp", &a), 0);
    CHECK_EQ(a.mode, S_IFDIR | 01777);
}

static void check_many_names(void)
{
    char path[64];
    int missing = 0;
    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof(path), "/many/name-%d", i);
        missing += exists(path) != 0;
    }
    CHECK_EQ(missing, 0);
    CHECK_EQ(errno_of(exists("/many/name-")), ENOENT);
    CHECK_EQ(errno_of(exists("/many/zzz")), ENOENT);
    CHECK_EQ(errno_of(exists("/many/A")), ENOENT);
    unsigned names = 0;
    for (const char *p = listing("/many", 7); *p; p++)
        names += *p == ' ';
    CHECK_EQ(names, 702);
}

static void check_big_file(void)
{
    static uint8_t buf[300000];
    struct file *f;
    CHECK_EQ(vfs_open(NULL, "/big", O_RDONLY, 0, &f), 0);
    CHECK_EQ(vfs_read_kernel(f, buf, sizeof(buf), 0), 299999);
    int wrong = 0;
    for (unsigned i = 0; i < 299999; i++)
        wrong += buf[i] != (uint8_t)(i / 4096 + i % 251);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(vfs_read_kernel(f, buf, 10, 299995), 4);
    CHECK_EQ(vfs_read_kernel(f, buf, 10, 299999), 0);
    file_put(f);
    /* Cut and grown again: what the layer had beyond the cut is gone. */
    CHECK_EQ(vfs_open(NULL, "/big", O_RDWR, 0, &f), 0);
    CHECK_EQ(f->ops->truncate(f, 5000), 0);
    CHECK_EQ(f->ops->truncate(f, 20000), 0);
    CHECK_EQ(vfs_read_kernel(f, buf, sizeof(buf), 0), 20000);
    wrong = 0;
    for (unsigned i = 0; i < 20000; i++)
        wrong += buf[i] != (i < 5000 ? (uint8_t)(i / 4096 + i % 251) : 0);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(f->ops->seek(f, 0, SEEK_END), 20000);
    file_put(f);
}

static void check_changes(void)
{
    struct inode_attr a;
    CHECK_EQ(put("/etc/lower", 0, "LO", 0), 2);
    CHECK_STR(content("/etc/lower"), "LOwer\n");
    CHECK_EQ(put("/etc/new", O_CREAT | O_EXCL, "new", 0), 3);
    CHECK_EQ(put("/etc/new", O_CREAT | O_EXCL, "new", 0), -EEXIST);
    CHECK_EQ(put("/etc/new", O_APPEND, "er", 0), 2);
    CHECK_STR(content("/etc/new"), "newer");
    CHECK_STR(listing("/etc", 1), ". .. both upper lower new ");
    CHECK_EQ(vfs_unlink(NULL, "/etc/both", false), 0);
    CHECK_EQ(errno_of(exists("/etc/both")), ENOENT);
    CHECK_STR(listing("/etc", 2), ". .. upper lower new ");
    CHECK_EQ(put("/etc/both", O_CREAT, "again", 0), 5);
    CHECK_STR(listing("/etc", 2), ". .. upper lower new both ");
    CHECK_EQ(vfs_rename(NULL, "/etc/upper", NULL, "/etc/a-name-that-is-longer-than-the-old-one", 0),
             0);
    CHECK_EQ(errno_of(exists("/etc/upper")), ENOENT);
    CHECK_STR(content("/etc/a-name-that-is-longer-than-the-old-one"), "only upper\n");
    CHECK_STR(listing("/etc", 100), ". .. lower new both a-name-that-is-longer-than-the-old-one ");
    /* A directory of a layer moves with all it has. */
    CHECK_EQ(vfs_rename(NULL, "/usr/lib/deep", NULL, "/moved", 0), 0);
    CHECK_STR(content("/moved/file"), "deep\n");
    CHECK_EQ(errno_of(exists("/lib/deep/file")), ENOENT);
    CHECK_EQ(vfs_make(NULL, "/usr/lib/deep", S_IFDIR | 0755, 0, NULL, NULL), 0);
    CHECK_STR(listing("/lib/deep", 5), ". .. ");
    CHECK_EQ(vfs_unlink(NULL, "/moved", true), -ENOTEMPTY);
    CHECK_EQ(vfs_unlink(NULL, "/moved/file", false), 0);
    CHECK_EQ(vfs_unlink(NULL, "/moved/file", false), -ENOENT);
    CHECK_EQ(vfs_unlink(NULL, "/moved", false), -EISDIR);
    CHECK_EQ(vfs_unlink(NULL, "/moved", true), 0);
    CHECK_EQ(errno_of(exists("/moved")), ENOENT);
    CHECK_EQ(vfs_unlink(NULL, "/etc/lower", true), -ENOTDIR);
    CHECK_EQ(vfs_rename(NULL, "/usr", NULL, "/usr/lib/x", 0), -EINVAL);
    CHECK_EQ(vfs_rename(NULL, "/etc/new", NULL, "/etc/both", RENAME_NOREPLACE), -EEXIST);
    CHECK_EQ(vfs_rename(NULL, "/etc/new", NULL, "/etc/both", RENAME_EXCHANGE), 0);
    CHECK_STR(content("/etc/new"), "again");
    CHECK_STR(content("/etc/both"), "newer");
    CHECK_EQ(vfs_rename(NULL, "/etc/new", NULL, "/etc/both", 0), 0);
    CHECK_STR(content("/etc/both"), "again");
    /* Two names of one file of a layer. */
    CHECK_EQ(put("/hard1", 0, "X", 0), 1);
    CHECK_STR(content("/hard2"), "Xard\n");
    CHECK_EQ(vfs_unlink(NULL, "/hard1", false), 0);
    CHECK_EQ(stat_of("/hard2", &a), 0);
    CHECK_EQ(a.links, 1);
    /* The second name has not been looked for yet, and means the changed file. */
    CHECK_EQ(put("/twin1", 0, "T", 0), 1);
    CHECK_EQ(vfs_unlink(NULL, "/twin1", false), 0);
    CHECK_STR(content("/twin2"), "Twin\n");
    CHECK_EQ(stat_of("/twin2", &a), 0);
    CHECK_EQ(a.links, 1);
    CHECK_EQ(put("/newlink", O_CREAT | O_NOFOLLOW, "x", 0), 1);
    CHECK_EQ(vfs_make(NULL, "/tmp/dangling", S_IFLNK | 0777, 0, "made-by-link", NULL), 0);
    CHECK_EQ(put("/tmp/dangling", O_CREAT, "here", 0), 4);
    CHECK_STR(content("/tmp/made-by-link"), "here");
    CHECK_EQ(put("/tmp/dangling", O_CREAT | O_EXCL, "here", 0), -EEXIST);
    CHECK_EQ(vfs_make(NULL, "/tmp/d/", S_IFDIR | 0755, 0, NULL, NULL), 0);
    CHECK_EQ(vfs_make(NULL, "/tmp/n/", S_IFREG | 0755, 0, NULL, NULL), -ENOENT);
}

/* Everything unused is given back, and what was changed is still there. */
static void check_shrinking(void)
{
    long before = fake_heap_blocks;
    CHECK(vfs_shrink(100000, 0) > 500);
    CHECK(fake_heap_blocks < before - 500);
    unsigned pages = (unsigned)page_stats.cache_pages;
    CHECK(filemap_reclaim(pages, 0) > 0);
    CHECK_EQ(page_stats.cache_pages, page_stats.dirty_pages);
    CHECK_STR(content("/etc/lower"), "LOwer\n");
    CHECK_STR(content("/etc/both"), "again");
    CHECK_STR(content("/hard2"), "Xard\n");
    CHECK_EQ(errno_of(exists("/etc/upper")), ENOENT);
    CHECK_EQ(errno_of(exists("/moved")), ENOENT);
    CHECK_EQ(exists("/many/name-77"), 0);
}

static void check_path_of(void)
{
    char path[PATH_BYTES_MAX];
    struct dentry *d;
    struct file *f;
    CHECK_EQ(vfs_lookup(NULL, "/lib/../../etc/../usr/lib", LOOKUP_FOLLOW, &d, NULL), 0);
    CHECK_EQ(vfs_path_of(d, path, sizeof(path)), 9);
    CHECK_STR(path, "/usr/lib");
    CHECK_EQ(vfs_path_of(d, path, 8), -ERANGE);
    dentry_put(d);
    CHECK_EQ(vfs_path_of(vfs_root(), path, sizeof(path)), 2);
    CHECK_STR(path, "/");
    CHECK_EQ(vfs_open(NULL, "/tmp/gone", O_CREAT | O_RDWR, 0600, &f), 0);
    CHECK_EQ(vfs_unlink(NULL, "/tmp/gone", false), 0);
    CHECK_EQ(vfs_path_of(f->dentry, path, sizeof(path)), 20);
    CHECK_STR(path, "/tmp/gone (deleted)");
    file_put(f);
    CHECK_EQ(memfs_create_anonymous("memfd:x", 0777, &d), 0);
    CHECK_EQ(vfs_path_of(d, path, sizeof(path)), 19);
    CHECK_STR(path, "/memfd:x (deleted)");
    dentry_put(d);
}

/* What is remembered of a path is forgotten when something on its way changes. */
static void check_memory_of_folders(void)
{
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(vfs_make(NULL, "/tmp/first-folder", S_IFDIR | 0755, 0, NULL, NULL), 0);
        CHECK_EQ(vfs_make(NULL, "/tmp/first-folder/inner", S_IFDIR | 0755, 0, NULL, NULL), 0);
        CHECK_EQ(put("/tmp/first-folder/inner/file", O_CREAT, "1", 0), 1);
        CHECK_EQ(vfs_make(NULL, "/tmp/link", S_IFLNK | 0777, 0, "first-folder", NULL), 0);
        for (int k = 0; k < 3; k++) {
            CHECK_STR(content("/tmp/first-folder/inner/file"), "1");
            CHECK_STR(content("/tmp/link/inner/file"), "1");
            CHECK_EQ(errno_of(exists("/tmp/first-folder/inner/filf")), ENOENT);
            CHECK_EQ(exists("/tmp/first-folder/inner/."), 0);
            CHECK_EQ(exists("/tmp/first-folder/inner/.."), 0);
            CHECK_EQ(exists("/tmp/first-folder/inner/"), 0);
        }
        CHECK_EQ(vfs_rename(NULL, "/tmp/first-folder", NULL, "/tmp/other-folder", 0), 0);
        CHECK_EQ(errno_of(exists("/tmp/first-folder/inner/file")), ENOENT);
        CHECK_EQ(errno_of(exists("/tmp/link/inner/file")), ENOENT);
        CHECK_STR(content("/tmp/other-folder/inner/file"), "1");
        CHECK_EQ(vfs_unlink(NULL, "/tmp/link", false), 0);
        CHECK_EQ(vfs_make(NULL, "/tmp/link", S_IFLNK | 0777, 0, "other-folder", NULL), 0);
        CHECK_STR(content("/tmp/link/inner/file"), "1");
        CHECK_EQ(vfs_unlink(NULL, "/tmp/link/inner/file", false), 0);
        CHECK_EQ(vfs_unlink(NULL, "/tmp/link/inner", true), 0);
        CHECK_EQ(errno_of(exists("/tmp/link/inner/file")), ENOENT);
        CHECK_EQ(errno_of(exists("/tmp/other-folder/inner/file")), ENOENT);
        CHECK_EQ(vfs_unlink(NULL, "/tmp/link", false), 0);
        CHECK_EQ(vfs_unlink(NULL, "/tmp/other-folder", true), 0);
        vfs_shrink(100000, 0);
        CHECK_STR(content("/etc/both"), "again");
    }
}

static void check_limits(void)
{
    struct filesystem *fs = tmpfs_create(01777, 4);
    static char text[40000];
    memset(text, 'x', sizeof(text) - 1);
    CHECK_EQ(vfs_mount("/tmp", fs), 0);
    CHECK_EQ(put("/tmp/full", O_CREAT, text, 0), 4 * 4096);
    CHECK_EQ(put("/tmp/full", 0, text, 4 * 4096), -ENOSPC);
    CHECK_EQ(put("/tmp/full", O_TRUNC, text, 100000), 4 * 4096 - 100000 % 4096);
    CHECK_EQ(fs->pages_used, 4);
    CHECK_EQ(vfs_unlink(NULL, "/tmp/full", false), 0);
    CHECK_EQ(fs->pages_used, 0);
    CHECK_EQ(vfs_rename(NULL, "/etc/lower", NULL, "/tmp/x", 0), -EXDEV);
    CHECK_EQ(vfs_unlink(NULL, "/tmp", true), -EBUSY);
    char path[64];
    struct dentry *d;
    CHECK_EQ(vfs_make(NULL, "/tmp/sub", S_IFDIR | 0700, 0, NULL, &d), 0);
    CHECK_EQ(vfs_path_of(d, path, sizeof(path)), 9);
    CHECK_STR(path, "/tmp/sub");
    dentry_put(d);
    CHECK_EQ(exists("/tmp/sub/../../etc"), 0);
}

static void check_locks(void)
{
    struct file *a, *b;
    CHECK_EQ(vfs_open(NULL, "/etc/lower", O_RDWR, 0, &a), 0);
    CHECK_EQ(vfs_open(NULL, "/etc/lower", O_RDWR, 0, &b), 0);
    CHECK_EQ(flock_whole(a, LOCK_SH), 0);
    CHECK_EQ(flock_whole(b, LOCK_SH), 0);
    CHECK_EQ(flock_whole(b, LOCK_EX | LOCK_NB), -EAGAIN);
    CHECK_EQ(flock_whole(a, LOCK_UN), 0);
    CHECK_EQ(flock_whole(b, LOCK_EX), 0);
    CHECK_EQ(flock_whole(a, LOCK_SH | LOCK_NB), -EAGAIN);
    file_put(b);
    CHECK_EQ(flock_whole(a, LOCK_EX | LOCK_NB), 0);
    struct flock fl = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
    struct uptr arg = {(uint64_t)&fl};
    CHECK_EQ(vfs_open(NULL, "/etc/lower", O_RDWR, 0, &b), 0);
    CHECK_EQ(flock_fcntl(a, F_OFD_SETLK, arg), 0);
    fl = (struct flock){.l_type = F_UNLCK, .l_start = 12, .l_len = 2};
    CHECK_EQ(flock_fcntl(a, F_OFD_SETLK, arg), 0);
    fl = (struct flock){.l_type = F_RDLCK, .l_start = 12, .l_len = 2};
    CHECK_EQ(flock_fcntl(b, F_OFD_SETLK, arg), 0);
    fl = (struct flock){.l_type = F_RDLCK, .l_start = 12, .l_len = 3};
    CHECK_EQ(flock_fcntl(b, F_SETLK, arg), -EAGAIN);
    CHECK_EQ(flock_fcntl(b, F_GETLK, arg), 0);
    CHECK_EQ(fl.l_start, 14);
    CHECK_EQ(fl.l_len, 6);
    CHECK_EQ(fl.l_pid, -1);
    file_put(a);
    fl = (struct flock){.l_type = F_RDLCK, .l_start = 0, .l_len = 0};
    CHECK_EQ(flock_fcntl(b, F_SETLK, arg), 0);
    flock_closed(b);
    CHECK_EQ(vfs_open(NULL, "/etc/lower", O_RDWR, 0, &a), 0);
    file_put(b);
    CHECK(list_empty(&a->inode->flocks));
    file_put(a);
}

/* Out of memory at every single point: an error, and nothing broken. */
static void check_no_memory(void)
{
    int worked = 0;
    for (long left = 0; left < 60; left++) {
        vfs_shrink(100000, 0);
        fake_heap_left = left;
        worked += put("/usr/oom", O_CREAT, "x", 0) == 1;
        worked += vfs_rename(NULL, "/usr/oom", NULL, "/usr/lib/oom-with-a-long-name-here", 0) == 0;
        worked += vfs_unlink(NULL, "/usr/lib/oom-with-a-long-name-here", false) == 0;
        (void)exists("/many/name-3");
        fake_heap_left = -1;
        worked += vfs_unlink(NULL, "/usr/oom", false) == 0;
        worked += vfs_unlink(NULL, "/usr/lib/oom-with-a-long-name-here", false) == 0;
    }
    CHECK(worked > 3);
    fake_pages_left = 0;
    filemap_reclaim(100000, 0);
    CHECK_EQ(errno_of(exists("/many/name-600")), ENOMEM);
    fake_pages_left = -1;
    CHECK_EQ(exists("/many/name-600"), 0);
    vfs_shrink(100000, 0);
    filemap_reclaim(100000, 0);
    fake_disk_broken = true;
    CHECK_EQ(errno_of(exists("/many/name-601")), EIO);
    fake_disk_broken = false;
    CHECK_EQ(exists("/many/name-601"), 0);
}

static void check_reports(void)
{
    vfs_report_missing();
    rootfs_report_lost();
    size_t at = 0;
    bool missing = false, lost = false;
    for (; at + 12 < sizeof(fake_control); at++) {
        missing |= memcmp(fake_control + at, "8:/etc/never\n", 13) == 0;
        lost |= memcmp(fake_control + at, "/etc/lower\n", 11) == 0;
    }
    CHECK(missing);
    CHECK(lost);
}

/* Reads all there is, as far as it goes. */
static void visit_all(void)
{
    static const char *const paths[] = {"/etc/both",    "/etc/lower", "/lib/deep/file", "/big",
                                        "/many/name-5", "/hard1",     "/loop",          "/turned"};
    for (unsigned i = 0; i < ARRAY_SIZE(paths); i++)
        (void)content(paths[i]);
    (void)listing("/", 3);
    (void)listing("/etc", 100);
    (void)listing("/many", 1000);
    (void)listing("/lib/deep", 1000);
}

/* Random bytes of the layers' metadata are changed; then everything is read. */
static void check_damage(void)
{
    static uint8_t whole[64 << 20];
    uint64_t state = 42, size = fake_disk_size;
    memcpy(whole, fake_disk, size);
    vfs_shrink(1000000, 0);
    for (unsigned i = 0; i < the_run.layer_count; i++)
        erofs_close(layer_get(i));
    unsigned mounted = 0;
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 1 + round % 40; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t layer = (state >> 60) % the_run.layer_count;
            uint64_t at = (state >> 20) % (round % 2 ? 40000 : the_run.layers[layer].size);
            fake_disk[(the_run.layers[layer].offset + 1152 + at) % size] = (uint8_t)(state >> 40);
        }
        struct dentry *old = vfs_root();
        if (rootfs_mount() == 0) {
            dentry_put(old);
            mounted++;
            visit_all();
        }
        vfs_shrink(1000000, 0);
        for (unsigned i = 0; i < the_run.layer_count; i++)
            erofs_close(layer_get(i));
        memcpy(fake_disk, whole, size);
    }
    CHECK(mounted > 100);
    fake_disk[1024 + 40] ^= 1;
    CHECK_EQ(errno_of(rootfs_mount()), EINVAL); /* the superblock's checksum */
    fake_disk[1024 + 40] ^= 1;
    the_run.layers[0].size = fake_disk_size * 2;
    CHECK_EQ(errno_of(rootfs_mount()), EINVAL);
}

int main(void)
{
    const char *d = fake_folder();
    bool ok = fake_shell(
        "cd %s && mkdir -p L0/etc L0/usr/lib/deep L0/many L0/turned L1/etc && "
        "echo lower >L0/etc/lower && echo lower >L0/etc/both && echo deep >L0/usr/lib/deep/file && "
        "ln -s usr/lib L0/lib && ln -s loop L0/loop && echo twin >L0/twin1 && ln L0/twin1 L0/twin2 "
        "&& echo hard >L0/hard1 && ln L0/hard1 L0/hard2 "
        "&& "
        "for i in $(seq 0 699); do : >L0/many/name-$i; done && "
        "echo upper >L1/etc/both && chmod 640 L1/etc/both && touch -d @1000000000 L1/etc/both && "
        "echo only upper >L1/etc/upper && echo a file now >L1/turned && "
        "/usr/bin/python3 -c \"open('L0/big','wb').write(bytes((i//4096+i%%251)&255 for i in "
        "range(299999)))\"",
        d);
    CHECK(ok && make_image(2));
    CHECK_EQ(rootfs_mount(), 0);
    RUN(check_merging);
    RUN(check_many_names);
    RUN(check_big_file);
    RUN(check_changes);
    RUN(check_shrinking);
    RUN(check_path_of);
    RUN(check_locks);
    RUN(check_memory_of_folders);
    RUN(check_no_memory);
    struct file *f;
    CHECK_EQ(vfs_open(NULL, "/etc/never", O_RDONLY, 0, &f), -ENOENT);
    RUN(check_reports);
    RUN(check_limits);
    RUN(check_damage);
    fake_disk_close();
    return check_done();
}
