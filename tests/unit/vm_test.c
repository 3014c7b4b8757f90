// UNIT: kernel/proc/cred.c kernel/vm/area.c kernel/vm/map.c kernel/vm/remap.c kernel/vm/advise.c kernel/vm/range.c kernel/vm/fault.c
// UNIT: kernel/vm/info.c kernel/vm/tell.c kernel/mm/page.c
// UNIT: kernel/vfs/filemap.c kernel/vfs/workingset.c kernel/base/radix.c kernel/base/rbtree.c
// UNIT: tests/unit/fakes/heap.c tests/unit/fakes/sched.c
/*
 * The address space over real page tables and a real page allocator: physical memory is a range of
 * the test's own, and no processor walks the tables. A model says what each page must hold.
 */
#include <asm/mman.h>
#include <linux/mman.h>

#include "abi/control.h"
#include "kernel/arch/x86_64/io.h"
#define cpu_read_cr3() 0ul
#define cpu_write_cr3(value) ((void)(value))
#define cpu_invalidate_page(addr) ((void)(addr))
#include "kernel/arch/smp.h"
#include "kernel/arch/x86_64/paging.c"
#include "kernel/base/errno.h"
#include "kernel/fd/file.h"
#include "kernel/mm/page_init.h"
#include "kernel/platform/run.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm_init.h"
#include "kernel/vm/vm_priv.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

#define MEMORY (320ul << 20)
#define FILE_PAGES 4096u

bool arch_many_cpus;
uint64_t direct_map_base;
paddr_t kernel_pml4;
struct run_config the_run;
struct proc the_proc;

struct task *task_current(void)
{
    static struct task root = {.cred = {.effective = CRED_CAPABILITIES_ALL}};
    return &root;
}

int64_t clock_realtime_ns(void)
{
    return 1;
}

/* What other CPUs were made to forget, and whether a page was given back before that. */
static uint64_t free_before, forgotten;
static bool out_of_memory;
static bool given_back_early;

void tlb_shoot(uint64_t start, uint64_t end)
{
    given_back_early = given_back_early || page_stats.free_pages > free_before + forgotten;
    forgotten += (end - start) / PAGE_SIZE;
}

unsigned arch_cpu_index(void)
{
    return 0;
}

bool user_range_ok(struct uptr p, size_t len)
{
    (void)p, (void)len;
    return true;
}

bool signal_fatal_pending(void)
{
    return false;
}

void tlb_shoot_all(void) {}

void tlb_shoot_later(void) {}

uint64_t random_u64(void)
{
    static uint64_t state = 88172645463325252ul;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void panic(const char *fmt, ...)
{
    printf("Bail out! panic: %s\n", fmt);
    __builtin_trap();
}

uint64_t clock_monotonic_ns(void)
{
    return 0;
}

void proc_out_of_memory(void)
{
    out_of_memory = true;
}

bool page_reclaim(unsigned count, uint64_t keep, bool names)
{
    (void)names;
    return filemap_reclaim(count, keep) > 0;
}

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

void file_put(struct file *f)
{
    f->refs--;
}

int64_t vfs_path_of(struct dentry *d, char *buf, size_t size)
{
    (void)d;
    snprintf(buf, size, "/lib/code");
    return 0;
}

uint64_t arch_link_address(uint64_t addr)
{
    return addr & 0xffff;
}

static struct orris_mapped told;
static char told_path[64];
static unsigned told_count;

bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep)
{
    CHECK_EQ(type, ORRIS_MSG_MAPPED);
    CHECK(can_sleep);
    memcpy(&told, payload, sizeof(told));
    snprintf(told_path, sizeof(told_path), "%.*s", (int)(size - sizeof(told)),
             (const char *)payload + sizeof(told));
    told_count++;
    return true;
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    memcpy((void *)dst.addr, src, len);
    return 0;
}

static struct filemap file_map;

static int file_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map)
{
    (void)f, (void)prot, (void)flags;
    *map = &file_map;
    return 0;
}

static const struct file_ops file_ops = {.name = "test", .mmap = file_mmap};
static struct file the_file = {.refs = 1, .flags = 2 /* O_RDWR */, .ops = &file_ops};
static uint64_t free_at_start;

