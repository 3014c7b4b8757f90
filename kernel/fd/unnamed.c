/*
 * Inodes of open files without a name, made when somebody wants to lock or change one. A socket has
 * one of its own; all event files and the like share one, as on Linux, so they share its locks, and
 * so do all pidfds.
 */
#include "kernel/fd/unnamed.h"

#include <linux/magic.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/anonymous.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/mode.h"

static struct filesystem unnamed = {
    .type = "anon_inodefs", .device = ANONYMOUS_DEVICE, .magic = ANON_INODE_FS_MAGIC};
static struct inode shared, of_process;

static struct inode *common(struct inode *inode)
{
    if (!inode->fs)
        inode_init(inode, &unnamed, 0600);
    return inode;
}

struct inode *unnamed_shared(void)
{
    return common(&shared);
}

/* What the file tells of itself becomes its inode's. */
static struct inode *own_inode(struct file *f)
{
    struct inode_attr attr = {0};
    f->ops->getattr(f, &attr);
    struct inode *inode = heap_alloc_object(sizeof(*inode));
    if (!inode)
        return NULL;
    inode_init(inode, &unnamed, attr.mode);
    inode->ino = attr.ino;
    inode->uid = attr.uid;
    inode->gid = attr.gid;
    return inode;
}

struct inode *file_inode(struct file *f)
{
    struct inode_attr attr = {0};
    if (f->inode || !f->ops->getattr)
        return f->inode;
    f->ops->getattr(f, &attr);
    if (!S_ISSOCK(attr.mode)) /* kept: its locks are looked for there when it is closed */
        return f->inode = common(strcmp(f->ops->name, "pidfd") == 0 ? &of_process : &shared);
    struct inode *made = own_inode(f);
    if (made && f->inode) /* somebody was faster */
        inode_put(made);
    else if (made) {
        f->inode = made;
        f->owns_inode = true;
    }
    return f->inode;
}

void unnamed_getattr(const struct inode *inode, struct inode_attr *attr)
{
    attr->mode = inode->mode;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->atime_ns = inode->atime_ns;
    attr->mtime_ns = inode->mtime_ns;
    attr->ctime_ns = inode->ctime_ns;
}

int unnamed_setattr(struct file *f, struct inode_attr *attr, unsigned what)
{
    struct inode *inode = file_inode(f);
    if (!inode)
        return -ENOMEM;
    return inode == &shared || inode == &of_process ? -EOPNOTSUPP : vfs_setattr(inode, attr, what);
}
