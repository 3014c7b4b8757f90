/* Mounting folders of the host, as the run record names them. */
#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"

#define P9_MAGIC 0x01021997u
#define FIRST_MINOR 96u /* of st_dev, major 0: behind those of in-memory filesystems */

/* Brings the numbers of statfs(2) up to date. */
static void p9_statfs(struct filesystem *fs)
{
    struct p9_mount *mount = container_of(fs, struct p9_mount, fs);
    struct p9_call c;
    if (p9_begin(&c, mount, P9_STATFS))
        return;
    struct p9_fid *fid = p9_fid_of(mount, &p9_of(fs->root->inode)->fid);
    p9_put(&c, fid->number, 4);
    if (!p9_send(&c)) {
        (void)p9_get(&c, 4);
        uint64_t block = p9_get(&c, 4), blocks = p9_get(&c, 8), free = p9_get(&c, 8);
        fs->pages_max = (uint64_t)((unsigned __int128)blocks * block / PAGE_SIZE);
        free = (uint64_t)((unsigned __int128)free * block / PAGE_SIZE);
        fs->pages_used = fs->pages_max - min_u64(free, fs->pages_max);
    }
    p9_finish(&c);
    p9_fid_put(fid);
}

/* The next inode that has something to write and was not yet seen to in this round. */
static struct p9_inode *next_written(struct p9_mount *mount, uint32_t round)
{
    struct p9_inode *found = NULL;
    spin_lock(&mount->lock);
    for (unsigned i = 0; i < P9_BUCKETS && !found; i++)
        for (struct p9_inode *p = mount->buckets[i]; p && !found; p = p->next)
            if (p->map.dirty_count && p->sync_round != round && p->inode.refs > 0)
                found = p;
    if (found) {
        found->sync_round = round;
        inode_get(&found->inode); /* open files keep those that were written to */
    }
    spin_unlock(&mount->lock);
    return found;
}

static int p9_sync_fs(struct filesystem *fs)
{
    static uint32_t rounds;
    struct p9_mount *mount = container_of(fs, struct p9_mount, fs);
    uint32_t round = __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    int result = 0;
    for (struct p9_inode *p; (p = next_written(mount, round));) {
        int err = p9_flush(p);
        result = result ? result : err;
        inode_put(&p->inode);
    }
    return result;
}

static struct p9_mount *mount_new(unsigned index, bool read_only)
{
    struct p9_mount *mount = heap_zalloc(sizeof(*mount));
    if (!mount)
        return NULL;
    mount->fs = (struct filesystem){.type = "9p",
                                    .device = FIRST_MINOR + index,
                                    .magic = P9_MAGIC,
                                    .read_only = read_only,
                                    .shared = true,
                                    .statfs = p9_statfs,
                                    .sync = p9_sync_fs};
    spin_init(&mount->lock, RANK_P9);
    waitq_init(&mount->tag_freed);
    return mount;
}

/* Connects to the server and makes the root. */
static int mount_begin(struct p9_mount *mount, unsigned index)
{
    char tag[32];
    struct p9_fid *fid;
    struct inode *root;
    format(tag, sizeof(tag), "orris%u", index);
    mount->channel = channel9p_find(tag);
    if (!mount->channel)
        return -ENODEV;
    int err = p9_attach(mount, &fid);
    if (!err)
        err = p9_inode_find(mount, NULL, (struct name){0}, fid, &root);
    if (err)
        return err;
    if (!inode_is_dir(root)) {
        inode_put(root);
        return -ENOTDIR;
    }
    mount->fs.root = dentry_make_root(root);
    return mount->fs.root ? 0 : -ENOMEM;
}

static int mount_one(const char *text, unsigned index)
{
    if ((text[0] != 'r' && text[0] != 'w') || text[1] != '/')
        return -EINVAL;
    struct p9_mount *mount = mount_new(index, text[0] == 'r');
    int err = mount ? mount_begin(mount, index) : -ENOMEM;
    err = err ? err : vfs_make_folders(text + 1);
    return err ? err : vfs_mount(text + 1, &mount->fs); /* if not, the machine ends */
}

int p9_mount_all(const char **why)
{
    static char text[512];
    *why = text;
    for (unsigned i = 0; i < the_run.mount_count; i++) {
        int err = mount_one(the_run.mounts[i], i);
        if (err) {
            format(text, sizeof(text), "the host's folder can't be mounted at %s: error %d",
                   the_run.mounts[i] + 1, -err);
            return err;
        }
    }
    return 0;
}
