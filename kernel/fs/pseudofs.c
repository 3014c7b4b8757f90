/*
 * Pseudo-filesystems: inodes made of table entries at lookup. An open file keeps the text it reads
 * from, so that what a program reads in pieces fits together; a read at offset 0 makes it anew.
 */
#include "kernel/fs/pseudofs.h"

#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/hash.h"
#include "kernel/base/string.h"
#include "kernel/fs/memfs.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"

#define WRITE_MAX 4096u
#define NUMBERED_OFFSET (1ul << 32) /* readdir offsets of numbered children begin here */
#define NAME_ROOM 32u

struct pseudo_inode {
    struct inode inode;
    const struct pseudo_entry *entry;
    pseudo_key_t key;
    void (*owner)(struct inode *inode, pseudo_key_t key); /* of this and what lies below, or NULL */
    bool of_task; /* below /proc/PID: what is there can't be polled, but for mounts */
};

/* What an open file of text keeps. */
struct pseudo_file {
    struct text text; /* under the inode's lock */
};

static const struct inode_ops pseudo_dir_ops, pseudo_text_link_ops, pseudo_object_link_ops,
    pseudo_file_ops;
static const struct file_ops pseudo_text_ops, pseudo_polled_ops;

static struct pseudo_inode *pseudo_of(const struct inode *inode)
{
    return container_of(inode, struct pseudo_inode, inode);
}

bool pseudo_is(const struct inode *inode, const struct filesystem *fs,
               const struct pseudo_entry *entry)
{
    return inode && inode->fs == fs && pseudo_of(inode)->entry == entry;
}

/* The same number each time, as names are looked up again and again. */
static uint64_t entry_ino(uint64_t dir_ino, struct name name)
{
    return hash_bytes(name.text, name.length, dir_ino) | 1ul << 32;
}

static const struct inode_ops *ops_of(const struct pseudo_entry *entry)
{
    switch (entry->mode & PSEUDO_TYPE) {
    case PSEUDO_TYPE_DIR:
        return &pseudo_dir_ops;
    case PSEUDO_TYPE_LINK:
        return entry->fixed || !entry->link->follow ? &pseudo_text_link_ops
                                                    : &pseudo_object_link_ops;
    default:
        return &pseudo_file_ops;
    }
}

static void set_owner(struct pseudo_inode *p, const struct pseudo_inode *parent)
{
    const struct pseudo_entry *entry = p->entry;
    uint32_t type = entry->mode & PSEUDO_TYPE;
    p->owner = type == PSEUDO_TYPE_DIR && entry->dir->owner ? entry->dir->owner
               : parent                                     ? parent->owner
                                                            : NULL;
    if (type == PSEUDO_TYPE_DEVICE && entry->device->owner)
        entry->device->owner(&p->inode, pseudo_number(p->key), NULL, 0);
    else if (p->owner)
        p->owner(&p->inode, p->key);
}

static struct inode *make_inode(struct filesystem *fs, const struct pseudo_inode *parent,
                                const struct pseudo_entry *entry, pseudo_key_t key, uint64_t ino)
{
    struct pseudo_inode *p = heap_zalloc(sizeof(*p));
    if (!p)
        return NULL;
    p->entry = entry;
    p->key = key;
    inode_init(&p->inode, fs, entry->mode);
    p->inode.ops = ops_of(entry);
    p->inode.ino = ino;
    p->inode.links = inode_is_dir(&p->inode) ? 2 : 1;
    if ((entry->mode & PSEUDO_TYPE) == PSEUDO_TYPE_DEVICE)
        p->inode.rdev = entry->device->rdev + pseudo_number(key);
    if (entry->fixed && inode_is_link(&p->inode)) {
        p->inode.link_text = entry->content;
        p->inode.size = strlen(entry->content);
    }
    set_owner(p, parent);
    return &p->inode;
}

static void pseudo_release(struct inode *inode)
{
    heap_free(pseudo_of(inode));
}

/* Directories. */

