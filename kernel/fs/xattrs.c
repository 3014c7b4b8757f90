/*
 * Extended attributes in memory: a list per inode, in no order. A layer's are copied there when
 * somebody first asks.
 */
#include "kernel/fs/xattrs.h"

#include <linux/limits.h>
#include <linux/xattr.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/time/clock.h"

struct memfs_xattr {
    struct memfs_xattr *next;
    uint32_t charged; /* bytes of the filesystem's names; a layer's count as none */
    size_t size;      /* of the value */
    size_t name_size;
    char name[]; /* with its NUL; then the value */
};

static char *xattr_value(struct memfs_xattr *x)
{
    return x->name + x->name_size;
}

static struct memfs_xattr **xattr_find(struct memfs_inode *m, const char *name)
{
    struct memfs_xattr **link = &m->xattrs;
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

static struct memfs_xattr *xattr_alloc(const char *name, size_t size)
{
    size_t name_size = strlen(name) + 1;
    struct memfs_xattr *x = heap_alloc_object(sizeof(*x) + name_size + size);
    if (x) {
        *x = (struct memfs_xattr){.size = size, .name_size = name_size};
        memcpy(x->name, name, name_size);
    }
    return x;
}

/* Bytes that a list of all names takes. */
static size_t names_size(const struct memfs_inode *m)
{
    size_t size = 0;
    for (const struct memfs_xattr *x = m->xattrs; x; x = x->next)
        size += x->name_size;
    return size;
}

/* Copies the layer's attributes in. */
static int xattrs_load(struct memfs_inode *m)
{
    uint64_t position = 0;
    struct erofs_xattr disk;
    int err = 0;
    if (m->xattrs_loaded || m->node_count == 0)
        return 0;
    struct erofs_layer *layer = layer_get(m->nodes[0].layer);
    while (!err) {
        err = erofs_next_xattr(layer, &m->nodes[0], &position, &disk);
        struct memfs_xattr *x = err ? NULL : xattr_alloc(disk.name, disk.value_size);
        if (!err && !x)
            err = -ENOMEM;
        if (!err)
            err = erofs_read_meta(layer, disk.value, xattr_value(x), disk.value_size);
        if (err) {
            heap_free(x);
        } else {
            x->next = m->xattrs;
            m->xattrs = x;
        }
    }
    m->xattrs_loaded = err == -ENODATA;
    if (!m->xattrs_loaded)
        xattrs_free(m);
    return m->xattrs_loaded ? 0 : err;
}

int64_t memfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
    struct memfs_inode *m = memfs_of(inode);
    mutex_lock(&inode->lock);
    int64_t result = xattrs_load(m);
    struct memfs_xattr *x = result ? NULL : *xattr_find(m, name);
    if (!result && !x)
        result = -ENODATA;
    if (x) {
        result = (int64_t)x->size;
        if (size && x->size > size)
            result = -ERANGE;
        else if (size)
            memcpy(value, xattr_value(x), x->size);
    }
    mutex_unlock(&inode->lock);
    return result;
}

int64_t memfs_listxattr(struct inode *inode, char *list, size_t size)
{
    struct memfs_inode *m = memfs_of(inode);
    mutex_lock(&inode->lock);
    int64_t result = xattrs_load(m);
    size_t used = 0;
    for (struct memfs_xattr *x = m->xattrs; x && !result; x = x->next) {
        if (size && used + x->name_size > size)
            result = -ERANGE;
        else if (size)
            memcpy(list + used, x->name, x->name_size);
        used += x->name_size;
    }
    mutex_unlock(&inode->lock);
    return result ? result : (int64_t)used;
}

static int xattr_set_locked(struct memfs_inode *m, const char *name, const void *value, size_t size,
                            int flags)
{
    int err = xattrs_load(m);
    if (err)
        return err;
    struct memfs_xattr **link = xattr_find(m, name), *old = *link, *fresh = NULL;
    if (old && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!old && (!value || (flags & XATTR_REPLACE)))
        return -ENODATA;
    if (value && !old && names_size(m) + strlen(name) + 1 > XATTR_LIST_MAX)
        return -ENOSPC;
    if (value) {
        fresh = xattr_alloc(name, size);
        size_t bytes = sizeof(*fresh) + strlen(name) + 1 + size;
        if (!fresh || memfs_charge_names(m, bytes)) {
            heap_free(fresh);
            return -ENOSPC;
        }
        fresh->charged = (uint32_t)bytes;
        memcpy(xattr_value(fresh), value, size);
        fresh->next = old ? old->next : NULL;
    }
    if (old)
        memfs_uncharge_names(m, old->charged);
    *link = fresh ? fresh : old->next;
    heap_free(old);
    return 0;
}

int memfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
    mutex_lock(&inode->lock);
    int err = xattr_set_locked(memfs_of(inode), name, value, size, flags);
    if (!err) {
        inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
        inode->capable |= value && strcmp(name, XATTR_NAME_CAPS) == 0;
    }
    mutex_unlock(&inode->lock);
    return err;
}

void xattrs_free(struct memfs_inode *m)
{
    while (m->xattrs) {
        struct memfs_xattr *next = m->xattrs->next;
        heap_free(m->xattrs);
        m->xattrs = next;
    }
}
