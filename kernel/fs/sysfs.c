/* /sys: processors, caches, the memory node, huge pages and network interfaces, as programs ask
 * for them before they choose how many threads to start and how to lay out memory. */
#include <linux/magic.h>

#include "kernel/arch/cpuinfo.h"
#include "kernel/drivers/block.h"
#include "kernel/fs/procfs.h"
#include "kernel/fs/sysfs_net.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"

#define SYSFS_DEVICE 0x16
#define CPU_MAX_TEXT "255\n"

struct filesystem sysfs = {.type = "sysfs", .device = SYSFS_DEVICE, .magic = SYSFS_MAGIC};

/* "0" or "0-3". */
static void put_cpu_list(struct text *out)
{
    unsigned count = sched_cpu_count();
    text_string(out, "0");
    if (count > 1)
        text_format(out, "-%u", count - 1);
    text_char(out, '\n');
}

/* A mask as Linux prints it: groups of 32 bits, highest first, without leading zeros. */
static void put_cpu_mask(struct text *out, unsigned first, unsigned end)
{
    for (unsigned group = (end - 1) / 32 + 1; group-- > 0;) {
        uint32_t bits = 0;
        for (unsigned cpu = group * 32; cpu < group * 32 + 32; cpu++)
            if (cpu >= first && cpu < end)
                bits |= 1u << (cpu % 32);
        text_format(out, group == (end - 1) / 32 ? "%x" : ",%08x", bits);
    }
    text_char(out, '\n');
}

static void cpu_list_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_cpu_list(out);
}

static void all_cpus_mask(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_cpu_mask(out, 0, sched_cpu_count());
}

static void own_cpu_mask(struct text *out, pseudo_key_t key)
{
    put_cpu_mask(out, pseudo_number(key), pseudo_number(key) + 1);
}

static void own_number(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u\n", pseudo_number(key));
}

static bool next_cpu(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    return *number < sched_cpu_count();
}

/* Caches: the number is the cache's, the outer number the CPU's. */

static struct cache_info cache_of(pseudo_key_t key)
{
    struct cache_info info = {0};
    return arch_cache_info(pseudo_number(key), &info) ? info : (struct cache_info){0};
}

static void cache_level(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u\n", cache_of(key).level);
}

static void cache_line(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u\n", cache_of(key).line_bytes);
}

static void cache_sets(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u\n", cache_of(key).sets);
}

static void cache_ways(struct text *out, pseudo_key_t key)
{
    text_format(out, "%u\n", cache_of(key).ways);
}

static void cache_size(struct text *out, pseudo_key_t key)
{
    text_format(out, "%uK\n", cache_of(key).size_kb);
}

static void cache_type_text(struct text *out, pseudo_key_t key)
{
    static const char *const names[] = {"Unknown", "Data", "Instruction", "Unified"};
    text_format(out, "%s\n", names[(unsigned)cache_of(key).type & 3]);
}

static void cache_shared_list(struct text *out, pseudo_key_t key)
{
    if (cache_of(key).shared)
        put_cpu_list(out);
    else
        text_format(out, "%u\n", pseudo_outer_number(key));
}

static void cache_shared_map(struct text *out, pseudo_key_t key)
{
    unsigned cpu = pseudo_outer_number(key);
    if (cache_of(key).shared)
        put_cpu_mask(out, 0, sched_cpu_count());
    else
        put_cpu_mask(out, cpu, cpu + 1);
}

static bool next_cache(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    struct cache_info info;
    return arch_cache_info(*number, &info);
}

static const struct pseudo_entry cache_entries[] = {
    PSEUDO_FILE("coherency_line_size", cache_line),
    PSEUDO_FILE("id", own_number),
    PSEUDO_FILE("level", cache_level),
    PSEUDO_FILE("number_of_sets", cache_sets),
    PSEUDO_FIXED("physical_line_partition", "1\n"),
    PSEUDO_FILE("shared_cpu_list", cache_shared_list),
    PSEUDO_FILE("shared_cpu_map", cache_shared_map),
    PSEUDO_FILE("size", cache_size),
    PSEUDO_FILE("type", cache_type_text),
    PSEUDO_FILE("ways_of_associativity", cache_ways),
    PSEUDO_END};
static const struct pseudo_dir one_cache_dir = {.entries = cache_entries};
static const struct pseudo_entry cache_child = PSEUDO_DIR("", &one_cache_dir);
static const struct pseudo_dir cache_dir = {
    .child = &cache_child, .prefix = "index", .next = next_cache};

