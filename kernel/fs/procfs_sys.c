/* /proc/sys: the settings programs read. Those that can be written act; of the others nothing is
 * changed, so who opens them to write is refused. */
#include "kernel/base/errno.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/pipe.h"
#include "kernel/fs/procfs.h"
#include "kernel/mm/page.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uts.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/filemap.h"

#define RANDOM_BITS "256\n"
#define DROP_AT_ONCE 64u

static void hostname_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    char name[UTS_BYTES];
    uts_get(UTS_HOSTNAME, name);
    text_format(out, "%s\n", name);
}

static void domainname_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    char name[UTS_BYTES];
    uts_get(UTS_DOMAINNAME, name);
    text_format(out, "%s\n", name);
}

/* Up to the end of the line. */
static int write_name(enum uts_name which, const char *bytes, size_t length)
{
    const char *newline = memchr(bytes, '\n', length);
    return uts_set(which, bytes, newline ? (size_t)(newline - bytes) : length);
}

static int write_hostname(pseudo_key_t key, const char *bytes, size_t length)
{
    (void)key;
    return write_name(UTS_HOSTNAME, bytes, length);
}

static int write_domainname(pseudo_key_t key, const char *bytes, size_t length)
{
    (void)key;
    return write_name(UTS_DOMAINNAME, bytes, length);
}

/* A random UUID as RFC 9562 has it, version 4. */
static void put_uuid(struct text *out, uint8_t b[16])
{
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    text_format(out, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", b[0],
                b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                b[14], b[15]);
}

static void uuid_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    uint8_t bytes[16];
    random_bytes(bytes, sizeof(bytes));
    put_uuid(out, bytes);
}

static void boot_id_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    static struct spinlock lock = SPINLOCK_INIT(RANK_DEVICE);
    static uint8_t boot_id[16];
    static bool made;
    uint8_t bytes[16];
    spin_lock(&lock);
    if (!made)
        random_bytes(boot_id, sizeof(boot_id));
    made = true;
    memcpy(bytes, boot_id, sizeof(bytes));
    spin_unlock(&lock);
    put_uuid(out, bytes);
}

static void threads_max_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%u\n", task_max());
}

static void max_map_count_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%lu\n", vm_area_limit());
}

/* A decimal number up to the end of the line; Linux keeps it in an int. */
static int write_max_map_count(pseudo_key_t key, const char *bytes, size_t length)
{
    (void)key;
    uint64_t limit = 0;
    size_t digits = 0;
    for (; digits < length && bytes[digits] >= '0' && bytes[digits] <= '9'; digits++) {
        limit = limit * 10 + (uint64_t)(bytes[digits] - '0');
        if (limit > INT32_MAX)
            return -EINVAL;
    }
    bool ends = digits == length || bytes[digits] == '\n';
    if (digits == 0 || !ends)
        return -EINVAL;
    vm_set_area_limit(limit);
    return 0;
}

int proc_read_number(const char *bytes, size_t length, uint64_t *number)
{
    size_t at = 0, digits = 0;
    *number = 0;
    while (at < length && strchr(" \t\n", bytes[at]))
        at++;
    for (; at < length && bytes[at] >= '0' && bytes[at] <= '9'; at++, digits++)
        if (*number <= UINT32_MAX)
            *number = *number * 10 + (uint64_t)(bytes[at] - '0');
    while (at < length && strchr(" \t\n", bytes[at]))
        at++;
    return digits && at == length && *number <= UINT32_MAX ? 0 : -EINVAL;
}

/* 1: pages, 2: names, 3: both; 4 asks for less to be said of it. */
static int write_drop_caches(pseudo_key_t key, const char *bytes, size_t length)
{
    uint64_t what;
    (void)key;
    int err = proc_read_number(bytes, length, &what);
    if (err || what < 1 || what > 4)
        return -EINVAL;
    bool more = true; /* others may put new ones in all the time */
    for (uint64_t i = page_stats.total_pages / DROP_AT_ONCE; i > 0 && more; i--) {
        more = (what & 2 && vfs_shrink(DROP_AT_ONCE, 0) > 0) ||
               (what & 1 && filemap_reclaim(DROP_AT_ONCE, 0) > 0);
        cond_resched();
    }
    return 0;
}

#define READ_ONLY(file_name, value) PSEUDO_FIXED(file_name, value)
#define TEXT_OF(x) #x
#define NUMBER(x) TEXT_OF(x) "\n"