static bool parse_number(const char *text, size_t length, uint32_t *number)
{
    uint64_t value = 0;
    if (length == 0 || length > 10 || (text[0] == '0' && length > 1))
        return false;
    for (; length > 0; text++, length--) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool has_number(const struct pseudo_dir *dir, pseudo_key_t key, uint32_t number)
{
    if (dir->has)
        return dir->has(key, number);
    uint32_t found = number;
    return dir->next(key, &found) && found == number;
}

static const struct pseudo_entry *find_named(const struct pseudo_dir *dir, struct name name)
{
    for (const struct pseudo_entry *e = dir->entries; e && e->name; e++)
        if (strlen(e->name) == name.length && memcmp(e->name, name.text, name.length) == 0)
            return e;
    return NULL;
}

static const struct pseudo_entry *find_numbered(const struct pseudo_dir *dir, struct name name,
                                                pseudo_key_t *key)
{
    if (!dir->child)
        return NULL;
    size_t skip = dir->prefix ? strlen(dir->prefix) : 0;
    uint32_t number;
    if (name.length < skip || (skip && memcmp(name.text, dir->prefix, skip) != 0) ||
        !parse_number(name.text + skip, name.length - skip, &number) ||
        !has_number(dir, *key, number))
        return NULL;
    *key = (uint64_t)pseudo_number(*key) << 32 | number;
    return dir->child;
}

static int pseudo_lookup(struct inode *inode, struct name name, struct inode **out)
{
    const struct pseudo_inode *p = pseudo_of(inode);
    pseudo_key_t key = p->key;
    const struct pseudo_entry *entry = find_named(p->entry->dir, name);
    if (!entry)
        entry = find_numbered(p->entry->dir, name, &key);
    if (!entry)
        return -ENOENT;
    *out = make_inode(inode->fs, p, entry, key, entry_ino(inode->ino, name));
    if (!*out)
        return -ENOMEM;
    bool task_dir = inode->fs == &procfs && key != p->key;
    pseudo_of(*out)->of_task = task_dir || (p->of_task && strcmp(entry->name, "net") != 0);
    return 0;
}

static bool emit_entry(struct inode *dir, const struct pseudo_entry *entry, const char *text,
                       uint64_t next_offset, dir_emit_t emit, void *arg)
{
    struct name name = {.text = text, .length = (uint32_t)strlen(text)};
    uint8_t type = (uint8_t)((entry->mode & PSEUDO_TYPE) >> 12);
    return emit(arg, name, entry_ino(dir->ino, name), type, next_offset);
}

static int iterate_numbered(struct inode *inode, uint64_t offset, dir_emit_t emit, void *arg)
{
    const struct pseudo_inode *p = pseudo_of(inode);
    const struct pseudo_dir *dir = p->entry->dir;
    uint64_t first = offset > NUMBERED_OFFSET ? offset - NUMBERED_OFFSET : 0;
    for (uint32_t n = (uint32_t)first; first <= UINT32_MAX && dir->next(p->key, &n); n++) {
        char text[NAME_ROOM];
        format(text, sizeof(text), "%s%u", dir->prefix ? dir->prefix : "", n);
        if (!emit_entry(inode, dir->child, text, NUMBERED_OFFSET + n + 1, emit, arg) ||
            n == UINT32_MAX)
            break;
        cond_resched();
    }
    return 0;
}

static int pseudo_iterate(struct inode *inode, uint64_t offset, dir_emit_t emit, void *arg)
{
    const struct pseudo_dir *dir = pseudo_of(inode)->entry->dir;
    uint64_t index = 0;
    for (const struct pseudo_entry *e = dir->entries; e && e->name; e++, index++)
        if (index >= offset && !emit_entry(inode, e, e->name, index + 1, emit, arg))
            return 0;
    return dir->child ? iterate_numbered(inode, offset, emit, arg) : 0;
}

/* Links. */

static int64_t pseudo_readlink(struct inode *inode, char *buf, size_t size)
{
    const struct pseudo_inode *p = pseudo_of(inode);
    if (!p->entry->fixed)
        return p->entry->link->text(p->key, buf, size);
    size_t length = strlen(p->entry->content);
    memcpy(buf, p->entry->content, min_u64(length, size));
    return (int64_t)length;
}

int64_t pseudo_take_text(struct text *text, char *buf, size_t size)
{
    int64_t length = text_failed(text) ? -ENOMEM : (int64_t)text->length;
    if (length > 0)
        memcpy(buf, text->data, min_u64(text->length, size));
    text_clear(text);
    return length;
}

static int pseudo_follow(struct inode *inode, struct dentry **out)
{
    const struct pseudo_inode *p = pseudo_of(inode);
    return p->entry->link->follow(p->key, out);
}

/* Files of text, and devices. */

static int pseudo_open(struct inode *inode, struct file *file)
{
    const struct pseudo_entry *entry = pseudo_of(inode)->entry;
    if ((entry->mode & PSEUDO_TYPE) == PSEUDO_TYPE_DEVICE) {
        if (entry->device->open)
            return entry->device->open(file, pseudo_number(pseudo_of(inode)->key));
        file->ops = entry->device->ops;
        return 0;
    }
    if (file_writable(file) && !entry->write)
        return entry->mode & 0222 ? -EPERM : -EACCES;
    struct pseudo_file *p = heap_zalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    bool polled = !pseudo_of(inode)->of_task || strncmp(entry->name, "mount", 5) == 0;
    file->ops = polled ? &pseudo_polled_ops : &pseudo_text_ops;
    file->private = p;
    return 0;
}

static int text_make(struct text *text, const struct pseudo_inode *p)
{
    text_clear(text);
    if (p->entry->fixed)
        text_string(text, p->entry->content);
    else if (p->entry->text)
        p->entry->text(text, p->key);
    else
        return -EPERM;
    return text_failed(text) ? -ENOMEM : 0;
}

static int64_t pseudo_read_locked(struct pseudo_inode *p, struct text *text, struct iter *it,
                                  uint64_t *pos)
{
    int err = *pos == 0 || !text->data ? text_make(text, p) : 0;
    if (err)
        return err;
    if (*pos >= text->length || it->left == 0)
        return 0;
    size_t size = min_u64(text->length - *pos, it->left);
    size_t done = iter_write(it, text->data + *pos, size);
    *pos += done;
    return done > 0 ? (int64_t)done : -EFAULT;
}

static int64_t pseudo_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct pseudo_file *p = f->private;
    mutex_lock(&f->inode->lock);
    int64_t done = pseudo_read_locked(pseudo_of(f->inode), &p->text, it, pos);
    mutex_unlock(&f->inode->lock);
    return done;
}