static void begin(void)
{
    static _Alignas(PAGE_SIZE) uint8_t memory[MEMORY];
    direct_map_base = (uint64_t)memory;
    const struct page_range ram = {0, MEMORY};
    const struct page_range firmware = {0, 1ul << 20};
    page_init(&ram, 1, &firmware, 1, 0);
    memset(the_proc.limits, 0xff, sizeof(the_proc.limits));
    kernel_pml4 = page_phys(page_alloc(0, ALLOC_ZERO));
    static const struct filemap_ops no_ops;
    filemap_init(&file_map, &no_ops);
    file_map.size = FILE_PAGES * PAGE_SIZE;
    vm_init();
    free_at_start = page_stats.free_pages;
}

/* Nothing is left of anything. */
static void all_given_back(void)
{
    vm_reset();
    filemap_drop(&file_map, 0, UINT64_MAX, true);
    filemap_fini(&file_map);
    CHECK_EQ(page_stats.free_pages, free_at_start);
    CHECK_EQ(page_stats.table_pages, 0);
    CHECK_EQ(page_stats.anon_pages, 0);
    CHECK_EQ(the_vm.mapped_pages, 0);
    CHECK_EQ(the_vm.resident_pages, 0);
    CHECK_EQ(the_vm.shared_pages, 0);
    CHECK_EQ(the_vm.locked_pages, 0);
    CHECK_EQ(file_map.writable_maps, 0);
    CHECK_EQ(the_file.refs, 1);
    CHECK_EQ(fake_heap_blocks, 0);
}

/* Takes all memory but count pages; memory_back() gives it back. */
static struct page *hoard;

static void memory_leave(unsigned count)
{
    hoard = NULL;
    for (unsigned order = 11; order-- > 0;) {
        struct page *p;
        while ((p = page_alloc(order, ALLOC_NORECLAIM))) {
            p->private = (uint64_t)hoard;
            hoard = p;
        }
    }
    while (count-- && hoard) { /* single pages come last */
        struct page *next = (struct page *)hoard->private;
        if (hoard->order) {
            uint32_t pages = 1u << hoard->order;
            page_split(hoard);
            for (uint32_t i = 1; i < pages; i++) {
                hoard[i].private = (uint64_t)next;
                next = &hoard[i];
            }
        }
        page_put(hoard);
        hoard = next;
    }
}

static void memory_back(void)
{
    while (hoard) {
        struct page *next = (struct page *)hoard->private;
        page_put(hoard);
        hoard = next;
    }
}

static int64_t map_at(uint64_t addr, uint64_t size, uint32_t prot, uint32_t flags, struct file *f,
                      uint64_t offset)
{
    const struct vm_map_request r = {
        .addr = addr, .size = size, .prot = prot, .flags = flags, .file = f, .offset = offset};
    return vm_map(&r);
}

static int64_t map_anon(uint64_t addr, uint64_t size)
{
    return map_at(addr, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), NULL, 0);
}

static uint32_t *word_at(uint64_t addr)
{
    struct pt_entry e = pt_lookup(addr);
    char *base = page_virt(e.page);
    return (uint32_t *)(base + (e.huge ? addr % HUGE_SIZE : 0));
}

static enum vm_fault_result poke(uint64_t addr, uint32_t value)
{
    enum vm_fault_result result = vm_fault(addr, VM_WRITE);
    if (result == VM_FAULT_OK)
        *word_at(addr) = value;
    return result;
}

static int64_t peek(uint64_t addr)
{
    enum vm_fault_result result = vm_fault(addr, VM_READ);
    return result == VM_FAULT_OK ? *word_at(addr) : -(int64_t)result;
}

/* ---- the model ---- */

#define BASE 0x40000000ul
#define PAGES 2048u

enum kind { NONE, ANON, FILE_PRIVATE, FILE_SHARED };
static struct model {
    enum kind kind;
    uint32_t prot, value, file_page;
    bool own;
} model[PAGES];
static uint32_t file_value[FILE_PAGES];
static unsigned mismatches;

static unsigned pick(unsigned limit)
{
    return (unsigned)(random_u64() >> 20) % limit;
}

static void expect(bool ok, const char *what, unsigned page)
{
    if (!ok && mismatches++ < 10)
        printf("# %s at page %u (kind %d, prot %u)\n", what, page, (int)model[page].kind,
               model[page].prot);
}

