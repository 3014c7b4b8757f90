/* /proc: the root, and what speaks of the whole machine. */
#include "kernel/fs/procfs.h"

#include <linux/magic.h>

#include "kernel/arch/cpuinfo.h"
#include "kernel/base/errno.h"
#include "kernel/drivers/block.h"
#include "kernel/mm/page.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/task.h"
#include "kernel/proc/uts.h"
#include "kernel/time/clock.h"

#define NS_PER_TICK 10000000ul
#define PROC_DEVICE 0x15

struct filesystem procfs = {
    .type = "proc", .device = PROC_DEVICE, .magic = PROC_SUPER_MAGIC, .no_negative = true};

static void cpuinfo_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    unsigned count = sched_cpu_count();
    uint64_t khz = (1000000ul << clock_params->shift) / clock_params->mult;
    for (unsigned cpu = 0; cpu < count; cpu++)
        arch_cpuinfo_text(out, cpu, count, khz);
}

static void put_kb(struct text *out, const char *name, uint64_t pages)
{
    text_format(out, "%-15s %8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

static void meminfo_used(struct text *out, const struct page_stats *s)
{
    uint64_t cache = s->cache_pages, dirty = min_u64(s->dirty_pages, cache);
    put_kb(out, "Active:", s->anon_pages);
    put_kb(out, "Inactive:", cache);
    put_kb(out, "Active(anon):", s->anon_pages);
    put_kb(out, "Inactive(anon):", 0);
    put_kb(out, "Active(file):", 0);
    put_kb(out, "Inactive(file):", cache);
    put_kb(out, "Unevictable:", 0);
    put_kb(out, "Mlocked:", 0);
    put_kb(out, "SwapTotal:", 0);
    put_kb(out, "SwapFree:", 0);
    put_kb(out, "Dirty:", 0);
    put_kb(out, "Writeback:", 0);
    put_kb(out, "AnonPages:", s->anon_pages);
    put_kb(out, "Mapped:", 0);
    put_kb(out, "Shmem:", dirty);
}

static void meminfo_kernel(struct text *out, const struct page_stats *s)
{
    put_kb(out, "KReclaimable:", 0);
    put_kb(out, "Slab:", s->slab_pages);
    put_kb(out, "SReclaimable:", 0);
    put_kb(out, "SUnreclaim:", s->slab_pages);
    put_kb(out, "KernelStack:", s->stack_pages);
    put_kb(out, "PageTables:", s->table_pages);
    put_kb(out, "CommitLimit:", s->total_pages);
    put_kb(out, "Committed_AS:", s->anon_pages);
    text_string(out, "VmallocTotal:   34359738367 kB\n");
    put_kb(out, "VmallocUsed:", 0);
    put_kb(out, "VmallocChunk:", 0);
    put_kb(out, "AnonHugePages:", 0);
    text_format(out, "HugePages_Total:   %5u\nHugePages_Free:    %5u\n", 0u, 0u);
    text_format(out, "HugePages_Rsvd:    %5u\nHugePages_Surp:    %5u\n", 0u, 0u);
    put_kb(out, "Hugepagesize:", HUGE_SIZE / PAGE_SIZE);
    put_kb(out, "Hugetlb:", 0);
}

static void meminfo_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct page_stats s = page_stats;
    uint64_t clean = s.cache_pages - min_u64(s.dirty_pages, s.cache_pages);
    put_kb(out, "MemTotal:", s.total_pages);
    put_kb(out, "MemFree:", s.free_pages);
    put_kb(out, "MemAvailable:", s.free_pages + clean);
    put_kb(out, "Buffers:", 0);
    put_kb(out, "Cached:", s.cache_pages);
    put_kb(out, "SwapCached:", 0);
    meminfo_used(out, &s);
    meminfo_kernel(out, &s);
}

static uint64_t idle_ns_of_all(void)
{
    uint64_t idle = 0;
    for (unsigned cpu = 0; cpu < sched_cpu_count(); cpu++)
        idle = ns_add(idle, sched_idle_ns(cpu));
    return idle;
}

static void stat_cpu_line(struct text *out, const char *name, uint64_t user, uint64_t system,
                          uint64_t idle)
{
    text_format(out, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, user / NS_PER_TICK,
                system / NS_PER_TICK, idle / NS_PER_TICK);
}

static void stat_cpu(struct text *out, unsigned cpu)
{
    char name[] = "cpu000";
    size_t at = 3;
    if (cpu >= 100)
        name[at++] = (char)('0' + cpu / 100);
    if (cpu >= 10)
        name[at++] = (char)('0' + cpu / 10 % 10);
    name[at++] = (char)('0' + cpu % 10);
    name[at] = 0;
    uint64_t now = clock_monotonic_ns(), idle = min_u64(sched_idle_ns(cpu), now);
    stat_cpu_line(out, name, ns_sub(now, idle), 0, idle);
}

static void stat_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    unsigned cpus = sched_cpu_count();
    uint64_t all = ns_mul(clock_monotonic_ns(), cpus), idle = min_u64(idle_ns_of_all(), all);
    uint64_t user = min_u64(cpu_time_process_ns(), all - idle);
    stat_cpu_line(out, "cpu ", user, all - idle - user, idle);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        stat_cpu(out, cpu);
    int64_t boot = clock_realtime_offset_ns() / NS_PER_SECOND;
    text_format(out, "intr %lu\nctxt %lu\nbtime %ld\nprocesses %u\n", arch_interrupts_count(),
                sched_switches(), boot, the_proc.task_count);
    text_format(out, "procs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
                sched_running());
}

static void put_seconds(struct text *out, uint64_t ns, char end)
{
    text_format(out, "%lu.%02lu%c", ns / (uint64_t)NS_PER_SECOND, ns / NS_PER_TICK % 100, end);
}

