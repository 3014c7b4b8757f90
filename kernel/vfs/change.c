/*
 * Changing directories: making, linking, removing and renaming.
 *
 * The directory's mutex is held over the search for the name and the change. Two directories are
 * locked under rename_lock, ancestor first; so is a directory that is to be removed, after its
 * parent.
 */
#include <linux/fs.h>
#include <linux/inotify.h>

#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/cred.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/permission.h"

static struct mutex rename_lock = {.waiters = {.lock = SPINLOCK_INIT(RANK_WAITQ),
                                               .waiters = LIST_INIT(rename_lock.waiters.waiters)},
                                   .rank = RANK_RENAME};

static bool is_dots(struct name name)
{
    return name.text[0] == '.' && (name.length == 1 || (name.length == 2 && name.text[1] == '.'));
}

static bool has_slash(struct name name)
{
    return name.text[name.length] == '/';
}

int vfs_parent_get(struct dentry *base, const char *path, struct dentry **dir, struct name *last)
{
    int err = vfs_lookup(base, path, LOOKUP_PARENT, dir, last);
    if (!err && !inode_is_dir((*dir)->inode)) {
        dentry_put(*dir);
        err = -ENOTDIR;
    }
    return err;
}

void dentry_touch(struct inode *dir)
{
    dir->mtime_ns = dir->ctime_ns = clock_realtime_ns();
    dir->pinned = true;
}

static int make_inode(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev,
                      const char *target, struct inode **out)
{
    const struct inode_ops *ops = dir->ops;
    if (dir->fs->read_only)
        return -EROFS;
    int err = may_create(dir);
    if (!err && (S_ISBLK(mode) || (S_ISCHR(mode) && rdev)) && !capable(CAP_MKNOD))
        err = -EPERM;
    if (err)
        return err;
    if (S_ISDIR(mode))
        return ops->mkdir ? ops->mkdir(dir, name, mode, out) : -EPERM;
    if (S_ISLNK(mode))
        return ops->symlink ? ops->symlink(dir, name, target, out) : -EPERM;
    return ops->create ? ops->create(dir, name, mode, rdev, out) : -EPERM;
}

static int make_locked(struct dentry *dir, struct name last, uint32_t mode, uint64_t rdev,
                       const char *target, struct dentry **out)
{
    struct dentry *d;
    struct inode *inode;
    int err = dentry_load_locked(dir, last, &d);
    if (err)
        return err;
    if (d->inode)
        err = -EEXIST;
    else if (has_slash(last) && !S_ISDIR(mode))
        err = -ENOENT;
    else
        err = make_inode(dir->inode, last, mode, rdev, target, &inode);
    if (err) {
        dentry_put(d);
        return err;
    }
    dentry_instantiate(d, inode);
    if (S_ISDIR(mode))
        dir->inode->links++;
    dentry_touch(dir->inode);
    *out = d;
    return 0;
}

int vfs_make(struct dentry *base, const char *path, uint32_t mode, uint64_t rdev,
             const char *target, struct dentry **out)
{
    struct dentry *dir, *d = NULL;
    struct name last;
    int err = vfs_parent_get(base, path, &dir, &last);
    if (err)
        return err;
    if (last.length == 0 || is_dots(last)) {
        err = -EEXIST;
    } else {
        mutex_lock(&dir->inode->lock);
        err = make_locked(dir, last, mode, rdev, target, &d);
        mutex_unlock(&dir->inode->lock);
    }
    if (!err) {
        vfs_notify(d->inode, dir->inode, dentry_name(d), IN_CREATE | (S_ISDIR(mode) ? IN_ISDIR : 0),
                   0);
        if (out)
            *out = d;
        else
            dentry_put(d);
    }
    dentry_put(dir);
    return err;
}

int vfs_make_folders(const char *path)
{
    char *copy = heap_alloc(strlen(path) + 1);
    int err = copy ? 0 : -ENOMEM;
    for (size_t i = 1; !err && path[i - 1]; i++) {
        if (path[i] && path[i] != '/')
            continue;
        memcpy(copy, path, i);
        copy[i] = 0;
        err = vfs_make(NULL, copy, S_IFDIR | 0755, 0, NULL, NULL);
        err = err == -EEXIST ? 0 : err;
    }
    heap_free(copy);
    return err;
}

