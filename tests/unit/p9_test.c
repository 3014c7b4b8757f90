// UNIT: kernel/fs/p9_call.c kernel/fs/p9_client.c kernel/fs/p9_file.c kernel/fs/p9_inode.c
// UNIT: kernel/fs/p9_mount.c kernel/base/format.c
// UNIT: kernel/vfs/change.c kernel/vfs/dentry.c kernel/vfs/filemap.c kernel/vfs/workingset.c kernel/vfs/flock.c kernel/fd/unnamed.c
// UNIT: kernel/vfs/inode.c kernel/vfs/lookup.c kernel/vfs/memo.c kernel/vfs/missing.c
// UNIT: kernel/vfs/namespace.c
// UNIT: kernel/vfs/permission.c kernel/proc/cred.c
// UNIT: kernel/vfs/open.c kernel/vfs/seals.c kernel/fd/regular.c kernel/fd/directory.c
// UNIT: kernel/fs/erofs.c kernel/fs/layers.c kernel/fs/memfs.c kernel/fs/rootfs.c
// UNIT: kernel/fs/xattrs.c kernel/base/radix.c kernel/base/crc32c.c
// UNIT: tests/unit/fakes/heap.c tests/unit/fakes/page.c tests/unit/fakes/sched.c
// UNIT: tests/unit/fakes/disk.c tests/unit/fakes/world.c tests/unit/fakes/file.c
// UNIT: tests/unit/fakes/crc.c
/*
 * Folders of the host: a small server with a folder, a file and a link, first an honest one, then
 * one whose answers are cut, stretched and changed at random. Whatever it says, calls must end with
 * an answer, and nothing may be left behind.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>

#include "kernel/base/errno.h"
#include "kernel/fd/file.h"
#include "kernel/fs/memfs.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

#define FIDS 4096u
#define FILE_SIZE 10000u
#define ROUNDS 8000u

/* ---- the server ---- */

enum { NONE, ROOT, FILE_F, DIR_D, LINK_L };

static uint8_t files[FIDS]; /* what a fid stands for */
static char content[FILE_SIZE + 4096];
static uint64_t file_size = FILE_SIZE;
static unsigned fids_known, damage; /* damage: of 256 answers, so many are changed */
static unsigned calls;

static uint32_t random32(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 32);
}

struct message {
    uint8_t bytes[P9_DATA_MAX + 4096];
    size_t at, size;
};

static uint64_t take(struct message *m, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && m->at < m->size; i++)
        value |= (uint64_t)m->bytes[m->at++] << 8 * i;
    return value;
}

static void give(struct message *m, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        m->bytes[m->size++] = (uint8_t)(value >> 8 * i);
}

static void give_text(struct message *m, const char *text)
{
    give(m, strlen(text), 2);
    memcpy(m->bytes + m->size, text, strlen(text));
    m->size += strlen(text);
}

static void give_qid(struct message *m, uint8_t file)
{
    give(m, file == FILE_F ? 0 : 0x80, 1);
    give(m, 0, 4);
    give(m, file, 8);
}

static void set_fid(uint64_t fid, uint8_t file)
{
    if (fid >= FIDS)
        return;
    fids_known += (file != NONE) - (files[fid] != NONE);
    files[fid] = file;
}

static int answer_walk(struct message *in, struct message *out)
{
    static const char *const names[] = {[FILE_F] = "f", [DIR_D] = "d", [LINK_L] = "l"};
    uint64_t from = take(in, 4), to = take(in, 4), count = take(in, 2);
    uint8_t file = from < FIDS ? files[from] : NONE;
    if (count) {
        size_t length = take(in, 2);
        uint8_t found = NONE;
        for (uint8_t i = FILE_F; i <= LINK_L; i++)
            if (length == 1 && in->bytes[in->at] == names[i][0])
                found = i;
        file = found;
    }
    if (file == NONE)
        return ENOENT;
    set_fid(to, file);
    give(out, count, 2);
    if (count)
        give_qid(out, file);
    return 0;
}

