/* Credentials. See cred.h; the rules are those of credentials(7) and capabilities(7). */
#include "kernel/proc/cred.h"

#include <linux/securebits.h>

#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/mode.h"

/* Capabilities that go by the filesystem user id alone. */
#define FS_CAPABILITIES                                                                            \
    (1ul << CAP_CHOWN | 1ul << CAP_MKNOD | 1ul << CAP_DAC_OVERRIDE | 1ul << CAP_DAC_READ_SEARCH |  \
     1ul << CAP_FOWNER | 1ul << CAP_FSETID | 1ul << CAP_LINUX_IMMUTABLE | 1ul << CAP_MAC_OVERRIDE)

struct cred *cred_current(void)
{
    static struct cred root = {.effective = CRED_CAPABILITIES_ALL,
                               .permitted = CRED_CAPABILITIES_ALL,
                               .bounding = CRED_CAPABILITIES_ALL};
    struct task *task = task_current();
    return LIKELY(task != NULL) ? &task->cred : &root;
}

void cred_init(struct cred *cred, uint32_t uid, uint32_t gid)
{
    uint64_t all = uid == 0 ? CRED_CAPABILITIES_ALL : 0;
    *cred = (struct cred){.effective = all, .permitted = all, .bounding = CRED_CAPABILITIES_ALL};
    for (int i = 0; i < 4; i++) {
        cred->uid[i] = uid;
        cred->gid[i] = gid;
    }
}

void cred_copy(struct cred *to, const struct cred *from)
{
    *to = *from;
    if (to->groups)
        __atomic_fetch_add(&to->groups->refs, 1, __ATOMIC_RELAXED);
}

void cred_fini(struct cred *cred)
{
    if (cred->groups && __atomic_sub_fetch(&cred->groups->refs, 1, __ATOMIC_ACQ_REL) == 0)
        heap_free(cred->groups);
    cred->groups = NULL;
}

struct cred_groups *cred_groups_alloc(uint32_t count)
{
    struct cred_groups *groups =
        heap_alloc_object(sizeof(*groups) + count * sizeof(groups->gid[0]));
    if (groups)
        *groups = (struct cred_groups){.refs = 1, .count = count};
    return groups;
}

/* Heap sort: the program chooses the order, so nothing may be slow for some. */
static void sift_down(uint32_t *gid, uint32_t at, uint32_t count)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && gid[child + 1] > gid[child])
            child++;
        if (gid[at] >= gid[child])
            return;
        uint32_t moved = gid[at];
        gid[at] = gid[child];
        gid[child] = moved;
    }
}

static void sort(uint32_t *gid, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(gid, i, count);
    for (uint32_t end = count; end-- > 1;) {
        uint32_t largest = gid[0];
        gid[0] = gid[end];
        gid[end] = largest;
        sift_down(gid, 0, end);
    }
}

void cred_set_groups(struct cred *cred, struct cred_groups *groups)
{
    if (groups)
        sort(groups->gid, groups->count);
    cred_fini(cred);
    cred->groups = groups;
}

bool capable(int capability)
{
    return cred_current()->effective >> capability & 1;
}

static bool has_group(const struct cred_groups *groups, uint32_t gid)
{
    uint32_t low = 0, high = groups ? groups->count : 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (groups->gid[middle] == gid)
            return true;
        if (groups->gid[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool cred_in_group(uint32_t gid)
{
    const struct cred *cred = cred_current();
    return gid == cred->gid[CRED_FS] || has_group(cred->groups, gid);
}

void cred_become_kernel(void)
{
    cred_current()->effective = CRED_CAPABILITIES_ALL;
}

static bool any_root(const struct cred *cred)
{
    return !cred->uid[CRED_REAL] || !cred->uid[CRED_EFFECTIVE] || !cred->uid[CRED_SAVED];
}

void cred_fix_capabilities(struct cred *cred, const struct cred *old)
{
    if (cred->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (any_root(old) && !any_root(cred)) {
        if (!(cred->securebits & SECBIT_KEEP_CAPS))
            cred->permitted = cred->effective = 0;
        cred->ambient = 0;
    }
    if (!old->uid[CRED_EFFECTIVE] && cred->uid[CRED_EFFECTIVE])
        cred->effective = 0;
    if (old->uid[CRED_EFFECTIVE] && !cred->uid[CRED_EFFECTIVE])
        cred->effective = cred->permitted;
    if (!old->uid[CRED_FS] && cred->uid[CRED_FS])
        cred->effective &= ~FS_CAPABILITIES;
    if (old->uid[CRED_FS] && !cred->uid[CRED_FS])
        cred->effective |= cred->permitted & FS_CAPABILITIES;
}

/* The set-id bits count unless new privileges were given up. */
static bool take_file_ids(struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid)
{
    bool changed = false;
    if (!cred->no_new_privs && (mode & S_ISUID)) {
        changed = cred->uid[CRED_EFFECTIVE] != uid;
        cred->uid[CRED_EFFECTIVE] = uid;
    }
    if (!cred->no_new_privs && (mode & S_ISGID) && (mode & S_IXGRP)) {
        changed |= cred->gid[CRED_EFFECTIVE] != gid;
        cred->gid[CRED_EFFECTIVE] = gid;
    }
    cred->uid[CRED_SAVED] = cred->uid[CRED_FS] = cred->uid[CRED_EFFECTIVE];
    cred->gid[CRED_SAVED] = cred->gid[CRED_FS] = cred->gid[CRED_EFFECTIVE];
    return changed;
}

void cred_exec(struct cred *cred, uint32_t mode, uint32_t uid, uint32_t gid)
{
    uint64_t of_root = 0;
    if (take_file_ids(cred, mode, uid, gid))
        cred->ambient = 0;
    bool root_counts = !(cred->securebits & SECBIT_NOROOT);
    bool root = !cred->uid[CRED_REAL] || !cred->uid[CRED_EFFECTIVE];
    if (root_counts && root)
        of_root = cred->inheritable | cred->bounding;
    cred->permitted = of_root | cred->ambient;
    cred->effective = root_counts && !cred->uid[CRED_EFFECTIVE] ? cred->permitted : cred->ambient;
    cred->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
}
