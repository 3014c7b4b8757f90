/*
 * /proc/PID/fd, fdinfo and the links to what the process has open.
 *
 * Following /proc/self/fd/N of a file that has no name in the tree (a pipe, a terminal) leads to a
 * nameless dentry that stands for the open file: opening that gives a file which passes everything
 * on to the first. So `echo x > /dev/stdout` works whatever standard output is.
 */
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fs/procfs.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/flock.h"

#define INFO_BYTES 1024u /* of what a kind of file adds, at first */
#define INFO_BYTES_MAX (1u << 20)

/* The nameless inode of an open file. */
struct handle {
    struct inode inode;
    struct file *file; /* a reference */
};

static struct file *target_of(const struct file *f)
{
    return f->private;
}

static int64_t pass_read(struct file *f, struct iter *it, uint64_t *pos)
{
    return target_of(f)->ops->read(target_of(f), it, pos);
}

static int64_t pass_write(struct file *f, struct iter *it, uint64_t *pos)
{
    return target_of(f)->ops->write(target_of(f), it, pos);
}

static uint32_t pass_poll(struct file *f)
{
    return file_poll(target_of(f));
}

static struct waitq *pass_waitq(struct file *f)
{
    const struct file_ops *ops = target_of(f)->ops;
    return ops->waitq ? ops->waitq(target_of(f)) : NULL;
}

static int64_t pass_ioctl(struct file *f, unsigned request, uint64_t arg)
{
    const struct file_ops *ops = target_of(f)->ops;
    return ops->ioctl ? ops->ioctl(target_of(f), request, arg) : -ENOTTY;
}

static void pass_getattr(struct file *f, struct inode_attr *attr)
{
    vfs_getattr(f->inode, attr);
}

static size_t pass_describe(struct file *f, char *buf, size_t size)
{
    const struct file_ops *ops = target_of(f)->ops;
    return ops->describe ? ops->describe(target_of(f), buf, size) : 0;
}

static void pass_release(struct file *f)
{
    file_put(target_of(f));
}

static const struct file_ops pass_ops = {
    .name = "reopened",
    .read = pass_read,
    .write = pass_write,
    .poll = pass_poll,
    .waitq = pass_waitq,
    .ioctl = pass_ioctl,
    .getattr = pass_getattr,
    .describe = pass_describe,
    .release = pass_release,
};

static struct handle *handle_of(const struct inode *inode)
{
    return container_of(inode, struct handle, inode);
}

static int handle_open(struct inode *inode, struct file *file)
{
    struct file *target = handle_of(inode)->file;
    uint32_t kind = inode->mode & S_IFMT;
    if (target->ops->reopen)
        return target->ops->reopen(target, file);
    if (kind == S_IFSOCK || !kind) /* none: eventfd, epoll and the like */
        return -ENXIO;
    if ((file_readable(file) && !(file_readable(target) && target->ops->read)) ||
        (file_writable(file) && !(file_writable(target) && target->ops->write)))
        return -EACCES;
    file->ops = &pass_ops;
    file->private = file_get(target);
    return 0;
}

static void handle_getattr(struct inode *inode, struct inode_attr *attr)
{
    struct file *target = handle_of(inode)->file;
    target->ops->getattr(target, attr);
}

static void handle_release(struct inode *inode)
{
    file_put(handle_of(inode)->file);
    heap_free(handle_of(inode));
}

static const struct inode_ops handle_ops = {
    .open = handle_open,
    .getattr = handle_getattr,
    .release = handle_release,
};

/* Takes over the reference to file. */
static int handle_make(struct file *file, struct dentry **out)
{
    struct inode_attr attr = {.mode = S_IFCHR | 0600};
    struct handle *h = heap_zalloc(sizeof(*h));
    if (!h || !file->ops->getattr) {
        heap_free(h);
        file_put(file);
        return h ? -ENXIO : -ENOMEM;
    }
    file->ops->getattr(file, &attr);
    inode_init(&h->inode, &procfs, attr.mode);
    h->inode.ops = &handle_ops;
    h->inode.ino = attr.ino;
    h->inode.uid = attr.uid;
    h->inode.gid = attr.gid;
    h->inode.rdev = attr.rdev;
    h->inode.links = 1;
    h->file = file;
    *out = dentry_make_root(&h->inode);
    return *out ? 0 : -ENOMEM;
}