static void answer_attr(uint8_t file, struct message *out)
{
    static const uint32_t modes[] = {0, S_IFDIR | 0755, S_IFREG | 0644, S_IFDIR | 0700,
                                     S_IFLNK | 0777};
    give(out, 0x7ff, 8);
    give_qid(out, file);
    give(out, modes[file], 4);
    give(out, 0, 8); /* uid, gid */
    give(out, 1, 8);
    give(out, 0, 8);
    give(out, file == FILE_F ? file_size : 4096, 8);
    give(out, 4096, 8);
    give(out, 8, 8);
    for (int i = 0; i < 10; i++)
        give(out, 1000 + (uint64_t)i, 8);
}

static void answer_names(uint64_t offset, struct message *out)
{
    static const char *const names[] = {".", "..", "f", "d", "l"};
    size_t start = out->size;
    give(out, 0, 4);
    for (uint64_t i = offset; i < 5; i++) {
        give_qid(out, (uint8_t)(i + 1));
        give(out, i + 1, 8);
        give(out, 4, 1);
        give_text(out, names[i]);
    }
    uint64_t size = out->size - start - 4;
    out->size = start;
    give(out, size, 4);
    out->size = start + 4 + size;
}

static void answer_read(uint64_t offset, uint64_t count, struct message *out)
{
    uint64_t there = offset < file_size ? min_u64(count, file_size - offset) : 0;
    give(out, there, 4);
    memcpy(out->bytes + out->size, content + min_u64(offset, FILE_SIZE), there);
    out->size += there;
}

static int answer(uint64_t type, struct message *in, struct message *out)
{
    uint64_t fid = type == P9_VERSION ? 0 : take(in, 4);
    uint8_t file = fid < FIDS ? files[fid] : NONE;
    switch (type) {
    case P9_VERSION:
        give(out, P9_DATA_MAX + 4096, 4);
        give_text(out, "9P2000.L");
        return 0;
    case P9_ATTACH:
        set_fid(fid, ROOT);
        give_qid(out, ROOT);
        return 0;
    case P9_WALK:
        in->at -= 4;
        return answer_walk(in, out);
    case P9_CLUNK:
        set_fid(fid, NONE);
        return 0;
    case P9_GETATTR:
        answer_attr(file, out);
        return file == NONE ? EBADF : 0;
    case P9_LOPEN:
        give_qid(out, file);
        give(out, 0, 4);
        return 0;
    case P9_READ: {
        uint64_t offset = take(in, 8);
        answer_read(offset, take(in, 4), out);
        return 0;
    }
    case P9_WRITE: {
        uint64_t offset = take(in, 8), count = take(in, 4);
        if (offset + count > sizeof(content))
            return ENOSPC;
        memcpy(content + offset, in->bytes + in->at, count);
        file_size = max_u64(file_size, offset + count);
        give(out, count, 4);
        return 0;
    }
    case P9_READDIR:
        answer_names(take(in, 8), out);
        return 0;
    case P9_READLINK:
        give_text(out, "f");
        return 0;
    case P9_SETATTR:
    case P9_FSYNC:
        return 0;
    case P9_STATFS:
        for (int i = 0; i < 15; i++)
            give(out, 0x1000, 4);
        return 0;
    default:
        return EPERM;
    }
}

static void do_damage(struct message *out)
{
    for (unsigned i = random32() % 4; i > 0 && out->size; i--)
        out->bytes[random32() % min_u64(out->size, 64)] = (uint8_t)random32();
    switch (random32() % 8) {
    case 0:
        out->size = random32() % (out->size + 1);
        break;
    case 1:
        out->size += random32() % 100;
        break;
    case 2: { /* a size that fits what is there */
        size_t size = out->size;
        out->size = 0;
        give(out, size, 4);
        out->size = size;
        break;
    }
    default:
        break;
    }
}

struct channel9p *channel9p_find(const char *tag)
{
    static char channel;
    return strcmp(tag, "orris0") == 0 ? (struct channel9p *)&channel : NULL;
}

