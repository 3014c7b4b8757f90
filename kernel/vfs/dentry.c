/*
 * The name cache: dentries, their hash table, their end.
 *
 * A dentry with no references stays cached. All that may be given back (not pinned) are in one
 * list, oldest first, whether in use or not; vfs_shrink() goes round it like a clock's hand.
 */
#include "kernel/vfs/dentry.h"

#include <linux/inotify.h>

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/memo.h"

#define TABLE_ORDER_START 2u /* 16 KiB */
#define TABLE_ORDER_MAX 8u
#define SLOTS_OF_ORDER(order) ((PAGE_SIZE << (order)) / sizeof(struct dentry *))

struct spinlock dentry_lock = SPINLOCK_INIT(RANK_DENTRY);
struct dentry **dentry_table;
unsigned dentry_table_shift;
static unsigned table_order;
static size_t table_count, pinned_count; /* names in the table; of them, those that stay */
static struct list_node evictable = LIST_INIT(evictable);
static uint64_t next_cookie = 1;

static unsigned shift_of_order(unsigned order)
{
    return 64 - (PAGE_SHIFT + order - 3);
}

static int table_make(void)
{
    struct page *page = page_alloc(TABLE_ORDER_START, ALLOC_ZERO);
    if (!page)
        return -ENOMEM;
    dentry_table = page_virt(page);
    table_order = TABLE_ORDER_START;
    dentry_table_shift = shift_of_order(table_order);
    return 0;
}

int vfs_init(struct filesystem *root)
{
    int err = dentry_table ? 0 : table_make();
    if (err)
        return err;
    vfs_namespace_init(root);
    return 0;
}

/* Doubles the table when there are two names a slot. A failure only makes chains longer. */
static void table_grow(void)
{
    unsigned order = table_order + 1;
    if (table_count < 2 * SLOTS_OF_ORDER(table_order) || order > TABLE_ORDER_MAX)
        return;
    struct page *page = page_alloc(order, ALLOC_ZERO);
    if (!page)
        return;
    spin_lock(&dentry_lock);
    struct dentry **old = dentry_table;
    size_t old_slots = SLOTS_OF_ORDER(table_order);
    bool raced = table_order + 1 != order;
    if (!raced) {
        dentry_table = page_virt(page);
        table_order = order;
        dentry_table_shift = shift_of_order(order);
        for (size_t i = 0; i < old_slots; i++) {
            for (struct dentry *d = old[i], *next; d; d = next) {
                next = d->hash_next;
                struct dentry **slot = dentry_slot(d->parent, d->hash);
                d->hash_next = *slot;
                *slot = d;
            }
        }
    }
    spin_unlock(&dentry_lock);
    page_put(raced ? page : page_of_virt(old));
}

static void hash_add_locked(struct dentry *d)
{
    struct dentry **slot = dentry_slot(d->parent, d->hash);
    d->hash_next = *slot;
    *slot = d;
    d->unhashed = false;
    table_count++;
}

static void hash_remove_locked(struct dentry *d)
{
    if (d->unhashed)
        return;
    struct dentry **link = dentry_slot(d->parent, d->hash);
    while (*link != d)
        link = &(*link)->hash_next;
    *link = d->hash_next;
    d->unhashed = true;
    table_count--;
}

/* Writes a name with zeros up to the end of its last word (and a NUL). */
static void name_write(char *to, struct name name)
{
    memset(to + align_down(name.length, NAME_WORD), 0, NAME_WORD);
    memcpy(to, name.text, name.length);
}

struct dentry *dentry_alloc(struct dentry *parent, struct name name, struct inode *inode)
{
    size_t room = align_up(name.length + 1, NAME_WORD);
    struct dentry *d = heap_alloc(sizeof(*d) + room);
    if (!d)
        return NULL;
    *d = (struct dentry){.refs = 1,
                         .hash = name.hash,
                         .inode = inode,
                         .name_length = (uint16_t)name.length,
                         .name_room = (uint16_t)room,
                         .unhashed = true};
    d->parent = parent ? dentry_get(parent) : d;
    d->name = d->name_storage;
    name_write(d->name_storage, name);
    list_init(&d->siblings);
    list_init(&d->children);
    list_init(&d->lru);
    if (inode && inode_is_dir(inode) && !inode->dentry)
        inode->dentry = d;
    return d;
}

