/* Open directories: "." and "..", then the filesystem's names. Offsets 0 and 1 are those two's. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/inotify.h>

#include "kernel/base/errno.h"
#include "kernel/fd/regular.h"
#include "kernel/vfs/dentry.h"

#define DOTS 2u
#define DT_DIRECTORY 4u

/* Moves the file's position on as names are taken, and shifts offsets past the dots. */
struct emitter {
    struct file *file;
    dir_emit_t emit;
    void *arg;
};

static bool emit_name(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    struct emitter *e = arg;
    if (!e->emit(e->arg, name, ino, type, next + DOTS))
        return false;
    e->file->pos = next + DOTS;
    return true;
}

static uint64_t parent_ino(const struct dentry *d)
{
    while (d->covers)
        d = d->covers;
    return d->parent->inode->ino;
}

/* "." is at position 0, ".." at 1. */
static bool emit_dots(struct emitter *e)
{
    struct dentry *d = e->file->dentry;
    if (e->file->pos == 0) {
        if (!e->emit(e->arg, (struct name){".", 1, 0}, d->inode->ino, DT_DIRECTORY, 1))
            return false;
        e->file->pos = 1;
    }
    if (e->file->pos == 1) {
        if (!e->emit(e->arg, (struct name){"..", 2, 0}, parent_ino(d), DT_DIRECTORY, DOTS))
            return false;
        e->file->pos = DOTS;
    }
    return true;
}

int directory_iterate_by(struct file *f, directory_names_t by, dir_emit_t emit, void *arg)
{
    struct inode *dir = f->inode;
    struct emitter e = {f, emit, arg};
    int err = 0;
    mutex_lock(&dir->lock);
    if (dentry_dead(f->dentry))
        err = -ENOENT;
    else if (emit_dots(&e))
        err = by(f, f->pos - DOTS, emit_name, &e);
    mutex_unlock(&dir->lock);
    if (!err) {
        file_accessed(f);
        file_notify(f, IN_ACCESS);
    }
    return err;
}

static int names_of_inode(struct file *f, uint64_t offset, dir_emit_t emit, void *arg)
{
    struct inode *dir = f->inode;
    return dir->ops->iterate ? dir->ops->iterate(dir, offset, emit, arg) : 0;
}

static int directory_iterate(struct file *f, dir_emit_t emit, void *arg)
{
    return directory_iterate_by(f, names_of_inode, emit, arg);
}

static int64_t directory_read(struct file *f, struct iter *it, uint64_t *pos)
{
    (void)f, (void)it, (void)pos;
    return -EISDIR;
}

static int64_t directory_seek(struct file *f, int64_t offset, int whence)
{
    if (whence == SEEK_CUR)
        offset += (int64_t)f->pos;
    else if (whence == SEEK_END)
        offset = INT64_MAX;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (offset < 0)
        return -EINVAL;
    f->pos = (uint64_t)offset;
    return offset;
}

static int directory_fsync(struct file *f)
{
    (void)f;
    return 0;
}

const struct file_ops directory_file_ops = {
    .name = "directory",
    .read = directory_read,
    .seek = directory_seek,
    .iterate = directory_iterate,
    .fsync = directory_fsync,
    .plain_read = true,
};