/* Processors: each a core of its own, all in one package. */

static const struct pseudo_entry topology_entries[] = {
    PSEUDO_FILE("core_cpus", own_cpu_mask),
    PSEUDO_FILE("core_cpus_list", own_number),
    PSEUDO_FILE("core_id", own_number),
    PSEUDO_FILE("core_siblings", all_cpus_mask),
    PSEUDO_FILE("core_siblings_list", cpu_list_text),
    PSEUDO_FILE("die_cpus", all_cpus_mask),
    PSEUDO_FILE("die_cpus_list", cpu_list_text),
    PSEUDO_FIXED("die_id", "0\n"),
    PSEUDO_FILE("package_cpus", all_cpus_mask),
    PSEUDO_FILE("package_cpus_list", cpu_list_text),
    PSEUDO_FIXED("physical_package_id", "0\n"),
    PSEUDO_FILE("thread_siblings", own_cpu_mask),
    PSEUDO_FILE("thread_siblings_list", own_number),
    PSEUDO_END};
static const struct pseudo_dir topology_dir = {.entries = topology_entries};

static const struct pseudo_entry one_cpu_entries[] = {
    PSEUDO_DIR("cache", &cache_dir), PSEUDO_FIXED("online", "1\n"),
    PSEUDO_DIR("topology", &topology_dir), PSEUDO_END};
static const struct pseudo_dir one_cpu_dir = {.entries = one_cpu_entries};
static const struct pseudo_entry cpu_child = PSEUDO_DIR("", &one_cpu_dir);

static const struct pseudo_entry smt_entries[] = {
    PSEUDO_FIXED("active", "0\n"), PSEUDO_FIXED("control", "notsupported\n"), PSEUDO_END};
static const struct pseudo_dir smt_dir = {.entries = smt_entries};

static const struct pseudo_entry cpu_entries[] = {PSEUDO_FIXED("isolated", "\n"),
                                                  PSEUDO_FIXED("kernel_max", CPU_MAX_TEXT),
                                                  PSEUDO_FIXED("offline", "\n"),
                                                  PSEUDO_FILE("online", cpu_list_text),
                                                  PSEUDO_FILE("possible", cpu_list_text),
                                                  PSEUDO_FILE("present", cpu_list_text),
                                                  PSEUDO_DIR("smt", &smt_dir),
                                                  PSEUDO_END};
static const struct pseudo_dir cpu_dir = {
    .entries = cpu_entries, .child = &cpu_child, .prefix = "cpu", .next = next_cpu};

/* Memory: one node. */

static void node_meminfo(struct text *out, pseudo_key_t key)
{
    (void)key;
    uint64_t kb = PAGE_SIZE / 1024, total = page_stats.total_pages, free = page_stats.free_pages;
    text_format(out, "Node 0 MemTotal:       %8lu kB\nNode 0 MemFree:        %8lu kB\n", total * kb,
                free * kb);
    text_format(out, "Node 0 MemUsed:        %8lu kB\nNode 0 FilePages:      %8lu kB\n",
                (total - min_u64(free, total)) * kb, page_stats.cache_pages * kb);
    text_format(out, "Node 0 AnonPages:      %8lu kB\nNode 0 HugePages_Total:     0\n",
                page_stats.anon_pages * kb);
    text_string(out, "Node 0 HugePages_Free:      0\n");
}

static bool next_node(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    return *number == 0;
}

static const struct pseudo_entry one_node_entries[] = {
    PSEUDO_FILE("cpulist", cpu_list_text), PSEUDO_FILE("cpumap", all_cpus_mask),
    PSEUDO_FIXED("distance", "10\n"), PSEUDO_FILE("meminfo", node_meminfo), PSEUDO_END};
static const struct pseudo_dir one_node_dir = {.entries = one_node_entries};
static const struct pseudo_entry node_child = PSEUDO_DIR("", &one_node_dir);

static const struct pseudo_entry node_entries[] = {
    PSEUDO_FIXED("has_cpu", "0\n"),           PSEUDO_FIXED("has_memory", "0\n"),
    PSEUDO_FIXED("has_normal_memory", "0\n"), PSEUDO_FIXED("online", "0\n"),
    PSEUDO_FIXED("possible", "0\n"),          PSEUDO_END};
static const struct pseudo_dir node_dir = {
    .entries = node_entries, .child = &node_child, .prefix = "node", .next = next_node};

static const struct pseudo_entry system_entries[] = {PSEUDO_DIR("cpu", &cpu_dir),
                                                     PSEUDO_DIR("node", &node_dir), PSEUDO_END};
