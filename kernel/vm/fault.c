/*
 * Page faults: pages come when they are touched. Anonymous memory gets zero pages (2 MiB ones
 * where it is large and memory plentiful), private file pages are shared with the page cache until
 * written, shared ones always.
 */
#include <asm/resource.h>

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vm/vm_priv.h"

#define AROUND_PAGES 16     /* cached file pages mapped together */
#define UNMAP_PAGES 64      /* between two looks at the clock */
#define ANON_AROUND_PAGES 8 /* fresh pages given together while memory is plentiful */

static void account_map(struct page *page, unsigned count)
{
    page->mapcount++;
    the_vm.resident_pages += count;
    the_vm.shared_pages += page->map != NULL;
    if (the_vm.resident_pages > the_vm.peak_resident) {
        the_vm.peak_resident = the_vm.resident_pages;
    }
}

/* A page that can be written through a mapping was marked dirty when it was mapped so. */
static void unmap_one(struct page *page, bool huge)
{
    page->mapcount--;
    the_vm.resident_pages -= huge ? HUGE_SIZE / PAGE_SIZE : 1;
    the_vm.shared_pages -= page->map != NULL;
    if (!page->map) {
        page_stats.anon_pages -= huge ? HUGE_SIZE / PAGE_SIZE : 1;
    }
    page_put(page);
}

int unmap_pages_locked(uint64_t start, uint64_t end)
{
    return pt_unmap(start, end, unmap_one);
}

bool page_may_write(struct page *page)
{
    return !page->map && !(page->flags & PAGE_FLAG_FOREIGN);
}

/* Maps page, taking over the caller's reference. */
static enum vm_fault_result map_page(uint64_t addr, struct page *page, uint32_t prot, bool huge)
{
    if (pt_map(addr, page, prot, huge)) {
        page_put(page);
        return VM_FAULT_OOM;
    }
    account_map(page, huge ? HUGE_SIZE / PAGE_SIZE : 1);
    if (!page->map) {
        page_stats.anon_pages += huge ? HUGE_SIZE / PAGE_SIZE : 1;
    }
    return VM_FAULT_OK;
}

static bool memory_is_plentiful(void)
{
    return page_stats.free_pages > page_stats.total_pages / 4 &&
           page_stats.free_pages > (64ul << 20) / PAGE_SIZE;
}

static bool fault_huge(const struct area *a, uint64_t addr)
{
    uint64_t base = align_down(addr, HUGE_SIZE);
    if (base < a->start || base + HUGE_SIZE > a->end || a->grows_down || a->small ||
        !memory_is_plentiful() || !pt_huge_possible(base)) {
        return false;
    }
    struct page *page = page_alloc(HUGE_SHIFT - PAGE_SHIFT, ALLOC_ZERO | ALLOC_NORECLAIM);
    return page && map_page(base, page, area_pt_prot(a), true) == VM_FAULT_OK;
}

/* Gives the neighbours above their pages too: programs touch fresh memory in order. */
static void fault_anon_around(const struct area *a, uint64_t addr)
{
    uint64_t stop = min_u64(a->end, align_down(addr, ANON_AROUND_PAGES * PAGE_SIZE) +
                                        ANON_AROUND_PAGES * PAGE_SIZE);
    for (addr += PAGE_SIZE; addr < stop && !pt_lookup(addr).page; addr += PAGE_SIZE) {
        struct page *page = page_alloc(0, ALLOC_ZERO | ALLOC_NORECLAIM);
        if (!page || map_page(addr, page, area_pt_prot(a), false) != VM_FAULT_OK) {
            return;
        }
    }
}

static enum vm_fault_result fault_anon(const struct area *a, uint64_t addr)
{
    if (fault_huge(a, addr)) {
        return VM_FAULT_OK;
    }
    struct page *page = page_alloc(0, ALLOC_ZERO | ALLOC_USER);
    if (!page) {
        return VM_FAULT_OOM;
    }
    enum vm_fault_result result = map_page(addr, page, area_pt_prot(a), false);
    if (result == VM_FAULT_OK && memory_is_plentiful() && !a->grows_down) {
        fault_anon_around(a, addr);
    }
    return result;
}

