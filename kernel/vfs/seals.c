/* Seals of memfds. They stand in the page cache of the file, under the inode's mutex. */
#include "kernel/vfs/seals.h"

#include <linux/fcntl.h>
#include <linux/magic.h>

#include "kernel/base/errno.h"
#include "kernel/fs/memfs.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

/* Files of a tmpfs are sealed against seals. */
static bool in_memory(const struct file *f)
{
    return f->inode && f->inode->map && f->inode->fs->magic == TMPFS_MAGIC;
}

int seals_add(struct file *f, unsigned seals)
{
    if (!file_writable(f))
        return -EPERM;
    if (!in_memory(f) || (seals & ~(unsigned)ALL_SEALS))
        return -EINVAL;
    if (!memfs_is_anonymous(f->inode))
        return -EPERM;
    struct filemap *map = f->inode->map;
    int err = 0;
    mutex_lock(&f->inode->lock);
    if (map->seals & F_SEAL_SEAL)
        err = -EPERM;
    else if ((seals & F_SEAL_WRITE) && !(map->seals & F_SEAL_WRITE) && map->writable_maps > 0)
        err = -EBUSY;
    else
        map->seals |= seals;
    map->writable_maps_denied = map->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
    mutex_unlock(&f->inode->lock);
    return err;
}

int seals_get(const struct file *f)
{
    if (!in_memory(f))
        return -EINVAL;
    return memfs_is_anonymous(f->inode) ? (int)f->inode->map->seals : F_SEAL_SEAL;
}