uint64_t channel9p_call(struct channel9p *channel, const struct channel9p_part *parts, unsigned out,
                        unsigned in)
{
    static struct message request, reply;
    (void)channel;
    calls++;
    request.at = request.size = 0;
    for (unsigned i = 0; i < out; i++) {
        memcpy(request.bytes + request.size, parts[i].data, parts[i].size);
        request.size += parts[i].size;
    }
    if (take(&request, 4) != request.size)
        printf("Bail out! a request of the wrong size\n"), abort();
    uint64_t type = take(&request, 1), tag = take(&request, 2);
    reply.size = 7;
    int err = answer(type, &request, &reply);
    size_t size = err ? 11 : reply.size;
    reply.size = 0;
    give(&reply, size, 4);
    give(&reply, err ? P9_RLERROR : type + 1, 1);
    give(&reply, tag, 2);
    if (err)
        give(&reply, (uint64_t)err, 4);
    reply.size = size;
    if (random32() % 256 < damage)
        do_damage(&reply);
    size_t done = 0, room = 0;
    for (unsigned i = out; i < out + in; i++) {
        size_t part = min_u64(parts[i].size, reply.size - done);
        memcpy(parts[i].data, reply.bytes + done, part);
        done += part;
        room += parts[i].size;
    }
    return min_u64(reply.size, room);
}

/* ---- what a program does ---- */

static int64_t read_all(const char *path, char *buf, size_t size)
{
    struct file *f;
    int err = vfs_open(NULL, path, O_RDONLY, 0, &f);
    if (err)
        return err;
    int64_t n = vfs_read_kernel(f, buf, size, 0);
    file_put(f);
    return n;
}

static int64_t write_at(const char *path, const char *text, uint64_t offset)
{
    struct file *f;
    struct iter it;
    int err = vfs_open(NULL, path, O_RDWR, 0, &f);
    if (err)
        return err;
    iter_kernel(&it, (void *)(uintptr_t)text, strlen(text));
    int64_t n = f->ops->write ? f->ops->write(f, &it, &offset) : -EINVAL;
    file_put(f);
    return n;
}

static unsigned name_count;

static bool count_name(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    (void)ino, (void)type, (void)next;
    if (name.length == 0 || name.length > NAME_BYTES_MAX)
        abort();
    *(char *)arg ^= name.text[0];
    return ++name_count < 1000;
}

static int list(const char *path)
{
    char sum = 0;
    struct file *f;
    name_count = 0;
    int err = vfs_open(NULL, path, O_RDONLY | O_DIRECTORY, 0, &f);
    if (err)
        return err;
    err = f->ops->iterate ? f->ops->iterate(f, count_name, &sum) : -ENOTDIR;
    file_put(f);
    return err;
}

/* Maps the file, writes to its first page as a program would, and lets it go. */
static int map_and_write(const char *path, char value)
{
    struct file *f;
    struct filemap *map = NULL;
    struct page *page;
    int err = vfs_open(NULL, path, O_RDWR, 0, &f);
    if (err)
        return err;
    err = f->ops->mmap ? f->ops->mmap(f, 3 /* read, write */, 1 /* shared */, &map) : -ENODEV;
    if (!err)
        err = filemap_get_page(map, 0, FILEMAP_WRITE, &page);
    if (!err) {
        *(char *)page_virt(page) = value;
        page_put(page);
        err = f->ops->fsync(f);
    }
    file_put(f);
    return err;
}

