/* The system as a whole: its names, its memory, its log, its random numbers. */
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "kernel/base/format.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uts.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"

#define LOAD_SHIFT 16
#define CHUNK_BYTES 256u
#define LOG_BYTES 16384

int64_t sys_uname(struct uptr buf)
{
    struct new_utsname names = {
        .sysname = UTS_SYSNAME,
        .release = UTS_RELEASE,
        .version = UTS_VERSION,
        .machine = UTS_MACHINE,
    };
    uts_get(UTS_HOSTNAME, names.nodename);
    uts_get(UTS_DOMAINNAME, names.domainname);
    return copy_to_user(buf, &names, sizeof(names));
}

static int64_t set_name(enum uts_name which, struct uptr name, int length)
{
    char text[UTS_BYTES];
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (length < 0 || (size_t)length >= sizeof(text))
        return -EINVAL;
    int err = copy_from_user(text, name, (size_t)length);
    return err ? err : uts_set(which, text, (size_t)length);
}

int64_t sys_sethostname(struct uptr name, int length)
{
    return set_name(UTS_HOSTNAME, name, length);
}

int64_t sys_setdomainname(struct uptr name, int length)
{
    return set_name(UTS_DOMAINNAME, name, length);
}

/* Processes that run now stand for the load averages. */
int64_t sys_sysinfo(struct uptr buf)
{
    struct sysinfo info = {
        .uptime = (long)(clock_monotonic_ns() / NS_PER_SECOND),
        .totalram = page_stats.total_pages * PAGE_SIZE,
        .freeram = page_stats.free_pages * PAGE_SIZE,
        .sharedram = page_stats.dirty_pages * PAGE_SIZE,
        .procs = (uint16_t)min_u64(the_proc.task_count, UINT16_MAX),
        .mem_unit = 1,
    };
    for (size_t i = 0; i < ARRAY_SIZE(info.loads); i++)
        info.loads[i] = (uint64_t)sched_running() << LOAD_SHIFT;
    return copy_to_user(buf, &info, sizeof(info));
}

/* Never blocks: the generator is seeded at boot. */
int64_t sys_getrandom(struct uptr buf, size_t size, unsigned flags)
{
    unsigned sources = flags & (GRND_RANDOM | GRND_INSECURE);
    if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        sources == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    size = min_u64(size, INT32_MAX);
    uint8_t bytes[CHUNK_BYTES];
    size_t done = 0;
    while (done < size) {
        size_t part = min_u64(size - done, sizeof(bytes));
        random_bytes(bytes, part);
        size_t left = copy_to_user_partial(uptr_add(buf, done), bytes, part);
        done += part - left;
        if (left > 0)
            break;
        cond_resched();
        if (done % PAGE_SIZE == 0 && done < size && signal_pending())
            break;
    }
    memset(bytes, 0, sizeof(bytes));
    return done > 0 || size == 0 ? (int64_t)done : -EFAULT;
}

enum {
    SYSLOG_READ_ALL = 3,
    SYSLOG_READ_CLEAR = 4,
    SYSLOG_SIZE_UNREAD = 9,
    SYSLOG_SIZE_BUFFER = 10
};

static int64_t syslog_read(struct uptr buf, int size)
{
    if (size < 0)
        return -EINVAL;
    char *log = heap_alloc(LOG_BYTES);
    if (!log)
        return -ENOMEM;
    size_t length = log_copy(log, min_u64((uint64_t)size + 1, LOG_BYTES));
    int err = copy_to_user(buf, log, length);
    heap_free(log);
    return err ? err : (int64_t)length;
}

/* Not there: waiting for lines (SYSLOG_ACTION_READ), and clearing, which does nothing. */
int64_t sys_syslog(int action, struct uptr buf, int size)
{
    switch (action) {
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        return syslog_read(buf, size);
    case SYSLOG_SIZE_BUFFER:
        return LOG_BYTES;
    default:
        return action < 0 || action > SYSLOG_SIZE_BUFFER ? -EINVAL : 0;
    }
}

/* The program ends by ending, not by turning the machine off. */
int64_t sys_reboot(int magic1, int magic2, unsigned command, struct uptr arg)
{
    (void)magic1, (void)magic2, (void)command, (void)arg;
    return -EPERM;
}

/* Refused as by kernel.unprivileged_bpf_disabled and kernel.perf_event_paranoid. */
int64_t sys_bpf(int command, struct uptr attr, unsigned size)
{
    (void)command, (void)attr, (void)size;
    return -EPERM;
}

int64_t sys_perf_event_open(struct uptr attr, int pid, int cpu, int group_fd, uint64_t flags)
{
    (void)attr, (void)pid, (void)cpu, (void)group_fd, (void)flags;
    return -EACCES;
}