static int64_t pseudo_write(struct file *f, struct iter *it, uint64_t *pos)
{
    const struct pseudo_inode *p = pseudo_of(f->inode);
    size_t size = min_u64(it->left, WRITE_MAX);
    char *bytes = heap_alloc(size + 1);
    if (!bytes)
        return -ENOMEM;
    int64_t result = -EFAULT;
    if (iter_read(it, bytes, size) == size) {
        bytes[size] = 0;
        result = p->entry->write(p->key, bytes, size);
    }
    heap_free(bytes);
    if (result < 0)
        return result;
    *pos += size;
    return (int64_t)size;
}

static int64_t pseudo_seek(struct file *f, int64_t offset, int whence)
{
    int64_t from = whence == 1 /* SEEK_CUR */ ? (int64_t)f->pos : 0;
    if (whence != 0 && whence != 1)
        return -EINVAL;
    if (from + offset < 0)
        return -EINVAL;
    f->pos = (uint64_t)(from + offset);
    return from + offset;
}

static void pseudo_file_release(struct file *f)
{
    struct pseudo_file *p = f->private;
    text_clear(&p->text);
    heap_free(p);
}

/* There is nothing to truncate: open(O_TRUNC) succeeds as on Linux. A device gets the mode and the
 * owner that it is given. */
static int pseudo_setattr(struct inode *inode, const struct inode_attr *attr, unsigned what)
{
    const struct pseudo_inode *p = pseudo_of(inode);
    if (inode->rdev) {
        if (p->entry->device->owner)
            p->entry->device->owner(inode, pseudo_number(p->key), attr, what);
        return 0;
    }
    return what & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static const struct inode_ops pseudo_dir_ops = {
    .lookup = pseudo_lookup,
    .iterate = pseudo_iterate,
    .release = pseudo_release,
};

static const struct inode_ops pseudo_text_link_ops = {
    .readlink = pseudo_readlink,
    .release = pseudo_release,
};

static const struct inode_ops pseudo_object_link_ops = {
    .readlink = pseudo_readlink,
    .follow = pseudo_follow,
    .release = pseudo_release,
};

static const struct inode_ops pseudo_file_ops = {
    .open = pseudo_open,
    .setattr = pseudo_setattr,
    .release = pseudo_release,
};

static int pseudo_fsync(struct file *f)
{
    return f->inode->fs == &sysfs ? 0 : -EINVAL;
}

static const struct file_ops pseudo_text_ops = {
    .name = "pseudo",
    .read = pseudo_read,
    .write = pseudo_write,
    .seek = pseudo_seek,
    .fsync = pseudo_fsync,
    .release = pseudo_file_release,
};

/* Always ready; a file of /sys also tells that it changed, until it is read. */
static uint32_t pseudo_poll(struct file *f)
{
    const struct pseudo_file *p = f->private;
    bool news = f->inode->fs == &sysfs && !p->text.data;
    return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | (news ? EPOLLERR | EPOLLPRI : 0);
}

static const struct file_ops pseudo_polled_ops = {
    .name = "pseudo",
    .read = pseudo_read,
    .write = pseudo_write,
    .poll = pseudo_poll,
    .seek = pseudo_seek,
    .fsync = pseudo_fsync,
    .release = pseudo_file_release,
};

int pseudo_make_root(struct filesystem *fs, const struct pseudo_entry *root)
{
    struct inode *inode = make_inode(fs, NULL, root, 0, 1);
    if (!inode)
        return -ENOMEM;
    fs->root = dentry_make_root(inode);
    return fs->root ? 0 : -ENOMEM;
}

static int mount_one(const char *path, struct filesystem *fs, const struct pseudo_entry *root)
{
    int err = pseudo_make_root(fs, root);
    if (err)
        return err;
    err = vfs_mount(path, fs);
    if (err != -ENOENT)
        return err;
    err = vfs_make(NULL, path, PSEUDO_TYPE_DIR | 0755, 0, NULL, NULL);
    return err ? err : vfs_mount(path, fs);
}

int pseudo_mount_all(void)
{
    int err = mount_one("/proc", &procfs, &procfs_root);
    if (!err)
        err = mount_one("/sys", &sysfs, &sysfs_root);
    if (!err)
        err = mount_one("/dev", &devfs, &devfs_root);
    if (!err)
        err = mount_one("/dev/pts", &devpts, &devpts_root);
    if (err)
        return err;
    struct filesystem *shm = tmpfs_create(01777, 0);
    return shm ? vfs_mount("/dev/shm", shm) : -ENOMEM;
}
