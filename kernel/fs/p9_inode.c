/*
 * Files of a 9P server as inodes. One that is in use is found again by the server's number for it
 * (the qid's path), so that two names of a file, or two opens, mean one inode. A directory has one
 * name here: reached by another, it is another inode, so that no server can make the tree a knot.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "kernel/base/errno.h"
#include "kernel/base/hash.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"

static const struct inode_ops p9_inode_ops;

/* ---- which inode ---- */

struct p9_fid *p9_fid_of(struct p9_mount *mount, struct p9_fid *const *place)
{
    spin_lock(&mount->lock);
    struct p9_fid *fid = *place ? p9_fid_get(*place) : NULL;
    spin_unlock(&mount->lock);
    return fid;
}

void p9_fid_set(struct p9_mount *mount, struct p9_fid **place, struct p9_fid *fid)
{
    spin_lock(&mount->lock);
    struct p9_fid *old = *place;
    *place = fid;
    spin_unlock(&mount->lock);
    p9_fid_put(old);
}

static struct p9_fid *inode_fid(struct inode *inode)
{
    return p9_fid_of(p9_mount_of(inode), &p9_of(inode)->fid);
}

static struct p9_inode **bucket_of(struct p9_mount *mount, uint64_t path)
{
    return &mount->buckets[(path * HASH_MULTIPLIER) >> 56];
}

