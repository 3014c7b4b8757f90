/*
 * Page tables: four levels. The program's half is changed by vm/ under the mm mutex; the kernel's
 * own mappings under kernel_lock. There is one tree.
 *
 * Threads on other CPUs use it meanwhile. So a page is given back only after every CPU has
 * forgotten it (struct unmap_arg), and a table likewise; what a change only adds needs no
 * forgetting: a CPU that does not know yet faults, and finds it there.
 */
#include "kernel/arch/cpu.h"
#include "kernel/arch/direct_map.h"
#include "kernel/arch/pagetable.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"

#define ENTRIES 512
#define UNMAP_BATCH 64
#define FLUSH_ALL_PAGES 32 /* above: reload CR3 instead of single invalidations */

static struct spinlock kernel_lock = SPINLOCK_INIT(RANK_PAGETABLE);
static uint64_t device_next, stack_base;

void *direct_map(paddr_t phys)
{
    return phys_to_virt(phys);
}

paddr_t direct_map_phys(const void *virt)
{
    return virt_to_phys(virt);
}

static uint64_t *root(void)
{
    return phys_to_virt(kernel_pml4);
}

static uint64_t *table_of(uint64_t entry)
{
    return phys_to_virt(entry & PTE_ADDRESS);
}

static uint64_t *table_make(uint64_t *entry, uint64_t flags)
{
    struct page *p = page_alloc(0, ALLOC_ZERO | (flags & PTE_USER ? ALLOC_USER : 0));
    if (!p) {
        return NULL;
    }
    page_stats.table_pages++;
    *entry = page_phys(p) | PTE_PRESENT | PTE_WRITE | flags;
    return page_virt(p);
}

/* The last table of the program's pages that somebody went through: most look-ups stay within 2
 * MiB. Under the mm mutex. */
static struct {
    uint64_t block; /* address / HUGE_SIZE */
    uint64_t *table;
} last = {.block = UINT64_MAX};

static inline bool is_in_last(uint64_t addr)
{
    return addr / HUGE_SIZE == last.block;
}

static inline uint64_t *last_entry(uint64_t addr)
{
    return &last.table[addr / PAGE_SIZE % ENTRIES];
}

static void last_remember(uint64_t addr, uint64_t *table)
{
    if (!(addr >> 63)) {
        last.block = addr / HUGE_SIZE;
        last.table = table;
    }
}

/* A table goes. */
static void last_forget(void)
{
    last.block = UINT64_MAX;
}

static uint64_t *walk_from_root(uint64_t addr, unsigned level, bool make, uint64_t flags)
{
    uint64_t *table = root();
    for (unsigned l = 4; l > level; l--) {
        uint64_t *entry = &table[addr >> (3 + 9 * l) & 511];
        if (*entry & PTE_HUGE) {
            return NULL;
        }
        if (*entry) {
            table = table_of(*entry);
        } else if (!make || !(table = table_make(entry, flags))) {
            return NULL;
        }
    }
    if (level == 1) {
        last_remember(addr, table);
    }
    return &table[addr >> (3 + 9 * level) & 511];
}

/* The entry for addr at level (1: page, 2: 2 MiB block), with tables made on the way if flags
 * allow; NULL: no table (or no memory). A huge page on the way to level 1 gives NULL. */
static inline uint64_t *walk(uint64_t addr, unsigned level, bool make, uint64_t flags)
{
    return level == 1 && is_in_last(addr) ? last_entry(addr)
                                          : walk_from_root(addr, level, make, flags);
}

static uint64_t user_flags(uint32_t prot)
{
    uint64_t flags = PTE_ACCESSED; /* a page that may not be read keeps its entry, without this */
    flags |= prot ? PTE_PRESENT | PTE_USER : 0;
    flags |= prot & PT_WRITE ? PTE_WRITE : 0;
    flags |= prot & PT_EXEC ? 0 : PTE_NX;
    return flags;
}