struct dentry *dentry_make_root(struct inode *inode)
{
    struct dentry *d = dentry_alloc(NULL, name_make("/", 1), inode);
    if (!d)
        inode_put(inode);
    return d;
}

/* The name that a directory was last read up to: pinned. Reading goes on behind it. */
static struct dentry *cursor;

struct dentry *dentry_cursor_locked(const struct dentry *dir, uint64_t cookie)
{
    return cursor && cursor->parent == dir && cursor->cookie <= cookie ? cursor : NULL;
}

void dentry_set_cursor_locked(struct dentry *d)
{
    cursor = d;
}

/* Moves d to the end of its parent's children, as the name created last. */
static void pin_locked(struct dentry *d)
{
    if (!d->pinned) {
        d->pinned = true;
        pinned_count++;
        d->parent->pinned_children++;
        list_remove(&d->lru);
    }
    if (cursor == d)
        cursor = NULL;
    d->cookie = next_cookie++;
    list_remove(&d->siblings);
    list_add_tail(&d->parent->children, &d->siblings);
}

static void unpin_locked(struct dentry *d)
{
    if (cursor == d)
        cursor = NULL;
    if (d->pinned) {
        d->pinned = false;
        pinned_count--;
        d->parent->pinned_children--;
    }
}

void dentry_insert(struct dentry *d)
{
    table_grow();
    spin_lock(&dentry_lock);
    hash_add_locked(d);
    list_add_tail(&d->parent->children, &d->siblings);
    list_add_tail(&evictable, &d->lru);
    spin_unlock(&dentry_lock);
}

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
    spin_lock(&dentry_lock);
    d->inode = inode;
    if (inode_is_dir(inode))
        inode->dentry = d;
    if (inode->fs->in_memory)
        pin_locked(d);
    spin_unlock(&dentry_lock);
}

static void detach_locked(struct dentry *d)
{
    if (d->inode && (inode_is_dir(d->inode) || inode_is_link(d->inode)))
        memo_forget();
    hash_remove_locked(d);
    unpin_locked(d);
    list_remove(&d->siblings);
    list_remove(&d->lru);
}

static void whiteout_insert_locked(struct dentry *whiteout)
{
    if (!whiteout)
        return;
    hash_add_locked(whiteout);
    list_add_tail(&whiteout->parent->children, &whiteout->siblings);
    pin_locked(whiteout);
}

void dentry_delete(struct dentry *d, struct dentry *whiteout)
{
    spin_lock(&dentry_lock);
    detach_locked(d);
    d->deleted = true;
    whiteout_insert_locked(whiteout);
    spin_unlock(&dentry_lock);
}

char *dentry_name_spare(const struct dentry *d, const struct dentry *target, int *err)
{
    *err = 0;
    if (target->name_length < d->name_room)
        return NULL;
    char *spare = heap_alloc(align_up(target->name_length + 1u, NAME_WORD));
    if (!spare)
        *err = -ENOMEM;
    return spare;
}

/* Gives d another name; returns a buffer to free, or NULL. */
static char *rename_locked(struct dentry *d, struct name name, char *spare)
{
    char *old = d->name == d->name_storage ? NULL : (char *)(uintptr_t)d->name;
    char *fresh = spare ? spare : d->name_storage;
    name_write(fresh, name);
    d->name = fresh;
    d->name_length = (uint16_t)name.length;
    d->hash = name.hash;
    return old;
}