static uint32_t wanted(const struct model *m)
{
    return m->kind == FILE_SHARED || (m->kind == FILE_PRIVATE && !m->own) ? file_value[m->file_page]
                                                                          : m->value;
}

static void verify(unsigned page)
{
    const struct model *m = &model[page];
    int64_t got = peek(BASE + page * PAGE_SIZE);
    if (m->kind == NONE)
        expect(got == -VM_FAULT_SEGV_MAPERR, "mapped", page);
    else if (!m->prot)
        expect(got == -VM_FAULT_SEGV_ACCERR, "readable", page);
    else
        expect(got == wanted(m), "wrong content", page);
}

static void do_write(unsigned page)
{
    struct model *m = &model[page];
    uint32_t value = pick(1u << 30);
    enum vm_fault_result got = poke(BASE + page * PAGE_SIZE, value);
    bool may = m->kind != NONE && m->prot & PROT_WRITE;
    expect((got == VM_FAULT_OK) == may, may ? "not writable" : "writable", page);
    if (!may)
        return;
    *(m->kind == FILE_SHARED ? &file_value[m->file_page] : &m->value) = value;
    m->own = true;
}

static void do_map(unsigned first, unsigned count)
{
    enum kind kind = ANON + pick(3);
    uint32_t prot = pick(4) ? PROT_READ | PROT_WRITE : pick(8);
    unsigned file_page = pick(FILE_PAGES - PAGES);
    int64_t got = map_at(BASE + first * PAGE_SIZE, count * PAGE_SIZE, prot,
                         MAP_FIXED | (kind == ANON ? MAP_ANONYMOUS : 0) |
                             (kind == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE),
                         kind == ANON ? NULL : &the_file, kind == ANON ? 0 : file_page * PAGE_SIZE);
    expect(got == (int64_t)(BASE + first * PAGE_SIZE), "mmap failed", first);
    for (unsigned i = 0; i < count; i++)
        model[first + i] = (struct model){kind, prot, 0, file_page + i, false};
}

static void do_unmap(unsigned first, unsigned count)
{
    expect(vm_unmap(BASE + first * PAGE_SIZE, count * PAGE_SIZE) == 0, "munmap failed", first);
    memset(&model[first], 0, count * sizeof(model[0]));
}

static void do_protect(unsigned first, unsigned count)
{
    uint32_t prot = pick(8);
    int err = vm_protect(BASE + first * PAGE_SIZE, count * PAGE_SIZE, prot);
    unsigned i = first;
    for (; i < first + count && model[i].kind != NONE; i++)
        model[i].prot = prot;
    expect(err == (i < first + count ? -ENOMEM : 0), "mprotect's result", first);
}

static void do_drop(unsigned first, unsigned count)
{
    (void)vm_advise(BASE + first * PAGE_SIZE, count * PAGE_SIZE, MADV_DONTNEED);
    for (unsigned i = first; i < first + count; i++) {
        model[i].own = false;
        model[i].value = 0;
    }
}

static void do_move(unsigned from, unsigned count, unsigned to, unsigned new_count)
{
    if (to < from + count && from < to + new_count)
        return;
    int64_t got = vm_remap(BASE + from * PAGE_SIZE, count * PAGE_SIZE, new_count * PAGE_SIZE,
                           MREMAP_MAYMOVE | MREMAP_FIXED, BASE + to * PAGE_SIZE);
    if (got < 0) { /* it was not one area */
        expect(got == -EFAULT, "mremap's error", from);
        return;
    }
    struct model first = model[from];
    if (count ==
        new_count) { /* several areas, each to its place, and what lies at the holes' stays */
        for (unsigned i = 0; i < count; i++)
            model[to + i] = model[from + i].kind == NONE ? model[to + i] : model[from + i];
    }
    for (unsigned i = 0; i < new_count && count != new_count; i++) {
        expect(i >= count || model[from + i].kind == first.kind, "mremap over areas", from + i);
        model[to + i] = i < count
                            ? model[from + i]
                            : (struct model){first.kind, first.prot, 0, first.file_page + i, false};
    }
    memset(&model[from], 0, count * sizeof(model[0]));
}