/* Maps what is cached around addr, so that it need not fault. */
static void fault_file_around(const struct area *a, uint64_t addr)
{
    uint64_t start = max_u64(a->start, align_down(addr, AROUND_PAGES * PAGE_SIZE));
    uint64_t stop =
        min_u64(a->end, align_down(addr, AROUND_PAGES * PAGE_SIZE) + AROUND_PAGES * PAGE_SIZE);
    struct page *pages[AROUND_PAGES];
    uint64_t first = (a->offset + (start - a->start)) >> PAGE_SHIFT;
    uint64_t end = (a->map->size + PAGE_MASK) >> PAGE_SHIFT;
    uint64_t count = min_u64((stop - start) >> PAGE_SHIFT, end > first ? end - first : 0);
    bool full = false;
    (void)filemap_find_pages(a->map, first, (unsigned)count, pages);
    for (uint64_t i = 0, at = start; i < count; i++, at += PAGE_SIZE) {
        if (!pages[i]) {
            continue;
        }
        if (full || at == addr || pt_lookup(at).page) {
            page_put(pages[i]);
        } else {
            full = map_page(at, pages[i], area_pt_prot(a) & ~PT_WRITE, false) != VM_FAULT_OK;
        }
    }
}

static enum vm_fault_result from_error(int err)
{
    return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_BUS_ADRERR;
}

/* A private copy of cached, mapped in its place. */
static enum vm_fault_result copy_on_write(const struct area *a, uint64_t addr,
                                          struct page *original)
{
    struct page *copy = page_alloc(0, ALLOC_USER);
    if (!copy) {
        return VM_FAULT_OOM;
    }
    memcpy(page_virt(copy), page_virt(original), PAGE_SIZE);
    if (pt_lookup(addr).page && unmap_pages_locked(addr, addr + PAGE_SIZE)) {
        page_put(copy);
        return VM_FAULT_OOM;
    }
    return map_page(addr, copy, area_pt_prot(a), false);
}

/* A page of a shared mapping can be written from now on: that counts as a write. */
static void file_touch(const struct area *a)
{
    struct inode *inode = a->file ? a->file->inode : NULL;
    if (inode && a->shared) {
        inode->mtime_ns = inode->ctime_ns = clock_realtime_ns();
        inode->pinned = true;
    }
}

static enum vm_fault_result fault_file(const struct area *a, uint64_t addr, uint32_t access)
{
    uint64_t offset = a->offset + (addr - a->start);
    bool write = access == VM_WRITE;
    struct page *page;
    if (offset >= align_up(a->map->size, PAGE_SIZE)) {
        return VM_FAULT_BUS_ADRERR;
    }
    if (write || !(page = filemap_find_page(a->map, offset >> PAGE_SHIFT))) {
        unsigned flags = write && a->shared ? FILEMAP_WRITE : FILEMAP_READ;
        int err = filemap_get_page(a->map, offset >> PAGE_SHIFT, flags, &page);
        if (err) {
            return from_error(err);
        }
        the_vm.major_faults++;
    }
    if (write && !a->shared) {
        enum vm_fault_result result = copy_on_write(a, addr, page);
        page_put(page);
        return result;
    }
    struct page *mapped = pt_lookup(addr).page;
    if (mapped) { /* read-only so far */
        if (unmap_pages_locked(addr, addr + PAGE_SIZE)) {
            page_put(page);
            return VM_FAULT_OOM;
        }
    }
    uint32_t prot = area_pt_prot(a);
    enum vm_fault_result result = map_page(addr, page, write ? prot : prot & ~PT_WRITE, false);
    if (write) {
        file_touch(a);
    }
    if (result == VM_FAULT_OK && !write) {
        fault_file_around(a, addr);
    }
    return result;
}

static enum vm_fault_result fault_kernel_pages(const struct area *a, uint64_t addr)
{
    struct page *page = a->pages[(a->offset + (addr - a->start)) >> PAGE_SHIFT];
    return map_page(addr, page_get(page), area_pt_prot(a), false);
}

static bool allowed(const struct area *a, uint32_t access)
{
    return access == VM_READ ? a->prot != 0 : a->prot & access;
}

/* Makes the area above addr reach down to it, if it is one that grows. Returns the area or NULL. */
static struct area *grow_down(uint64_t addr)
{
    struct area *a = area_find_from(addr);
    uint64_t start = align_down(addr, PAGE_SIZE);
    if (!a || !a->grows_down || start < VM_MIN_ADDR || vm_wait_settled(start, a->end)) {
        return area_find(addr);
    }
    const struct area *below = area_prev(a);
    bool close = below && !below->grows_down && below->prot && start - below->end < GUARD_GAP;
    uint64_t more = a->start - start;
    if (close || a->end - start > proc_limit(RLIMIT_STACK) || over_limit(more) ||
        (a->locked && !may_lock(more)) || (a->map && a->offset < more)) {
        return NULL;
    }
    a->offset -= a->map ? more : 0;
    area_set_bounds(a, start, a->end);
    return a;
}

