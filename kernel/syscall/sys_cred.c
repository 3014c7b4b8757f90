/*
 * Users, groups, capabilities of the calling thread (kernel/proc/cred.h). A change is made on a
 * copy, which replaces the credentials when nothing is wrong with it.
 */
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/prctl.h"
#include "kernel/syscall/syscall.h"

#define KEEP UINT32_MAX

int64_t sys_getuid(void)
{
    return cred_current()->uid[CRED_REAL];
}

int64_t sys_geteuid(void)
{
    return cred_current()->uid[CRED_EFFECTIVE];
}

int64_t sys_getgid(void)
{
    return cred_current()->gid[CRED_REAL];
}

int64_t sys_getegid(void)
{
    return cred_current()->gid[CRED_EFFECTIVE];
}

/* Makes what new has the thread's; groups stay. Whose rights changed isn't dumpable any more. */
static void commit(struct cred *new)
{
    struct cred *cred = cred_current();
    cred_fix_capabilities(new, cred);
    if (new->uid[CRED_EFFECTIVE] != cred->uid[CRED_EFFECTIVE] ||
        new->gid[CRED_EFFECTIVE] != cred->gid[CRED_EFFECTIVE] ||
        new->uid[CRED_FS] != cred->uid[CRED_FS] || new->gid[CRED_FS] != cred->gid[CRED_FS] ||
        (new->permitted & ~cred->permitted))
        the_proc.dumpable = false;
    *cred = *new;
}

/* Whether id is one of the first three of ids, or KEEP. */
static bool is_one_of(const uint32_t ids[4], uint32_t id)
{
    return id == KEEP || id == ids[CRED_REAL] || id == ids[CRED_EFFECTIVE] || id == ids[CRED_SAVED];
}

static void put_three(uint32_t ids[4], uint32_t real, uint32_t effective, uint32_t saved)
{
    if (real != KEEP)
        ids[CRED_REAL] = real;
    if (effective != KEEP)
        ids[CRED_EFFECTIVE] = effective;
    if (saved != KEEP)
        ids[CRED_SAVED] = saved;
    ids[CRED_FS] = ids[CRED_EFFECTIVE];
}

/* The ids of new that a call is about, and the capability that lets it set any. */
struct ids_change {
    struct cred new;
    uint32_t *ids;
    bool any;
};

static void change_begin(struct ids_change *c, bool users)
{
    c->new = *cred_current();
    c->ids = users ? c->new.uid : c->new.gid;
    c->any = capable(users ? CAP_SETUID : CAP_SETGID);
}

static int64_t set_three(bool users, uint32_t real, uint32_t effective, uint32_t saved)
{
    struct ids_change c;
    change_begin(&c, users);
    if (!c.any &&
        (!is_one_of(c.ids, real) || !is_one_of(c.ids, effective) || !is_one_of(c.ids, saved)))
        return -EPERM;
    put_three(c.ids, real, effective, saved);
    commit(&c.new);
    return 0;
}

static int64_t set_one(bool users, uint32_t id)
{
    struct ids_change c;
    change_begin(&c, users);
    if (id == KEEP)
        return -EINVAL;
    if (c.any)
        put_three(c.ids, id, id, id);
    else if (id == c.ids[CRED_REAL] || id == c.ids[CRED_SAVED])
        put_three(c.ids, KEEP, id, KEEP);
    else
        return -EPERM;
    commit(&c.new);
    return 0;
}

static int64_t set_two(bool users, uint32_t real, uint32_t effective)
{
    struct ids_change c;
    change_begin(&c, users);
    const uint32_t *ids = c.ids;
    if (!c.any && ((real != KEEP && real != ids[CRED_REAL] && real != ids[CRED_EFFECTIVE]) ||
                   !is_one_of(ids, effective)))
        return -EPERM;
    bool saves = real != KEEP || (effective != KEEP && effective != ids[CRED_REAL]);
    uint32_t new_effective = effective != KEEP ? effective : ids[CRED_EFFECTIVE];
    put_three(c.ids, real, effective, saves ? new_effective : KEEP);
    commit(&c.new);
    return 0;
}

static int64_t set_fs(bool users, uint32_t id)
{
    struct ids_change c;
    change_begin(&c, users);
    uint32_t old = c.ids[CRED_FS];
    if (id != KEEP && (c.any || is_one_of(c.ids, id) || id == old)) {
        c.ids[CRED_FS] = id;
        commit(&c.new);
    }
    return old;
}

