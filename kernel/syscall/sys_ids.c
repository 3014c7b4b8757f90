/*
 * Who the program is: process, users, groups, capabilities. It runs as root; it may become another
 * user and then is one, in name: there is nobody to protect from it.
 */
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/securebits.h>

#include "kernel/base/string.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"

#define KEEP UINT32_MAX
#define GROUPS_MAX 64
#define PARENT_PID 0 /* none that the program could see, as in a PID namespace of its own */
#define PERSONALITY_ASK 0xffffffffu

enum id { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS };

static uint32_t groups[GROUPS_MAX];
static unsigned group_count;

int64_t sys_getpid(void)
{
    return PROC_PID;
}

int64_t sys_getppid(void)
{
    return PARENT_PID;
}

int64_t sys_getuid(void)
{
    return the_proc.uid[ID_REAL];
}

int64_t sys_geteuid(void)
{
    return the_proc.uid[ID_EFFECTIVE];
}

int64_t sys_getgid(void)
{
    return the_proc.gid[ID_REAL];
}

int64_t sys_getegid(void)
{
    return the_proc.gid[ID_EFFECTIVE];
}

static bool is_root(void)
{
    return the_proc.uid[ID_EFFECTIVE] == 0;
}

/* Whether id is one of the first three of ids, or KEEP, or we are root. */
static bool may_take(const uint32_t ids[4], uint32_t id)
{
    return id == KEEP || is_root() || id == ids[ID_REAL] || id == ids[ID_EFFECTIVE] ||
           id == ids[ID_SAVED];
}

static int64_t set_three(uint32_t ids[4], uint32_t real, uint32_t effective, uint32_t saved)
{
    if (!may_take(ids, real) || !may_take(ids, effective) || !may_take(ids, saved))
        return -EPERM;
    if (real != KEEP)
        ids[ID_REAL] = real;
    if (effective != KEEP)
        ids[ID_EFFECTIVE] = ids[ID_FS] = effective;
    if (saved != KEEP)
        ids[ID_SAVED] = saved;
    return 0;
}

static int64_t set_one(uint32_t ids[4], uint32_t id)
{
    if (id == KEEP)
        return -EINVAL;
    return is_root() ? set_three(ids, id, id, id) : set_three(ids, KEEP, id, KEEP);
}

static int64_t set_two(uint32_t ids[4], uint32_t real, uint32_t effective)
{
    bool saves = real != KEEP || (effective != KEEP && effective != ids[ID_REAL]);
    uint32_t new_effective = effective != KEEP ? effective : ids[ID_EFFECTIVE];
    return set_three(ids, real, effective, saves ? new_effective : KEEP);
}

static int64_t get_three(const uint32_t ids[4], struct uptr real, struct uptr effective,
                         struct uptr saved)
{
    int err = copy_to_user(real, &ids[ID_REAL], sizeof(uint32_t));
    if (!err)
        err = copy_to_user(effective, &ids[ID_EFFECTIVE], sizeof(uint32_t));
    return err ? err : copy_to_user(saved, &ids[ID_SAVED], sizeof(uint32_t));
}

static int64_t set_fs(uint32_t ids[4], uint32_t id)
{
    uint32_t old = ids[ID_FS];
    if (id != KEEP && (may_take(ids, id) || id == old))
        ids[ID_FS] = id;
    return old;
}

int64_t sys_setuid(unsigned id)
{
    return set_one(the_proc.uid, id);
}

int64_t sys_setgid(unsigned id)
{
    return set_one(the_proc.gid, id);
}

int64_t sys_setreuid(unsigned real, unsigned effective)
{
    return set_two(the_proc.uid, real, effective);
}

int64_t sys_setregid(unsigned real, unsigned effective)
{
    return set_two(the_proc.gid, real, effective);
}

int64_t sys_setresuid(unsigned real, unsigned effective, unsigned saved)
{
    return set_three(the_proc.uid, real, effective, saved);
}

int64_t sys_setresgid(unsigned real, unsigned effective, unsigned saved)
{
    return set_three(the_proc.gid, real, effective, saved);
}

int64_t sys_getresuid(struct uptr real, struct uptr effective, struct uptr saved)
{
    return get_three(the_proc.uid, real, effective, saved);
}

int64_t sys_getresgid(struct uptr real, struct uptr effective, struct uptr saved)
{
    return get_three(the_proc.gid, real, effective, saved);
}

int64_t sys_setfsuid(unsigned id)
{
    return set_fs(the_proc.uid, id);
}

int64_t sys_setfsgid(unsigned id)
{
    return set_fs(the_proc.gid, id);
}

int64_t sys_getgroups(int size, struct uptr list)
{
    if (size < 0 || (size && (unsigned)size < group_count))
        return -EINVAL;
    if (size && copy_to_user(list, groups, group_count * sizeof(groups[0])))
        return -EFAULT;
    return group_count;
}

int64_t sys_setgroups(int size, struct uptr list)
{
    uint32_t new[GROUPS_MAX];
    if (!is_root())
        return -EPERM;
    if (size < 0 || size > GROUPS_MAX)
        return -EINVAL;
    int err = copy_from_user(new, list, (size_t)size * sizeof(new[0]));
    if (err)
        return err;
    memcpy(groups, new, (size_t)size * sizeof(new[0]));
    group_count = (unsigned)size;
    return 0;
}

