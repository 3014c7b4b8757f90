/* The root: the layers of the_run with an in-memory filesystem over them. */

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/fs/memfs.h"
#include "kernel/platform/streams.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"

#define LOST_MAX 64u

static struct filesystem rootfs;

/* What programs take for granted. */
static const struct {
    const char *path;
    uint32_t mode;
} wanted_dirs[] = {
    {"/dev", 0755}, {"/proc", 0555}, {"/sys", 0555},      {"/tmp", 01777},
    {"/run", 0755}, {"/var", 0755},  {"/var/tmp", 01777},
};

/* st_dev and limits as of any in-memory filesystem; then the root directory from the layers. */
static int rootfs_init(void)
{
    int err = memfs_init(&rootfs, "rootfs", 0755, 0);
    if (err)
        return err;
    struct dentry *empty = rootfs.root;
    err = layers_open(&rootfs);
    dentry_put(empty);
    return err;
}

int rootfs_mount(void)
{
    int err = rootfs_init();
    if (!err)
        err = vfs_init(&rootfs);
    for (unsigned i = 0; i < ARRAY_SIZE(wanted_dirs) && !err; i++) {
        err = vfs_make(NULL, wanted_dirs[i].path, S_IFDIR | wanted_dirs[i].mode, 0, NULL, NULL);
        if (err == -EEXIST || err == -ENOTDIR || err == -ENOENT) /* a file or a dangling link */
            err = 0;
    }
    return err;
}

/* The next dentry of the tree below top, children first; NULL at the end. */
static struct dentry *next_in_tree(struct dentry *d, const struct dentry *top, bool descend)
{
    if (descend && !list_empty(&d->children))
        return list_entry(d->children.next, struct dentry, siblings);
    while (d != top && d->siblings.next == &d->parent->children)
        d = d->parent;
    return d == top ? NULL : list_entry(d->siblings.next, struct dentry, siblings);
}

/* Folders whose files nobody expects to stay. */
static bool is_temporary(const struct dentry *d)
{
    static const char *const names[] = {"tmp", "run", "dev", "proc", "sys"};
    for (unsigned i = 0; i < ARRAY_SIZE(names) && d->parent == rootfs.root; i++)
        if (strcmp(d->name, names[i]) == 0)
            return true;
    return false;
}

static bool was_written(const struct dentry *d)
{
    const struct inode *inode = d->inode;
    return inode && inode_is_regular(inode) && inode->map &&
           (inode->map->dirty_count > 0 || (d->pinned && inode->map->size > 0));
}

/* Collects up to LOST_MAX written files, referenced. */
static unsigned collect_lost(struct dentry **lost)
{
    unsigned count = 0;
    spin_lock(&dentry_lock);
    struct dentry *top = rootfs.root;
    bool descend = true;
    for (struct dentry *d = top; d && count < LOST_MAX; d = next_in_tree(d, top, descend)) {
        descend = !is_temporary(d);
        if (descend && was_written(d))
            lost[count++] = dentry_get(d);
    }
    spin_unlock(&dentry_lock);
    return count;
}

void rootfs_report_lost(void)
{
    static struct dentry *lost[LOST_MAX];
    static char message[sizeof(uint64_t) + PATH_BYTES_MAX];
    if (!rootfs.root)
        return;
    unsigned count = collect_lost(lost);
    for (unsigned i = 0; i < count; i++) {
        uint64_t size = lost[i]->inode->map->size;
        int64_t length = vfs_path_of(lost[i], message + sizeof(size), PATH_BYTES_MAX);
        memcpy(message, &size, sizeof(size));
        if (length > 1)
            control_send(ORRIS_MSG_LOST, message, sizeof(size) + (size_t)length - 1, true);
        dentry_put(lost[i]);
    }
}