static const struct pseudo_dir system_dir = {.entries = system_entries};

static const struct pseudo_entry devices_entries[] = {PSEUDO_DIR("system", &system_dir),
                                                      PSEUDO_END};
static const struct pseudo_dir devices_dir = {.entries = devices_entries};

/* The kernel. */

static const struct pseudo_entry thp_entries[] = {
    PSEUDO_FIXED("defrag", "always defer defer+madvise [madvise] never\n"),
    PSEUDO_FIXED("enabled", "[always] madvise never\n"),
    PSEUDO_FIXED("hpage_pmd_size", "2097152\n"),
    PSEUDO_FIXED("shmem_enabled", "always within_size advise [never] deny force\n"),
    PSEUDO_FIXED("use_zero_page", "0\n"),
    PSEUDO_END};
static const struct pseudo_dir thp_dir = {.entries = thp_entries};

static const struct pseudo_entry hugetlb_entries[] = {
    PSEUDO_FIXED("free_hugepages", "0\n"), PSEUDO_FIXED("nr_hugepages", "0\n"),
    PSEUDO_FIXED("resv_hugepages", "0\n"), PSEUDO_FIXED("surplus_hugepages", "0\n"), PSEUDO_END};
static const struct pseudo_dir hugetlb_dir = {.entries = hugetlb_entries};
static const struct pseudo_entry hugepages_entries[] = {
    PSEUDO_DIR("hugepages-2048kB", &hugetlb_dir), PSEUDO_END};
static const struct pseudo_dir hugepages_dir = {.entries = hugepages_entries};

static const struct pseudo_entry mm_entries[] = {PSEUDO_DIR("hugepages", &hugepages_dir),
                                                 PSEUDO_DIR("transparent_hugepage", &thp_dir),
                                                 PSEUDO_END};
static const struct pseudo_dir mm_dir = {.entries = mm_entries};

static const struct pseudo_entry kernel_entries[] = {PSEUDO_FIXED("address_bits", "64\n"),
                                                     PSEUDO_FIXED("cpu_byteorder", "little\n"),
                                                     PSEUDO_DIR("mm", &mm_dir), PSEUDO_END};
static const struct pseudo_dir kernel_dir = {.entries = kernel_entries};

/* The image, the only disk. */

static void disk_size(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%lu\n", block_size_bytes() / 512);
}

static const struct pseudo_entry queue_entries[] = {PSEUDO_FIXED("logical_block_size", "512\n"),
                                                    PSEUDO_FIXED("physical_block_size", "512\n"),
                                                    PSEUDO_FIXED("rotational", "1\n"), PSEUDO_END};
static const struct pseudo_dir queue_dir = {.entries = queue_entries};
static const struct pseudo_entry disk_entries[] = {PSEUDO_FIXED("dev", "254:0\n"),
                                                   PSEUDO_DIR("queue", &queue_dir),
                                                   PSEUDO_FIXED("removable", "0\n"),
                                                   PSEUDO_FIXED("ro", "1\n"),
                                                   PSEUDO_FILE("size", disk_size),
                                                   PSEUDO_FILE("stat", proc_disk_stats),
                                                   PSEUDO_END};
static const struct pseudo_dir disk_dir = {.entries = disk_entries};
static const struct pseudo_entry block_entries[] = {PSEUDO_DIR(DISK_NAME, &disk_dir), PSEUDO_END};
static const struct pseudo_dir block_dir = {.entries = block_entries};

/* Devices by class. */

static const struct pseudo_dir empty_dir = {.entries = NULL};

static const struct pseudo_entry class_entries[] = {
    PSEUDO_DIR("block", &block_dir), PSEUDO_DIR("net", &sysfs_net_dir),
    PSEUDO_DIR("power_supply", &empty_dir), PSEUDO_END};
static const struct pseudo_dir class_dir = {.entries = class_entries};

static const struct pseudo_entry root_entries[] = {PSEUDO_DIR("block", &block_dir),
                                                   PSEUDO_DIR("bus", &empty_dir),
                                                   PSEUDO_DIR("class", &class_dir),
                                                   PSEUDO_DIR("devices", &devices_dir),
                                                   PSEUDO_DIR("fs", &empty_dir),
                                                   PSEUDO_DIR("kernel", &kernel_dir),
                                                   PSEUDO_END};
static const struct pseudo_dir root_dir = {.entries = root_entries};
const struct pseudo_entry sysfs_root = PSEUDO_DIR("", &root_dir);
