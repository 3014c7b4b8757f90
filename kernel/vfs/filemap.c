/*
 * The page cache. A page in a cache's tree always holds its data: it is filled before it is put
 * there, under the cache's mutex. The trees of all caches, the flags of their pages and the list of
 * clean pages (oldest first; dirty ones are in no list) stand under one spin lock, cache_lock.
 *
 * The clock hand that looks for pages to give back is filemap_reclaim(). It only tries for the
 * lock: it is called when memory is short, also by ourselves while a tree grows.
 */
#include "kernel/vfs/filemap.h"

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/workingset.h"
#include "kernel/vm/vm.h"

#define READ_PAGES_MAX 64u   /* at once, when access is sequential */
#define READ_PAGES_START 32u /* at the start of a file */
#define READ_AROUND 16u
#define DROP_PAGES 256u /* between two looks at the clock */
#define SCAN_PAGES 256u /* under the lock */

static struct spinlock cache_lock = SPINLOCK_INIT(RANK_PAGECACHE);
static struct list_node clean_pages = LIST_INIT(clean_pages);

static void stat_add(uint64_t *counter, int64_t count)
{
    __atomic_fetch_add(counter, (uint64_t)count, __ATOMIC_RELAXED);
}

void filemap_init(struct filemap *map, const struct filemap_ops *ops)
{
    *map = (struct filemap){.ops = ops, .read_around = READ_AROUND};
    mutex_init(&map->lock, RANK_FILEMAP);
    list_init(&map->areas);
    radix_init(&map->pages);
}

/* Takes a page out, under cache_lock. The tree's reference is the caller's now. */
static void page_remove_locked(struct filemap *map, struct page *page)
{
    radix_remove(&map->pages, page->index);
    list_remove(&page->lru);
    map->page_count--;
    stat_add(&page_stats.cache_pages, -1);
    if (page->flags & PAGE_FLAG_DIRTY) {
        map->dirty_count--;
        stat_add(&page_stats.dirty_pages, -1);
        if (map->ops && map->ops->uncharge)
            map->ops->uncharge(map, 1);
    }
    page->flags &= (uint8_t) ~(PAGE_FLAG_UPTODATE | PAGE_FLAG_DIRTY | PAGE_FLAG_ACTIVE);
    page->map = NULL;
}

/* Drops the cached pages of [first, last]. False: came upon one that is mapped, or has dropped
 * many, and stopped. */
static bool pages_drop(struct filemap *map, uint64_t first, uint64_t last)
{
    unsigned budget = DROP_PAGES;
    for (uint64_t index = first;; index++) {
        spin_lock(&cache_lock);
        struct page *page = radix_next(&map->pages, &index);
        bool mapped = page && index <= last && page->mapcount > 0;
        if (page && index <= last && !mapped)
            page_remove_locked(map, page);
        else
            page = NULL;
        spin_unlock(&cache_lock);
        if (!page)
            return !mapped;
        page_put(page);
        if (index == last)
            return true;
        if (--budget == 0)
            return false;
    }
}

void filemap_fini(struct filemap *map)
{
    while (map->page_count && !pages_drop(map, 0, UINT64_MAX))
        cond_resched();
    radix_clear(&map->pages);
}

void filemap_drop(struct filemap *map, uint64_t first, uint64_t last, bool even_private)
{
    bool done = false;
    while (!done) { /* while we wait for the mutex, a fault may map a page again */
        if (!list_empty(&map->areas))
            vm_unmap_filemap(map, first, last, even_private);
        mutex_lock(&map->lock);
        done = pages_drop(map, first, last);
        mutex_unlock(&map->lock);
        if (!done)
            cond_resched();
    }
}

struct page *filemap_find_page(struct filemap *map, uint64_t index)
{
    spin_lock(&cache_lock);
    struct page *page = radix_get(&map->pages, index);
    if (LIKELY(page)) {
        page->flags |= PAGE_FLAG_ACTIVE;
        page_get(page);
    }
    spin_unlock(&cache_lock);
    return page;
}

unsigned filemap_find_pages(struct filemap *map, uint64_t index, unsigned count,
                            struct page **pages)
{
    unsigned found = 0, run;
    spin_lock(&cache_lock);
    for (unsigned i = 0; i < count; i += run) {
        struct page **slots = (struct page **)radix_run(&map->pages, index + i, &run);
        run = run < count - i ? run : count - i;
        for (unsigned k = 0; k < run; k++) {
            struct page *page = slots ? slots[k] : NULL;
            pages[i + k] = page;
            if (page) {
                page_get(page);
                found++;
            }
        }
    }
    spin_unlock(&cache_lock);
    return found;
}

uint64_t filemap_next_page(struct filemap *map, uint64_t index, bool dirty_only)
{
    for (;;) {
        unsigned budget = SCAN_PAGES;
        spin_lock(&cache_lock);
        struct page *page = radix_next(&map->pages, &index);
        while (page && dirty_only && !(page->flags & PAGE_FLAG_DIRTY) && index != UINT64_MAX &&
               --budget > 0) {
            index++;
            page = radix_next(&map->pages, &index);
        }
        spin_unlock(&cache_lock);
        if (budget > 0)
            return page ? index : UINT64_MAX;
        cond_resched();
    }
}