int pt_map(uint64_t addr, struct page *page, uint32_t prot, bool huge)
{
    uint64_t *entry = walk(addr, huge ? 2 : 1, true, PTE_USER);
    if (!entry) {
        return -ENOMEM;
    }
    bool replaced = *entry;
    uint64_t dirty = prot & PT_WRITE ? PTE_DIRTY : 0;
    *entry = page_phys(page) | user_flags(prot) | dirty | (huge ? PTE_HUGE : 0);
    if (replaced) {
        cpu_invalidate_page(addr);
        tlb_shoot(addr, addr + (huge ? HUGE_SIZE : PAGE_SIZE));
    }
    return 0;
}

static uint64_t *entry_from_root(uint64_t addr, unsigned *level)
{
    uint64_t *table = root();
    for (unsigned l = 4; l > 1; l--) {
        uint64_t *entry = &table[addr >> (3 + 9 * l) & 511];
        if (!*entry || (l == 2 && *entry & PTE_HUGE)) {
            *level = l;
            return entry;
        }
        table = table_of(*entry);
    }
    last_remember(addr, table);
    *level = 1;
    return &table[addr / PAGE_SIZE % ENTRIES];
}

/* The entry that decides about addr, and its level: of a page, of a huge page, or an empty one
 * above where tables are missing. */
static inline uint64_t *entry_at(uint64_t addr, unsigned *level)
{
    *level = 1;
    return is_in_last(addr) ? last_entry(addr) : entry_from_root(addr, level);
}

struct pt_entry pt_lookup(uint64_t addr)
{
    struct pt_entry result = {0};
    unsigned level;
    const uint64_t *entry = entry_at(addr, &level);
    if (!*entry) {
        return result;
    }
    result.huge = level == 2;
    result.page = page_of_phys(*entry & PTE_ADDRESS);
    result.writable = *entry & PTE_WRITE;
    result.dirty = *entry & PTE_DIRTY;
    result.accessed = *entry & PTE_ACCESSED;
    return result;
}

static void table_free(uint64_t entry)
{
    last_forget();
    page_stats.table_pages--;
    page_put(page_of_phys(entry & PTE_ADDRESS));
}

static bool table_is_empty(const uint64_t *table)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (table[i]) {
            return false;
        }
    }
    return true;
}

/* The entry for a huge page at addr, if nothing is mapped there; a table that small pages left
 * behind goes. NULL: there is something, or no memory. */
static uint64_t *huge_entry(uint64_t addr)
{
    uint64_t *entry = walk(addr, 2, true, PTE_USER);
    if (!entry || !*entry) {
        return entry;
    }
    uint64_t table = *entry;
    if (table & PTE_HUGE || !table_is_empty(table_of(table))) {
        return NULL;
    }
    *entry = 0;
    cpu_write_cr3(cpu_read_cr3()); /* the processor may remember the way through the table */
    tlb_shoot_all();
    table_free(table);
    return entry;
}

bool pt_huge_possible(uint64_t addr)
{
    return huge_entry(addr) != NULL;
}

/* Turns a huge entry into a table of 512 small ones. */
static int split_huge(uint64_t *entry)
{
    uint64_t old = *entry;
    struct page *table = page_alloc(0, 0);
    if (!table) {
        return -ENOMEM;
    }
    page_stats.table_pages++;
    uint64_t *small = page_virt(table);
    for (unsigned i = 0; i < ENTRIES; i++) {
        small[i] = (old & ~PTE_HUGE) + i * PAGE_SIZE;
    }
    page_split(page_of_phys(old & PTE_ADDRESS));
    *entry = page_phys(table) | PTE_PRESENT | PTE_WRITE | PTE_USER;
    return 0;
}

struct flush {
    uint64_t start, end;
};

static void flush_add(struct flush *f, uint64_t addr, uint64_t size)
{
    f->start = f->end ? min_u64(f->start, addr) : addr;
    f->end = max_u64(f->end, addr + size);
}

