/*
 * The in-memory filesystem. See memfs.h. Pages that were written are charged to the filesystem;
 * charging happens under the page cache's lock, which so guards pages_used too. What is made
 * besides (a name, an inode, an attribute) counts by bytes, as much for one as an inode with a
 * usual name takes.
 */
#include "kernel/fs/memfs.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/xattr.h>

#include "kernel/base/errno.h"
#include "kernel/fs/xattrs.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/permission.h"

#define SCAN_NAMES 256u /* between two looks at the clock */
#define DIR_SIZE 4096u
#define FIRST_INO (1ull << 40) /* those below are the layers' */
#define FIRST_MINOR 32u        /* of st_dev, major 0 */
#define LINK_TARGET_MAX 4095u
#define NAME_COST 1024 /* bytes */

static int memfs_charge(struct filemap *map)
{
    struct inode *inode = &container_of(map, struct memfs_inode, map)->inode;
    struct filesystem *fs = inode->fs;
    if ((fs->pages_max && fs->pages_used >= fs->pages_max) || !page_room(ALLOC_OBJECT))
        return -ENOSPC;
    fs->pages_used++;
    inode->pinned = true;
    return 0;
}

static void memfs_uncharge(struct filemap *map, uint64_t pages)
{
    container_of(map, struct memfs_inode, map)->inode.fs->pages_used -= pages;
}

static const struct filemap_ops memory_map_ops = {.charge = memfs_charge,
                                                  .uncharge = memfs_uncharge};
static const struct filemap_ops layer_map_ops = {
    .fill = layers_fill, .charge = memfs_charge, .uncharge = memfs_uncharge};

int memfs_charge_names(struct memfs_inode *m, size_t bytes)
{
    struct filesystem *fs = m->inode.fs;
    if (fs->names_used + bytes > fs->names_max)
        return -ENOSPC;
    fs->names_used += bytes;
    m->charged += (uint32_t)bytes;
    return 0;
}

void memfs_uncharge_names(struct memfs_inode *m, size_t bytes)
{
    m->inode.fs->names_used -= bytes;
    m->charged -= (uint32_t)bytes;
}

struct memfs_inode *memfs_inode_alloc(struct filesystem *fs, uint32_t mode, uint32_t node_count)
{
    size_t size = sizeof(struct memfs_inode) + node_count * sizeof(struct erofs_node);
    struct memfs_inode *m = node_count ? heap_zalloc(size) : heap_zalloc_object(size);
    if (!m)
        return NULL;
    inode_init(&m->inode, fs, mode);
    m->inode.ops = &memfs_ops;
    m->node_count = node_count;
    if (S_ISREG(mode)) {
        filemap_init(&m->map, node_count ? &layer_map_ops : &memory_map_ops);
        m->inode.map = &m->map;
    } else if (S_ISDIR(mode)) {
        m->inode.links = 2;
        m->inode.size = DIR_SIZE;
    }
    __atomic_fetch_add(&fs->inodes_used, 1, __ATOMIC_RELAXED);
    return m;
}

static void memfs_release(struct inode *inode)
{
    struct memfs_inode *m = memfs_of(inode);
    if (m->in_links)
        layers_forget(m);
    if (inode->map)
        filemap_fini(inode->map);
    xattrs_free(m);
    inode->fs->names_used -= m->charged;
    __atomic_fetch_sub(&inode->fs->inodes_used, 1, __ATOMIC_RELAXED);
    heap_free((char *)(uintptr_t)inode->link_text);
    heap_free(m);
}

/* A new inode in dir, owned by the process, with text_bytes of its own. */
static int memfs_new(struct inode *dir, uint32_t mode, size_t text_bytes, struct memfs_inode **out)
{
    struct memfs_inode *m = memfs_inode_alloc(dir->fs, mode, 0);
    if (!m)
        return -ENOSPC;
    if (memfs_charge_names(m, NAME_COST + text_bytes)) {
        inode_put(&m->inode);
        return -ENOSPC;
    }
    inode_init_owner(&m->inode, dir, mode);
    m->inode.pinned = true;
    *out = m;
    return 0;
}

static int memfs_create(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev,
                        struct inode **out)
{
    struct memfs_inode *m;
    (void)name;
    int err = memfs_new(dir, mode, 0, &m);
    if (err)
        return err;
    m->inode.rdev = rdev;
    *out = &m->inode;
    return 0;
}

static int memfs_mkdir(struct inode *dir, struct name name, uint32_t mode, struct inode **out)
{
    return memfs_create(dir, name, mode, 0, out);
}

static int memfs_symlink(struct inode *dir, struct name name, const char *target,
                         struct inode **out)
{
    struct memfs_inode *m;
    (void)name;
    size_t length = strlen(target);
    if (length > LINK_TARGET_MAX)
        return -ENAMETOOLONG;
    char *text = heap_alloc_object(length + 1);
    int err = text ? memfs_new(dir, S_IFLNK | 0777, length, &m) : -ENOSPC;
    if (err) {
        heap_free(text);
        return err;
    }
    m->inode.link_text = memcpy(text, target, length + 1);
    m->inode.size = length;
    *out = &m->inode;
    return 0;
}