static int link_locked(struct inode *inode, struct dentry *dir, struct name last)
{
    struct dentry *d;
    int err = dentry_load_locked(dir, last, &d);
    if (err)
        return err;
    struct inode *parent = dir->inode;
    if (d->inode)
        err = -EEXIST;
    else if (has_slash(last))
        err = -ENOENT;
    else if (parent->fs != inode->fs)
        err = -EXDEV;
    else if (parent->fs->read_only)
        err = -EROFS;
    else if (inode_is_dir(inode))
        err = -EPERM;
    else if (inode->links == 0 && !inode->linkable)
        err = -ENOENT;
    else
        err = may_link(inode);
    if (!err)
        err = may_create(parent);
    if (!err)
        err = parent->ops->link ? parent->ops->link(parent, last, inode) : -EPERM;
    if (!err) {
        inode->linkable = false;
        inode->links++;
        inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
        dentry_instantiate(d, inode_get(inode));
        dentry_touch(parent);
    }
    dentry_put(d);
    return err;
}

int vfs_link(struct dentry *d, struct dentry *base, const char *path)
{
    struct dentry *dir;
    struct name last;
    int err = vfs_parent_get(base, path, &dir, &last);
    if (err)
        return err;
    if (last.length == 0 || is_dots(last)) {
        err = -EEXIST;
    } else {
        mutex_lock(&dir->inode->lock);
        err = link_locked(d->inode, dir, last);
        mutex_unlock(&dir->inode->lock);
        if (!err) {
            vfs_notify(d->inode, NULL, (struct name){0}, IN_ATTRIB, 0);
            vfs_notify(d->inode, dir->inode, last, IN_CREATE, 0);
        }
    }
    dentry_put(dir);
    return err;
}

/* A dentry to take the place of d: of inode, whose reference it takes over; or one without that
 * hides a layer's name, if there is one. The image decides how many of these there can be, so they
 * end with the memory that objects may take. */
static int whiteout_alloc(struct dentry *d, struct inode *inode, struct dentry **out)
{
    *out = NULL;
    if (!d->from_layer && !inode)
        return 0;
    if (inode || page_room(ALLOC_OBJECT))
        *out = dentry_alloc(d->parent, dentry_name(d), inode);
    if (*out)
        (*out)->from_layer = d->from_layer;
    else if (inode)
        inode_put(inode);
    return *out ? 0 : -ENOSPC;
}

/* The whiteout is in the cache now, or is not needed. */
static void whiteout_put(struct dentry *whiteout)
{
    if (whiteout)
        dentry_put(whiteout);
}

static void links_drop(struct inode *inode)
{
    if (inode_is_dir(inode))
        inode->links = 0;
    else if (inode->links > 0)
        inode->links--;
    inode->ctime_ns = clock_realtime_ns();
}

static int unlink_check(struct dentry *d, bool directory, bool slash)
{
    if (!d->inode)
        return -ENOENT;
    int err = d->inode->fs->read_only ? 0 : may_delete(d->parent->inode, d->inode);
    if (err)
        return err;
    if (d->mounted)
        return -EBUSY;
    if (directory && !inode_is_dir(d->inode))
        return -ENOTDIR;
    if (!directory && inode_is_dir(d->inode))
        return -EISDIR;
    if (!directory && slash)
        return -ENOTDIR;
    return d->inode->fs->read_only ? -EROFS : 0;
}

/* Removes d from its parent, both mutexes held if d is a directory. */
static int remove_locked(struct dentry *d)
{
    struct inode *dir = d->parent->inode, *inode = d->inode;
    struct dentry *whiteout;
    int (*op)(struct inode *, struct name, struct inode *) =
        inode_is_dir(inode) ? dir->ops->rmdir : dir->ops->unlink;
    int err = op ? whiteout_alloc(d, NULL, &whiteout) : -EPERM;
    if (err)
        return err;
    err = op(dir, dentry_name(d), inode);
    if (!err) {
        dentry_delete(d, whiteout);
        links_drop(inode);
        if (inode_is_dir(inode) && dir->links > 2)
            dir->links--;
        dentry_touch(dir);
    }
    whiteout_put(whiteout);
    return err;
}