static void page_insert_locked(struct filemap *map, uint64_t index, struct page *page)
{
    page->map = map;
    page->index = index;
    page->flags |= PAGE_FLAG_UPTODATE;
    list_add_tail(&clean_pages, &page->lru);
}

/* Puts pages into the tree at index and behind, under map's mutex, so that nobody else puts any
 * there. Returns how many: fewer if there is no memory for nodes. */
static unsigned pages_insert(struct filemap *map, uint64_t index, struct page **pages,
                             unsigned count)
{
    unsigned done = 0, run;
    bool tried = false;
    spin_lock(&cache_lock);
    while (done < count) {
        void **slots = radix_make_run(&map->pages, index + done, &run);
        if (UNLIKELY(!slots)) { /* the heap could not take cache pages while we hold the lock */
            if (tried)
                break;
            tried = true;
            spin_unlock(&cache_lock);
            (void)filemap_reclaim(READ_AROUND, 0);
            spin_lock(&cache_lock);
            continue;
        }
        for (unsigned k = 0; k < run && done < count; k++, done++) {
            slots[k] = pages[done];
            page_insert_locked(map, index + done, pages[done]);
        }
    }
    map->page_count += done;
    spin_unlock(&cache_lock);
    stat_add(&page_stats.cache_pages, done);
    return done;
}

static int page_insert(struct filemap *map, uint64_t index, struct page *page)
{
    return pages_insert(map, index, &page, 1) ? 0 : -ENOMEM;
}

/* One more page that stays. Who has no limit may have what the program's memory may. */
static int charge(struct filemap *map)
{
    if (map->ops && map->ops->charge)
        return map->ops->charge(map);
    return page_room(ALLOC_USER) ? 0 : -ENOMEM;
}

/* Makes page dirty. -EAGAIN: it is no longer in the cache; or -ENOSPC, -ENOMEM. */
static int page_dirty(struct filemap *map, struct page *page)
{
    int err = 0;
    spin_lock(&cache_lock);
    if (page->map != map) {
        err = -EAGAIN;
    } else if (!(page->flags & PAGE_FLAG_DIRTY)) {
        err = charge(map);
        if (!err) {
            page->flags |= PAGE_FLAG_DIRTY;
            list_remove(&page->lru);
            map->dirty_count++;
            stat_add(&page_stats.dirty_pages, 1);
        }
    }
    spin_unlock(&cache_lock);
    return err;
}

int filemap_add_page(struct filemap *map, uint64_t index, struct page *page)
{
    mutex_lock(&map->lock);
    struct page *there = filemap_find_page(map, index);
    int err = there ? -EEXIST : page_insert(map, index, page);
    if (there)
        page_put(there);
    if (!err) {
        page_get(page);
        err = page_dirty(map, page);
        if (err)
            (void)pages_drop(map, index, index);
    }
    mutex_unlock(&map->lock);
    return err;
}

/* One page without filling it: zeros. */
static int fill_zero(struct filemap *map, uint64_t index, struct page **out)
{
    struct page *page = page_alloc(0, ALLOC_ZERO);
    if (!page)
        return -ENOMEM;
    list_init(&page->lru);
    *out = page_get(page); /* before others can see it, and give it back */
    int err = page_insert(map, index, page);
    if (err) {
        page_put(page);
        page_put(page);
    }
    return err;
}

/* Which pages to read so that index is among them: [*first, result). */
static uint64_t read_range(struct filemap *map, uint64_t index, uint64_t *first)
{
    uint64_t end = (map->size + PAGE_MASK) >> PAGE_SHIFT;
    uint64_t window = map->read_around;
    *first = align_down(index, window);
    if (index == map->read_next) {
        uint32_t last = map->read_window;
        window = last == 0 ? READ_PAGES_START : min_u64(2ul * last, READ_PAGES_MAX);
        window = max_u64(window, map->read_around);
        *first = index;
    }
    map->read_window = (uint32_t)window;
    if (index >= end)
        *first = index;
    return max_u64(min_u64(*first + window, end), index + 1);
}

/* Narrows [*first, end) to the pages around index that are not cached; returns the new end. */
static uint64_t absent_range(struct filemap *map, uint64_t index, uint64_t *first, uint64_t end)
{
    uint64_t from = *first, at = from;
    bool behind = false; /* a cached page behind index was found */
    spin_lock(&cache_lock);
    while (at < end && !behind) {
        unsigned run;
        void **slots = radix_run(&map->pages, at, &run);
        for (; run > 0 && at < end; run--, at++, slots += slots != NULL) {
            if (!slots || !*slots)
                continue;
            if (at > index) {
                behind = true;
                break;
            }
            from = at + 1;
        }
    }
    spin_unlock(&cache_lock);
    *first = from;
    return at;
}