static int memfs_link(struct inode *dir, struct name name, struct inode *inode)
{
    (void)dir, (void)name;
    struct memfs_inode *m = memfs_of(inode);
    int err = memfs_charge_names(m, NAME_COST);
    m->links_charged += err ? 0 : NAME_COST;
    return err;
}

/* A name of inode goes. If a layer has others, which may not be in memory, what they mean must be
 * kept: the file as it is now. */
static void name_goes(struct inode *inode)
{
    struct memfs_inode *m = memfs_of(inode);
    if (m->links_charged && inode->links > 1) {
        m->links_charged -= NAME_COST;
        memfs_uncharge_names(m, NAME_COST);
    }
    if (m->in_links && inode->links > 1 && !m->kept) {
        m->kept = true;
        inode_get(inode);
    } else if (inode->links <= 1 && m->kept) {
        m->kept = false;
        inode_put(inode);
    }
}

static int memfs_unlink(struct inode *dir, struct name name, struct inode *inode)
{
    (void)dir, (void)name;
    name_goes(inode);
    return 0;
}

static int memfs_lookup(struct inode *dir, struct name name, struct inode **out)
{
    return memfs_of(dir)->node_count ? layers_lookup(dir, name, out) : -ENOENT;
}

static uint8_t type_of(uint32_t mode)
{
    return (uint8_t)((mode & S_IFMT) >> 12); /* DT_* */
}

/* The next name that was created after cookie, or NULL. The directory's mutex is held, so names
 * that were created stay. */
static struct dentry *next_created(struct dentry *dir, uint64_t cookie)
{
    struct dentry *found = NULL;
    unsigned budget = SCAN_NAMES;
    spin_lock(&dentry_lock);
    struct dentry *from = dentry_cursor_locked(dir, cookie);
    struct list_node *node = from ? &from->siblings : &dir->children;
    while (!found && (node = node->next) != &dir->children) {
        struct dentry *d = list_entry(node, struct dentry, siblings);
        if (!d->pinned)
            continue;
        if (d->inode && d->cookie > cookie) {
            dentry_set_cursor_locked(d);
            found = d;
        } else if (--budget == 0) {
            budget = SCAN_NAMES;
            spin_unlock(&dentry_lock);
            cond_resched();
            spin_lock(&dentry_lock);
        }
    }
    spin_unlock(&dentry_lock);
    return found;
}

/* The names that were created, in that order. */
static void memory_iterate(struct inode *dir, uint64_t after, dir_emit_t emit, void *arg)
{
    struct dentry *d;
    for (unsigned i = 1; (d = next_created(dir->dentry, after)) &&
                         emit(arg, dentry_name(d), d->inode->ino, type_of(d->inode->mode),
                              LAYERS_OFFSETS_END | d->cookie);
         i++) {
        after = d->cookie;
        if (i % SCAN_NAMES == 0)
            cond_resched();
    }
}

int memfs_iterate(struct inode *dir, uint64_t offset, dir_emit_t emit, void *arg)
{
    bool stopped = false;
    if (offset < LAYERS_OFFSETS_END && memfs_of(dir)->node_count) {
        int err = layers_iterate(dir, offset, emit, arg, &stopped);
        if (err || stopped)
            return err;
    }
    uint64_t after = offset < LAYERS_OFFSETS_END ? 0 : offset & (LAYERS_OFFSETS_END - 1);
    if (offset < 2 * LAYERS_OFFSETS_END && dir->dentry && dir->dentry->pinned_children)
        memory_iterate(dir, after, emit, arg);
    return 0;
}

static bool refuse_name(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    (void)name, (void)ino, (void)type, (void)next;
    *(bool *)arg = false;
    return false;
}

/* 0, or -ENOTEMPTY. The directory's mutex is held. */
static int check_empty(struct inode *dir)
{
    bool empty = true;
    int err = memfs_iterate(dir, 0, refuse_name, &empty);
    return err ? err : empty ? 0 : -ENOTEMPTY;
}

static int memfs_rmdir(struct inode *dir, struct name name, struct inode *inode)
{
    (void)dir, (void)name;
    return check_empty(inode);
}

static int memfs_rename(struct inode *old_dir, struct name old_name, struct inode *inode,
                        struct inode *new_dir, struct name new_name, struct inode *target,
                        unsigned flags)
{
    (void)old_dir, (void)old_name, (void)inode, (void)new_dir, (void)new_name;
    if (!target || (flags & RENAME_EXCHANGE))
        return 0;
    if (inode_is_dir(target))
        return check_empty(target);
    name_goes(target);
    return 0;
}

