/* Resource limits and the use of resources. */
#include <asm/resource.h>
#include <linux/resource.h>

#include "kernel/base/string.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"
#include "kernel/vm/vm.h"

#define NOFILE_MAX 1048576
#define KIB_PER_PAGE 4
#define TICK_NS (NS_PER_SECOND / 100)

struct limit {
    uint64_t soft, hard;
};

static int set_limit(int resource, const struct limit *limit)
{
    uint64_t *current = the_proc.limits[resource];
    if (limit->soft > limit->hard)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && limit->hard > NOFILE_MAX)
        return -EPERM;
    if (limit->hard > current[1] && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    current[0] = limit->soft;
    current[1] = limit->hard;
    if (resource == RLIMIT_CPU)
        cpu_limit_changed();
    return 0;
}

/* As Linux: what can't be read is told before whose limit it is, and that before which. */
int64_t sys_prlimit64(int pid, int resource, struct uptr new, struct uptr old)
{
    struct limit limit = {0}, before;
    int err = uptr_is_null(new) ? 0 : copy_from_user(&limit, new, sizeof(limit));
    if (err)
        return err;
    if (pid && pid != PROC_PID)
        return -ESRCH;
    if (resource < 0 || resource >= RLIM_NLIMITS)
        return -EINVAL;
    before = (struct limit){the_proc.limits[resource][0], the_proc.limits[resource][1]};
    if (!uptr_is_null(new))
        err = set_limit(resource, &limit);
    if (err)
        return err;
    return uptr_is_null(old) ? 0 : copy_to_user(old, &before, sizeof(before));
}

int64_t sys_getrlimit(int resource, struct uptr to)
{
    if (resource < 0 || resource >= RLIM_NLIMITS)
        return -EINVAL;
    return copy_to_user(to, the_proc.limits[resource], sizeof(the_proc.limits[resource]));
}

int64_t sys_setrlimit(int resource, struct uptr from)
{
    struct limit limit;
    int err = copy_from_user(&limit, from, sizeof(limit));
    if (err)
        return err;
    return resource < 0 || resource >= RLIM_NLIMITS ? -EINVAL : set_limit(resource, &limit);
}

struct rusage_kernel {
    struct timeval_kernel user, system;
    int64_t max_rss, ix_rss, id_rss, is_rss, minor_faults, major_faults, swaps, in_blocks,
        out_blocks, messages_sent, messages_received, signals, voluntary, involuntary;
};

int64_t sys_getrusage(int who, struct uptr to)
{
    struct rusage_kernel r;
    memset(&r, 0, sizeof(r));
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    if (who != RUSAGE_CHILDREN) {
        struct cpu_time t;
        cpu_time_get(who == RUSAGE_THREAD ? task_current() : NULL, &t);
        struct vm_stats vm;
        vm_get_stats(&vm);
        r.user = timeval_of((int64_t)t.user_ns);
        r.system = timeval_of((int64_t)t.system_ns);
        r.voluntary = (int64_t)t.voluntary;
        r.involuntary = (int64_t)t.involuntary;
        r.max_rss = (int64_t)vm.peak_resident_pages * KIB_PER_PAGE;
        r.minor_faults = (int64_t)vm.minor_faults;
        r.major_faults = (int64_t)vm.major_faults;
    }
    return copy_to_user(to, &r, sizeof(r));
}

int64_t sys_times(struct uptr to)
{
    struct cpu_time t;
    cpu_time_get(NULL, &t);
    int64_t ticks[4] = {(int64_t)t.user_ns / TICK_NS, (int64_t)t.system_ns / TICK_NS, 0, 0};
    if (!uptr_is_null(to) && copy_to_user(to, ticks, sizeof(ticks)))
        return -EFAULT;
    return (int64_t)clock_monotonic_ns() / TICK_NS;
}
