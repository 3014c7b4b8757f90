/*
 * System V shared memory: a segment is a file without a name of the in-memory filesystem, as a
 * memfd is; an attachment is a mapping of an open file of its own.
 */
#pragma once

#include <linux/shm.h>

#include "kernel/ipc/ipc.h"

struct file;

struct shm_limits {
    uint64_t bytes, pages; /* SHMMAX, SHMALL; SHMMNI is shm_table.limit */
};

extern struct shm_limits shm_limits;
extern struct ipc_table shm_table;

struct shm_totals {
    uint32_t segments;
    uint64_t pages, resident_pages;
    int highest;
};

/* shmget(2). Returns the identifier or -errno. */
int64_t shm_get(int32_t key, size_t size, unsigned flags);
/* shmat(2). Returns the address or -errno. */
int64_t shm_attach(int id, uint64_t addr, unsigned flags);
/* shmdt(2). Returns 0 or -EINVAL. */
int64_t shm_detach(uint64_t addr);

/* Parts of shmctl(2), as those of semctl(2) in sem.h. */
int64_t shm_stat(int id, bool by_place, bool any, struct shmid64_ds *out);
int64_t shm_set_perm(int id, const struct ipc64_perm *perm);
int64_t shm_remove(int id);
int64_t shm_lock(int id, bool lock);
void shm_get_totals(struct shm_totals *out);
bool shm_next(uint32_t place, struct shmid64_ds *out, int *id, uint64_t *resident_bytes);
