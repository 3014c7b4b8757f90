/*
 * The root's layers: what a directory of the root finds in them, and how a file's pages come from
 * there. In a directory that several layers have, the uppermost layer's name wins; only
 * directories merge. What the in-memory filesystem above created or deleted is its business.
 */

#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/fs/erofs_format.h"
#include "kernel/fs/memfs.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"

#define LAYER_BITS 3u   /* of an inode number */
#define ORDER_SHIFT 48u /* of a directory offset: which of the directory's layers */
#define LINKS_SLOTS 64u
#define LINK_TARGET_MAX 4095u

static struct erofs_layer layers[ORRIS_IMAGE_LAYERS_MAX];

/* Files that have several names in a layer, while they are in memory. */
static struct spinlock links_lock = SPINLOCK_INIT(RANK_DENTRY);
static struct memfs_inode *links_table[LINKS_SLOTS];

struct erofs_layer *layer_get(unsigned index)
{
    return &layers[index];
}

static uint64_t ino_of(unsigned layer, uint64_t nid)
{
    return nid << LAYER_BITS | layer;
}

/* Finds name in the directory's layers, uppermost first; for a directory, all that merge. Returns
 * how many nodes there are, or -errno. */
static int find_nodes(const struct memfs_inode *dir, struct name name, struct erofs_node *nodes,
                      struct erofs_attr *attr)
{
    int count = 0;
    for (unsigned i = 0; i < dir->node_count; i++) {
        uint8_t index = dir->nodes[i].layer;
        struct erofs_attr here;
        uint64_t nid;
        int err = erofs_find(&layers[index], &dir->nodes[i], name, &nid);
        if (err == -ENOENT)
            continue;
        if (!err)
            err = erofs_read_inode(&layers[index], nid, &nodes[count], &here);
        if (err)
            return err;
        if (count > 0 && !S_ISDIR(here.mode))
            break;
        nodes[count].layer = index;
        if (count++ == 0)
            *attr = here;
        if (!S_ISDIR(here.mode))
            break;
    }
    return count;
}

static struct memfs_inode **links_slot(uint64_t ino)
{
    return &links_table[hash_u64(ino) % LINKS_SLOTS];
}

