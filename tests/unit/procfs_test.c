// UNIT: kernel/fs/procfs_mem.c kernel/fs/procfs_mount.c kernel/base/text.c kernel/base/format.c
// UNIT: tests/unit/fakes/heap.c
/* The formats of /proc against text copied from Linux. */
#include "kernel/fs/procfs.h"
#include "kernel/proc/task.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

struct proc the_proc;

static const struct vm_area_info areas[] = {
    {.start = 0x557540844000,
     .end = 0x557540846000,
     .prot = 1,
     .device = 0xfe00,
     .inode = 247498,
     .name = "/usr/bin/head",
     .may_write = true},
    {.start = 0x557540846000,
     .end = 0x55754084c000,
     .offset = 0x2000,
     .prot = 5,
     .device = 0xfe00,
     .inode = 247498,
     .name = "/usr/bin/head"},
    {.start = 0x7ffff7d00000,
     .end = 0x7ffff7e00000,
     .prot = 3,
     .name = "",
     .anonymous = true,
     .may_write = true},
    {.start = 0x7fffffff0000,
     .end = 0x7ffffffff000,
     .prot = 3,
     .name = "[stack]",
     .anonymous = true,
     .may_write = true,
     .shared = true},
};

void vm_for_each_area(bool (*each)(const struct vm_area_info *info, void *arg), void *arg)
{
    for (unsigned i = 0; i < ARRAY_SIZE(areas) && each(&areas[i], arg); i++)
        ;
}

uint64_t vm_count_resident(uint64_t start, uint64_t end)
{
    (void)end;
    return start == areas[0].start ? 2 : start == areas[2].start ? 3 : 0;
}

void vm_get_stats(struct vm_stats *stats)
{
    *stats = (struct vm_stats){.mapped_pages = 765,
                               .resident_pages = 440,
                               .shared_pages = 411,
                               .text_pages = 5,
                               .data_pages = 90,
                               .stack_pages = 33};
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    memcpy(dst, (const void *)src.addr, len);
    return 0;
}

static struct filesystem root = {.type = "rootfs", .device = 0x19};
static struct filesystem proc = {.type = "proc", .device = 0x15, .read_only = true};

void vfs_for_each_mount(bool (*each)(struct filesystem *fs, const char *path, void *arg), void *arg)
{
    if (each(&root, "/", arg))
        each(&proc, "/a b", arg);
}

static const char *text_of(void (*write)(struct text *, pseudo_key_t))
{
    static char copy[8192];
    struct text t = {0};
    write(&t, 2);
    memcpy(copy, t.data, t.length);
    copy[t.length] = 0;
    text_clear(&t);
    CHECK_EQ(fake_heap_blocks, 0);
    return copy;
}

static void maps_are_as_linux_writes_them(void)
{
    CHECK_STR(text_of(proc_maps), "557540844000-557540846000 r--p 00000000 fe:00 247498"
                                  "                     /usr/bin/head\n"
                                  "557540846000-55754084c000 r-xp 00002000 fe:00 247498"
                                  "                     /usr/bin/head\n"
                                  "7ffff7d00000-7ffff7e00000 rw-p 00000000 00:00 0 \n"
                                  "7fffffff0000-7ffffffff000 rw-s 00000000 00:00 0"
                                  "                          [stack]\n"
                                  "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0"
                                  "                  [vsyscall]\n");
}

static void statm_is_as_linux_writes_it(void)
{
    CHECK_STR(text_of(proc_statm), "765 440 411 5 0 123 0\n");
}

static void smaps_columns(void)
{
    const char *smaps = text_of(proc_smaps);
    CHECK(strstr(smaps, "/usr/bin/head\nSize:                  8 kB\n"
                        "KernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
                        "Rss:                   8 kB\nPss:                   8 kB\n"
                        "Pss_Dirty:             0 kB\nShared_Clean:          0 kB\n"
                        "Shared_Dirty:          0 kB\nPrivate_Clean:         8 kB\n"));
    CHECK(strstr(smaps, "Anonymous:            12 kB\n"));
    CHECK(strstr(smaps, "VmFlags: rd mr mw me \n"));
    const char *rollup = text_of(proc_smaps_rollup);
    CHECK(strstr(rollup, "557540844000-7ffffffff000 ---p 00000000 00:00 0"
                         "                          [rollup]\nRss:                  20 kB\n"));
}

static void mounts_escape_blanks(void)
{
    CHECK_STR(text_of(proc_mounts),
              "rootfs / rootfs rw,relatime 0 0\nproc /a\\040b proc ro,relatime 0 0\n");
    CHECK_STR(text_of(proc_mountinfo), "20 1 0:25 / / rw,relatime - rootfs rootfs rw\n"
                                       "21 20 0:21 / /a\\040b ro,relatime - proc proc ro\n");
}

static void command_line_is_the_programs_memory(void)
{
    static const char args[] = "prog\0-x\0";
    the_proc.arg_start = (uintptr_t)args;
    the_proc.arg_end = the_proc.arg_start + 8;
    struct text t = {0};
    proc_cmdline(&t, 2);
    CHECK(t.length == 8 && memcmp(t.data, args, 8) == 0);
    text_clear(&t);
}

int main(void)
{
    RUN(maps_are_as_linux_writes_them);
    RUN(statm_is_as_linux_writes_it);
    RUN(smaps_columns);
    RUN(mounts_escape_blanks);
    RUN(command_line_is_the_programs_memory);
    return check_done();
}