/* What the counters say is what is there. */
static void verify_counters(void)
{
    uint64_t mapped = 0, resident = 0;
    const struct area *last = NULL;
    for (struct area *a = area_find_from(0); a; a = area_next(a)) {
        expect(!last || last->end <= a->start, "areas overlap", 0);
        mapped += (a->end - a->start) / PAGE_SIZE;
        last = a;
    }
    for (unsigned i = 0; i < PAGES; i++)
        resident += pt_lookup(BASE + i * PAGE_SIZE).page != NULL;
    expect(mapped == the_vm.mapped_pages, "mapped pages", 0);
    expect(resident == the_vm.resident_pages, "resident pages", 0);
}

static void step(void)
{
    unsigned first = pick(PAGES), count = 1 + pick(pick(8) ? 20 : PAGES / 2);
    count = count < PAGES - first ? count : PAGES - first;
    unsigned to = pick(PAGES), new_count = 1 + pick(count + 8);
    if (!pick(3)) { /* where huge pages can be moved whole */
        first &= ~511u;
        to &= ~511u;
        count = new_count = 512;
    }
    switch (pick(12)) {
    case 0:
        do_map(first, count);
        break;
    case 1:
        do_unmap(first, count);
        break;
    case 2:
    case 3:
        do_protect(first, count);
        break;
    case 4:
        do_drop(first, count);
        break;
    case 5:
    case 6:
        if (to + new_count < PAGES && model[first].file_page + new_count < FILE_PAGES)
            do_move(first, count, to, new_count);
        break;
    default:
        do_write(first);
        verify(pick(PAGES));
    }
}

static void test_random_operations(void)
{
    memset(model, 0, sizeof(model));
    memset(file_value, 0, sizeof(file_value));
    for (unsigned round = 0; round < 20; round++) {
        do_map(0, PAGES);
        for (unsigned i = 0; i < 2000; i++)
            step();
        for (unsigned i = 0; i < PAGES; i++)
            verify(i);
        verify_counters();
    }
    CHECK_EQ(mismatches, 0);
    all_given_back();
}

/* ---- single cases ---- */