static void uptime_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_seconds(out, clock_monotonic_ns(), ' ');
    put_seconds(out, idle_ns_of_all(), '\n');
}

/* The share of time the CPUs were busy since boot stands for all three averages. */
static void loadavg_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    uint64_t now = max_u64(clock_monotonic_ns(), 1), all = ns_mul(now, sched_cpu_count());
    uint64_t load = (all - min_u64(idle_ns_of_all(), all)) / (now / 100 + 1);
    for (int i = 0; i < 3; i++)
        text_format(out, "%lu.%02lu ", load / 100, load % 100);
    text_format(out, "%u/%u %d\n", sched_running(), the_proc.task_count, PROC_PID);
}

static void vmstat_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct vm_stats vm;
    vm_get_stats(&vm);
    text_format(out, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_file_pages %lu\nnr_dirty 0\n",
                page_stats.free_pages, page_stats.anon_pages, page_stats.cache_pages);
    text_format(out, "nr_page_table_pages %lu\npswpin 0\npswpout 0\npgfault %lu\npgmajfault %lu\n",
                page_stats.table_pages, vm.minor_faults + vm.major_faults, vm.major_faults);
}

static int64_t self_text(pseudo_key_t key, char *buf, size_t size)
{
    (void)key;
    struct text text = {0};
    text_format(&text, "%d", PROC_PID);
    return pseudo_take_text(&text, buf, size);
}

static int64_t thread_self_text(pseudo_key_t key, char *buf, size_t size)
{
    (void)key;
    struct text text = {0};
    text_format(&text, "%d/task/%d", PROC_PID, task_current()->tid);
    return pseudo_take_text(&text, buf, size);
}

static const struct pseudo_link self_link = {.text = self_text};
static const struct pseudo_link thread_self_link = {.text = thread_self_text};

static bool next_process(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    bool found = *number <= PROC_PID;
    *number = PROC_PID;
    return found;
}

/* Threads are found by number too, though not listed. */
static bool has_process(pseudo_key_t key, uint32_t number)
{
    (void)key;
    struct task_snapshot t;
    return number == PROC_PID ||
           (number <= INT32_MAX && task_snapshot_next((int)number, &t) && t.tid == (int)number);
}

static void interrupts_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    arch_interrupts_text(out, sched_cpu_count());
}

/* The image, the only disk. */

static void diskstats_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    if (block_size_bytes()) {
        text_format(out, "%4u %7u " DISK_NAME " ", DISK_MAJOR, 0u);
        proc_disk_stats(out, key);
    }
}

void proc_disk_stats(struct text *out, pseudo_key_t key)
{
    struct block_stats s = block_stats();
    (void)key;
    uint64_t read_ms = s.read_ns / NS_PER_MS, busy_ms = s.busy_ns / NS_PER_MS;
    text_format(out, "%lu 0 %lu %lu 0 0 0 0 %u %lu %lu 0 0 0 0 0 0\n", s.reads, s.sectors, read_ms,
                s.in_flight, busy_ms, read_ms);
}

static void partitions_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, "major minor  #blocks  name\n\n");
    if (block_size_bytes())
        text_format(out, "%4u  %7u %10lu " DISK_NAME "\n", DISK_MAJOR, 0u,
                    block_size_bytes() / 1024);
}

#define VERSION_LINE "Linux version " UTS_RELEASE " (orris) (gcc) " UTS_VERSION "\n"
#define FILESYSTEMS                                                                                \
    "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tsockfs\nnodev\tpipefs\n"     \
    "nodev\tmqueue\n"                                                                              \
    "\terofs\n"
#define DEVICES                                                                                    \
    "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n136 pts\n\nBlock devices:\n254 " \
    "virtblk\n"

static const struct pseudo_entry process_child = PSEUDO_DIR("", &proc_process_dir);

bool proc_is_process(const struct inode *inode)
{
    return pseudo_is(inode, &procfs, &process_child);
}

static const struct pseudo_entry root_entries[] = {
    PSEUDO_FIXED("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
    PSEUDO_FIXED("cmdline", "\n"),
    PSEUDO_FILE("cpuinfo", cpuinfo_text),
    PSEUDO_FIXED("devices", DEVICES),
    PSEUDO_FILE("diskstats", diskstats_text),
    PSEUDO_FIXED("filesystems", FILESYSTEMS),
    PSEUDO_FILE("interrupts", interrupts_text),
    PSEUDO_FILE("loadavg", loadavg_text),
    PSEUDO_FILE("meminfo", meminfo_text),
    PSEUDO_FIXED("modules", ""),
    PSEUDO_LINK("mounts", "self/mounts"),
    PSEUDO_LINK("net", "self/net"),
    PSEUDO_FILE("partitions", partitions_text),
    PSEUDO_DIR("pressure", &proc_pressure_dir),
    PSEUDO_OBJECT_LINK("self", &self_link),
    PSEUDO_FILE("stat", stat_text),
    PSEUDO_FIXED("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    PSEUDO_DIR("sys", &proc_sys_dir),
    PSEUDO_DIR("sysvipc", &proc_sysvipc_dir),
    PSEUDO_OBJECT_LINK("thread-self", &thread_self_link),
    PSEUDO_FILE("uptime", uptime_text),
    PSEUDO_FIXED("version", VERSION_LINE),
    PSEUDO_FILE("vmstat", vmstat_text),
    PSEUDO_END};

static const struct pseudo_dir root_dir = {
    .entries = root_entries, .child = &process_child, .next = next_process, .has = has_process};
const struct pseudo_entry procfs_root = PSEUDO_DIR("", &root_dir);