static int64_t get_three(const uint32_t ids[4], struct uptr real, struct uptr effective,
                         struct uptr saved)
{
    int err = copy_to_user(real, &ids[CRED_REAL], sizeof(uint32_t));
    if (!err)
        err = copy_to_user(effective, &ids[CRED_EFFECTIVE], sizeof(uint32_t));
    return err ? err : copy_to_user(saved, &ids[CRED_SAVED], sizeof(uint32_t));
}

int64_t sys_setuid(unsigned id)
{
    return set_one(true, id);
}

int64_t sys_setgid(unsigned id)
{
    return set_one(false, id);
}

int64_t sys_setreuid(unsigned real, unsigned effective)
{
    return set_two(true, real, effective);
}

int64_t sys_setregid(unsigned real, unsigned effective)
{
    return set_two(false, real, effective);
}

int64_t sys_setresuid(unsigned real, unsigned effective, unsigned saved)
{
    return set_three(true, real, effective, saved);
}

int64_t sys_setresgid(unsigned real, unsigned effective, unsigned saved)
{
    return set_three(false, real, effective, saved);
}

int64_t sys_getresuid(struct uptr real, struct uptr effective, struct uptr saved)
{
    return get_three(cred_current()->uid, real, effective, saved);
}

int64_t sys_getresgid(struct uptr real, struct uptr effective, struct uptr saved)
{
    return get_three(cred_current()->gid, real, effective, saved);
}

int64_t sys_setfsuid(unsigned id)
{
    return set_fs(true, id);
}

int64_t sys_setfsgid(unsigned id)
{
    return set_fs(false, id);
}

int64_t sys_getgroups(int size, struct uptr list)
{
    const struct cred_groups *groups = cred_current()->groups;
    uint32_t count = groups ? groups->count : 0;
    if (size < 0 || (size && (unsigned)size < count))
        return -EINVAL;
    if (size && count && copy_to_user(list, groups->gid, count * sizeof(groups->gid[0])))
        return -EFAULT;
    return count;
}

int64_t sys_setgroups(int size, struct uptr list)
{
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (size < 0 || (unsigned)size > CRED_GROUPS_MAX)
        return -EINVAL;
    struct cred_groups *groups = cred_groups_alloc((uint32_t)size);
    if (!groups)
        return -ENOMEM;
    int err = copy_from_user(groups->gid, list, (size_t)size * sizeof(groups->gid[0]));
    if (err) {
        heap_free(groups);
        return err;
    }
    cred_set_groups(cred_current(), groups);
    return 0;
}

/* Capabilities. */

#define CAPABILITY_WORDS 2

/* Returns how many words of each set the version has, or -errno after telling ours. */
static int capability_words(struct uptr header, struct __user_cap_header_struct *h)
{
    int err = copy_from_user(&h->version, header, sizeof(h->version));
    if (err)
        return err;
    bool old = h->version == _LINUX_CAPABILITY_VERSION_1;
    if (old || h->version == _LINUX_CAPABILITY_VERSION_2 ||
        h->version == _LINUX_CAPABILITY_VERSION_3) {
        err = copy_from_user(h, header, sizeof(*h));
        return err ? err : old ? 1 : CAPABILITY_WORDS;
    }
    h->version = _LINUX_CAPABILITY_VERSION_3;
    err = copy_to_user(header, &h->version, sizeof(h->version));
    return err ? err : -EINVAL;
}

/* The sets of the thread pid (0: this one). */
static int cred_of(int pid, struct cred *out)
{
    spin_lock(&the_proc.task_lock);
    const struct task *task = pid ? task_find(pid) : task_current();
    if (task)
        *out = task->cred;
    spin_unlock(&the_proc.task_lock);
    return task ? 0 : -ESRCH;
}

int64_t sys_capget(struct uptr header, struct uptr data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct sets[CAPABILITY_WORDS];
    struct cred cred;
    int words = capability_words(header, &h);
    if (words < 0)
        return words == -EINVAL && uptr_is_null(data) ? 0 : words;
    if (h.pid < 0)
        return -EINVAL;
    int err = cred_of(h.pid, &cred);
    if (err)
        return err;
    for (int i = 0; i < words; i++) {
        sets[i].effective = (uint32_t)(cred.effective >> (32 * i));
        sets[i].permitted = (uint32_t)(cred.permitted >> (32 * i));
        sets[i].inheritable = (uint32_t)(cred.inheritable >> (32 * i));
    }
    return uptr_is_null(data) ? 0 : copy_to_user(data, sets, (size_t)words * sizeof(sets[0]));
}

