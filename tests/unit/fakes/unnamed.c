/* For tests of open files without names: nobody watches them, nobody locks them. */
#include "kernel/fd/unnamed.h"

#include "kernel/base/errno.h"
#include "kernel/vfs/flock.h"
#include "kernel/vfs/vfs.h"

unsigned vfs_watch_count;

void vfs_notify_watchers(struct inode *inode, struct inode *parent, struct name name, uint32_t mask,
                         uint32_t cookie)
{
    (void)inode, (void)parent, (void)name, (void)mask, (void)cookie;
}

void flock_released(struct file *f)
{
    (void)f;
}

__attribute__((weak)) void inode_init(struct inode *inode, struct filesystem *fs, uint32_t mode)
{
    *inode = (struct inode){.refs = 1, .mode = mode, .fs = fs, .links = 1, .ino = fs->next_ino++};
    mutex_init(&inode->lock, RANK_INODE);
}

__attribute__((weak)) void inode_put(struct inode *inode)
{
    (void)inode;
}

__attribute__((weak)) void vfs_getattr(struct inode *inode, struct inode_attr *attr)
{
    *attr = (struct inode_attr){.ino = inode->ino, .mode = inode->mode, .links = inode->links};
}

__attribute__((weak)) void unnamed_getattr(const struct inode *inode, struct inode_attr *attr)
{
    attr->mode = inode->mode;
}

__attribute__((weak)) void vfs_accessed(struct inode *inode)
{
    (void)inode;
}