static void flush_done(const struct flush *f)
{
    if (!f->end) {
        return;
    }
    tlb_shoot(f->start, f->end);
    if (f->end - f->start > FLUSH_ALL_PAGES * PAGE_SIZE) {
        cpu_write_cr3(cpu_read_cr3());
        return;
    }
    for (uint64_t a = f->start; a < f->end; a += PAGE_SIZE) {
        cpu_invalidate_page(a);
    }
}

/* Calls each entry that maps something in [start, end), skipping empty tables in whole steps.
 * Entries are read afresh after a huge one was split. */
typedef void (*entry_fn_t)(uint64_t *entry, uint64_t addr, bool huge, void *arg);

static uint64_t next_boundary(uint64_t addr, unsigned level)
{
    uint64_t size = 1ul << (3 + 9 * level);
    return align_down(addr, size) + size;
}

static int for_each_entry(uint64_t start, uint64_t end, entry_fn_t each, void *arg)
{
    uint64_t addr = start;
    while (addr < end) {
        unsigned level;
        uint64_t *entry = entry_at(addr, &level);
        if (!*entry) {
            addr = next_boundary(addr, level);
            continue;
        }
        if (level == 2 && (addr % HUGE_SIZE || end - addr < HUGE_SIZE)) {
            if (split_huge(entry)) {
                return -ENOMEM;
            }
            continue;
        }
        if (level == 2) {
            each(entry, addr, true, arg);
            addr += HUGE_SIZE;
            continue;
        }
        /* The rest of this last table in one go. */
        uint64_t stop = min_u64(end, next_boundary(addr, 2));
        for (; addr < stop; addr += PAGE_SIZE, entry++) {
            if (*entry) {
                each(entry, addr, false, arg);
            }
        }
    }
    return 0;
}

/* Pages whose mappings are gone, kept until no CPU can reach them any more. */
struct unmap_arg {
    struct flush flush;
    void (*each)(struct page *page, bool huge);
    unsigned count;
    struct {
        struct page *page;
        bool huge;
    } gone[UNMAP_BATCH];
};

static void unmap_give_back(struct unmap_arg *u)
{
    flush_done(&u->flush);
    u->flush = (struct flush){0};
    for (unsigned i = 0; i < u->count; i++) {
        u->each(u->gone[i].page, u->gone[i].huge);
    }
    u->count = 0;
}

static void unmap_entry(uint64_t *entry, uint64_t addr, bool huge, void *arg)
{
    struct unmap_arg *u = arg;
    if (u->count == UNMAP_BATCH) {
        unmap_give_back(u);
    }
    u->gone[u->count].page = page_of_phys(*entry & PTE_ADDRESS);
    u->gone[u->count++].huge = huge;
    *entry = 0;
    flush_add(&u->flush, addr, huge ? HUGE_SIZE : PAGE_SIZE);
}

int pt_unmap(uint64_t start, uint64_t end, void (*each)(struct page *page, bool huge))
{
    struct unmap_arg u;
    u.flush = (struct flush){0};
    u.each = each;
    u.count = 0;
    int err = for_each_entry(start, end, unmap_entry, &u);
    unmap_give_back(&u);
    return err;
}

struct protect_arg {
    struct flush flush;
    uint32_t prot;
    bool (*may_write)(struct page *page);
};

/* Whether something is no longer allowed. */
static bool takes_away(uint64_t old, uint64_t now)
{
    return (old & ~now & (PTE_PRESENT | PTE_WRITE)) || (~old & now & PTE_NX);
}

static void protect_entry(uint64_t *entry, uint64_t addr, bool huge, void *arg)
{
    struct protect_arg *p = arg;
    uint32_t prot = p->prot;
    if (prot & PT_WRITE && !p->may_write(page_of_phys(*entry & PTE_ADDRESS))) {
        prot &= ~PT_WRITE;
    }
    uint64_t old = *entry;
    *entry = (old & (PTE_ADDRESS | PTE_DIRTY | PTE_HUGE)) | user_flags(prot);
    if (takes_away(old, *entry)) {
        flush_add(&p->flush, addr, huge ? HUGE_SIZE : PAGE_SIZE);
    }
}