static int fd_follow(pseudo_key_t key, struct dentry **out)
{
    struct file *file;
    if (fd_get_path((int)pseudo_number(key), &file) != 0)
        return -ENOENT;
    if (!file->dentry)
        return handle_make(file, out);
    *out = dentry_get(file->dentry);
    file_put(file);
    return 0;
}

/* The text of a link: a path without its NUL, whole or cut to size. */
static int64_t path_text(struct dentry *d, char *buf, size_t size)
{
    char *path = heap_alloc(PATH_BYTES_MAX);
    if (!path)
        return -ENOMEM;
    int64_t length = vfs_path_of(d, path, PATH_BYTES_MAX);
    if (length > 0)
        memcpy(buf, path, min_u64((uint64_t)--length, size));
    heap_free(path);
    return length;
}

static int64_t fd_text(pseudo_key_t key, char *buf, size_t size)
{
    struct file *file;
    if (fd_get_path((int)pseudo_number(key), &file) != 0)
        return -ENOENT;
    int64_t length = 0;
    if (file->ops->describe)
        length = (int64_t)file->ops->describe(file, buf, size);
    else if (file->dentry)
        length = path_text(file->dentry, buf, size);
    file_put(file);
    return length;
}

static bool fd_next_number(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    int fd = *number > INT32_MAX ? -1 : fd_next((int)*number);
    *number = (uint32_t)fd;
    return fd >= 0;
}

static const struct pseudo_link fd_link = {.text = fd_text, .follow = fd_follow};
static const struct pseudo_entry fd_child = {.mode = S_IFLNK | 0700, .link = &fd_link};
const struct pseudo_dir proc_fd_dir = {.child = &fd_child, .next = fd_next_number};

/* What info writes, however long it is. */
static void put_info(struct text *out, struct file *file,
                     size_t (*info)(struct file *f, char *buf, size_t size))
{
    bool whole = false;
    for (size_t room = INFO_BYTES; !whole && room <= INFO_BYTES_MAX; room *= 2) {
        char *more = heap_alloc(room);
        if (!more)
            return;
        size_t size = info(file, more, room);
        whole = size < room || room == INFO_BYTES_MAX;
        if (whole)
            text_put(out, more, min_u64(size, room));
        heap_free(more);
    }
}

static void fdinfo_text(struct text *out, pseudo_key_t key)
{
    int fd = (int)pseudo_number(key);
    struct file *file;
    if (fd_get_path(fd, &file) != 0)
        return;
    struct inode_attr attr = {0};
    file_getattr(file, &attr);
    unsigned cloexec = fd_get_flags(fd) == 1 ? 02000000 : 0;
    text_format(out, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", file->pos,
                file->flags | cloexec, proc_mount_id(file->dentry), attr.ino);
    put_info(out, file, flock_info);
    if (file->ops && file->ops->fdinfo)
        put_info(out, file, file->ops->fdinfo);
    file_put(file);
}

static const struct pseudo_entry fdinfo_child = PSEUDO_FILE("", fdinfo_text);
const struct pseudo_dir proc_fdinfo_dir = {.child = &fdinfo_child, .next = fd_next_number};

static int exe_follow(pseudo_key_t key, struct dentry **out)
{
    (void)key;
    if (!the_proc.exe)
        return -ENOENT;
    *out = dentry_get(the_proc.exe);
    return 0;
}

static int64_t exe_text(pseudo_key_t key, char *buf, size_t size)
{
    (void)key;
    return the_proc.exe ? path_text(the_proc.exe, buf, size) : -ENOENT;
}

static int cwd_follow(pseudo_key_t key, struct dentry **out)
{
    (void)key;
    *out = vfs_cwd_get();
    return 0;
}

static int64_t cwd_text(pseudo_key_t key, char *buf, size_t size)
{
    (void)key;
    struct dentry *cwd = vfs_cwd_get();
    int64_t length = path_text(cwd, buf, size);
    dentry_put(cwd);
    return length;
}

static int root_follow(pseudo_key_t key, struct dentry **out)
{
    (void)key;
    *out = dentry_get(vfs_root());
    return 0;
}

static int64_t root_text(pseudo_key_t key, char *buf, size_t size)
{
    (void)key;
    return path_text(vfs_root(), buf, size);
}

const struct pseudo_link proc_exe = {.text = exe_text, .follow = exe_follow};
const struct pseudo_link proc_cwd = {.text = cwd_text, .follow = cwd_follow};
const struct pseudo_link proc_rootfs = {.text = root_text, .follow = root_follow};
