/*
 * Where paths start and how filesystems hang together: root, current directory, mounts, and the
 * way from a dentry back to its path. All of it under dentry_lock.
 */
#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/memo.h"

#define MOUNTS_MAX 16u
#define DELETED_SUFFIX " (deleted)"

struct mount {
    struct filesystem *fs;
    const char *path;
};

static struct mount mounts[MOUNTS_MAX];
static unsigned mount_count;
static struct dentry *root_dir; /* of the root filesystem */
static struct dentry *cwd;

struct dentry *vfs_root_locked(void)
{
    return root_dir;
}

struct dentry *vfs_cwd_locked(void)
{
    return cwd;
}

struct dentry *vfs_root(void)
{
    return root_dir;
}

struct dentry *vfs_cwd_get(void)
{
    spin_lock(&dentry_lock);
    struct dentry *dir = dentry_get(cwd);
    spin_unlock(&dentry_lock);
    return dir;
}

void vfs_cwd_set(struct dentry *dir)
{
    spin_lock(&dentry_lock);
    struct dentry *old = cwd;
    cwd = dir;
    spin_unlock(&dentry_lock);
    dentry_put(old);
}

void vfs_namespace_init(struct filesystem *root)
{
    root_dir = root->root;
    mounts[0] = (struct mount){root, "/"};
    mount_count = 1;
    vfs_cwd_set(dentry_get(root_dir));
}

static char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = heap_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

int vfs_mount(const char *path, struct filesystem *fs)
{
    struct dentry *dir;
    int err = vfs_lookup(NULL, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir, NULL);
    if (err)
        return err;
    char *copy = text_copy(path);
    if (!copy) {
        dentry_put(dir);
        return -ENOMEM;
    }
    spin_lock(&dentry_lock);
    if (mount_count == MOUNTS_MAX || dir->mounted) {
        err = -EBUSY;
    } else {
        mounts[mount_count++] = (struct mount){fs, copy};
        dir->mounted = fs->root; /* keeps the reference to dir */
        fs->root->covers = dir;
        memo_forget();
    }
    spin_unlock(&dentry_lock);
    if (err) {
        heap_free(copy);
        dentry_put(dir);
    }
    return err;
}

void vfs_for_each_mount(bool (*each)(struct filesystem *fs, const char *path, void *arg), void *arg)
{
    for (unsigned i = 0; i < mount_count; i++)
        if (!each(mounts[i].fs, mounts[i].path, arg))
            return;
}

void vfs_sync(void)
{
    for (unsigned i = 0; i < mount_count; i++)
        if (mounts[i].fs->sync)
            (void)mounts[i].fs->sync(mounts[i].fs);
}

/* Writes the path from its end to the beginning. Returns its start, or NULL if there is no room. */
static char *path_backwards(const struct dentry *d, char *start, char *end)
{
    char *at = end;
    for (;;) {
        while (d->covers)
            d = d->covers;
        if (d->parent == d && !d->deleted) /* a root; a memfd has no other name than its own */
            break;
        if ((size_t)(at - start) < d->name_length + 1u)
            return NULL;
        at -= d->name_length;
        memcpy(at, d->name, d->name_length);
        *--at = '/';
        if (d->parent == d)
            break;
        d = d->parent;
    }
    if (at == end) {
        if (at == start)
            return NULL;
        *--at = '/';
    }
    return at;
}

int64_t vfs_path_of(struct dentry *d, char *buf, size_t size)
{
    size_t suffix = d->deleted ? sizeof(DELETED_SUFFIX) : 1;
    if (size < suffix)
        return -ERANGE;
    char *end = buf + size - suffix;
    spin_lock(&dentry_lock);
    char *start = path_backwards(d, buf, end);
    spin_unlock(&dentry_lock);
    if (!start)
        return size >= PATH_BYTES_MAX ? -ENAMETOOLONG : -ERANGE;
    memcpy(end, suffix > 1 ? DELETED_SUFFIX : "", suffix);
    size_t length = (size_t)(end - start) + suffix;
    memmove(buf, start, length);
    return (int64_t)length;
}
