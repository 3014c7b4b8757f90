/* /dev: the devices that every program may expect, and links to its own streams. */
#include "kernel/fs/devfs.h"

#include <linux/magic.h>

#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/fs/pseudofs.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/platform/run.h"
#include "kernel/sched/thread.h"

#define DEVFS_DEVICE 0x5
#define DEVPTS_DEVICE 0x17
#define DEVICE(major, minor) ((major) << 8 | (minor))
#define CHUNK_BYTES 256u
#define LOG_BYTES 16384u
#define KMSG_LINE_BYTES 400u

struct filesystem devfs = {
    .type = "devtmpfs", .device = DEVFS_DEVICE, .magic = TMPFS_MAGIC, .in_memory = true};
struct filesystem devpts = {
    .type = "devpts", .device = DEVPTS_DEVICE, .magic = DEVPTS_SUPER_MAGIC, .no_negative = true};

static int64_t null_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)it, (void)pos;
    return 0;
}

static int64_t null_write(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)pos;
    size_t size = it->left;
    iter_advance(it, size);
    return (int64_t)size;
}

static int64_t device_seek(struct file *f, int64_t offset, int whence)
{
    (void)f, (void)offset, (void)whence;
    return 0;
}

static int64_t zero_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)pos;
    int64_t done = 0;
    while (it->left > 0) {
        size_t part = min_u64(it->left, PAGE_SIZE), zeroed = iter_write_zero(it, part);
        done += (int64_t)zeroed;
        if (zeroed < part)
            return done > 0 ? done : -EFAULT;
        cond_resched();
        if (it->left > 0 && thread_current()->interrupted)
            break;
    }
    return done;
}

/* Anonymous memory. */
static int zero_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map)
{
    (void)f, (void)prot, (void)flags;
    *map = NULL;
    return 0;
}

static int64_t full_write(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)it, (void)pos;
    return -ENOSPC;
}

static int64_t random_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)pos;
    uint8_t bytes[CHUNK_BYTES];
    int64_t done = 0;
    while (it->left > 0) {
        size_t part = min_u64(it->left, sizeof(bytes));
        random_bytes(bytes, part);
        size_t copied = iter_write(it, bytes, part);
        done += (int64_t)copied;
        if (copied < part)
            return done > 0 ? done : -EFAULT;
        cond_resched();
        if (done % (int64_t)PAGE_SIZE == 0 && thread_current()->interrupted)
            break;
    }
    memset(bytes, 0, sizeof(bytes));
    return done;
}

static int64_t random_write(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)pos;
    uint8_t bytes[CHUNK_BYTES];
    int64_t done = 0;
    while (it->left > 0) {
        size_t part = min_u64(it->left, sizeof(bytes)), copied = iter_read(it, bytes, part);
        random_feed(bytes, copied);
        done += (int64_t)copied;
        if (copied < part)
            return done > 0 ? done : -EFAULT;
        cond_resched();
        if (done % (int64_t)PAGE_SIZE == 0 && thread_current()->interrupted)
            break;
    }
    return done;
}

/* The whole log as text; *pos says how much of it was read. */
static int64_t kmsg_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f;
    char *log = heap_alloc(LOG_BYTES);
    if (!log)
        return -ENOMEM;
    size_t length = log_copy(log, LOG_BYTES), done = 0;
    size_t part = *pos < length ? min_u64(length - *pos, it->left) : 0;
    if (part > 0)
        done = iter_write(it, log + *pos, part);
    heap_free(log);
    *pos += done;
    return done > 0 || part == 0 ? (int64_t)done : -EFAULT;
}

static int64_t kmsg_write(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)pos;
    char line[KMSG_LINE_BYTES];
    size_t size = it->left, part = min_u64(size, sizeof(line));
    if (iter_read(it, line, part) < part)
        return -EFAULT;
    iter_advance(it, it->left);
    if (part > 0 && line[part - 1] == '\n')
        part--;
    log_info("program: %.*s", (int)part, line);
    return (int64_t)size;
}

__attribute__((weak)) int devfs_open_terminal(struct file *file, uint32_t number)
{
    (void)file, (void)number;
    return -ENXIO;
}

__attribute__((weak)) int devfs_open_ptmx(struct file *file, uint32_t number)
{
    (void)file, (void)number;
    return -ENOSPC;
}

__attribute__((weak)) int devfs_open_pts(struct file *file, uint32_t number)
{
    (void)file, (void)number;
    return -EIO;
}

__attribute__((weak)) bool devfs_next_pts(uint32_t *number)
{
    (void)number;
    return false;
}