static bool is_self(int pid)
{
    return pid == 0 || pid == PROC_PID;
}

int64_t sys_setpgid(int pid, int pgid)
{
    if (pgid < 0 || (pgid == 0 && pid < 0))
        return -EINVAL;
    if (!is_self(pid))
        return -ESRCH;
    if (the_proc.session == PROC_PID || (pgid != 0 && pgid != PROC_PID))
        return -EPERM;
    the_proc.pgrp = PROC_PID;
    return 0;
}

int64_t sys_getpgid(int pid)
{
    return is_self(pid) ? the_proc.pgrp : -ESRCH;
}

int64_t sys_getpgrp(void)
{
    return the_proc.pgrp;
}

/* The program is the leader of its process group, as a shell would have started it. */
int64_t sys_setsid(void)
{
    if (the_proc.pgrp == PROC_PID)
        return -EPERM;
    the_proc.session = the_proc.pgrp = PROC_PID;
    return PROC_PID;
}

int64_t sys_getsid(int pid)
{
    return is_self(pid) ? the_proc.session : -ESRCH;
}

#define CAPABILITY_WORDS 2
#define CAPABILITIES_ALL ((1ul << (CAP_LAST_CAP + 1)) - 1)

static uint64_t caps[3] = {CAPABILITIES_ALL, CAPABILITIES_ALL, 0}; /* effective, permitted, inh. */

/* Returns how many words of each set the version has, or -errno after telling ours. */
static int capability_words(struct uptr header, struct __user_cap_header_struct *h)
{
    int err = copy_from_user(h, header, sizeof(*h));
    if (err)
        return err;
    if (h->version == _LINUX_CAPABILITY_VERSION_1)
        return 1;
    if (h->version == _LINUX_CAPABILITY_VERSION_2 || h->version == _LINUX_CAPABILITY_VERSION_3)
        return CAPABILITY_WORDS;
    h->version = _LINUX_CAPABILITY_VERSION_3;
    err = copy_to_user(header, h, sizeof(*h));
    return err ? err : -EINVAL;
}

int64_t sys_capget(struct uptr header, struct uptr data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct sets[CAPABILITY_WORDS];
    int words = capability_words(header, &h);
    if (words < 0)
        return words == -EINVAL && uptr_is_null(data) ? 0 : words;
    if (h.pid < 0)
        return -EINVAL;
    if (!is_self(h.pid) && h.pid != task_current()->tid)
        return -ESRCH;
    for (int i = 0; i < words; i++) {
        sets[i].effective = (uint32_t)(caps[0] >> (32 * i));
        sets[i].permitted = (uint32_t)(caps[1] >> (32 * i));
        sets[i].inheritable = (uint32_t)(caps[2] >> (32 * i));
    }
    return uptr_is_null(data) ? 0 : copy_to_user(data, sets, (size_t)words * sizeof(sets[0]));
}

/* Capabilities given up are gone by name; nothing is refused for want of them (PART). */
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
    uint64_t effective = 0, permitted = 0, inheritable = 0;
    for (int i = 0; i < words; i++) {
        effective |= (uint64_t)sets[i].effective << (32 * i);
        permitted |= (uint64_t)sets[i].permitted << (32 * i);
        inheritable |= (uint64_t)sets[i].inheritable << (32 * i);
    }
    if ((permitted & ~caps[1]) || (effective & ~permitted))
        return -EPERM;
    caps[0] = effective;
    caps[1] = permitted;
    caps[2] = inheritable;
    return 0;
}

/* Only what changes nothing is accepted: PER_LINUX, and the flag against randomization, which
 * counts from the next exec on (PART: it has no effect). */
int64_t sys_personality(uint64_t persona)
{
    static uint32_t current;
    uint32_t old = current;
    if ((uint32_t)persona == PERSONALITY_ASK)
        return old;
    if ((uint32_t)persona & ~(uint32_t)ADDR_NO_RANDOMIZE)
        return -EINVAL;
    current = (uint32_t)persona;
    return old;
}

/* Nobody can trace or be traced. */
int64_t sys_ptrace(int64_t request, int pid, uint64_t addr, uint64_t data)
{
    (void)request, (void)addr, (void)data;
    return is_self(pid) ? -EPERM : -ESRCH;
}

/* Filters of system calls are not there; programs take this for a kernel without them. */
int64_t sys_seccomp(unsigned operation, unsigned flags, struct uptr args)
{
    (void)operation, (void)flags, (void)args;
    return -EINVAL;
}

int64_t sys_iopl(int level)
{
    return level == 0 ? 0 : level > 3 || level < 0 ? -EINVAL : -EPERM;
}

int64_t sys_ioperm(uint64_t from, uint64_t count, int on)
{
    if (from + count < from || from + count > 65536)
        return -EINVAL;
    return on ? -EPERM : 0;
}

/* Reads an empty table; no entries can be made. */
int64_t sys_modify_ldt(int function, struct uptr table, size_t size)
{
    (void)table, (void)size;
    return function == 0 ? 0 : -ENOSYS;
}