/* Pages to read into, in as few blocks as there are. The first is got at any price, the others only
 * if memory is there. Returns how many. */
static unsigned pages_alloc(struct page **pages, unsigned count)
{
    unsigned order = 31u - (unsigned)__builtin_clz(count), n = 0;
    while (n < count) {
        while (1u << order > count - n)
            order--;
        bool must = n == 0 && order == 0;
        struct page *block = page_alloc(order, must ? 0 : ALLOC_NORECLAIM);
        if (!block && order-- == 0)
            break;
        if (!block)
            continue;
        if (order > 0)
            page_split(block);
        for (unsigned i = 0; i < 1u << order; i++) {
            list_init(&block[i].lru);
            pages[n++] = &block[i];
        }
    }
    return n;
}

static void pages_put(struct page **pages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        page_put(pages[i]);
}

/* Reads [first, first + count), which includes index. */
static int fill_range(struct filemap *map, uint64_t first, unsigned count, uint64_t index,
                      struct page **out)
{
    struct page *pages[READ_PAGES_MAX];
    unsigned got = pages_alloc(pages, count);
    if (got < count && first + got <= index) { /* short of memory: this one page only */
        pages_put(pages, got);
        first = index;
        got = pages_alloc(pages, 1);
    }
    if (got == 0)
        return -ENOMEM;
    int err = map->ops->fill(map, first, pages, got);
    struct page *wanted = page_get(pages[index - first]);
    unsigned done = err ? 0 : pages_insert(map, first, pages, got);
    if (first + done > index) {
        *out = wanted;
    } else {
        page_put(wanted);
        err = err ? err : -ENOMEM;
    }
    pages_put(pages + done, got - done);
    map->read_next = first + got;
    return err;
}

static int fill_locked(struct filemap *map, uint64_t index, unsigned flags, struct page **out)
{
    int err = 0;
    *out = filemap_find_page(map, index); /* somebody else may have been faster */
    if (!*out && (!map->ops || !map->ops->fill || (flags & FILEMAP_OVERWRITE))) {
        err = fill_zero(map, index, out);
    } else if (!*out) {
        uint64_t first, end = read_range(map, index, &first);
        end = absent_range(map, index, &first, end);
        err = fill_range(map, first, (unsigned)(end - first), index, out);
        if (err == -EIO && end - first > 1)
            err = fill_range(map, index, 1, index, out);
    }
    return err;
}

static int fill(struct filemap *map, uint64_t index, unsigned flags, struct page **out)
{
    bool again = workingset_refault(map, index);
    uint64_t start = again ? clock_monotonic_ns() : 0;
    mutex_lock(&map->lock);
    int err = fill_locked(map, index, flags, out);
    mutex_unlock(&map->lock);
    if (again)
        workingset_stalled(start, clock_monotonic_ns());
    return err;
}

int filemap_get_page(struct filemap *map, uint64_t index, unsigned flags, struct page **out)
{
    for (;;) {
        struct page *page = filemap_find_page(map, index);
        int err = 0;
        if (!page) {
            if (flags & FILEMAP_NOWAIT)
                return -EAGAIN;
            err = fill(map, index, flags, &page);
            if (err)
                return err;
        }
        if (flags & FILEMAP_WRITE)
            err = page_dirty(map, page);
        if (LIKELY(!err)) {
            *out = page;
            return 0;
        }
        page_put(page);
        if (err != -EAGAIN)
            return err;
    }
}

/* Whether page, which the hand points at, can go now. Under cache_lock. */
static bool page_evictable(struct page *page)
{
    if (page->flags & PAGE_FLAG_ACTIVE) {
        page->flags &= (uint8_t)~PAGE_FLAG_ACTIVE;
        return false;
    }
    if (page->mapcount > 0) { /* unmapped, it stays for another round: a fault makes it active */
        (void)vm_try_unmap_page(page->map, page->index);
        return false;
    }
    return page->refs == 1;
}

static uint64_t clean_count(void)
{
    return page_stats.cache_pages - page_stats.dirty_pages;
}

unsigned filemap_reclaim(unsigned count, uint64_t keep)
{
    unsigned done = 0;
    uint64_t tries = 3 * clean_count(); /* all: once active, once mapped, once neither */
    if (clean_count() <= keep || !spin_trylock(&cache_lock))
        return 0;
    count = (unsigned)min_u64(count, clean_count() - keep);
    while (done < count && tries-- > 0 && !list_empty(&clean_pages)) {
        struct page *page = list_entry(clean_pages.next, struct page, lru);
        list_remove(&page->lru);
        if (page_evictable(page)) {
            workingset_evicted(page->map, page->index);
            page_remove_locked(page->map, page);
            page_put(page);
            done++;
        } else {
            list_add_tail(&clean_pages, &page->lru);
        }
    }
    spin_unlock(&cache_lock);
    return done;
}

bool filemap_idle(void)
{
    bool idle = spin_trylock(&cache_lock);
    if (idle)
        spin_unlock(&cache_lock);
    return idle;
}
