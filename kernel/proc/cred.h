/*
 * Credentials: whose thread it is, and what it may. Each thread has its own, as on Linux; a
 * library that wants all threads to change tells each. Only the thread itself changes its own.
 */
#pragma once

#include <linux/capability.h>

#include "kernel/base/types.h"

enum cred_id { CRED_REAL, CRED_EFFECTIVE, CRED_SAVED, CRED_FS };

#define CRED_GROUPS_MAX 65536u /* NGROUPS_MAX */
#define CRED_CAPABILITIES_ALL ((1ul << (CAP_LAST_CAP + 1)) - 1)

/* Supplementary groups, sorted; shared by the threads that have the same. */
struct cred_groups {
    uint32_t refs, count;
    uint32_t gid[];
};

struct cred {
    uint32_t uid[4], gid[4];                                       /* enum cred_id */
    uint64_t effective, permitted, inheritable, bounding, ambient; /* capabilities: bit CAP_* */
    uint32_t securebits;                                           /* SECBIT_* */
    bool no_new_privs;
    struct cred_groups *groups; /* NULL: none */
};

/* The current thread's; root's in a kernel thread. */
struct cred *cred_current(void);

/* Root with all capabilities, or the user uid of group gid with none. */
void cred_init(struct cred *cred, uint32_t uid, uint32_t gid);
/* Makes to, of which nothing counts, what from is. */
void cred_copy(struct cred *to, const struct cred *from);
void cred_fini(struct cred *cred);

/* Makes room for count groups; the caller fills gid[] and hands it over. NULL: no memory. */
struct cred_groups *cred_groups_alloc(uint32_t count);
/* Takes over groups (NULL: none), which it sorts. */
void cred_set_groups(struct cred *cred, struct cred_groups *groups);

/* Whether the current thread has the capability (CAP_*). */
bool capable(int capability);
/* Whether gid is the current thread's filesystem group or a supplementary one. */
bool cred_in_group(uint32_t gid);
bool cred_in_egroup(uint32_t gid); /* the same with its effective group */
/* The program is over: what the kernel still does in its thread, it may. */
void cred_become_kernel(void);

/* What capabilities become when the user ids change from what old has to what cred has. */
void cred_fix_capabilities(struct cred *cred, const struct cred *old);
/* What a file gives whoever executes it. */
struct cred_file {
    uint32_t mode, uid, gid;
    bool capable, effective; /* it has capabilities; they count at once */
    uint64_t permitted, inheritable;
};
/* Reads the value of a file's attribute security.capability; one that is none changes nothing. */
void cred_file_capabilities(struct cred_file *file, const void *value, size_t size);
/* What the credentials become by exec(2). Returns whether they are more than the user's own. */
bool cred_exec(struct cred *cred, const struct cred_file *file);