/* A reference, unless it is ending. */
static bool inode_get_alive(struct inode *inode)
{
    uint32_t refs = __atomic_load_n(&inode->refs, __ATOMIC_RELAXED);
    while (refs > 0)
        if (__atomic_compare_exchange_n(&inode->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

static bool is_same(const struct p9_inode *p, const struct p9_inode *fresh)
{
    if (p->qid.path != fresh->qid.path || p->gone ||
        (p->inode.mode & S_IFMT) != (fresh->inode.mode & S_IFMT))
        return false;
    return !inode_is_dir(&p->inode) ||
           (p->dir && p->dir == fresh->dir && p->name_hash == fresh->name_hash);
}

/* Puts fresh into the table, or finds what is there already. */
static struct p9_inode *table_find_or_add(struct p9_mount *mount, struct p9_inode *fresh)
{
    struct p9_inode **bucket = bucket_of(mount, fresh->qid.path);
    spin_lock(&mount->lock);
    struct p9_inode *p = *bucket;
    while (p && !(is_same(p, fresh) && inode_get_alive(&p->inode)))
        p = p->next;
    if (!p) {
        fresh->next = *bucket;
        *bucket = fresh;
    }
    spin_unlock(&mount->lock);
    return p ? p : fresh;
}

static void table_remove(struct p9_mount *mount, struct p9_inode *p)
{
    spin_lock(&mount->lock);
    struct p9_inode **link = bucket_of(mount, p->qid.path);
    while (*link && *link != p)
        link = &(*link)->next;
    if (*link)
        *link = p->next;
    spin_unlock(&mount->lock);
}

static bool is_known_type(uint32_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) ||
           S_ISCHR(mode) || S_ISBLK(mode);
}

static struct p9_inode *inode_new(struct p9_mount *mount, struct inode *dir, struct name name,
                                  const struct inode_attr *attr, const struct p9_qid *qid)
{
    struct p9_inode *p = heap_zalloc(sizeof(*p));
    if (!p)
        return NULL;
    inode_init(&p->inode, &mount->fs, attr->mode);
    p->inode.ino = qid->path;
    p->inode.ops = &p9_inode_ops;
    p->qid = *qid;
    p->dir = dir;
    p->name_hash = name.length ? name_hash(name.text, name.length) : 0;
    if (inode_is_regular(&p->inode)) {
        filemap_init(&p->map, &p9_map_ops);
        p->inode.map = &p->map;
    }
    return p;
}

/* The file has another size. */
static void set_size(struct p9_inode *p, uint64_t size)
{
    struct filemap *map = &p->map;
    uint64_t old = map->size;
    __atomic_store_n(&map->size, size, __ATOMIC_RELEASE);
    if (size >= old || !map->page_count)
        return;
    filemap_drop(map, (size + PAGE_MASK) >> PAGE_SHIFT, UINT64_MAX, true);
    struct page *page = size & PAGE_MASK ? filemap_find_page(map, size >> PAGE_SHIFT) : NULL;
    if (page) {
        memset((char *)page_virt(page) + (size & PAGE_MASK), 0, PAGE_SIZE - (size & PAGE_MASK));
        page_put(page);
    }
}

static void set_attributes(struct p9_inode *p, const struct inode_attr *attr)
{
    struct inode *inode = &p->inode;
    inode->mode = attr->mode;
    inode->uid = attr->uid;
    inode->gid = attr->gid;
    inode->links = attr->links;
    inode->rdev = attr->rdev;
    inode->atime_ns = attr->atime_ns;
    inode->mtime_ns = attr->mtime_ns;
    inode->ctime_ns = attr->ctime_ns;
    inode->btime_ns = attr->btime_ns;
    p->blocks = attr->blocks;
    p->block_size = attr->block_size;
    if (inode->map)
        set_size(p, attr->size);
    else
        inode->size = attr->size;
}

int p9_inode_find(struct p9_mount *mount, struct inode *dir, struct name name, struct p9_fid *fid,
                  struct inode **out)
{
    struct inode_attr attr;
    struct p9_qid qid;
    struct p9_inode *fresh = NULL;
    int err = p9_get_attr(fid, &attr, &qid);
    if (!err && !is_known_type(attr.mode))
        err = -EIO;
    if (!err) {
        fresh = inode_new(mount, dir, name, &attr, &qid);
        err = fresh ? 0 : -ENOMEM;
    }
    if (err) {
        p9_fid_put(fid);
        return err;
    }
    struct p9_inode *p = table_find_or_add(mount, fresh);
    if (p != fresh)
        inode_put(&fresh->inode);
    p9_fid_set(mount, &p->fid, fid); /* the path it was found by now */
    set_attributes(p, &attr);
    *out = &p->inode;
    return 0;
}

int p9_refresh(struct p9_inode *p)
{
    struct inode_attr attr;
    struct p9_qid qid;
    if (p->gone)
        return 0;
    struct p9_fid *fid = inode_fid(&p->inode);
    int err = p9_get_attr(fid, &attr, &qid);
    p9_fid_put(fid);
    if (!err && (qid.path != p->qid.path || (attr.mode & S_IFMT) != (p->inode.mode & S_IFMT)))
        err = -ESTALE; /* another file has that name now */
    if (!err)
        set_attributes(p, &attr);
    return err;
}

static void p9_release(struct inode *inode)
{
    struct p9_inode *p = p9_of(inode);
    table_remove(p9_mount_of(inode), p);
    p9_fid_put(p->fid);
    p9_fid_put(p->created);
    p9_fid_put(p->mapped);
    if (inode->map)
        filemap_fini(inode->map);
    heap_free(p);
}

/* ---- attributes ---- */

static void p9_getattr(struct inode *inode, struct inode_attr *attr)
{
    struct p9_inode *p = p9_of(inode);
    (void)p9_refresh(p);
    attr->size = inode->map ? inode->map->size : inode->size;
    attr->rdev = inode->rdev;
    attr->mode = inode->mode;
    attr->links = p->gone ? 0 : inode->links;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->atime_ns = inode->atime_ns;
    attr->mtime_ns = inode->mtime_ns;
    attr->ctime_ns = inode->ctime_ns;
    attr->btime_ns = inode->btime_ns;
    attr->blocks = p->blocks;
    attr->block_size = p->block_size;
}

static int p9_setattr(struct inode *inode, const struct inode_attr *attr, unsigned what)
{
    struct p9_inode *p = p9_of(inode);
    if (inode->fs->read_only)
        return -EROFS;
    if (p->gone)
        return -ENOENT;
    struct p9_fid *fid = inode_fid(inode);
    int err = p9_set_attr(fid, attr, what);
    p9_fid_put(fid);
    if (!err && (what & ATTR_SIZE))
        set_size(p, attr->size);
    return err;
}

static int64_t p9_readlink(struct inode *link, char *buf, size_t size)
{
    struct p9_call c;
    size_t length = 0;
    int err = p9_begin(&c, p9_mount_of(link), P9_READLINK);
    if (err)
        return err;
    struct p9_fid *fid = inode_fid(link);
    p9_put(&c, fid->number, 4);
    err = p9_send(&c);
    if (!err) {
        const char *text = p9_get_text(&c, &length);
        err = c.broken ? -EIO : 0;
        memcpy(buf, text, min_u64(length, size));
    }
    p9_finish(&c);
    p9_fid_put(fid);
    return err ? err : (int64_t)length;
}

/* ---- names ---- */

static int p9_lookup(struct inode *dir, struct name name, struct inode **out)
{
    struct p9_fid *parent = inode_fid(dir), *fid;
    int err = p9_walk(parent, name, &fid);
    p9_fid_put(parent);
    return err ? err : p9_inode_find(p9_mount_of(dir), dir, name, fid, out);
}

/* Starts a request about a name in dir: its fid, then the name. */
static int begin_in(struct p9_call *c, struct inode *dir, enum p9_type type, struct name name)
{
    int err = p9_begin(c, p9_mount_of(dir), type);
    if (err)
        return err;
    struct p9_fid *fid = inode_fid(dir);
    p9_put(c, fid->number, 4);
    p9_fid_put(fid); /* dir keeps it: its mutex is held */
    p9_put_name(c, name);
    return 0;
}

static int send_and_finish(struct p9_call *c)
{
    int err = p9_send(c);
    p9_finish(c);
    return err;
}

static int make_node(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev)
{
    struct p9_call c;
    int err = begin_in(&c, dir, P9_MKNOD, name);
    if (err)
        return err;
    p9_put(&c, mode, 4);
    p9_put(&c, (rdev >> 8) & 0xfff, 4);
    p9_put(&c, (rdev & 0xff) | ((rdev >> 12) & 0xfff00), 4);
    p9_put(&c, 0, 4);
    return send_and_finish(&c);
}

/* Makes a regular file: *open is the fid that it is open by, for reading and writing. */
static int make_file(struct inode *dir, struct name name, uint32_t mode, struct p9_fid **open)
{
    struct p9_call c;
    struct p9_fid *parent = inode_fid(dir);
    int err = p9_walk(parent, (struct name){0}, open);
    p9_fid_put(parent);
    if (err)
        return err;
    err = p9_begin(&c, p9_mount_of(dir), P9_LCREATE);
    if (!err) {
        p9_put(&c, (*open)->number, 4);
        p9_put_name(&c, name);
        p9_put(&c, O_CREAT | O_EXCL | O_RDWR, 4);
        p9_put(&c, mode & 07777, 4);
        p9_put(&c, 0, 4);
        err = send_and_finish(&c);
    }
    if (err)
        p9_fid_put(*open);
    else
        (*open)->writable = true;
    return err;
}

static int p9_create(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev,
                     struct inode **out)
{
    struct p9_fid *open = NULL;
    int err = S_ISREG(mode) ? make_file(dir, name, mode, &open) : make_node(dir, name, mode, rdev);
    if (err)
        return err;
    err = p9_lookup(dir, name, out);
    if (!err)
        p9_fid_set(p9_mount_of(dir), &p9_of(*out)->created, open);
    else
        p9_fid_put(open);
    return err;
}

static int p9_mkdir(struct inode *dir, struct name name, uint32_t mode, struct inode **out)
{
    struct p9_call c;
    int err = begin_in(&c, dir, P9_MKDIR, name);
    if (err)
        return err;
    p9_put(&c, mode & 07777, 4);
    p9_put(&c, 0, 4);
    err = send_and_finish(&c);
    return err ? err : p9_lookup(dir, name, out);
}

static int p9_symlink(struct inode *dir, struct name name, const char *target, struct inode **out)
{
    struct p9_call c;
    int err = begin_in(&c, dir, P9_SYMLINK, name);
    if (err)
        return err;
    p9_put_text(&c, target, strlen(target));
    p9_put(&c, 0, 4);
    err = send_and_finish(&c);
    return err ? err : p9_lookup(dir, name, out);
}

static int p9_link(struct inode *dir, struct name name, struct inode *inode)
{
    struct p9_call c;
    int err = p9_begin(&c, p9_mount_of(dir), P9_LINK);
    if (err)
        return err;
    struct p9_fid *parent = inode_fid(dir), *fid = inode_fid(inode);
    p9_put(&c, parent->number, 4);
    p9_put(&c, fid->number, 4);
    p9_put_name(&c, name);
    err = send_and_finish(&c);
    p9_fid_put(parent);
    p9_fid_put(fid);
    return err;
}

static int remove_name(struct inode *dir, struct name name, unsigned flags)
{
    struct p9_call c;
    int err = begin_in(&c, dir, P9_UNLINKAT, name);
    if (err)
        return err;
    p9_put(&c, flags, 4);
    return send_and_finish(&c);
}

/* A name of inode went. */
static void name_went(struct inode *inode)
{
    if (inode && (inode_is_dir(inode) || inode->links <= 1))
        p9_of(inode)->gone = true;
}

static int p9_unlink(struct inode *dir, struct name name, struct inode *inode)
{
    int err = remove_name(dir, name, 0);
    if (!err)
        name_went(inode);
    return err;
}

static int p9_rmdir(struct inode *dir, struct name name, struct inode *inode)
{
    int err = remove_name(dir, name, AT_REMOVEDIR);
    if (!err)
        name_went(inode);
    return err;
}

static int p9_rename(struct inode *old_dir, struct name old_name, struct inode *inode,
                     struct inode *new_dir, struct name new_name, struct inode *target,
                     unsigned flags)
{
    struct p9_call c;
    if (flags & (RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    int err = begin_in(&c, old_dir, P9_RENAMEAT, old_name);
    if (err)
        return err;
    struct p9_fid *fid = inode_fid(new_dir);
    p9_put(&c, fid->number, 4);
    p9_put_name(&c, new_name);
    err = send_and_finish(&c);
    p9_fid_put(fid);
    if (!err) {
        name_went(target);
        p9_of(inode)->dir = new_dir;
        p9_of(inode)->name_hash = new_name.hash;
    }
    return err;
}

static const struct inode_ops p9_inode_ops = {
    .lookup = p9_lookup,
    .create = p9_create,
    .mkdir = p9_mkdir,
    .symlink = p9_symlink,
    .link = p9_link,
    .unlink = p9_unlink,
    .rmdir = p9_rmdir,
    .rename = p9_rename,
    .readlink = p9_readlink,
    .getattr = p9_getattr,
    .setattr = p9_setattr,
    .open = p9_open,
    .release = p9_release,
};