/* Takes over the reference to d: with the last one IN_DELETE_SELF is told. */
static void notify_removed(struct dentry *d, struct inode *dir, struct name name)
{
    bool directory = inode_is_dir(d->inode);
    if (!directory) /* the number of links changed */
        vfs_notify(d->inode, NULL, (struct name){0}, IN_ATTRIB, 0);
    dentry_put(d);
    vfs_notify(NULL, dir, name, IN_DELETE | (directory ? IN_ISDIR : 0), 0);
}

static int unlink_at(struct dentry *dir, struct name last, bool directory)
{
    struct dentry *d = NULL;
    mutex_lock(&dir->inode->lock);
    int err = dentry_load_locked(dir, last, &d);
    if (!err) {
        err = unlink_check(d, directory, has_slash(last));
        if (!err && directory) {
            mutex_lock(&d->inode->lock);
            err = remove_locked(d);
            mutex_unlock(&d->inode->lock);
        } else if (!err) {
            err = remove_locked(d);
        }
    }
    mutex_unlock(&dir->inode->lock);
    if (!d)
        return err;
    if (err) {
        dentry_put(d);
        return err;
    }
    dentry_purge(d);
    vfs_forget_missing(d);
    notify_removed(d, dir->inode, last);
    return 0;
}

int vfs_unlink(struct dentry *base, const char *path, bool directory)
{
    struct dentry *dir;
    struct name last;
    int err = vfs_parent_get(base, path, &dir, &last);
    if (err)
        return err;
    if (last.length == 0)
        err = directory ? -EBUSY : -EISDIR;
    else if (is_dots(last))
        err = !directory ? -EISDIR : last.length == 1 ? -EINVAL : -ENOTEMPTY;
    else
        err = unlink_at(dir, last, directory);
    dentry_put(dir);
    return err;
}

struct rename {
    struct dentry *old_dir, *new_dir, *old, *new;
    unsigned flags;
    bool old_slash, new_slash; /* the path ended so */
};

static void dirs_lock(struct rename *r) NO_LOCK_ANALYSIS
{
    mutex_lock(&rename_lock);
    struct dentry *first = r->old_dir, *second = r->new_dir;
    if (first != second && dentry_is_below(first, second)) {
        first = r->new_dir;
        second = r->old_dir;
    }
    mutex_lock(&first->inode->lock);
    if (first->inode != second->inode)
        mutex_lock(&second->inode->lock);
}

static void dirs_unlock(struct rename *r) NO_LOCK_ANALYSIS
{
    if (r->old_dir->inode != r->new_dir->inode)
        mutex_unlock(&r->new_dir->inode->lock);
    mutex_unlock(&r->old_dir->inode->lock);
    mutex_unlock(&rename_lock);
}

/* A path that ends in a slash means a directory. */
static int rename_check_slashes(const struct rename *r)
{
    const struct inode *from = r->old->inode, *to = r->new->inode;
    bool exchange = r->flags & RENAME_EXCHANGE;
    if (exchange && !inode_is_dir(to) && r->new_slash)
        return -ENOTDIR;
    if (!inode_is_dir(from) && (r->old_slash || (r->new_slash && !exchange)))
        return -ENOTDIR;
    return 0;
}

/* Whether the kinds of what is to be moved and of what is there go together. */
static int rename_check_kinds(const struct rename *r)
{
    const struct inode *from = r->old->inode, *to = r->new->inode;
    if (!to || (r->flags & RENAME_EXCHANGE))
        return 0;
    if (inode_is_dir(from) && !inode_is_dir(to))
        return -ENOTDIR;
    if (!inode_is_dir(from) && inode_is_dir(to))
        return -EISDIR;
    return 0;
}

/* A directory that gets another parent is written to: its ".." changes. */
static int reparent_permission(const struct rename *r, const struct inode *moved)
{
    bool other = r->old_dir->inode != r->new_dir->inode;
    return moved && other && inode_is_dir(moved) ? inode_permission(moved, MAY_WRITE) : 0;
}