static bool may_set(const struct cred *old, const struct cred *new)
{
    uint64_t inheritable = old->inheritable | (capable(CAP_SETPCAP) ? ~0ul : old->permitted);
    return !(new->inheritable & ~inheritable) &&
           !(new->inheritable & ~(old->inheritable | old->bounding)) &&
           !(new->permitted & ~old->permitted) && !(new->effective & ~new->permitted);
}

int64_t sys_capset(struct uptr header, struct uptr data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct sets[CAPABILITY_WORDS] = {0};
    int words = capability_words(header, &h);
    if (words < 0)
        return words;
    if (h.pid && h.pid != task_current()->tid)
        return -EPERM;
    int err = copy_from_user(sets, data, (size_t)words * sizeof(sets[0]));
    if (err)
        return err;
    struct cred *cred = cred_current(), new = *cred;
    new.effective = new.permitted = new.inheritable = 0;
    for (int i = 0; i < words; i++) {
        new.effective |= (uint64_t)sets[i].effective << (32 * i);
        new.permitted |= (uint64_t)sets[i].permitted << (32 * i);
        new.inheritable |= (uint64_t)sets[i].inheritable << (32 * i);
    }
    new.effective &= CRED_CAPABILITIES_ALL;
    new.permitted &= CRED_CAPABILITIES_ALL;
    new.inheritable &= CRED_CAPABILITIES_ALL;
    if (!may_set(cred, &new))
        return -EPERM;
    new.ambient &= new.permitted &new.inheritable;
    *cred = new;
    return 0;
}

/* prctl(2). */

int64_t prctl_bounding_drop(uint64_t capability)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (capability > CAP_LAST_CAP)
        return -EINVAL;
    cred_current()->bounding &= ~(1ul << capability);
    return 0;
}

int64_t prctl_bounding_read(uint64_t capability)
{
    if (capability > CAP_LAST_CAP)
        return -EINVAL;
    return (int64_t)(cred_current()->bounding >> capability & 1);
}

static int64_t ambient_raise(struct cred *cred, uint64_t bit)
{
    if (!(cred->permitted & bit) || !(cred->inheritable & bit) ||
        (cred->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
        return -EPERM;
    cred->ambient |= bit;
    return 0;
}

int64_t prctl_ambient(uint64_t action, uint64_t capability, uint64_t b, uint64_t c)
{
    struct cred *cred = cred_current();
    if (b || c ||
        (action == PR_CAP_AMBIENT_CLEAR_ALL ? capability != 0 : capability > CAP_LAST_CAP))
        return -EINVAL;
    uint64_t bit = 1ul << capability;
    switch (action) {
    case PR_CAP_AMBIENT_IS_SET:
        return (cred->ambient & bit) != 0;
    case PR_CAP_AMBIENT_RAISE:
        return ambient_raise(cred, bit);
    case PR_CAP_AMBIENT_LOWER:
        cred->ambient &= ~bit;
        return 0;
    case PR_CAP_AMBIENT_CLEAR_ALL:
        cred->ambient = 0;
        return 0;
    default:
        return -EINVAL;
    }
}

int64_t prctl_keep_capabilities(uint64_t keep)
{
    struct cred *cred = cred_current();
    if (keep > 1)
        return -EINVAL;
    if (cred->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return -EPERM;
    cred->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    if (keep)
        cred->securebits |= SECBIT_KEEP_CAPS;
    return 0;
}

int64_t prctl_set_securebits(uint64_t bits)
{
    struct cred *cred = cred_current();
    uint32_t old = cred->securebits;
    uint32_t locked = (old & SECURE_ALL_LOCKS) >> 1; /* each lock is the bit above what it locks */
    if ((locked & (old ^ (uint32_t)bits)) || (old & SECURE_ALL_LOCKS & ~(uint32_t)bits) ||
        bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS) || !capable(CAP_SETPCAP))
        return -EPERM;
    cred->securebits = (uint32_t)bits;
    return 0;
}