int pt_protect(uint64_t start, uint64_t end, uint32_t prot, bool (*may_write)(struct page *page))
{
    struct protect_arg p = {.prot = prot, .may_write = may_write};
    int err = for_each_entry(start, end, protect_entry, &p);
    flush_done(&p.flush);
    return err;
}

/* How many of count entries come before the first that is not empty. */
static uint64_t next_present(const uint64_t *entry, uint64_t count)
{
    uint64_t i = 0;
    while (i + 4 <= count && !(entry[i] | entry[i + 1] | entry[i + 2] | entry[i + 3])) {
        i += 4;
    }
    while (i < count && !entry[i]) {
        i++;
    }
    return i;
}

uint64_t pt_next(uint64_t addr, uint64_t end)
{
    while (addr < end) {
        unsigned level;
        const uint64_t *entry = entry_at(addr, &level);
        uint64_t stop = level == 1 ? min_u64(end, next_boundary(addr, 2)) : addr;
        addr += next_present(entry, (stop - addr) / PAGE_SIZE) * PAGE_SIZE;
        if (level == 1 ? addr < stop : *entry) {
            return addr;
        }
        addr = level == 1 ? stop : next_boundary(addr, level);
    }
    return end;
}

uint64_t pt_next_table(uint64_t addr, uint64_t end)
{
    while (addr < end) {
        unsigned level;
        const uint64_t *entry = entry_at(addr, &level);
        if (level < 3 || *entry) {
            return addr;
        }
        addr = next_boundary(addr, level);
    }
    return end;
}

int pt_split(uint64_t addr)
{
    unsigned level;
    uint64_t *entry = entry_at(addr, &level);
    if (!*entry || level == 1 || addr % HUGE_SIZE == 0) {
        return 0;
    }
    return split_huge(entry);
}

/* Moves what is mapped at from: a huge page as a whole if it lies alike in both places and the
 * target has no table there. Returns the bytes it covered, 0 if there is no memory. */
static uint64_t move_entry(uint64_t from, uint64_t to, uint64_t left)
{
    unsigned level;
    uint64_t *entry = entry_at(from, &level);
    uint64_t *target;
    if (level == 2) {
        bool whole = left >= HUGE_SIZE && (from | to) % HUGE_SIZE == 0;
        target = whole ? huge_entry(to) : NULL;
        if (target) {
            *target = *entry;
            *entry = 0;
            return HUGE_SIZE;
        }
        if (split_huge(entry)) {
            return 0;
        }
        entry = entry_at(from, &level);
    }
    target = walk(to, 1, true, PTE_USER);
    if (!target) {
        return 0;
    }
    *target = *entry;
    *entry = 0;
    return PAGE_SIZE;
}

/* Returns how far it came. */
static uint64_t move_entries(uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t done = pt_next(from, from + size) - from;
    while (done < size) {
        uint64_t moved = move_entry(from + done, to + done, size - done);
        if (!moved) {
            break;
        }
        done = pt_next(from + done + moved, from + size) - from;
    }
    return done;
}

int pt_move(uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t done = move_entries(from, to, size);
    if (done < size) {
        /* The tables that they came from are still there: this needs no memory. */
        uint64_t back = move_entries(to, from, done);
        ASSERT(back == done);
    }
    cpu_write_cr3(cpu_read_cr3());
    tlb_shoot(from, from + size);
    return done < size ? -ENOMEM : 0;
}

/* The table below *entry, if nothing is in it, goes to gone. */
static void table_take(uint64_t *entry, struct list_node *gone)
{
    if (*entry && !(*entry & PTE_HUGE) && table_is_empty(table_of(*entry))) {
        last_forget();
        list_add_tail(gone, &page_of_phys(*entry & PTE_ADDRESS)->lru);
        *entry = 0;
    }
}