/* The inode with another name that is in memory already, with a reference, or NULL. */
static struct inode *links_find(uint64_t ino)
{
    struct inode *found = NULL;
    spin_lock(&links_lock);
    for (struct memfs_inode *m = *links_slot(ino); m && !found; m = m->links_next) {
        uint32_t refs = m->inode.ino == ino ? m->inode.refs : 0;
        while (refs && !__atomic_compare_exchange_n(&m->inode.refs, &refs, refs + 1, false,
                                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            ;
        if (refs)
            found = &m->inode;
    }
    spin_unlock(&links_lock);
    return found;
}

static void links_add(struct memfs_inode *m)
{
    spin_lock(&links_lock);
    struct memfs_inode **slot = links_slot(m->inode.ino);
    m->links_next = *slot;
    m->in_links = true;
    *slot = m;
    spin_unlock(&links_lock);
}

void layers_forget(struct memfs_inode *m)
{
    spin_lock(&links_lock);
    struct memfs_inode **link = links_slot(m->inode.ino);
    while (*link != m)
        link = &(*link)->links_next;
    *link = m->links_next;
    spin_unlock(&links_lock);
}

/* Takes in a symbolic link's target. */
static int load_target(struct memfs_inode *m)
{
    const struct erofs_node *node = &m->nodes[0];
    if (node->size == 0 || node->size > LINK_TARGET_MAX)
        return -EIO;
    char *text = heap_alloc(node->size + 1);
    if (!text)
        return -ENOMEM;
    int err = erofs_read(&layers[node->layer], node, 0, text, node->size);
    text[node->size] = 0;
    if (!err && strlen(text) != node->size)
        err = -EIO;
    if (err) {
        heap_free(text);
        return err;
    }
    m->inode.link_text = text;
    m->inode.size = node->size;
    return 0;
}

static int inode_make(struct filesystem *fs, const struct erofs_node *nodes, unsigned count,
                      const struct erofs_attr *attr, struct inode **out)
{
    struct memfs_inode *m = memfs_inode_alloc(fs, attr->mode, count);
    if (!m)
        return -ENOMEM;
    struct inode *inode = &m->inode;
    memcpy(m->nodes, nodes, count * sizeof(*nodes));
    inode->ino = ino_of(nodes[0].layer, nodes[0].nid);
    inode->links = attr->links;
    inode->capable = nodes[0].xattr_size > 0;
    inode->uid = attr->uid;
    inode->gid = attr->gid;
    inode->atime_ns = inode->mtime_ns = inode->ctime_ns = inode->btime_ns = attr->mtime_ns;
    if (inode->map)
        inode->map->size = m->layer_size = nodes[0].size;
    if (S_ISCHR(attr->mode) || S_ISBLK(attr->mode))
        inode->rdev = attr->device;
    int err = S_ISLNK(attr->mode) ? load_target(m) : 0;
    if (err) {
        inode_put(inode);
        return err;
    }
    if (inode->map && attr->links > 1)
        links_add(m);
    *out = inode;
    return 0;
}

int layers_lookup(struct inode *dir, struct name name, struct inode **out)
{
    struct erofs_node nodes[ORRIS_IMAGE_LAYERS_MAX];
    struct erofs_attr attr = {0};
    nodes[0] = (struct erofs_node){0};
    int count = find_nodes(memfs_of(dir), name, nodes, &attr);
    if (count <= 0)
        return count ? count : -ENOENT;
    if (S_ISREG(attr.mode) && attr.links > 1) {
        *out = links_find(ino_of(nodes[0].layer, nodes[0].nid));
        if (*out)
            return 0;
    }
    return inode_make(dir->fs, nodes, (unsigned)count, &attr, out);
}

struct layer_emitter {
    struct memfs_inode *dir;
    unsigned order; /* which of dir's nodes is being read */
    dir_emit_t emit;
    void *arg;
    bool stopped;
};

/* Whether an upper layer, or something created or deleted, stands before this name. */
static bool name_hidden(const struct layer_emitter *e, struct name name)
{
    struct dentry *parent = e->dir->inode.dentry;
    uint64_t nid;
    for (unsigned i = 0; i < e->order; i++)
        if (erofs_find(&layers[e->dir->nodes[i].layer], &e->dir->nodes[i], name, &nid) == 0)
            return true;
    if (!parent || parent->pinned_children == 0)
        return false;
    name = name_make(name.text, name.length);
    spin_lock(&dentry_lock);
    struct dentry *d = dentry_find_locked(parent, &name);
    bool hidden = d && d->pinned;
    spin_unlock(&dentry_lock);
    return hidden;
}

static bool emit_layer_name(void *arg, struct name name, uint64_t nid, uint8_t type, uint64_t next)
{
    /* EROFS types to DT_*. */
    static const uint8_t types[] = {0, 8, 4, 2, 6, 1, 12, 10};
    struct layer_emitter *e = arg;
    if (name_hidden(e, name))
        return true;
    uint64_t ino = ino_of(e->dir->nodes[e->order].layer, nid);
    uint64_t offset = (uint64_t)e->order << ORDER_SHIFT | next;
    e->stopped = !e->emit(e->arg, name, ino, type < ARRAY_SIZE(types) ? types[type] : 0, offset);
    return !e->stopped;
}

int layers_iterate(struct inode *dir, uint64_t offset, dir_emit_t emit, void *arg, bool *stopped)
{
    struct memfs_inode *m = memfs_of(dir);
    struct layer_emitter e = {.dir = m, .emit = emit, .arg = arg};
    uint64_t position = offset & ((1ul << ORDER_SHIFT) - 1);
    int err = 0;
    for (e.order = (unsigned)(offset >> ORDER_SHIFT); e.order < m->node_count && !err && !e.stopped;
         e.order++, position = 0) {
        const struct erofs_node *node = &m->nodes[e.order];
        err = erofs_iterate(&layers[node->layer], node, position, emit_layer_name, &e);
    }
    *stopped = e.stopped;
    return err;
}

int layers_fill(struct filemap *map, uint64_t index, struct page **pages, unsigned count)
{
    struct memfs_inode *m = container_of(map, struct memfs_inode, map);
    const struct erofs_node *node = &m->nodes[0];
    uint64_t end = (m->layer_size + PAGE_MASK) >> PAGE_SHIFT;
    unsigned have = index < end ? (unsigned)min_u64(count, end - index) : 0;
    int err = have ? erofs_fill(&layers[node->layer], node, index, pages, have) : 0;
    for (unsigned i = have; i < count; i++)
        page_zero(pages[i]);
    uint64_t tail = m->layer_size & PAGE_MASK, last = m->layer_size >> PAGE_SHIFT;
    if (tail && last >= index && last < index + have)
        memset((char *)page_virt(pages[last - index]) + tail, 0, PAGE_SIZE - tail);
    return err;
}

int layers_open(struct filesystem *fs)
{
    struct erofs_node nodes[ORRIS_IMAGE_LAYERS_MAX];
    nodes[0] = (struct erofs_node){0};
    struct erofs_attr attr = {.mode = S_IFDIR | 0755, .links = 2}, here;
    unsigned count = the_run.layer_count;
    for (unsigned i = 0; i < count; i++) {
        struct erofs_node *node = &nodes[count - 1 - i]; /* the uppermost first */
        const char *why = "its root cannot be read";
        int err = erofs_open(&layers[i], &the_run.layers[i], &why);
        if (!err) {
            why = "its root cannot be read";
            err = erofs_read_inode(&layers[i], layers[i].root_nid, node, &here);
        }
        if (!err && !S_ISDIR(here.mode))
            err = -EINVAL;
        if (err) {
            log_note("the image is damaged: layer %u: %s", i, why);
            return err;
        }
        fs->pages_below += layers[i].size / PAGE_SIZE;
        node->layer = (uint8_t)i;
        attr = here;
    }
    struct inode *root;
    int err = inode_make(fs, nodes, count, &attr, &root);
    if (err)
        return err;
    if (count == 0)
        root->ino = 1;
    fs->root = dentry_make_root(root);
    return fs->root ? 0 : -ENOMEM;
}
