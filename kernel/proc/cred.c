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
    for (uint32_t i = count / 2; i-- > 0; cond_resched())
        sift_down(gid, i, count);
    for (uint32_t end = count; end-- > 1;) {
        uint32_t largest = gid[0];
        gid[0] = gid[end];
        gid[end] = largest;
        sift_down(gid, 0, end);
        cond_resched();
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

bool cred_in_egroup(uint32_t gid)
{
    const struct cred *cred = cred_current();
    return gid == cred->gid[CRED_EFFECTIVE] || has_group(cred->groups, gid);
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

void cred_file_capabilities(struct cred_file *file, const void *value, size_t size)
{
    uint32_t word[XATTR_CAPS_SZ_3 / sizeof(uint32_t)] = {0};
    memcpy(word, value, min_u64(size, sizeof(word)));
    uint32_t revision = word[0] & VFS_CAP_REVISION_MASK;
    bool fits = (revision == VFS_CAP_REVISION_1 && size == XATTR_CAPS_SZ_1) ||
                (revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) ||
                (revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3 && !word[5]);
    if (!fits)
        return;
    file->capable = true;
    file->effective = word[0] & VFS_CAP_FLAGS_EFFECTIVE;
    file->permitted = word[1];
    file->inheritable = word[2];
    if (revision != VFS_CAP_REVISION_1) {
        file->permitted |= (uint64_t)word[3] << 32;
        file->inheritable |= (uint64_t)word[4] << 32;
    }
}

/* The set-id bits count unless new privileges were given up. */
static bool take_file_ids(struct cred *cred, const struct cred_file *file)
{
    bool changed = false;
    if (!cred->no_new_privs && (file->mode & S_ISUID)) {
        changed = cred->uid[CRED_EFFECTIVE] != file->uid;
        cred->uid[CRED_EFFECTIVE] = file->uid;
    }
    if (!cred->no_new_privs && (file->mode & S_ISGID) && (file->mode & S_IXGRP)) {
        changed |= cred->gid[CRED_EFFECTIVE] != file->gid;
        cred->gid[CRED_EFFECTIVE] = file->gid;
    }
    cred->uid[CRED_SAVED] = cred->uid[CRED_FS] = cred->uid[CRED_EFFECTIVE];
    cred->gid[CRED_SAVED] = cred->gid[CRED_FS] = cred->gid[CRED_EFFECTIVE];
    return changed;
}

bool cred_exec(struct cred *cred, const struct cred_file *file)
{
    uint64_t old = cred->permitted, given = 0;
    bool at_once = file->capable && file->effective;
    bool changed = take_file_ids(cred, file);
    bool root_counts = !(cred->securebits & SECBIT_NOROOT);
    bool root = root_counts && (!cred->uid[CRED_REAL] || !cred->uid[CRED_EFFECTIVE]);
    if (changed || file->capable)
        cred->ambient = 0;
    if (root && !(file->capable && cred->uid[CRED_REAL])) { /* a set-id file's own come first */
        given = cred->inheritable | cred->bounding;
        at_once = !cred->uid[CRED_EFFECTIVE];
    } else if (file->capable) {
        given = (cred->inheritable & file->inheritable) | (file->permitted & cred->bounding);
    }
    if (cred->no_new_privs)
        given &= old;
    cred->permitted = given | cred->ambient;
    cred->effective = at_once ? cred->permitted : cred->ambient;
    cred->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    return cred->uid[CRED_EFFECTIVE] != cred->uid[CRED_REAL] ||
           cred->gid[CRED_EFFECTIVE] != cred->gid[CRED_REAL] ||
           (cred->uid[CRED_REAL] && (at_once || cred->permitted & ~cred->ambient));
}