static int64_t memfs_readlink(struct inode *link, char *buf, size_t size)
{
    memcpy(buf, link->link_text, min_u64(link->size, size));
    return (int64_t)link->size;
}

static void memfs_getattr(struct inode *inode, struct inode_attr *attr)
{
    if (inode_is_dir(inode)) {
        attr->blocks = DIR_SIZE / 512;
    } else if (inode->map) {
        uint64_t pages = memfs_of(inode)->layer_size + PAGE_MASK;
        pages = max_u64(pages >> PAGE_SHIFT, inode->map->dirty_count);
        attr->blocks = pages * (PAGE_SIZE / 512);
    }
}

/* Zeros what a page holds behind the new end of the file. */
static void zero_tail(struct filemap *map, uint64_t size)
{
    struct page *page = size & PAGE_MASK ? filemap_find_page(map, size >> PAGE_SHIFT) : NULL;
    if (!page)
        return;
    memset((char *)page_virt(page) + (size & PAGE_MASK), 0, PAGE_SIZE - (size & PAGE_MASK));
    page_put(page);
}

static int memfs_truncate(struct memfs_inode *m, uint64_t size)
{
    struct filemap *map = &m->map;
    if (size > INT64_MAX)
        return -EFBIG;
    uint64_t old = map->size;
    __atomic_store_n(&map->size, size, __ATOMIC_RELEASE);
    if (size < old) {
        m->layer_size = min_u64(m->layer_size, size);
        filemap_drop(map, (size + PAGE_MASK) >> PAGE_SHIFT, UINT64_MAX, true);
        zero_tail(map, size);
    }
    m->inode.mtime_ns = m->inode.ctime_ns = clock_realtime_ns();
    m->inode.pinned = true;
    return 0;
}

static int memfs_setattr(struct inode *inode, const struct inode_attr *attr, unsigned what)
{
    return what & ATTR_SIZE ? memfs_truncate(memfs_of(inode), attr->size) : 0;
}

const struct inode_ops memfs_ops = {
    .lookup = memfs_lookup,
    .create = memfs_create,
    .mkdir = memfs_mkdir,
    .symlink = memfs_symlink,
    .link = memfs_link,
    .unlink = memfs_unlink,
    .rmdir = memfs_rmdir,
    .rename = memfs_rename,
    .iterate = memfs_iterate,
    .readlink = memfs_readlink,
    .getattr = memfs_getattr,
    .setattr = memfs_setattr,
    .getxattr = memfs_getxattr,
    .listxattr = memfs_listxattr,
    .setxattr = memfs_setxattr,
    .release = memfs_release,
};

static void fs_init(struct filesystem *fs, const char *type, uint64_t pages_max)
{
    static uint32_t next_minor = FIRST_MINOR;
    *fs = (struct filesystem){.type = type,
                              .device = __atomic_fetch_add(&next_minor, 1, __ATOMIC_RELAXED),
                              .magic = TMPFS_MAGIC,
                              .in_memory = true,
                              .next_ino = FIRST_INO};
    fs->pages_max = pages_max ? pages_max : page_stats.total_pages / 2;
    fs->names_max = page_stats.total_pages / 2 * NAME_COST;
}

int memfs_init(struct filesystem *fs, const char *type, uint32_t mode, uint64_t pages_max)
{
    fs_init(fs, type, pages_max);
    struct memfs_inode *m = memfs_inode_alloc(fs, S_IFDIR | mode, 0);
    fs->root = m ? dentry_make_root(&m->inode) : NULL;
    return fs->root ? 0 : -ENOMEM;
}

struct filesystem *tmpfs_create(uint32_t mode, uint64_t pages_max)
{
    struct filesystem *fs = heap_alloc(sizeof(*fs));
    if (fs && memfs_init(fs, "tmpfs", mode, pages_max)) {
        heap_free(fs);
        fs = NULL;
    }
    return fs;
}

static struct filesystem anonymous; /* of memfds */

bool memfs_is_anonymous(const struct inode *inode)
{
    return inode->fs == &anonymous;
}

int memfs_create_anonymous(const char *name, uint32_t mode, struct dentry **out)
{
    static struct spinlock lock = SPINLOCK_INIT(RANK_PIPE);
    spin_lock(&lock);
    if (!anonymous.type)
        fs_init(&anonymous, "tmpfs", 0);
    spin_unlock(&lock);
    struct memfs_inode *m = memfs_inode_alloc(&anonymous, S_IFREG | mode, 0);
    if (!m)
        return -ENOMEM;
    m->inode.links = 0;
    inode_init_owner(&m->inode, NULL, m->inode.mode);
    struct dentry *d = dentry_alloc(NULL, name_make(name, strlen(name)), &m->inode);
    if (!d) {
        inode_put(&m->inode);
        return -ENOMEM;
    }
    d->deleted = true;
    *out = d;
    return 0;
}
