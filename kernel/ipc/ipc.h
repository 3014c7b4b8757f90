/*
 * System V IPC: what shared memory, semaphores and message queues have in common. Objects live in
 * a table for each kind; an identifier is a place in it with a sequence number, so that an old one
 * does not name what took the place later. All of it stands under ipc_lock; memory is allocated
 * and the program's memory copied outside it, and objects are looked up anew afterwards.
 */
#pragma once

#include <asm-generic/ipcbuf.h>

#include "kernel/base/rbtree.h"
#include "kernel/base/types.h"
#include "kernel/sync/spinlock.h"

#define IPC_INDEX_BITS 15
#define IPC_OBJECTS_MAX (1 << IPC_INDEX_BITS)
#define IPC_CHUNK 256
#define IPC_MODE_BITS 0777u
#define IPC_READ 0444u
#define IPC_WRITE 0222u

struct ipc_object {
    int32_t key, id;
    uint32_t uid, gid, cuid, cgid, mode;
    struct rb_node key_node; /* in ipc_table.keys, unless the key is IPC_PRIVATE */
};

struct ipc_table {
    struct ipc_object **chunks[IPC_OBJECTS_MAX / IPC_CHUNK]; /* by index */
    struct rb_tree keys;
    uint32_t used, limit; /* objects; limit: as /proc/sys/kernel has it */
    int32_t last;         /* the place that was given last; -1 at first */
    uint32_t sequence;
};

extern struct spinlock ipc_lock;

/* Who the process is: its ids as they count here, and whether it has a capability. */

/* Fills in owner and mode. */
void ipc_object_init(struct ipc_object *o, int32_t key, unsigned flags);
/* Whether the process has the rights of wanted: IPC_READ, IPC_WRITE, or a mode of any class. */
bool ipc_allowed(const struct ipc_object *o, unsigned wanted);
/* Whether it may change or remove o. */
bool ipc_owner(const struct ipc_object *o);
/* Returns 0 or -EINVAL: no such ids. */
MUST_CHECK int ipc_set_owner(struct ipc_object *o, const struct ipc64_perm *from);
void ipc_put_perm(const struct ipc_object *o, struct ipc64_perm *to);

/* All below: under ipc_lock. */

/* The object with this identifier, or NULL. */
struct ipc_object *ipc_find(const struct ipc_table *t, int id);
/* The first object whose place is at or above index, or NULL. */
struct ipc_object *ipc_next(const struct ipc_table *t, uint32_t index);
static inline uint32_t ipc_index(int id)
{
    return (uint32_t)id & (IPC_OBJECTS_MAX - 1);
}
/* The object at a place, whatever its sequence number (SHM_STAT and its kin); or NULL. */
struct ipc_object *ipc_at(const struct ipc_table *t, int index);
/* The highest place in use; 0 if there is none. */
int ipc_highest(const struct ipc_table *t);
struct ipc_object *ipc_find_key(const struct ipc_table *t, int32_t key);
/* Gives o a place and its id. ipc_lock may be released and taken again meanwhile. Returns 0,
 * -ENOSPC, -ENOMEM; -EEXIST if meanwhile another got the key. */
MUST_CHECK int ipc_insert(struct ipc_table *t, struct ipc_object *o);
void ipc_remove(struct ipc_table *t, struct ipc_object *o);
/* The key is no longer o's: it is to be removed when its last user is gone. */
void ipc_hide_key(struct ipc_table *t, struct ipc_object *o);

/* What a get call finds: *out the object (0), or NULL (0: to be made), or -EEXIST, -ENOENT. The
 * caller checks sizes, then ipc_allowed(). */
MUST_CHECK int ipc_get(const struct ipc_table *t, int32_t key, unsigned flags,
                       struct ipc_object **out);
int64_t ipc_seconds(void); /* since 1970 */