static int rename_permission(const struct rename *r)
{
    const struct inode *to = r->new->inode;
    if (r->old_dir->inode->fs->read_only)
        return 0; /* that comes first */
    int err = may_delete(r->old_dir->inode, r->old->inode);
    if (!err)
        err = to ? may_delete(r->new_dir->inode, to) : may_create(r->new_dir->inode);
    if (!err)
        err = reparent_permission(r, r->old->inode);
    if (!err && (r->flags & RENAME_EXCHANGE))
        err = reparent_permission(r, to);
    return err;
}

/* In Linux's order, so that the first of several reasons is the same. */
static int rename_check(const struct rename *r)
{
    if (r->new->inode && (r->flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (!r->new->inode && (r->flags & RENAME_EXCHANGE))
        return -ENOENT;
    int err = rename_check_slashes(r);
    if (err)
        return err;
    if (dentry_is_below(r->new_dir, r->old))
        return -EINVAL;
    if (r->new->inode && dentry_is_below(r->old_dir, r->new))
        return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    if (r->old->inode == r->new->inode) /* links to one file: nothing to do */
        return 0;
    err = rename_permission(r);
    if (!err)
        err = rename_check_kinds(r);
    if (err)
        return err;
    if (r->old->mounted || r->new->mounted)
        return -EBUSY;
    return r->old_dir->inode->ops->rename ? 0 : -EPERM;
}

static void parent_links_moved(struct inode *from, struct inode *to)
{
    if (from != to) {
        from->links--;
        to->links++;
    }
}

static int exchange_locked(struct rename *r)
{
    int err;
    char *spare_old = dentry_name_spare(r->old, r->new, &err), *spare_new = NULL;
    if (!err)
        spare_new = dentry_name_spare(r->new, r->old, &err);
    if (err) {
        heap_free(spare_old);
        return err;
    }
    dentry_exchange(r->old, r->new, spare_old, spare_new);
    if (inode_is_dir(r->old->inode))
        parent_links_moved(r->old_dir->inode, r->new_dir->inode);
    if (inode_is_dir(r->new->inode))
        parent_links_moved(r->new_dir->inode, r->old_dir->inode);
    return 0;
}

/* RENAME_WHITEOUT: the device that marks a name as gone for whoever merges directories. */
static int marker_make(struct rename *r, struct inode **marker)
{
    struct inode *dir = r->old_dir->inode;
    *marker = NULL;
    if (!(r->flags & RENAME_WHITEOUT))
        return 0;
    return dir->ops->create(dir, dentry_name(r->old), S_IFCHR, 0, marker);
}

static int move_locked(struct rename *r)
{
    int err;
    struct dentry *whiteout;
    struct inode *target = r->new->inode, *marker;
    char *spare = dentry_name_spare(r->old, r->new, &err);
    if (!err)
        err = marker_make(r, &marker);
    if (!err)
        err = whiteout_alloc(r->old, marker, &whiteout);
    if (err) {
        heap_free(spare);
        return err;
    }
    dentry_move(r->old, r->new, whiteout, spare);
    whiteout_put(whiteout);
    if (target) {
        links_drop(target);
        if (inode_is_dir(target))
            r->new_dir->inode->links--;
    }
    if (inode_is_dir(r->old->inode))
        parent_links_moved(r->old_dir->inode, r->new_dir->inode);
    return 0;
}

/* All looked up and locked: asks the filesystem, then changes the tree. */
static int rename_do(struct rename *r) NO_LOCK_ANALYSIS
{
    struct inode *old_dir = r->old_dir->inode, *new_dir = r->new_dir->inode;
    struct inode *target = r->new->inode;
    bool exchange = r->flags & RENAME_EXCHANGE;
    bool lock_target = target && inode_is_dir(target) && !exchange;
    if (lock_target)
        mutex_lock(&target->lock);
    int err = old_dir->ops->rename(old_dir, dentry_name(r->old), r->old->inode, new_dir,
                                   dentry_name(r->new), target, r->flags);
    if (!err)
        err = exchange ? exchange_locked(r) : move_locked(r);
    if (lock_target)
        mutex_unlock(&target->lock);
    if (!err) {
        dentry_touch(old_dir);
        dentry_touch(new_dir);
        r->old->inode->ctime_ns = clock_realtime_ns();
        r->old->inode->pinned = true;
    }
    return err;
}

static uint32_t new_cookie(void)
{
    static uint32_t cookie;
    return __atomic_add_fetch(&cookie, 1, __ATOMIC_RELAXED);
}

static void notify_moved(struct inode *from, struct name old_name, struct inode *to,
                         struct name new_name, struct inode *moved, struct inode *target)
{
    uint32_t cookie = new_cookie();
    unsigned directory = inode_is_dir(moved) ? IN_ISDIR : 0;
    vfs_notify(NULL, from, old_name, IN_MOVED_FROM | directory, cookie);
    vfs_notify(NULL, to, new_name, IN_MOVED_TO | directory, cookie);
    if (target)
        vfs_notify(target, NULL, (struct name){0}, IN_ATTRIB, 0);
    vfs_notify(moved, NULL, (struct name){0}, IN_MOVE_SELF, 0);
}

static void notify_renamed(const struct rename *r, struct name old_name, struct name new_name,
                           struct inode *target)
{
    struct inode *old_dir = r->old_dir->inode, *new_dir = r->new_dir->inode;
    bool exchange = r->flags & RENAME_EXCHANGE;
    notify_moved(old_dir, old_name, new_dir, new_name, r->old->inode, exchange ? NULL : target);
    if (exchange && target)
        notify_moved(new_dir, new_name, old_dir, old_name, target, NULL);
}

static int rename_names(struct rename *r, struct name old_last, struct name new_last)
{
    dirs_lock(r);
    r->old = r->new = NULL;
    int err = dentry_load_locked(r->old_dir, old_last, &r->old);
    if (!err && !r->old->inode)
        err = -ENOENT;
    if (!err)
        err = dentry_load_locked(r->new_dir, new_last, &r->new);
    if (!err)
        err = rename_check(r);
    struct inode *target = NULL;
    bool same = !err && r->old->inode == r->new->inode;
    if (!err && !same) {
        target = r->new->inode ? inode_get(r->new->inode) : NULL;
        err = rename_do(r);
    }
    dirs_unlock(r);
    if (!err && !same) {
        if (r->new->deleted) {
            dentry_purge(r->new);
            vfs_forget_missing(r->new);
        }
        notify_renamed(r, old_last, new_last, target);
    }
    if (target)
        inode_put(target);
    dentry_put(r->old);
    dentry_put(r->new);
    return err;
}

bool vfs_rename_flags_ok(unsigned flags)
{
    const unsigned known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
    return !(flags & ~known) &&
           (!(flags & RENAME_EXCHANGE) || !(flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)));
}

static int rename_check_last(const struct rename *r, struct name old_last, struct name new_last)
{
    if (r->old_dir->inode->fs != r->new_dir->inode->fs)
        return -EXDEV;
    if (!old_last.length || is_dots(old_last))
        return -EBUSY;
    if (!new_last.length || is_dots(new_last))
        return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    return r->old_dir->inode->fs->read_only ? -EROFS : 0;
}

int vfs_rename_to(struct dentry *old_dir, struct name old_last, struct dentry *new_base,
                  const char *new_path, unsigned flags)
{
    struct rename r = {.old_dir = old_dir, .flags = flags};
    struct name new_last;
    int err = vfs_parent_get(new_base, new_path, &r.new_dir, &new_last);
    if (err)
        return err;
    r.old_slash = has_slash(old_last);
    r.new_slash = has_slash(new_last);
    err = rename_check_last(&r, old_last, new_last);
    if (!err)
        err = rename_names(&r, old_last, new_last);
    dentry_put(r.new_dir);
    return err;
}

int vfs_rename(struct dentry *old_base, const char *old_path, struct dentry *new_base,
               const char *new_path, unsigned flags)
{
    struct dentry *dir;
    struct name last;
    if (!vfs_rename_flags_ok(flags))
        return -EINVAL;
    int err = vfs_parent_get(old_base, old_path, &dir, &last);
    if (err)
        return err;
    err = vfs_rename_to(dir, last, new_base, new_path, flags);
    dentry_put(dir);
    return err;
}