enum vm_fault_result fault_locked(uint64_t addr, uint32_t access)
{
    (void)vm_wait_settled(addr, addr + 1);
    struct area *a = area_find(addr);
    if (UNLIKELY(!a)) {
        a = grow_down(addr);
    }
    if (!a) {
        return VM_FAULT_SEGV_MAPERR;
    }
    if (!allowed(a, access)) {
        return VM_FAULT_SEGV_ACCERR;
    }
    addr = align_down(addr, PAGE_SIZE);
    the_vm.minor_faults++;
    struct pt_entry entry = pt_lookup(addr);
    if (entry.page && (access != VM_WRITE || entry.writable)) {
        return VM_FAULT_OK; /* another thread was faster */
    }
    if (entry.page && page_may_write(entry.page)) {
        return pt_protect(addr, addr + PAGE_SIZE, area_pt_prot(a), page_may_write) ? VM_FAULT_OOM
                                                                                   : VM_FAULT_OK;
    }
    if (a->pages) {
        return fault_kernel_pages(a, addr);
    }
    return a->map ? fault_file(a, addr, access) : fault_anon(a, addr);
}

enum vm_fault_result vm_fault(uint64_t addr, uint32_t access)
{
    vm_lock_mm();
    enum vm_fault_result result = fault_locked(addr, access);
    vm_unlock_mm();
    return result;
}

/* Which mapped pages of a file go, and how far that is when it gives way. */
struct unmap_file {
    uint64_t first, last;
    bool even_private;
    unsigned area; /* the place in the list of the area in work */
    uint64_t at;   /* what is below is done */
};

/* False: there is more, but it is time to give way. */
static bool unmap_in_area(struct unmap_file *u, const struct area *a)
{
    uint64_t area_first = a->offset >> PAGE_SHIFT;
    uint64_t area_last = area_first + ((a->end - a->start) >> PAGE_SHIFT) - 1;
    uint64_t from = max_u64(u->first, area_first), to = min_u64(u->last, area_last);
    if (from > to) {
        return true;
    }
    uint64_t start = max_u64(a->start + ((from - area_first) << PAGE_SHIFT), u->at);
    uint64_t end = a->start + ((to - area_first + 1) << PAGE_SHIFT);
    for (uint64_t at = pt_next(start, end); at < end; at = pt_next(at + PAGE_SIZE, end)) {
        const struct page *page = pt_lookup(at).page;
        if (page->map == a->map || u->even_private) {
            /* One small page: nothing to split, so this can't fail. */
            int err = unmap_pages_locked(at, at + PAGE_SIZE);
            ASSERT(!err);
        }
        if ((at >> PAGE_SHIFT) % UNMAP_PAGES == 0 && cond_resched_due()) {
            u->at = at + PAGE_SIZE;
            return false;
        }
    }
    return true;
}

/* Goes on where it was. */
static bool unmap_file_locked(struct unmap_file *u, struct filemap *map)
{
    unsigned place = 0;
    list_for_each(node, &map->areas)
    {
        if (place++ < u->area) {
            continue;
        }
        if (!unmap_in_area(u, list_entry(node, struct area, map_node))) {
            return false;
        }
        u->area = place;
        u->at = 0;
    }
    return true;
}

/* While it gives way the list may change, so that an area is left out: the caller looks whether
 * there are pages that are still mapped. */
void vm_unmap_filemap(struct filemap *map, uint64_t first, uint64_t last, bool even_private)
{
    struct vm_op op;
    struct unmap_file u = {.first = first, .last = last, .even_private = even_private};
    vm_begin_anywhere(&op);
    while (!unmap_file_locked(&u, map)) {
        (void)vm_pause(&op);
    }
    vm_end(&op);
}

bool vm_try_unmap_page(struct filemap *map, uint64_t index) NO_LOCK_ANALYSIS
{
    bool mine = mutex_held(&the_vm.lock);
    if (!mine && !mutex_trylock(&the_vm.lock)) {
        return false;
    }
    struct unmap_file u = {.first = index, .last = index};
    while (!unmap_file_locked(&u, map)) { /* a page in each area, and no way to give way here */
    }
    if (!mine) {
        mutex_unlock(&the_vm.lock);
    }
    return true;
}
