/* POSIX message queues: their names, a filesystem with one directory. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fs/memfs.h"
#include "kernel/ipc/mqueue_priv.h"
#include "kernel/mm/heap.h"
#include "kernel/net/netlink.h"
#include "kernel/proc/task.h"

#define MQUEUE_MAGIC 0x19800202 /* statfs(2) */
#define FILE_BYTES 80u          /* what a queue's size is said to be */
#define MESSAGE_CHARGE 48u      /* bytes a message counts beside its text, and a priority */
#define OPEN_FLAGS ((unsigned)(O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK))

struct mqueue_limits mqueue_limits = {.queues = 256,
                                      .messages = 10,
                                      .message_bytes = 8192,
                                      .default_messages = 10,
                                      .default_bytes = 8192};
static struct filesystem mqueue_fs;
static uint32_t queues;  /* under ipc_lock */
static uint64_t charged; /* bytes of all queues; under ipc_lock */

/* What the queue that its holder makes is to be like. */
static struct {
    struct mutex lock;
    const struct mq_attr *attr;
} making;

static int check_attr(const struct mq_attr *a)
{
    bool privileged = capable(CAP_SYS_RESOURCE);
    int64_t count = privileged ? MQUEUE_MESSAGES_MAX : mqueue_limits.messages;
    int64_t size = privileged ? MQUEUE_BYTES_MAX : mqueue_limits.message_bytes;
    bool fine =
        a->mq_maxmsg > 0 && a->mq_maxmsg <= count && a->mq_msgsize > 0 && a->mq_msgsize <= size;
    return fine ? 0 : -EINVAL;
}

static void set_attr(struct mqueue *q, const struct mq_attr *a)
{
    const struct mqueue_limits *l = &mqueue_limits;
    q->count_max = a ? (uint64_t)a->mq_maxmsg : min_u64(l->messages, l->default_messages);
    q->size_max = a ? (uint64_t)a->mq_msgsize : min_u64(l->message_bytes, l->default_bytes);
    uint64_t priorities = min_u64(q->count_max, MQ_PRIO_MAX);
    q->charged = q->count_max * (q->size_max + MESSAGE_CHARGE) + priorities * MESSAGE_CHARGE;
}

/* Counts a queue. Returns 0, -ENOSPC, -EMFILE. */
static int charge(const struct mqueue *q)
{
    int err = 0;
    spin_lock(&ipc_lock);
    if (queues >= mqueue_limits.queues && !capable(CAP_SYS_RESOURCE))
        err = -ENOSPC;
    else if (charged + q->charged > proc_limit(RLIMIT_MSGQUEUE))
        err = -EMFILE;
    if (!err) {
        queues++;
        charged += q->charged;
    }
    spin_unlock(&ipc_lock);
    return err;
}

static int queue_setattr(struct inode *inode, const struct inode_attr *attr, unsigned what)
{
    (void)inode, (void)attr, (void)what;
    return 0;
}

static void queue_release(struct inode *inode)
{
    struct mqueue *q = container_of(inode, struct mqueue, inode);
    messages_free(&q->messages);
    netlink_notice_drop(q->notify.notice);
    spin_lock(&ipc_lock);
    queues--;
    charged -= q->charged;
    spin_unlock(&ipc_lock);
    __atomic_fetch_sub(&mqueue_fs.inodes_used, 1, __ATOMIC_RELAXED);
    heap_free(q);
}

static const struct inode_ops queue_inode_ops = {.setattr = queue_setattr,
                                                 .release = queue_release};

static int directory_create(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev,
                            struct inode **out)
{
    (void)name, (void)rdev;
    const struct mq_attr *attr = mutex_held(&making.lock) ? making.attr : NULL;
    if (!S_ISREG(mode))
        return -EPERM;
    int err = attr ? check_attr(attr) : 0;
    if (err)
        return err;
    struct mqueue *q = heap_zalloc_object(sizeof(*q));
    if (!q)
        return -ENOMEM;
    set_attr(q, attr);
    err = charge(q);
    if (err) {
        heap_free(q);
        return err;
    }
    inode_init(&q->inode, dir->fs, mode);
    q->inode.ops = &queue_inode_ops;
    q->inode.size = FILE_BYTES;
    q->inode.uid = cred_current()->uid[CRED_FS];
    q->inode.gid = cred_current()->gid[CRED_FS];
    q->inode.pinned = true;
    mqueue_setup(q);
    __atomic_fetch_add(&mqueue_fs.inodes_used, 1, __ATOMIC_RELAXED);
    *out = &q->inode;
    return 0;
}

static int directory_lookup(struct inode *dir, struct name name, struct inode **out)
{
    (void)dir, (void)name, (void)out;
    return -ENOENT; /* those that are there are dentries */
}

static int directory_unlink(struct inode *dir, struct name name, struct inode *inode)
{
    (void)dir, (void)name, (void)inode;
    return 0;
}

static const struct inode_ops directory_ops = {
    .lookup = directory_lookup,
    .create = directory_create,
    .unlink = directory_unlink,
    .iterate = memfs_iterate,
};

int mqueue_init(void)
{
    mutex_init(&making.lock, RANK_MQUEUE);
    int err = memfs_init(&mqueue_fs, "mqueue", S_ISVTX | 0777, 0);
    if (err)
        return err;
    mqueue_fs.magic = MQUEUE_MAGIC;
    mqueue_fs.root->inode->ops = &directory_ops;
    return vfs_mount("/dev/mqueue", &mqueue_fs);
}

/* Names are one component; the C library leaves their slash out. */
static int check_name(const char *name)
{
    if (!*name)
        return -ENOENT;
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EACCES;
    return strlen(name) > NAME_BYTES_MAX ? -ENAMETOOLONG : 0;
}

int mqueue_open(const char *name, unsigned flags, uint32_t mode, const struct mq_attr *attr,
                struct file **out)
{
    int err = check_name(name);
    flags &= OPEN_FLAGS;
    if (!err && (flags & O_ACCMODE) == O_ACCMODE)
        err = -EINVAL;
    if (err || !(flags & O_CREAT))
        return err ? err : vfs_open(mqueue_fs.root, name, flags, mode, out);
    mutex_lock(&making.lock);
    making.attr = attr;
    err = vfs_open(mqueue_fs.root, name, flags, mode, out);
    mutex_unlock(&making.lock);
    return err;
}

int mqueue_unlink(const char *name)
{
    int err = check_name(name);
    return err ? err : vfs_unlink(mqueue_fs.root, name, false);
}
