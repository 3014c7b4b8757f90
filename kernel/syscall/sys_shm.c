/* System V shared memory: arguments; the work is in kernel/ipc/shm.c. */
#include <linux/ipc.h>

#include "kernel/ipc/shm.h"
#include "kernel/syscall/syscall.h"

int64_t sys_shmget(unsigned key, size_t size, unsigned flags)
{
    return shm_get((int32_t)key, size, flags);
}

int64_t sys_shmat(int id, uint64_t addr, unsigned flags)
{
    return shm_attach(id, addr, flags);
}

int64_t sys_shmdt(uint64_t addr)
{
    return shm_detach(addr);
}

static int64_t stat(int id, int command, struct uptr to)
{
    struct shmid64_ds stat;
    int64_t result = shm_stat(id, command != IPC_STAT, command == SHM_STAT_ANY, &stat);
    if (result >= 0 && copy_to_user(to, &stat, sizeof(stat)))
        return -EFAULT;
    return result;
}

static int64_t limits(struct uptr to)
{
    struct shm_totals totals;
    shm_get_totals(&totals);
    struct shminfo64 info = {.shmmax = shm_limits.bytes,
                             .shmmin = SHMMIN,
                             .shmmni = shm_table.limit,
                             .shmseg = shm_table.limit,
                             .shmall = shm_limits.pages};
    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : totals.highest;
}

static int64_t usage(struct uptr to)
{
    struct shm_totals totals;
    shm_get_totals(&totals);
    struct shm_info info = {.used_ids = (int)totals.segments,
                            .shm_tot = totals.pages,
                            .shm_rss = totals.resident_pages};
    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : totals.highest;
}

int64_t sys_shmctl(int id, int command, struct uptr at)
{
    struct shmid64_ds stat_in;
    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
        return limits(at);
    case SHM_INFO:
        return usage(at);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return stat(id, command, at);
    case IPC_SET:
        if (copy_from_user(&stat_in, at, sizeof(stat_in)))
            return -EFAULT;
        return shm_set_perm(id, &stat_in.shm_perm);
    case IPC_RMID:
        return shm_remove(id);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_lock(id, command == SHM_LOCK);
    default:
        return -EINVAL;
    }
}