__attribute__((weak)) void devfs_pts_owner(struct inode *inode, uint32_t number,
                                           const struct inode_attr *attr, unsigned what)
{
    (void)inode, (void)number, (void)attr, (void)what;
}

/* The terminal is the program's, as a login has it. */
static void console_owner(struct inode *inode, uint32_t number, const struct inode_attr *attr,
                          unsigned what)
{
    (void)number, (void)attr;
    if (!what)
        inode->uid = the_run.user.uid;
}

static bool next_pts(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    return devfs_next_pts(number);
}

static const struct file_ops null_ops = {
    .name = "null", .read = null_read, .write = null_write, .seek = device_seek, .no_splice = true};
static const struct file_ops zero_ops = {
    .name = "zero", .read = zero_read, .write = null_write, .seek = device_seek, .mmap = zero_mmap};
static const struct file_ops full_ops = {.name = "full",
                                         .read = zero_read,
                                         .write = full_write,
                                         .seek = device_seek,
                                         .plain_write = true};
static const struct file_ops random_ops = {
    .name = "random", .read = random_read, .write = random_write, .seek = device_seek};
static const struct file_ops kmsg_ops = {
    .name = "kmsg", .read = kmsg_read, .write = kmsg_write, .seek = device_seek};

static const struct pseudo_device null_device = {.rdev = DEVICE(1, 3), .ops = &null_ops};
static const struct pseudo_device zero_device = {.rdev = DEVICE(1, 5), .ops = &zero_ops};
static const struct pseudo_device full_device = {.rdev = DEVICE(1, 7), .ops = &full_ops};
static const struct pseudo_device random_device = {.rdev = DEVICE(1, 8), .ops = &random_ops};
static const struct pseudo_device urandom_device = {.rdev = DEVICE(1, 9), .ops = &random_ops};
static const struct pseudo_device kmsg_device = {.rdev = DEVICE(1, 11), .ops = &kmsg_ops};

static const struct pseudo_device tty_device = {.rdev = DEVICE(5, 0), .open = devfs_open_terminal};
static const struct pseudo_device console_device = {
    .rdev = DEVICE(5, 1), .owner = console_owner, .open = devfs_open_terminal};

static const struct pseudo_device ptmx_device = {.rdev = DEVICE(5, 2), .open = devfs_open_ptmx};
static const struct pseudo_device pts_device = {
    .rdev = DEVICE(136, 0), .owner = devfs_pts_owner, .open = devfs_open_pts};

static const struct pseudo_dir empty_dir = {.entries = NULL};
static const struct pseudo_entry pts_child = PSEUDO_DEVICE(NULL, 0620, &pts_device);
static const struct pseudo_entry pts_entries[] = {PSEUDO_DEVICE("ptmx", 0666, &ptmx_device),
                                                  PSEUDO_END};
static const struct pseudo_dir pts_dir = {
    .entries = pts_entries, .child = &pts_child, .next = next_pts};

static const struct pseudo_entry entries[] = {
    PSEUDO_DEVICE("console", 0600, &console_device),
    PSEUDO_LINK("fd", "/proc/self/fd"),
    PSEUDO_DEVICE("full", 0666, &full_device),
    PSEUDO_DEVICE("kmsg", 0644, &kmsg_device),
    PSEUDO_DIR("mqueue", &empty_dir), /* the message queues are mounted on it */
    PSEUDO_DEVICE("null", 0666, &null_device),
    PSEUDO_DEVICE("ptmx", 0666, &ptmx_device),
    PSEUDO_DIR("pts", &empty_dir), /* devpts is mounted on it */
    PSEUDO_DEVICE("random", 0666, &random_device),
    PSEUDO_DIR("shm", &empty_dir), /* a tmpfs is mounted on it */
    PSEUDO_LINK("stderr", "/proc/self/fd/2"),
    PSEUDO_LINK("stdin", "/proc/self/fd/0"),
    PSEUDO_LINK("stdout", "/proc/self/fd/1"),
    PSEUDO_DEVICE("tty", 0666, &tty_device),
    PSEUDO_DEVICE("urandom", 0666, &urandom_device),
    PSEUDO_DEVICE("zero", 0666, &zero_device),
    PSEUDO_END};
static const struct pseudo_dir root_dir = {.entries = entries};
const struct pseudo_entry devfs_root = {
    .name = "", .mode = PSEUDO_TYPE_DIR | 0755, .dir = &root_dir};
const struct pseudo_entry devpts_root = {
    .name = "", .mode = PSEUDO_TYPE_DIR | 0755, .dir = &pts_dir};