void dentry_move(struct dentry *d, struct dentry *target, struct dentry *whiteout, char *spare)
{
    spin_lock(&dentry_lock);
    struct dentry *old_parent = d->parent, *new_parent = target->parent;
    bool in_memory = d->inode->fs->in_memory;
    d->from_layer = target->from_layer;
    detach_locked(target);
    target->deleted = true;
    detach_locked(d);
    char *old_name = rename_locked(d, dentry_name(target), spare);
    d->parent = dentry_get(new_parent);
    hash_add_locked(d);
    list_add_tail(&new_parent->children, &d->siblings);
    if (in_memory)
        pin_locked(d);
    else
        list_add_tail(&evictable, &d->lru);
    whiteout_insert_locked(whiteout);
    spin_unlock(&dentry_lock);
    dentry_put(old_parent);
    heap_free(old_name);
}

void dentry_exchange(struct dentry *a, struct dentry *b, char *spare_a, char *spare_b)
{
    char text[NAME_BYTES_MAX + 1];
    spin_lock(&dentry_lock);
    struct dentry *parent_a = a->parent, *parent_b = b->parent;
    bool layer_a = a->from_layer, layer_b = b->from_layer;
    detach_locked(a);
    detach_locked(b);
    struct name name_a = dentry_name(a);
    memcpy(text, a->name, a->name_length);
    name_a.text = text;
    char *old_a = rename_locked(a, dentry_name(b), spare_a);
    char *old_b = rename_locked(b, name_a, spare_b);
    a->parent = parent_b;
    b->parent = parent_a;
    a->from_layer = layer_b;
    b->from_layer = layer_a;
    struct dentry *both[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        hash_add_locked(both[i]);
        list_add_tail(&both[i]->parent->children, &both[i]->siblings);
        pin_locked(both[i]);
    }
    spin_unlock(&dentry_lock);
    heap_free(old_a);
    heap_free(old_b);
}

bool dentry_is_below(struct dentry *d, struct dentry *ancestor)
{
    spin_lock(&dentry_lock);
    while (d != ancestor && d->parent != d)
        d = d->parent;
    spin_unlock(&dentry_lock);
    return d == ancestor;
}

