/* Opening: from a path or a dentry to an open file. */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/file.h"
#include "kernel/fd/pipe.h"
#include "kernel/fd/regular.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/permission.h"

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
/* What F_GETFL does not show. */
#define CREATION_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

static bool wants_write(unsigned flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* Whether inode may be opened so. */
static int open_check(const struct inode *inode, unsigned flags)
{
    bool directory = inode_is_dir(inode);
    if (!directory && (flags & O_DIRECTORY))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (inode_is_link(inode))
        return -ELOOP;
    if (directory && (wants_write(flags) || (flags & (O_CREAT | O_TRUNC))))
        return -EISDIR;
    bool writes = wants_write(flags) || (flags & O_TRUNC);
    if (inode->fs->read_only && writes && (inode_is_regular(inode) || directory))
        return -EROFS;
    return writes && inode_is_running(inode) ? -ETXTBSY : 0;
}

static const struct file_ops *ops_of(const struct inode *inode, unsigned flags)
{
    if (flags & O_PATH)
        return &path_file_ops;
    if (inode->file_ops)
        return inode->file_ops;
    if (inode_is_dir(inode))
        return &directory_file_ops;
    return inode_is_regular(inode) && inode->map ? &regular_file_ops : NULL;
}

typedef int (*open_t)(struct inode *inode, struct file *file);

/* What sets up the open file, if anything must. */
static open_t open_of(const struct inode *inode)
{
    if (inode->ops && inode->ops->open)
        return inode->ops->open;
    return UNLIKELY(S_ISFIFO(inode->mode)) ? fifo_open : NULL;
}

/* What is open for writing is not executed; but a memfd may be. */
static void writer_add(struct file *f)
{
    if (!file_writable(f) || !inode_is_regular(f->inode))
        return;
    f->is_writer = true;
    __atomic_fetch_add(&f->inode->writers, 1, __ATOMIC_RELAXED);
}

/* Takes over the reference to d on success only. */
static int open_checked(struct dentry *d, unsigned flags, struct file **out)
{
    struct inode *inode = d->inode;
    const struct file_ops *ops = ops_of(inode, flags);
    if (S_ISSOCK(inode->mode) && !(flags & O_PATH)) /* behind what its permissions say */
        return -ENXIO;
    open_t own_open = flags & O_PATH ? NULL : open_of(inode);
    if (!ops && !own_open)
        return -ENXIO;
    if ((flags & O_DIRECT) && !(flags & O_PATH) && !inode->map)
        return -EINVAL;
    struct file *file = file_alloc(ops, flags & ~(unsigned)CREATION_FLAGS, dentry_get(d), NULL);
    if (!file) {
        dentry_put(d);
        return file_alloc_error();
    }
    int err = own_open ? own_open(inode, file) : 0;
    if (!err)
        writer_add(file);
    if (!err && !(flags & O_PATH)) {
        file->is_open = true;
        file_notify(file, IN_OPEN);
    }
    if (!err && (flags & O_TRUNC) && !(flags & O_PATH) && inode_is_regular(inode) && inode->map) {
        err = vfs_truncate(inode, 0);
        if (!err)
            vfs_notify_dentry(d, IN_MODIFY);
    }
    if (err) {
        file_put(file);
        return err;
    }
    dentry_put(d); /* the file has its own */
    *out = file;
    return 0;
}

int vfs_open_dentry(struct dentry *d, unsigned flags, struct file **out)
{
    int err = d->inode ? open_check(d->inode, flags) : -ENOENT;
    if (err)
        return err;
    dentry_get(d);
    err = open_checked(d, flags, out);
    if (err)
        dentry_put(d);
    return err;
}

/* Makes a regular file for the negative dentry d of dir, whose mutex is held. */
static int create_locked(struct dentry *dir, struct dentry *d, uint32_t mode)
{
    struct inode *parent = dir->inode, *inode;
    if (parent->fs->read_only)
        return -EROFS;
    int err = may_create(parent);
    if (err || !parent->ops->create)
        return -EACCES;
    mode = S_IFREG | (mode & 07777u & ~the_proc.umask);
    err = parent->ops->create(parent, dentry_name(d), mode, 0, &inode);
    if (err)
        return err;
    dentry_instantiate(d, inode);
    dentry_touch(parent);
    return 0;
}

/* Finds or makes the last name of a path opened with O_CREAT. */
static int find_or_create(struct dentry *dir, struct name last, unsigned flags, uint32_t mode,
                          bool *created, struct dentry **out)
{
    *created = false;
    spin_lock(&dentry_lock);
    struct dentry *d = dentry_find_locked(dir, &last);
    if (d && d->inode && !dir->inode->fs->shared)
        dentry_get(d);
    else
        d = NULL;
    spin_unlock(&dentry_lock);
    int err = 0;
    if (!d) {
        mutex_lock(&dir->inode->lock);
        err = dentry_load_locked(dir, last, &d);
        if (!err && !d->inode) {
            err = create_locked(dir, d, mode);
            *created = !err;
            if (err)
                dentry_put(d);
        }
        mutex_unlock(&dir->inode->lock);
    }
    if (err)
        return err;
    if (*created) {
        vfs_notify(d->inode, dir->inode, dentry_name(d), IN_CREATE, 0);
    } else if (flags & O_EXCL) {
        dentry_put(d);
        return -EEXIST;
    }
    dentry_cross_mounts(&d);
    *out = d;
    return 0;
}

static int walk_dots(struct dentry *top, struct dentry *dir, unsigned limits)
{
    struct dentry *d;
    int err = vfs_lookup_within(top, dir, "..", limits, &d, NULL);
    if (!err)
        dentry_put(d);
    return err;
}

/* The last name of path, in *dir: must be one that can be created. */
static int lookup_last(struct dentry *top, struct dentry *base, const char *path, unsigned flags,
                       unsigned limits, struct dentry **dir, struct name *last)
{
    int err = vfs_lookup_within(top, base, path, LOOKUP_PARENT | limits, dir, last);
    if (err)
        return err;
    bool dots =
        last->length == 0 || (last->text[0] == '.' &&
                              (last->length == 1 || (last->length == 2 && last->text[1] == '.')));
    if (dots && last->length == 2 && limits) /* that may lead out */
        err = walk_dots(top, *dir, limits);
    if (!err && (dots || last->text[last->length] == '/'))
        err = dots && (flags & O_EXCL) ? -EEXIST : -EISDIR;
    else if (!err && !inode_is_dir((*dir)->inode))
        err = -ENOTDIR;
    if (err)
        dentry_put(*dir);
    return err;
}

/* Replaces a link without a text in memory (/proc/self/fd/N) by what it leads to. */
static int follow_object(struct dentry **d, unsigned limits)
{
    struct inode *link = (*d)->inode;
    struct dentry *target;
    int err = limits & (LOOKUP_NO_LINKS | LOOKUP_NO_MAGIC) ? -ELOOP : limits ? -EXDEV : 0;
    if (!err)
        err = link->ops->follow(link, &target);
    dentry_put(*d);
    *d = err ? NULL : target;
    return err;
}

/* Finds the last name of where link, of from, leads. Its text is link's, or in *buffer. */
static int lookup_link(struct dentry *top, struct dentry *from, struct inode *link, unsigned limits,
                       char **buffer, struct dentry **dir, struct name *last)
{
    *buffer = NULL;
    vfs_accessed(link);
    int err = link->link_text ? 0 : link_read(link, buffer);
    if (!err)
        err = lookup_last(top, from, *buffer ? *buffer : link->link_text, 0, limits, dir, last);
    if (err) {
        heap_free(*buffer);
        *buffer = NULL;
    }
    return err;
}

/* O_CREAT: goes along the links at the end of the path, one after the other. */
static int open_create(struct dentry *base, const char *path, unsigned flags, uint32_t mode,
                       unsigned limits, struct file **out)
{
    struct dentry *dir, *d = NULL, *previous = NULL; /* previous: a link; path is its text */
    char *text = NULL;                               /* of previous, if that is in no memory */
    struct name last;
    bool created = false;
    int err = lookup_last(base, base, path, flags, limits, &dir, &last);
    if (err)
        return err;
    for (unsigned links = 0; !err; links++) {
        err = find_or_create(dir, last, flags, mode, &created, &d);
        dentry_put(previous);
        heap_free(text);
        previous = NULL;
        text = NULL;
        if (err || !inode_is_link(d->inode) || (flags & O_NOFOLLOW))
            break;
        if (d->inode->ops->follow) {
            err = follow_object(&d, limits);
            break;
        }
        previous = d;
        d = NULL;
        struct dentry *from = dir;
        err = links < LINK_DEPTH_MAX && !(limits & LOOKUP_NO_LINKS)
                  ? lookup_link(base, from, previous->inode, limits, &text, &dir, &last)
                  : -ELOOP;
        if (err)
            dir = NULL;
        dentry_put(from);
        if (err)
            dentry_put(previous);
    }
    dentry_put(dir);
    if (err)
        return err;
    if (created)
        flags &= ~(unsigned)O_TRUNC;
    err = open_check(d->inode, flags & ~(unsigned)(created ? O_CREAT : 0));
    if (!err && !created)
        err = may_open(d->inode, flags);
    if (!err)
        err = open_checked(d, flags, out);
    if (err)
        dentry_put(d);
    return err;
}

/* What /proc and inotify call a file without a name. */
static struct dentry *tmpfile_name(struct dentry *dir, struct inode *inode)
{
    char text[24];
    size_t length = format(text, sizeof(text), "#%lu", inode->ino);
    return dentry_alloc(dir, name_make(text, length), inode);
}

/* O_TMPFILE: a file without a name in the directory path. */
static int open_tmpfile(struct dentry *base, const char *path, unsigned flags, uint32_t mode,
                        unsigned limits, struct file **out)
{
    struct dentry *dir;
    struct inode *inode = NULL;
    if (!wants_write(flags))
        return -EINVAL;
    int err = vfs_lookup(base, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY | limits, &dir, NULL);
    if (err)
        return err;
    mode = S_IFREG | (mode & 07777u & ~the_proc.umask);
    struct inode *parent = dir->inode;
    if (!parent->fs->in_memory || !parent->ops->create)
        err = -EOPNOTSUPP;
    else
        err = may_create(parent);
    if (!err)
        err = parent->ops->create(parent, name_make("", 0), mode, 0, &inode);
    struct dentry *d = err ? NULL : tmpfile_name(dir, inode);
    if (d) {
        inode->links = 0;
        inode->linkable = !(flags & O_EXCL);
        d->deleted = true;
        err = open_checked(d, flags & ~(unsigned)O_TRUNC, out);
        if (err)
            dentry_put(d);
    } else if (!err) {
        inode_put(inode);
        err = -ENOMEM;
    }
    dentry_put(dir);
    return err;
}

int vfs_open_limited(struct dentry *base, const char *path, unsigned flags, uint32_t mode,
                     unsigned limits, struct file **out)
{
    if (flags & O_PATH)
        flags &= PATH_FLAGS;
    if (flags & TMPFILE_BIT)
        return open_tmpfile(base, path, flags, mode, limits, out);
    int err;
    if (flags & O_CREAT) {
        err = open_create(base, path, flags, mode, limits, out);
    } else {
        struct dentry *d;
        unsigned how = (flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                       (flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0) | limits;
        err = vfs_lookup(base, path, how, &d, NULL);
        if (!err) {
            err = open_check(d->inode, flags);
            if (!err && !(flags & O_PATH))
                err = may_open(d->inode, flags);
            if (!err)
                err = open_checked(d, flags, out);
            if (err)
                dentry_put(d);
        }
    }
    if (err == -ENOENT)
        vfs_note_missing(base, path);
    return err;
}

int vfs_open(struct dentry *base, const char *path, unsigned flags, uint32_t mode,
             struct file **out)
{
    return vfs_open_limited(base, path, flags, mode, 0, out);
}
