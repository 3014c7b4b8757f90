/* /proc/PID: the address space, and what lies in it for others to read. */
#include "kernel/arch/exec.h"
#include "kernel/base/string.h"
#include "kernel/fs/procfs.h"
#include "kernel/proc/task.h"

#define NAME_COLUMN 73u /* where Linux begins the names in maps */
#define COPY_BYTES 512u
#define KB(pages) ((pages) * (PAGE_SIZE / 1024))

#define MAP_READ 0x1u
#define MAP_WRITE 0x2u
#define MAP_EXEC 0x4u

static uint32_t device_major(uint64_t device)
{
    return (uint32_t)(device >> 8) & 0xfff;
}

static uint32_t device_minor(uint64_t device)
{
    return (uint32_t)(device & 0xff) | ((uint32_t)(device >> 12) & 0xfff00);
}

static void maps_line(struct text *out, const struct vm_area_info *area)
{
    size_t line = out->length;
    text_format(out, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", area->start, area->end,
                area->prot & MAP_READ ? 'r' : '-', area->prot & MAP_WRITE ? 'w' : '-',
                area->prot & MAP_EXEC ? 'x' : '-', area->shared ? 's' : 'p', area->offset,
                device_major(area->device), device_minor(area->device), area->inode);
    if (area->name && *area->name) {
        text_pad(out, line, NAME_COLUMN);
        text_escaped(out, area->name, "\n");
    }
    text_char(out, '\n');
}

static bool maps_each(const struct vm_area_info *area, void *arg)
{
    maps_line(arg, area);
    return !text_failed(arg);
}

/* No memory: calls that go there are done by the kernel. */
static const struct vm_area_info vsyscalls = {.start = ARCH_VSYSCALL,
                                              .end = ARCH_VSYSCALL + PAGE_SIZE,
                                              .prot = MAP_EXEC,
                                              .name = "[vsyscall]"};

void proc_maps(struct text *out, pseudo_key_t key)
{
    (void)key;
    vm_for_each_area(maps_each, out);
    maps_line(out, &vsyscalls);
}

/* What smaps says of an area, or of all: in pages. */
struct area_sums {
    uint64_t resident, clean, dirty, anonymous, shared_memory;
};

static struct area_sums sums_of(const struct vm_area_info *area)
{
    struct area_sums s = {0};
    if (area != &vsyscalls)
        s.resident = vm_count_resident(area->start, area->end);
    bool anonymous = area->anonymous;
    if (anonymous && !area->shared)
        s.anonymous = s.resident;
    if (anonymous && area->shared)
        s.shared_memory = s.resident;
    if (anonymous || area->prot & MAP_WRITE)
        s.dirty = s.resident;
    else
        s.clean = s.resident;
    return s;
}

static void sums_print(struct text *out, const struct area_sums *s, bool rollup)
{
    text_format(out, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n",
                KB(s->resident), KB(s->resident), KB(s->dirty));
    if (rollup)
        text_format(out,
                    "Pss_Anon:       %8lu kB\nPss_File:       %8lu kB\nPss_Shmem:      %8lu kB\n",
                    KB(s->anonymous), KB(s->resident - s->anonymous - s->shared_memory),
                    KB(s->shared_memory));
    text_format(out,
                "Shared_Clean:   %8u kB\nShared_Dirty:   %8u kB\nPrivate_Clean:  %8lu kB\n"
                "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\nAnonymous:      %8lu kB\n",
                0u, 0u, KB(s->clean), KB(s->dirty), KB(s->resident), KB(s->anonymous));
    static const char *const always_zero[] = {
        "LazyFree:",      "AnonHugePages:",  "ShmemPmdMapped:",
        "FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:",
        "Swap:",          "SwapPss:",        "Locked:"};
    for (size_t i = 0; i < ARRAY_SIZE(always_zero); i++)
        text_format(out, "%-16s%8u kB\n", always_zero[i], 0u);
}

static bool smaps_each(const struct vm_area_info *area, void *arg)
{
    struct text *out = arg;
    struct area_sums s = sums_of(area);
    maps_line(out, area);
    text_format(out, "Size:           %8lu kB\nKernelPageSize: %8lu kB\nMMUPageSize:    %8lu kB\n",
                (area->end - area->start) / 1024, PAGE_SIZE / 1024, PAGE_SIZE / 1024);
    sums_print(out, &s, false);
    text_format(out, "THPeligible:    %8u\nVmFlags:%s%s%s%s mr%s me%s%s%s \n", area->anonymous,
                area->prot & MAP_READ ? " rd" : "", area->prot & MAP_WRITE ? " wr" : "",
                area->prot & MAP_EXEC ? " ex" : "", area->shared ? " sh" : "",
                area->may_write ? " mw" : "", area->grows_down ? " gd" : "",
                area->locked ? " lo" : "", area->lock_on_fault ? " lf" : "");
    return !text_failed(out);
}

void proc_smaps(struct text *out, pseudo_key_t key)
{
    (void)key;
    vm_for_each_area(smaps_each, out);
    (void)smaps_each(&vsyscalls, out);
}

struct rollup {
    uint64_t start, end;
    struct area_sums sums;
};

static bool rollup_each(const struct vm_area_info *area, void *arg)
{
    struct rollup *r = arg;
    struct area_sums s = sums_of(area);
    if (r->end == 0)
        r->start = area->start;
    r->end = area->end;
    r->sums.resident += s.resident;
    r->sums.clean += s.clean;
    r->sums.dirty += s.dirty;
    r->sums.anonymous += s.anonymous;
    r->sums.shared_memory += s.shared_memory;
    return true;
}

void proc_smaps_rollup(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct rollup r = {0};
    vm_for_each_area(rollup_each, &r);
    size_t line = out->length;
    text_format(out, "%08lx-%08lx ---p 00000000 00:00 0 ", r.start, r.end);
    text_pad(out, line, NAME_COLUMN);
    text_string(out, "[rollup]\n");
    sums_print(out, &r.sums, true);
}

void proc_statm(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct vm_stats s;
    vm_get_stats(&s);
    text_format(out, "%lu %lu %lu %lu 0 %lu 0\n", s.mapped_pages, s.resident_pages, s.shared_pages,
                s.text_pages, s.data_pages + s.stack_pages);
}

/* The program's own memory, as it is now; what has been unmapped ends it. */
static void put_user(struct text *out, uint64_t start, uint64_t size)
{
    char bytes[COPY_BYTES];
    for (uint64_t done = 0; done < size && !text_failed(out);) {
        size_t part = min_u64(size - done, sizeof(bytes));
        if (copy_from_user(bytes, (struct uptr){start + done}, part) != 0)
            return;
        text_put(out, bytes, part);
        done += part;
    }
}

void proc_cmdline(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_user(out, the_proc.arg_start, the_proc.arg_end - the_proc.arg_start);
}

void proc_environ(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_user(out, the_proc.env_start, the_proc.env_end - the_proc.env_start);
}

void proc_auxv(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_user(out, the_proc.auxv_start, the_proc.auxv_size);
}