struct dentry *dentry_get(struct dentry *d)
{
    __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

/* Frees a dentry that nobody can find any more. Returns the parent, whose reference it held. */
static struct dentry *dentry_free(struct dentry *d)
{
    struct dentry *parent = d->parent == d ? NULL : d->parent;
    if (d->inode) {
        if (d->deleted && d->inode->links == 0)
            vfs_notify(d->inode, NULL, (struct name){0}, IN_DELETE_SELF, 0);
        if (d->inode->dentry == d)
            d->inode->dentry = NULL;
        inode_put(d->inode);
    }
    if (d->name != d->name_storage)
        heap_free((char *)(uintptr_t)d->name);
    heap_free(d);
    return parent;
}

/* Drops one reference; true if d is to be freed. */
static bool put_last(struct dentry *d)
{
    uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);
    while (refs > 1)
        if (__atomic_compare_exchange_n(&d->refs, &refs, refs - 1, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return false;
    spin_lock(&dentry_lock);
    bool last = __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0 && d->unhashed;
    spin_unlock(&dentry_lock);
    return last;
}

void dentry_put(struct dentry *d)
{
    while (d && put_last(d))
        d = dentry_free(d);
}

static bool shrinkable(struct dentry *d)
{
    if (d->used) {
        d->used = false;
        return false;
    }
    return d->refs == 0 && list_empty(&d->children) && !d->mounted &&
           !(d->inode && d->inode->pinned && d->inode->fs->in_memory);
}

/* Takes out one dentry that can go; NULL if *tries of them could not. */
static struct dentry *shrink_take(size_t *tries)
{
    struct dentry *taken = NULL;
    spin_lock(&dentry_lock);
    while (!taken && *tries > 0 && !list_empty(&evictable)) {
        struct dentry *d = list_entry(evictable.next, struct dentry, lru);
        list_remove(&d->lru);
        --*tries;
        if (shrinkable(d)) {
            taken = d;
            detach_locked(d);
        } else {
            list_add_tail(&evictable, &d->lru);
        }
    }
    spin_unlock(&dentry_lock);
    return taken;
}

/* Called when memory is short, perhaps by somebody who holds our lock or the page cache's. */
unsigned vfs_shrink(unsigned count, size_t keep)
{
    unsigned done = 0;
    size_t cached = table_count - pinned_count;
    if (cached <= keep || !filemap_idle() || !spin_trylock(&dentry_lock))
        return 0;
    spin_unlock(&dentry_lock);
    size_t tries = 2 * cached;
    count = (unsigned)min_u64(count, cached - keep);
    while (done < count) {
        struct dentry *d = shrink_take(&tries);
        if (!d)
            break;
        dentry_put(dentry_free(d));
        done++;
    }
    return done;
}

void dentry_purge(struct dentry *dir)
{
    for (;;) {
        spin_lock(&dentry_lock);
        struct dentry *taken = NULL;
        list_for_each(node, &dir->children)
        {
            struct dentry *child = list_entry(node, struct dentry, siblings);
            if (child->refs == 0 && list_empty(&child->children)) {
                taken = child;
                detach_locked(child);
                break;
            }
        }
        spin_unlock(&dentry_lock);
        if (!taken)
            return;
        dentry_put(dentry_free(taken));
        cond_resched();
    }
}

/* Makes a dentry of what a lookup in parent, whose mutex is held, found. */
static int load_found(struct dentry *parent, struct name name, struct inode *inode,
                      struct dentry **out)
{
    const struct inode *dir = parent->inode;
    struct dentry *d = dentry_alloc(parent, name, inode);
    if (!d) {
        if (inode)
            inode_put(inode);
        return -ENOMEM;
    }
    d->from_layer = inode && dir->fs->in_memory;
    if (!dir->fs->no_negative)
        dentry_insert(d);
    *out = d;
    return 0;
}

/* Asks the filesystem, under parent's mutex. */
static int ask(struct inode *dir, struct name name, struct inode **inode)
{
    *inode = NULL;
    int err = dir->ops->lookup ? dir->ops->lookup(dir, name, inode) : -ENOENT;
    return err == -ENOENT ? 0 : err;
}

static int load(struct dentry *parent, struct name name, struct dentry **out)
{
    struct inode *inode;
    int err = ask(parent->inode, name, &inode);
    return err ? err : load_found(parent, name, inode, out);
}

/* The same where cached, referenced, may be out of date: it stays if nothing has changed. */
static int reload(struct dentry *parent, struct name name, struct dentry *cached,
                  struct dentry **out)
{
    struct inode *inode;
    int err = ask(parent->inode, name, &inode);
    *out = NULL;
    if (!err && inode == cached->inode) {
        if (inode)
            inode_put(inode);
        *out = cached;
        return 0;
    }
    if (!err) {
        spin_lock(&dentry_lock);
        detach_locked(cached);
        spin_unlock(&dentry_lock);
    }
    dentry_put(cached);
    return err ? err : load_found(parent, name, inode, out);
}

int dentry_load_locked(struct dentry *parent, struct name name, struct dentry **out)
{
    if (dentry_dead(parent))
        return -ENOENT;
    if (name.length > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    spin_lock(&dentry_lock);
    struct dentry *d = dentry_find_locked(parent, &name);
    if (d)
        dentry_get(d);
    spin_unlock(&dentry_lock);
    *out = d;
    if (!d)
        return load(parent, name, out);
    return parent->inode->fs->shared && !d->mounted ? reload(parent, name, d, out) : 0;
}

int dentry_load(struct dentry *parent, struct name name, struct dentry **out)
{
    struct inode *dir = parent->inode;
    mutex_lock(&dir->lock);
    int err = dentry_load_locked(parent, name, out);
    mutex_unlock(&dir->lock);
    return err;
}

void dentry_cross_mounts(struct dentry **d)
{
    spin_lock(&dentry_lock);
    struct dentry *old = *d, *top = dentry_mounted_locked(old);
    if (top != old)
        dentry_get(top);
    spin_unlock(&dentry_lock);
    if (top != old) {
        *d = top;
        dentry_put(old);
    }
}