static void an_honest_server(void)
{
    static char buf[2 * FILE_SIZE];
    const char *why;
    for (size_t i = 0; i < FILE_SIZE; i++)
        content[i] = (char)(i * 7);
    CHECK_EQ(p9_mount_all(&why), 0);
    CHECK_EQ(read_all("/m/f", buf, sizeof(buf)), FILE_SIZE);
    CHECK(memcmp(buf, content, FILE_SIZE) == 0);
    CHECK_EQ(read_all("/m/l", buf, sizeof(buf)), FILE_SIZE);
    CHECK_EQ(-read_all("/m/none", buf, sizeof(buf)), ENOENT);
    CHECK_EQ(-read_all("/m/d", buf, sizeof(buf)), EISDIR);
    CHECK_EQ(write_at("/m/f", "hello", 9998), 5);
    CHECK_EQ(read_all("/m/f", buf, sizeof(buf)), 10003);
    CHECK(memcmp(content + 9998, "hello", 5) == 0);
    CHECK_EQ(map_and_write("/m/f", '!'), 0);
    CHECK_EQ(content[0], '!');
    CHECK_EQ(list("/m"), 0);
    CHECK_EQ(name_count, 5);
    CHECK_EQ(-vfs_unlink(NULL, "/m/f", false), EPERM); /* the server's errors are the program's */
    CHECK_EQ(-write_at("/m/f", "no room", sizeof(content)), ENOSPC);
}

/* What the host changes shows at once. */
static void the_host_changes_files(void)
{
    static char buf[2 * FILE_SIZE];
    memcpy(content, "other", 5);
    file_size = 5;
    CHECK_EQ(read_all("/m/f", buf, sizeof(buf)), 5);
    CHECK(memcmp(buf, "other", 5) == 0);
    file_size = FILE_SIZE;
}

static unsigned ended;

static void use_everything(void)
{
    int answers = 0; /* whatever they are */
    static char buf[2 * FILE_SIZE];
    struct dentry *d;
    struct inode_attr attr = {.mode = 0600, .size = 77};
    (void)read_all("/m/f", buf, sizeof(buf));
    (void)read_all("/m/l", buf, sizeof(buf));
    (void)write_at("/m/f", "abc", random32() % FILE_SIZE);
    (void)map_and_write("/m/f", 'x');
    (void)list("/m");
    (void)list("/m/d");
    if (vfs_lookup(NULL, "/m/f", LOOKUP_FOLLOW, &d, NULL) == 0) {
        vfs_getattr(d->inode, &attr);
        answers += vfs_setattr(d->inode, &attr, ATTR_MODE);
        answers += vfs_truncate(d->inode, 77);
        answers += vfs_link(d, NULL, "/m/x");
        d->inode->fs->statfs(d->inode->fs);
        dentry_put(d);
    }
    answers += vfs_rename(NULL, "/m/f", NULL, "/m/d/f", 0);
    answers += vfs_rename(NULL, "/m/d/f", NULL, "/m/f", 0);
    answers += vfs_make(NULL, "/m/new", S_IFDIR | 0755, 0, NULL, NULL);
    answers += vfs_make(NULL, "/m/new2", S_IFREG | 0755, 0, NULL, NULL);
    answers += vfs_make(NULL, "/m/new3", S_IFLNK | 0777, 0, "target", NULL);
    answers += vfs_unlink(NULL, "/m/f", false);
    answers += vfs_unlink(NULL, "/m/d", true);
    vfs_sync();
    ended += answers != 1;
}

static void a_hostile_server(void)
{
    long blocks = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        damage = 1u << round % 8;
        file_size = FILE_SIZE;
        use_everything();
        vfs_shrink(1000000, 0);
        if (round == 1000)
            blocks = fake_heap_blocks;
    }
    damage = 0;
    use_everything();
    vfs_shrink(1000000, 0);
    CHECK(fake_heap_blocks <= blocks + 200); /* no leak that grows with the rounds */
    CHECK(calls > ROUNDS && ended > ROUNDS);
}

static void memory_runs_out(void)
{
    for (long left = 0; left < 200; left++) {
        fake_heap_left = left;
        use_everything();
        fake_heap_left = -1;
        fake_pages_left = left;
        use_everything();
        fake_pages_left = -1;
    }
    CHECK_EQ(list("/m"), 0);
}

int main(void)
{
    static char *mounts[] = {(char *)"w/m", NULL};
    struct filesystem *root = tmpfs_create(0755, 0);
    CHECK(root && vfs_init(root) == 0);
    the_run.mounts = mounts;
    the_run.mount_count = 1;
    RUN(an_honest_server);
    RUN(the_host_changes_files);
    RUN(memory_runs_out);
    RUN(a_hostile_server);
    return check_done();
}
