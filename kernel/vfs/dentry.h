/*
 * The name cache's inside, for vfs/ itself.
 *
 * All links between dentries, the hash table and the mounts stand under one spin lock,
 * dentry_lock; so a walk along cached names takes it once and needs no references. Which names a
 * directory has changes under its inode's mutex only.
 */
#pragma once

#include "kernel/base/hash.h"
#include "kernel/base/string.h"
#include "kernel/vfs/vfs.h"

extern struct spinlock dentry_lock;
extern struct dentry **dentry_table;
extern unsigned dentry_table_shift; /* 64 - log2 of its size */

/* Names are hashed and compared eight bytes at a time: the last word, which may be empty, is padded
 * with zeros, and so is the text of a dentry. */
#define NAME_WORD 8u

static inline uint32_t name_hash(const char *text, size_t length)
{
    uint64_t state = 0, word;
    for (; length >= NAME_WORD; text += NAME_WORD, length -= NAME_WORD) {
        __builtin_memcpy(&word, text, NAME_WORD);
        state = hash_mix(state, word);
    }
    word = 0;
    memcpy(&word, text, length);
    return (uint32_t)(hash_mix(state, word) >> 32);
}

static inline struct name name_make(const char *text, size_t length)
{
    return (struct name){text, (uint32_t)length, name_hash(text, length)};
}

static inline struct name dentry_name(const struct dentry *d)
{
    return (struct name){d->name, d->name_length, d->hash};
}

static inline struct dentry **dentry_slot(const struct dentry *parent, uint32_t hash)
{
    uint64_t key = ((uint64_t)(uintptr_t)parent >> 4) + ((uint64_t)hash << 13);
    return &dentry_table[(key * HASH_MULTIPLIER) >> dentry_table_shift];
}

/* The cached name, borrowed, or NULL. Under dentry_lock. */
static inline struct dentry *dentry_find_locked(const struct dentry *parent,
                                                const struct name *name)
{
    struct dentry *d = *dentry_slot(parent, name->hash);
    for (; d; d = d->hash_next)
        if (d->hash == name->hash && d->parent == parent && d->name_length == name->length &&
            memcmp(d->name, name->text, name->length) == 0)
            break;
    return d;
}

/* Whether dir, whose mutex is held, was removed. */
static inline bool dentry_dead(const struct dentry *dir)
{
    return __atomic_load_n(&dir->deleted, __ATOMIC_RELAXED);
}

/* The name of dir that somebody last read up to, if it was created no later than cookie; or NULL.
 */
struct dentry *dentry_cursor_locked(const struct dentry *dir, uint64_t cookie)
    REQUIRES(dentry_lock);
void dentry_set_cursor_locked(struct dentry *d) REQUIRES(dentry_lock); /* d is pinned */

/* A dentry not yet in any list, with one reference; takes over the one to inode (may be NULL) and
 * takes one to parent. NULL: no memory, and inode is still the caller's. */
struct dentry *dentry_alloc(struct dentry *parent, struct name name, struct inode *inode);
/* Makes it visible. Under the parent's mutex. */
void dentry_insert(struct dentry *d);
/* Makes a negative dentry positive, as something created. Takes over the reference to inode. Under
 * the parent's mutex. */
void dentry_instantiate(struct dentry *d, struct inode *inode);
/* A directory's names changed. */
void dentry_touch(struct inode *dir);
/* Takes it out of the cache because its file was removed; whiteout (or NULL), a dentry not yet
 * inserted, takes its place as a pinned negative one. Under the parent's mutex. */
void dentry_delete(struct dentry *d, struct dentry *whiteout);
/* Forgets the (negative) names in a directory that was deleted: in one that lives, names may be all
 * that there is of a file. */
void dentry_purge(struct dentry *dir);
/* Makes d stand where target (a dentry in the cache, negative or to be replaced) stands; whiteout
 * as above for the old place. spare is a buffer for a name that does not fit, from
 * dentry_name_spare(). Under both parents' mutexes. */
void dentry_move(struct dentry *d, struct dentry *target, struct dentry *whiteout, char *spare);
/* Makes a and b change places. */
void dentry_exchange(struct dentry *a, struct dentry *b, char *spare_a, char *spare_b);
/* Room for name in d: NULL with *err 0 if it has room itself, NULL with *err -ENOMEM. */
char *dentry_name_spare(const struct dentry *d, const struct dentry *target, int *err);
/* Whether d lies below (or is) ancestor. */
bool dentry_is_below(struct dentry *d, struct dentry *ancestor);

/* The name in parent's directory, cached from now on: 0 and a new reference to a positive or
 * negative dentry, or -ENAMETOOLONG, -EIO, -ENOMEM, -ENOENT if parent was removed. _locked:
 * parent's mutex is held. */
MUST_CHECK int dentry_load(struct dentry *parent, struct name name, struct dentry **out);
MUST_CHECK int dentry_load_locked(struct dentry *parent, struct name name, struct dentry **out);
/* vfs_lookup() where LOOKUP_BENEATH and LOOKUP_IN_ROOT mean top, not base. */
MUST_CHECK int vfs_lookup_within(struct dentry *top, struct dentry *base, const char *path,
                                 unsigned flags, struct dentry **out, struct name *last);
/* The text of a link that is not in memory, in a buffer that is the caller's to free. */
MUST_CHECK int link_read(struct inode *link, char **out);
/* The root of what is mounted on d, if anything; else d. Under dentry_lock. */
static inline struct dentry *dentry_mounted_locked(struct dentry *d)
{
    while (UNLIKELY(d->mounted))
        d = d->mounted;
    return d;
}
/* Replaces the reference to *d by one to what is mounted on it. */
void dentry_cross_mounts(struct dentry **d);

/* The filesystem's root, and the current directory, borrowed. Under dentry_lock. */
struct dentry *vfs_root_locked(void);
struct dentry *vfs_cwd_locked(void);
void vfs_namespace_init(struct filesystem *root);
