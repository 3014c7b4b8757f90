/* Inodes: their life and their attributes. */
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/signal.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/permission.h"

#define PERMISSION_BITS 07777u
#define ATIME_OLD_SECONDS 86400

void inode_init(struct inode *inode, struct filesystem *fs, uint32_t mode)
{
    int64_t now = clock_realtime_ns();
    *inode = (struct inode){.refs = 1,
                            .mode = mode,
                            .fs = fs,
                            .links = 1,
                            .atime_ns = now,
                            .mtime_ns = now,
                            .ctime_ns = now,
                            .btime_ns = now};
    inode->ino = __atomic_fetch_add(&fs->next_ino, 1, __ATOMIC_RELAXED);
    mutex_init(&inode->lock, inode_is_dir(inode) ? RANK_DIR : RANK_INODE);
    list_init(&inode->watches);
    list_init(&inode->flocks);
}

struct inode *inode_get(struct inode *inode)
{
    __atomic_fetch_add(&inode->refs, 1, __ATOMIC_RELAXED);
    return inode;
}

void inode_put(struct inode *inode)
{
    if (__atomic_sub_fetch(&inode->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (inode->ops && inode->ops->release)
        inode->ops->release(inode);
    else
        heap_free(inode);
}

bool inode_is_running(const struct inode *inode)
{
    return the_proc.exe && the_proc.exe->inode == inode;
}

void vfs_getattr(struct inode *inode, struct inode_attr *attr)
{
    *attr = (struct inode_attr){.ino = inode->ino,
                                .size = inode->map ? inode->map->size : inode->size,
                                .device = inode->fs->device,
                                .rdev = inode->rdev,
                                .mode = inode->mode,
                                .links = inode->links,
                                .uid = inode->uid,
                                .gid = inode->gid,
                                .block_size = PAGE_SIZE,
                                .atime_ns = inode->atime_ns,
                                .mtime_ns = inode->mtime_ns,
                                .ctime_ns = inode->ctime_ns,
                                .btime_ns = inode->btime_ns};
    if (inode->map)
        attr->blocks = align_up(attr->size, PAGE_SIZE) / 512;
    if (inode->ops && inode->ops->getattr)
        inode->ops->getattr(inode, attr);
}

int vfs_setattr(struct inode *inode, struct inode_attr *attr, unsigned what)
{
    if (inode->fs->read_only)
        return -EROFS;
    mutex_lock(&inode->lock);
    int err = may_setattr(inode, attr, &what);
    if (!err && inode->ops && inode->ops->setattr)
        err = inode->ops->setattr(inode, attr, what);
    if (!err) {
        if (what & ATTR_MODE)
            inode->mode = (inode->mode & ~PERMISSION_BITS) | (attr->mode & PERMISSION_BITS);
        if (what & ATTR_UID)
            inode->uid = attr->uid;
        if (what & ATTR_GID)
            inode->gid = attr->gid;
        if (what & ATTR_ATIME)
            inode->atime_ns = attr->atime_ns;
        if (what & ATTR_MTIME)
            inode->mtime_ns = attr->mtime_ns;
        inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
        if ((what & ATTR_OWNER) && inode->capable && !inode_is_dir(inode))
            inode_remove_capabilities(inode);
    }
    mutex_unlock(&inode->lock);
    return err;
}

void vfs_accessed(struct inode *inode)
{
    int64_t now = clock_realtime_ns(), atime = inode->atime_ns;
    if (atime > inode->mtime_ns && atime > inode->ctime_ns &&
        time_sub(now, atime) / NS_PER_SECOND < ATIME_OLD_SECONDS)
        return;
    const struct filesystem *fs = inode->fs;
    if (!fs->read_only && !fs->shared && !fs->no_negative)
        inode->atime_ns = now;
}

int vfs_check_size(const struct filemap *map, uint64_t size)
{
    if (size > map->size && size > proc_limit(RLIMIT_FSIZE)) {
        (void)signal_send_task(task_current(), SIGXFSZ, NULL);
        return -EFBIG;
    }
    bool shrinks = size<map->size, grows = size> map->size;
    if ((shrinks && (map->seals & F_SEAL_SHRINK)) || (grows && (map->seals & F_SEAL_GROW)))
        return -EPERM;
    return 0;
}

/* As on tmpfs: a file without data has nothing that could change when its size stays. */
static bool holds_nothing(struct inode *inode)
{
    struct inode_attr attr;
    vfs_getattr(inode, &attr);
    return attr.blocks == 0;
}

static int truncate_by(struct inode *inode, uint64_t size, bool by_path)
{
    if (inode_is_dir(inode))
        return -EISDIR;
    if (!inode->ops || !inode->ops->setattr || !inode_is_regular(inode) || !inode->map)
        return -EINVAL;
    if (inode->fs->read_only)
        return -EROFS;
    if (inode_is_running(inode))
        return -ETXTBSY;
    struct inode_attr attr = {.size = size};
    mutex_lock(&inode->lock);
    int err = vfs_check_size(inode->map, size);
    int64_t mtime_ns = inode->mtime_ns;
    bool stays = by_path && size == inode->map->size && holds_nothing(inode);
    if (!err)
        err = inode->ops->setattr(inode, &attr, ATTR_SIZE);
    if (stays)
        inode->mtime_ns = mtime_ns;
    if (!err)
        inode_remove_privileges(inode);
    mutex_unlock(&inode->lock);
    return err;
}

int vfs_truncate(struct inode *inode, uint64_t size)
{
    return truncate_by(inode, size, false);
}

int vfs_truncate_path(struct inode *inode, uint64_t size)
{
    return truncate_by(inode, size, true);
}