#define LIMIT(file_name, name)                                                                     \
    PSEUDO_FILE_MODE(file_name, 0644, proc_##name##_text, proc_##name##_write)

static const struct pseudo_entry random_entries[] = {
    PSEUDO_FILE("boot_id", boot_id_text),
    READ_ONLY("entropy_avail", RANDOM_BITS),
    READ_ONLY("poolsize", RANDOM_BITS),
    READ_ONLY("urandom_min_reseed_secs", "60\n"),
    PSEUDO_FILE("uuid", uuid_text),
    READ_ONLY("write_wakeup_threshold", RANDOM_BITS),
    PSEUDO_END};
static const struct pseudo_dir random_dir = {.entries = random_entries};

static const struct pseudo_entry seccomp_entries[] = {READ_ONLY("actions_avail", "\n"), PSEUDO_END};
static const struct pseudo_dir seccomp_dir = {.entries = seccomp_entries};

static const struct pseudo_entry kernel_entries[] = {
    READ_ONLY("arch", UTS_MACHINE "\n"),
    READ_ONLY("cap_last_cap", "40\n"),
    READ_ONLY("core_pattern", "core\n"),
    READ_ONLY("core_uses_pid", "0\n"),
    PSEUDO_FILE_MODE("domainname", 0644, domainname_text, write_domainname),
    PSEUDO_FILE_MODE("hostname", 0644, hostname_text, write_hostname),
    LIMIT("msgmax", msgmax),
    LIMIT("msgmnb", msgmnb),
    LIMIT("msgmni", msgmni),
    READ_ONLY("ngroups_max", "65536\n"),
    READ_ONLY("osrelease", UTS_RELEASE "\n"),
    READ_ONLY("ostype", UTS_SYSNAME "\n"),
    READ_ONLY("overflowgid", "65534\n"),
    READ_ONLY("overflowuid", "65534\n"),
    READ_ONLY("perf_event_paranoid", "3\n"),
    READ_ONLY("pid_max", "4194304\n"),
    PSEUDO_DIR("random", &random_dir),
    READ_ONLY("randomize_va_space", "2\n"),
    READ_ONLY("sched_autogroup_enabled", "0\n"),
    READ_ONLY("sched_rr_timeslice_ms", "100\n"),
    READ_ONLY("sched_rt_period_us", "1000000\n"),
    READ_ONLY("sched_rt_runtime_us", "950000\n"),
    PSEUDO_DIR("seccomp", &seccomp_dir),
    LIMIT("sem", sem),
    LIMIT("shmall", shmall),
    LIMIT("shmmax", shmmax),
    LIMIT("shmmni", shmmni),
    READ_ONLY("tainted", "0\n"),
    PSEUDO_FILE("threads-max", threads_max_text),
    READ_ONLY("unprivileged_bpf_disabled", "2\n"),
    READ_ONLY("version", UTS_VERSION "\n"),
    PSEUDO_END};
static const struct pseudo_dir kernel_dir = {.entries = kernel_entries};

static const struct pseudo_entry vm_entries[] = {
    PSEUDO_FILE_MODE("drop_caches", 0200, NULL, write_drop_caches),
    READ_ONLY("legacy_va_layout", "0\n"),
    PSEUDO_FILE_MODE("max_map_count", 0644, max_map_count_text, write_max_map_count),
    READ_ONLY("min_free_kbytes", "0\n"),
    READ_ONLY("mmap_min_addr", "65536\n"),
    READ_ONLY("mmap_rnd_bits", "28\n"),
    READ_ONLY("nr_hugepages", "0\n"),
    READ_ONLY("overcommit_kbytes", "0\n"),
    READ_ONLY("overcommit_memory", "0\n"),
    READ_ONLY("overcommit_ratio", "50\n"),
    READ_ONLY("swappiness", "60\n"),
    READ_ONLY("unprivileged_userfaultfd", "0\n"),
    PSEUDO_END};
static const struct pseudo_dir vm_dir = {.entries = vm_entries};

static const struct pseudo_entry inotify_entries[] = {
    READ_ONLY("max_queued_events", "16384\n"),
    READ_ONLY("max_user_instances", NUMBER(INOTIFY_INSTANCES_MAX)),
    READ_ONLY("max_user_watches", NUMBER(INOTIFY_WATCHES_MAX)), PSEUDO_END};
static const struct pseudo_dir inotify_dir = {.entries = inotify_entries};

static const struct pseudo_entry epoll_entries[] = {READ_ONLY("max_user_watches", "1048576\n"),
                                                    PSEUDO_END};
static const struct pseudo_dir epoll_dir = {.entries = epoll_entries};

static void file_nr_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%u\t0\t%lu\n", fd_count(), file_max());
}

static void file_max_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%lu\n", file_max());
}

static void pipe_max_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%u\n", pipe_limit());
}

static int write_pipe_max(pseudo_key_t key, const char *bytes, size_t length)
{
    uint64_t size;
    (void)key;
    int err = proc_read_number(bytes, length, &size);
    return err ? err : pipe_limit_set(size);
}

static const struct pseudo_entry fs_entries[] = {
    LIMIT("aio-max-nr", aio_max),
    PSEUDO_FILE("aio-nr", proc_aio_nr_text),
    PSEUDO_DIR("epoll", &epoll_dir),
    PSEUDO_FILE("file-max", file_max_text),
    PSEUDO_FILE("file-nr", file_nr_text),
    PSEUDO_DIR("inotify", &inotify_dir),
    READ_ONLY("lease-break-time", "45\n"),
    PSEUDO_DIR("mqueue", &proc_sys_mqueue_dir),
    READ_ONLY("nr_open", "1048576\n"),
    READ_ONLY("overflowgid", "65534\n"),
    READ_ONLY("overflowuid", "65534\n"),
    PSEUDO_FILE_MODE("pipe-max-size", 0644, pipe_max_text, write_pipe_max),
    READ_ONLY("pipe-user-pages-hard", "0\n"),
    READ_ONLY("pipe-user-pages-soft", "16384\n"),
    LIMIT("protected_hardlinks", hardlinks),
    READ_ONLY("protected_symlinks", "0\n"),
    READ_ONLY("suid_dumpable", "0\n"),
    PSEUDO_END};
static const struct pseudo_dir fs_dir = {.entries = fs_entries};

static const struct pseudo_entry sys_entries[] = {
    PSEUDO_DIR("fs", &fs_dir), PSEUDO_DIR("kernel", &kernel_dir),
    PSEUDO_DIR("net", &proc_sys_net_dir), PSEUDO_DIR("vm", &vm_dir), PSEUDO_END};
const struct pseudo_dir proc_sys_dir = {.entries = sys_entries};