/* Those whose entries are of this level. */
static void tables_take(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling,
                        unsigned level, struct list_node *gone)
{
    uint64_t size = 1ul << (3 + 9 * level);
    uint64_t from = align_down(start, size), to = align_up(end, size);
    from = from < floor ? from + size : from;
    to = to > ceiling ? to - size : to;
    while (from < to) {
        uint64_t *entry = walk(from, level, false, 0);
        if (entry) {
            table_take(entry, gone);
        }
        from = entry ? from + size : next_boundary(from, level + 1);
    }
}

void pt_free_tables(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
    struct list_node gone;
    list_init(&gone);
    for (unsigned level = 2; level <= 4; level++) {
        tables_take(start, end, floor, ceiling, level, &gone);
    }
    if (list_empty(&gone)) {
        return;
    }
    cpu_write_cr3(cpu_read_cr3()); /* processors may remember the way through them */
    tlb_shoot_all();
    while (!list_empty(&gone)) {
        struct page *table = list_entry(gone.next, struct page, lru);
        list_remove(&table->lru);
        page_stats.table_pages--;
        page_put(table);
    }
}

void pt_reset(void)
{
    uint64_t *l4 = root();
    tlb_shoot_all(); /* nobody runs in there, so nothing is learnt anew */
    for (unsigned i = 0; i < ENTRIES / 2; i++) {
        if (!(l4[i] & PTE_PRESENT)) {
            continue;
        }
        uint64_t *l3 = table_of(l4[i]);
        for (unsigned j = 0; j < ENTRIES; j++) {
            if (!l3[j]) {
                continue;
            }
            const uint64_t *l2 = table_of(l3[j]);
            for (unsigned k = 0; k < ENTRIES; k++) {
                if (l2[k]) {
                    table_free(l2[k]);
                }
            }
            table_free(l3[j]);
        }
        table_free(l4[i]);
        l4[i] = 0;
    }
    cpu_write_cr3(cpu_read_cr3());
}

/* Boot leaves the low half mapped one to one. */
void paging_init(void)
{
    root()[0] = 0;
    cpu_write_cr3(kernel_pml4);
    device_next = DEVICE_SLOT;
}

uint64_t stack_area_base(void)
{
    if (!stack_base) {
        stack_base = STACK_SLOT + (random_u64() & 0x3ffff) * PAGE_SIZE * 16;
    }
    return stack_base;
}

int pt_kernel_map(uint64_t addr, size_t size)
{
    for (size_t done = 0; done < size; done += PAGE_SIZE) {
        struct page *p = page_alloc(0, ALLOC_OBJECT);
        uint64_t *entry = p ? walk(addr + done, 1, true, 0) : NULL;
        if (!entry) {
            if (p) {
                page_put(p);
            }
            pt_kernel_unmap(addr, done);
            return -ENOMEM;
        }
        *entry = page_phys(p) | PTE_PRESENT | PTE_WRITE | PTE_NX;
    }
    return 0;
}

void pt_kernel_unmap(uint64_t addr, size_t size)
{
    for (size_t done = 0; done < size; done += PAGE_SIZE) {
        uint64_t *entry = walk(addr + done, 1, false, 0);
        struct page *p = page_of_phys(*entry & PTE_ADDRESS);
        *entry = 0;
        cpu_invalidate_page(addr + done);
        page_put(p);
    }
    tlb_shoot_later();
}

void *arch_map_device(paddr_t phys, size_t size)
{
    spin_lock(&kernel_lock);
    uint64_t base = device_next;
    uint64_t offset = phys & PAGE_MASK;
    size_t pages = align_up(offset + size, PAGE_SIZE) / PAGE_SIZE;
    device_next += (pages + 1) * PAGE_SIZE;
    spin_unlock(&kernel_lock);
    for (size_t i = 0; i < pages; i++) {
        uint64_t *entry = walk(base + i * PAGE_SIZE, 1, true, 0);
        if (!entry) {
            return NULL;
        }
        *entry = (align_down(phys, PAGE_SIZE) + i * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE |
                 PTE_NO_CACHE | PTE_NX;
    }
    return (void *)(base + offset);
}
