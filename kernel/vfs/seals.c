/* Seals of memfds. They stand in the page cache of the file, under the inode's mutex. */
#include "kernel/vfs/seals.h"

#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/fs/memfs.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static bool is_memfd(const struct file *f)
{
    return f->inode && f->inode->map && memfs_is_anonymous(f->inode);
}

int seals_add(struct file *f, unsigned seals)
{
    if (!is_memfd(f) || (seals & ~(unsigned)ALL_SEALS))
        return -EINVAL;
    if (!file_writable(f))
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
    return is_memfd(f) ? (int)f->inode->map->seals : -EINVAL;
}
