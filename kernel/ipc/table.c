/* Tables of System V objects, and who may do what with them. See ipc.h. */
#include <linux/capability.h>
#include <linux/ipc.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/ipc/ipc.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define CYCLE_MIN 64u /* places that are gone through before one is used again */
#define SEQUENCE_MAX (INT32_MAX >> IPC_INDEX_BITS)
#define ID_NONE UINT32_MAX

struct spinlock ipc_lock = SPINLOCK_INIT(RANK_IPC);

int64_t ipc_seconds(void)
{
    return clock_realtime_ns() / NS_PER_SECOND;
}

void ipc_object_init(struct ipc_object *o, int32_t key, unsigned flags)
{
    o->key = key;
    o->uid = o->cuid = cred_current()->uid[CRED_EFFECTIVE];
    o->gid = o->cgid = cred_current()->gid[CRED_EFFECTIVE];
    o->mode = flags & IPC_MODE_BITS;
}

bool ipc_allowed(const struct ipc_object *o, unsigned wanted)
{
    unsigned asked = (wanted >> 6 | wanted >> 3 | wanted) & 07, granted = o->mode;
    uint32_t uid = cred_current()->uid[CRED_EFFECTIVE];
    if (uid == o->cuid || uid == o->uid)
        granted >>= 6;
    else if (cred_in_egroup(o->cgid) || cred_in_egroup(o->gid))
        granted >>= 3;
    return !(asked & ~granted) || capable(CAP_IPC_OWNER);
}

bool ipc_owner(const struct ipc_object *o)
{
    uint32_t uid = cred_current()->uid[CRED_EFFECTIVE];
    return uid == o->cuid || uid == o->uid || capable(CAP_SYS_ADMIN);
}

int ipc_set_owner(struct ipc_object *o, const struct ipc64_perm *from)
{
    if (from->uid == ID_NONE || from->gid == ID_NONE)
        return -EINVAL;
    o->uid = from->uid;
    o->gid = from->gid;
    o->mode = (o->mode & ~IPC_MODE_BITS) | (from->mode & IPC_MODE_BITS);
    return 0;
}

void ipc_put_perm(const struct ipc_object *o, struct ipc64_perm *to)
{
    *to = (struct ipc64_perm){
        .key = o->key,
        .uid = o->uid,
        .gid = o->gid,
        .cuid = o->cuid,
        .cgid = o->cgid,
        .mode = o->mode,
        .seq = (unsigned short)(o->id >> IPC_INDEX_BITS),
    };
}

static struct ipc_object **slot_of(const struct ipc_table *t, uint32_t index)
{
    struct ipc_object **chunk = t->chunks[index / IPC_CHUNK];
    return chunk ? &chunk[index % IPC_CHUNK] : NULL;
}

struct ipc_object *ipc_at(const struct ipc_table *t, int index)
{
    struct ipc_object **slot = slot_of(t, ipc_index(index));
    return index >= 0 && slot ? *slot : NULL;
}

struct ipc_object *ipc_find(const struct ipc_table *t, int id)
{
    struct ipc_object *o = ipc_at(t, id);
    return o && o->id == id ? o : NULL;
}

struct ipc_object *ipc_next(const struct ipc_table *t, uint32_t index)
{
    while (index < IPC_OBJECTS_MAX) {
        struct ipc_object **slot = slot_of(t, index);
        if (slot && *slot)
            return *slot;
        index = slot ? index + 1 : (index / IPC_CHUNK + 1) * IPC_CHUNK;
    }
    return NULL;
}

int ipc_highest(const struct ipc_table *t)
{
    for (uint32_t index = IPC_OBJECTS_MAX; t->used && index > 0; index--) {
        struct ipc_object **slot = slot_of(t, index - 1);
        if (slot && *slot)
            return (int)index - 1;
    }
    return 0;
}

struct ipc_object *ipc_find_key(const struct ipc_table *t, int32_t key)
{
    struct rb_node *n = t->keys.root;
    while (n) {
        struct ipc_object *o = rb_entry(n, struct ipc_object, key_node);
        if (o->key == key)
            return o;
        n = key < o->key ? n->left : n->right;
    }
    return NULL;
}

static void insert_key(struct ipc_table *t, struct ipc_object *o)
{
    struct rb_node **link = &t->keys.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = o->key < rb_entry(parent, struct ipc_object, key_node)->key ? &parent->left
                                                                           : &parent->right;
    }
    rb_insert(&t->keys, &o->key_node, parent, link);
}

/* The next free place, going round. There is one, for fewer than limit are used. */
static uint32_t free_place(const struct ipc_table *t)
{
    uint32_t end = t->used * 3 / 2;
    end = end < CYCLE_MIN ? CYCLE_MIN : end;
    end = end < t->limit ? end : t->limit;
    uint32_t index = (uint32_t)t->last;
    do {
        index = index + 1 < end ? index + 1 : 0;
    } while (ipc_at(t, (int)index));
    return index;
}

/* Makes the chunk of a place; ipc_lock is released meanwhile. */
static int make_chunk(struct ipc_table *t, uint32_t index) NO_LOCK_ANALYSIS
{
    spin_unlock(&ipc_lock);
    struct ipc_object **chunk = heap_zalloc_object(IPC_CHUNK * sizeof(struct ipc_object *));
    spin_lock(&ipc_lock);
    if (!chunk)
        return -ENOMEM;
    if (t->chunks[index / IPC_CHUNK])
        heap_free(chunk);
    else
        t->chunks[index / IPC_CHUNK] = chunk;
    return 0;
}

int ipc_insert(struct ipc_table *t, struct ipc_object *o)
{
    uint32_t index;
    for (;;) {
        if (t->used >= t->limit)
            return -ENOSPC;
        if (o->key != IPC_PRIVATE && ipc_find_key(t, o->key))
            return -EEXIST;
        index = free_place(t);
        if (t->chunks[index / IPC_CHUNK])
            break;
        int err = make_chunk(t, index);
        if (err)
            return err;
    }
    if ((int)index <= t->last) /* once round: old identifiers must not come again */
        t->sequence = t->sequence < SEQUENCE_MAX ? t->sequence + 1 : 0;
    t->last = (int)index;
    t->used++;
    o->id = (int)(t->sequence << IPC_INDEX_BITS | index);
    *slot_of(t, index) = o;
    if (o->key != IPC_PRIVATE)
        insert_key(t, o);
    return 0;
}

void ipc_hide_key(struct ipc_table *t, struct ipc_object *o)
{
    if (o->key != IPC_PRIVATE)
        rb_erase(&t->keys, &o->key_node);
    o->key = IPC_PRIVATE;
}

void ipc_remove(struct ipc_table *t, struct ipc_object *o)
{
    if (o->key != IPC_PRIVATE)
        rb_erase(&t->keys, &o->key_node);
    *slot_of(t, ipc_index(o->id)) = NULL;
    t->used--;
}

int ipc_get(const struct ipc_table *t, int32_t key, unsigned flags, struct ipc_object **out)
{
    *out = key == IPC_PRIVATE ? NULL : ipc_find_key(t, key);
    if (*out)
        return (flags & IPC_CREAT) && (flags & IPC_EXCL) ? -EEXIST : 0;
    return key == IPC_PRIVATE || (flags & IPC_CREAT) ? 0 : -ENOENT;
}
