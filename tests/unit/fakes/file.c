/* Open files and iterators over kernel memory, without descriptors. */
#include "kernel/fd/file.h"

#include <string.h>

#include "kernel/base/errno.h"
#include "kernel/fd/pipe.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/flock.h"

int file_alloc_error(void)
{
    return -ENOMEM;
}

struct file *file_alloc(const struct file_ops *ops, uint32_t flags, struct dentry *dentry,
                        void *private)
{
    struct file *f = heap_zalloc(sizeof(*f));
    if (!f)
        return NULL;
    f->refs = 1;
    f->flags = flags;
    f->ops = ops;
    f->dentry = dentry;
    f->inode = dentry ? dentry->inode : NULL;
    f->private = private;
    mutex_init(&f->pos_lock, RANK_FILE_POS);
    return f;
}

void file_notify(struct file *f, uint32_t event)
{
    (void)f, (void)event;
}

void file_put(struct file *f)
{
    if (--f->refs)
        return;
    flock_released(f);
    if (f->ops && f->ops->release)
        f->ops->release(f);
    if (f->dentry)
        dentry_put(f->dentry);
    heap_free(f);
}

size_t iter_write(struct iter *it, const void *src, size_t len)
{
    len = min_u64(len, it->left);
    memcpy((char *)it->one.base + it->range_offset, src, len);
    it->range_offset += len;
    it->left -= len;
    return len;
}

size_t iter_read(struct iter *it, void *dst, size_t len)
{
    len = min_u64(len, it->left);
    memcpy(dst, (char *)it->one.base + it->range_offset, len);
    it->range_offset += len;
    it->left -= len;
    return len;
}

int fifo_open(struct inode *inode, struct file *file)
{
    (void)inode, (void)file;
    return -ENXIO;
}

void iter_advance(struct iter *it, size_t len)
{
    len = min_u64(len, it->left);
    it->range_offset += len;
    it->left -= len;
}