static void test_move_without_memory(void)
{
    uint64_t from = 0x80000000ul, to = 0xc0001000ul; /* not alike: huge pages must be split */
    for (unsigned left = 0; left < 7; left++) {
        map_anon(from, 4 * HUGE_SIZE);
        for (unsigned i = 0; i < 4; i++)
            poke(from + i * HUGE_SIZE, i + 1);
        CHECK(pt_lookup(from).huge);
        memory_leave(left);
        int64_t got =
            vm_remap(from, 4 * HUGE_SIZE, 4 * HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
        memory_back();
        uint64_t at = got < 0 ? from : to, other = got < 0 ? to : from;
        CHECK(got == -ENOMEM || got == (int64_t)to);
        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(peek(at + i * HUGE_SIZE), i + 1);
        CHECK_EQ(peek(other), -VM_FAULT_SEGV_MAPERR);
        CHECK_EQ(the_vm.mapped_pages, 4 * HUGE_SIZE / PAGE_SIZE);
        CHECK_EQ(vm_unmap(at, 4 * HUGE_SIZE), 0);
    }
    all_given_back();
}

/* Anything may fail now; nothing may be lost, nor the counters and the tables disagree. */
static void test_random_operations_without_memory(void)
{
    unsigned disagreements = 0;
    memset(model, 0, sizeof(model));
    for (unsigned round = 0; round < 200; round++) {
        memory_leave(pick(round % 2 ? 4 : 600));
        mismatches = 1000; /* the model knows nothing of failures */
        for (unsigned i = 0; i < 100; i++) {
            fake_heap_left = pick(3) ? -1 : (long)pick(4);
            step();
        }
        fake_heap_left = -1;
        memory_back();
        mismatches = 0;
        verify_counters();
        disagreements += mismatches;
    }
    CHECK_EQ(disagreements, 0);
    all_given_back();
}

static void test_move_keeps_huge_pages(void)
{
    uint64_t from = 0x80000000ul, to = 0xc0000000ul;
    map_anon(from, 2 * HUGE_SIZE);
    poke(from + 5 * PAGE_SIZE, 7);
    CHECK_EQ(vm_remap(from, 2 * HUGE_SIZE, 2 * HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
    CHECK(pt_lookup(to).huge);
    CHECK_EQ(peek(to + 5 * PAGE_SIZE), 7);
    all_given_back();
}

static void test_protect_without_memory(void)
{
    uint64_t at = 0x80000000ul;
    map_anon(at, 2 * HUGE_SIZE);
    poke(at, 1);
    poke(at + HUGE_SIZE, 2);
    for (unsigned left = 0; left < 3; left++) {
        memory_leave(left);
        int err = vm_protect(at + PAGE_SIZE, HUGE_SIZE, PROT_NONE);
        memory_back();
        CHECK_EQ(err, left < 2 ? -ENOMEM : 0);
        CHECK_EQ(peek(at), 1);
        /* What the area says and what the tables say is the same. */
        CHECK_EQ(peek(at + HUGE_SIZE), err ? 2 : -VM_FAULT_SEGV_ACCERR);
        CHECK_EQ(pt_lookup(at + HUGE_SIZE).writable, err != 0);
    }
    all_given_back();
}

static void test_locked_pages_are_counted(void)
{
    uint64_t at = 0x80000000ul;
    map_anon(at, 8 * PAGE_SIZE);
    CHECK_EQ(vm_lock(at + PAGE_SIZE, 4 * PAGE_SIZE, false), 0);
    CHECK_EQ(the_vm.locked_pages, 4);
    CHECK_EQ(vm_advise(at, 8 * PAGE_SIZE, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(vm_sync(at, 8 * PAGE_SIZE, MS_INVALIDATE), -EBUSY);
    CHECK_EQ(vm_remap(at + PAGE_SIZE, 4 * PAGE_SIZE, 6 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                      at + HUGE_SIZE),
             at + HUGE_SIZE);
    CHECK_EQ(the_vm.locked_pages, 6);
    CHECK(pt_lookup(at + HUGE_SIZE + 5 * PAGE_SIZE).page); /* what it grew by is there */
    CHECK_EQ(vm_remap(at + HUGE_SIZE, 6 * PAGE_SIZE, 9 * PAGE_SIZE, 0, 0), at + HUGE_SIZE);
    CHECK_EQ(the_vm.locked_pages, 9);
    CHECK_EQ(vm_unlock(at + HUGE_SIZE, 9 * PAGE_SIZE), 0);
    CHECK_EQ(the_vm.locked_pages, 0);
    /* Unlocked again, what was split is one area. */
    map_anon(at, 8 * PAGE_SIZE);
    CHECK_EQ(vm_lock(at + PAGE_SIZE, PAGE_SIZE, false), 0);
    CHECK_EQ(vm_unlock(at + PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(area_find(at)->end, at + 8 * PAGE_SIZE);
    all_given_back();
}

static void test_ranges_that_wrap(void)
{
    uint8_t vec[1];
    struct uptr to = {(uint64_t)vec};
    CHECK_EQ(vm_mincore(PAGE_SIZE, UINT64_MAX, to), -ENOMEM);
    CHECK_EQ(vm_mincore(UINT64_MAX - PAGE_MASK, PAGE_SIZE, to), -ENOMEM);
    CHECK_EQ(vm_sync(2 * PAGE_SIZE, UINT64_MAX - PAGE_SIZE, MS_SYNC), -ENOMEM);
    CHECK_EQ(vm_lock(2 * PAGE_SIZE, UINT64_MAX - PAGE_SIZE, false), -EINVAL);
    CHECK_EQ(vm_unlock(2 * PAGE_SIZE, UINT64_MAX - PAGE_SIZE), -EINVAL);
    CHECK_EQ(vm_unmap(PAGE_SIZE, UINT64_MAX), -EINVAL);
    CHECK_EQ(vm_protect(PAGE_SIZE, UINT64_MAX, 0), -ENOMEM);
    CHECK_EQ(vm_advise(PAGE_SIZE, UINT64_MAX, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(map_at(0, UINT64_MAX, 0, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), -ENOMEM);
    CHECK_EQ(vm_remap(PAGE_SIZE, PAGE_SIZE, UINT64_MAX - PAGE_SIZE, MREMAP_MAYMOVE, 0), -EINVAL);
    all_given_back();
}

/* The vDSO's pages are an array of the kernel's: an area may not reach beyond it. */
static void test_kernel_pages_do_not_grow(void)
{
    static struct page *pages[2];
    pages[0] = page_alloc(0, ALLOC_ZERO);
    pages[1] = page_alloc(0, ALLOC_ZERO);
    uint64_t at = (uint64_t)vm_map_pages(pages, 2, PROT_READ, "[vdso]");
    CHECK_EQ(peek(at + PAGE_SIZE), 0);
    CHECK_EQ(vm_remap(at, 2 * PAGE_SIZE, 64 * PAGE_SIZE, MREMAP_MAYMOVE, 0), -EFAULT);
    CHECK_EQ(vm_remap(at + PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), -EFAULT);
    CHECK_EQ(vm_protect(at, PAGE_SIZE, PROT_WRITE), -EACCES);
    CHECK_EQ(vm_remap(at, 2 * PAGE_SIZE, PAGE_SIZE, 0, 0), at);
    vm_reset();
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(pages[i]->refs, 1);
        pages[i]->flags = 0;
        page_put(pages[i]);
    }
    all_given_back();
}

static uint64_t resident_seen;

static bool see_area(const struct vm_area_info *info, void *arg)
{
    (void)arg;
    resident_seen += vm_count_resident(info->start, info->end);
    return true;
}

static int64_t map_touched(uint64_t page_count)
{
    struct vm_map_request r = {
        .size = page_count * PAGE_SIZE,
        .prot = PROT_READ | PROT_WRITE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS,
    };
    int64_t at = vm_map(&r);
    for (uint64_t i = 0; i < page_count; i++)
        CHECK_EQ(vm_fault((uint64_t)at + i * PAGE_SIZE, VM_WRITE), VM_FAULT_OK);
    return at;
}

/* Threads on other CPUs may still write to it. */
static void test_pages_are_kept_until_forgotten(void)
{
    uint64_t page_count = 200;
    uint64_t at = (uint64_t)map_touched(page_count);
    free_before = page_stats.free_pages;
    forgotten = 0;
    given_back_early = false;
    CHECK_EQ(vm_unmap(at, page_count * PAGE_SIZE), 0);
    CHECK(!given_back_early);
    CHECK_EQ(page_stats.free_pages, free_before + page_count);
    CHECK(forgotten >= page_count);
    all_given_back();
}

/* What is only added needs no forgetting. */
static void test_more_rights_interrupt_nobody(void)
{
    uint64_t at = (uint64_t)map_touched(4);
    CHECK_EQ(vm_protect(at, 4 * PAGE_SIZE, PROT_READ), 0);
    forgotten = 0;
    CHECK_EQ(vm_protect(at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    CHECK_EQ(forgotten, 0);
    CHECK_EQ(vm_protect(at, 4 * PAGE_SIZE, PROT_READ), 0);
    CHECK_EQ(forgotten, 4);
    vm_unmap(at, 4 * PAGE_SIZE);
    all_given_back();
}

/* 16 TiB that nobody touched cost nothing to count, nor to move or to take away. */
static void test_large_empty_range(void)
{
    uint64_t size = 16ul << 40, at = 0x100000000000ul;
    CHECK_EQ(map_at(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0), at);
    CHECK_EQ(vm_protect(at + size / 2, HUGE_SIZE, PROT_READ | PROT_WRITE), 0);
    poke(at + size / 2, 1);
    resident_seen = 0;
    vm_for_each_area(see_area, NULL);
    CHECK_EQ(resident_seen, HUGE_SIZE / PAGE_SIZE);
    CHECK_EQ(vm_protect(at, size, PROT_READ), 0);
    CHECK_EQ(vm_remap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at + size), at + size);
    CHECK_EQ(peek(at + size + size / 2), 1);
    /* A file that is cut short under a mapping far larger than itself. */
    CHECK_EQ(map_at(at, 1ul << 40, PROT_READ, MAP_SHARED | MAP_FIXED, &the_file, 0), at);
    CHECK_EQ(peek(at), 0);
    filemap_drop(&file_map, 0, UINT64_MAX, true);
    CHECK(!pt_lookup(at).page);
    all_given_back();
}

static void test_advice_on_files(void)
{
    uint64_t at = 0x80000000ul;
    uint32_t rw = PROT_READ | PROT_WRITE;
    map_at(at, 4 * PAGE_SIZE, rw, MAP_PRIVATE | MAP_FIXED, &the_file, 0);
    poke(at, 5);
    CHECK_EQ(vm_advise(at, PAGE_SIZE, MADV_FREE), -EINVAL);
    CHECK_EQ(peek(at), 5);
    CHECK_EQ(vm_advise(at, PAGE_SIZE, MADV_REMOVE), -EACCES);
    CHECK_EQ(vm_advise(at, PAGE_SIZE, MADV_DONTNEED), 0);
    CHECK_EQ(peek(at), 0);
    map_at(at, 4 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, &the_file, 0);
    CHECK_EQ(vm_advise(at, PAGE_SIZE, MADV_POPULATE_WRITE), -EINVAL);
    CHECK_EQ(vm_advise(at, PAGE_SIZE, MADV_POPULATE_READ), 0);
    uint64_t end = (FILE_PAGES - 1) * PAGE_SIZE;
    map_at(at, 4 * PAGE_SIZE, rw, MAP_SHARED | MAP_FIXED, &the_file, end);
    CHECK_EQ(vm_advise(at, 2 * PAGE_SIZE, MADV_POPULATE_READ), -EFAULT); /* beyond its end */
    /* Mapped in full, a shared file is not dirty. */
    filemap_drop(&file_map, 0, UINT64_MAX, true);
    map_at(at, 4 * PAGE_SIZE, rw, MAP_SHARED | MAP_FIXED | MAP_POPULATE, &the_file, 0);
    CHECK(pt_lookup(at).page);
    CHECK_EQ(file_map.dirty_count, 0);
    all_given_back();
}

static uint64_t raced_addr;

static void fault_meanwhile(struct mutex *m)
{
    if (m == &file_map.lock && !the_vm.lock.owner) {
        fake_on_lock = NULL;
        CHECK_EQ(vm_fault(raced_addr, VM_READ), VM_FAULT_OK);
    }
}

/* A page that is mapped again while its file is cut short must not stay mapped. */
static void test_fault_during_truncation(void)
{
    raced_addr = 0x80000000ul;
    map_at(raced_addr, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, &the_file, 0);
    CHECK_EQ(peek(raced_addr), 0);
    fake_on_lock = fault_meanwhile;
    filemap_drop(&file_map, 0, UINT64_MAX, true);
    CHECK(!fake_on_lock);
    CHECK(!pt_lookup(raced_addr).page);
    CHECK_EQ(file_map.page_count, 0);
    all_given_back();
}

static void test_shared_zeros_have_no_offset(void)
{
    int64_t at = map_at(0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, NULL,
                        64 * PAGE_SIZE);
    CHECK(at > 0);
    CHECK_EQ(poke((uint64_t)at, 9), VM_FAULT_OK);
    /* A size of 0 shows the same pages a second time. */
    int64_t second = vm_remap((uint64_t)at, 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    CHECK(second > 0 && second != at);
    CHECK_EQ(peek((uint64_t)second), 9);
    int64_t third =
        vm_remap((uint64_t)at, 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, 0x90000000ul);
    CHECK_EQ(peek((uint64_t)third), 9);
    CHECK_EQ(peek((uint64_t)at), 9);
    all_given_back();
}

static void test_unlimited_stack(void)
{
    int64_t top = vm_map_stack();
    CHECK(top > 0);
    CHECK_EQ(poke((uint64_t)top - (512ul << 20), 1), VM_FAULT_OK);
    all_given_back();
}

static void test_break(void)
{
    vm_set_brk(0x50000010ul);
    CHECK_EQ(vm_brk(0), 0x50000010);
    CHECK_EQ(vm_brk(0x50003000ul), 0x50003000);
    CHECK_EQ(poke(0x50002000ul, 3), VM_FAULT_OK);
    CHECK_EQ(vm_brk(0x50002001ul), 0x50002001);
    CHECK_EQ(peek(0x50002000ul), 3); /* the page that the break is in stays */
    map_anon(0x50010000ul, PAGE_SIZE);
    CHECK_EQ(vm_brk(0x50011000ul), 0x50002001); /* in the way */
    CHECK_EQ(vm_brk(UINT64_MAX), 0x50002001);
    fake_heap_left = 0;
    CHECK_EQ(vm_unmap(0x50001000ul, PAGE_SIZE), -ENOMEM);
    fake_heap_left = -1;
    CHECK_EQ(peek(0x50002000ul), 3);
    all_given_back();
}

static void test_code_that_is_mapped_is_told_when_asked(void)
{
    struct dentry *name = (struct dentry *)&the_file; /* only looked at by vfs_path_of() */
    the_file.dentry = name;
    struct vm_map_request code = {
        .size = 3 * PAGE_SIZE + 1,
        .prot = PROT_READ | PROT_EXEC,
        .flags = MAP_PRIVATE,
        .file = &the_file,
        .offset = PAGE_SIZE,
    };
    told_count = 0;
    vm_map(&code);
    CHECK_EQ(told_count, 0);
    the_run.options.flags = ORRIS_OPTION_MAPS;
    int64_t at = vm_map(&code);
    CHECK_EQ(told_count, 1);
    CHECK_EQ(told.start, at);
    CHECK_EQ(told.end, at + 4 * (int64_t)PAGE_SIZE);
    CHECK_EQ(told.offset, PAGE_SIZE);
    CHECK_STR(told_path, "/lib/code");
    code.prot = PROT_READ;
    vm_map(&code);
    CHECK_EQ(told_count, 1);
    the_run.options.flags = 0;
    the_file.dentry = NULL;
    all_given_back();
}

static unsigned gave_way, paused;

/* What others can do while a large range is worked on: use and map memory elsewhere. */
static void use_memory_elsewhere(void)
{
    uint64_t from;
    void (*self)(void) = fake_on_cond_resched;
    fake_on_cond_resched = NULL;
    gave_way++;
    CHECK(!the_vm.lock.owner);
    paused += vm_paused_at(0x80000000ul, 0x80000000ul + 8 * HUGE_SIZE, &from) != 0;
    int64_t at = map_at(0, HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    CHECK(at > 0 && !vm_paused_at((uint64_t)at, (uint64_t)at + HUGE_SIZE, &from));
    CHECK_EQ(poke((uint64_t)at, 1), VM_FAULT_OK);
    CHECK_EQ(vm_unmap((uint64_t)at, HUGE_SIZE), 0);
    fake_on_cond_resched = self;
}

static void test_giving_way_in_the_midst(void)
{
    uint64_t at = 0x80000000ul, size = 8 * HUGE_SIZE;
    map_anon(at, size);
    fake_on_cond_resched = use_memory_elsewhere;
    CHECK_EQ(vm_lock(at, size, false), 0);
    CHECK_EQ(vm_unlock(at, size), 0);
    CHECK_EQ(vm_protect(at + PAGE_SIZE, size - PAGE_SIZE, PROT_READ), 0);
    CHECK_EQ(vm_count_resident(at, at + size), size / PAGE_SIZE);
    CHECK_EQ(vm_remap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at), -EINVAL);
    CHECK_EQ(vm_advise(at, 2 * HUGE_SIZE, MADV_DONTNEED), 0);
    CHECK_EQ(vm_unmap(at, size), 0);
    CHECK(gave_way > 8 && paused > 8);
    CHECK(list_empty(&the_vm.paused));
    fake_on_cond_resched = NULL;
    all_given_back();
}

static void nothing_meanwhile(void) {}

/* The same operations, each given way in wherever it can be. */
static void test_random_operations_that_give_way(void)
{
    fake_on_cond_resched = nothing_meanwhile;
    test_random_operations();
    fake_on_cond_resched = nothing_meanwhile;
}

int main(void)
{
    begin();
    RUN(test_random_operations);
    RUN(test_giving_way_in_the_midst);
    RUN(test_random_operations_that_give_way);
    RUN(test_move_without_memory);
    RUN(test_random_operations_without_memory);
    RUN(test_move_keeps_huge_pages);
    RUN(test_protect_without_memory);
    RUN(test_locked_pages_are_counted);
    RUN(test_ranges_that_wrap);
    RUN(test_kernel_pages_do_not_grow);
    RUN(test_large_empty_range);
    RUN(test_pages_are_kept_until_forgotten);
    RUN(test_more_rights_interrupt_nobody);
    RUN(test_advice_on_files);
    RUN(test_fault_during_truncation);
    RUN(test_shared_zeros_have_no_offset);
    RUN(test_unlimited_stack);
    RUN(test_break);
    RUN(test_code_that_is_mapped_is_told_when_asked);
    return check_done();
}
