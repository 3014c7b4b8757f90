/*
 * The page allocator: a buddy system over what has been taken in so far. Memory is taken in from
 * the frontier of each range in blocks of up to 4 MiB when the free lists run dry, so boot touches
 * none of it. Free blocks known to be zero have lists of their own. Before it, each CPU keeps some
 * single pages that were given back there: they are likely to be in its cache, and most are wanted
 * again before they could be joined with others.
 *
 * page_lock guards lists, frontiers, and flags and order of free pages; the kernel lock the stocks.
 */
#include "kernel/mm/page.h"

#include "kernel/arch/direct_map.h"
#include "kernel/arch/smp.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/page_init.h"
#include "kernel/sync/spinlock.h"

#define ORDER_COUNT 11
#define RANGES_MAX 24
/* Firmware works at the top of low memory and does not clean up. */
#define FIRMWARE_SCRATCH (4ul << 20)
#define LOW_MEMORY_END (1ul << 20)
#define RECLAIM_BATCH 32
#define STOCK_MAX 32 /* pages */
/* What is left to others, at most; in pages. */
#define OBJECT_FREE_MAX 1024ul
#define OBJECT_CACHE_MAX 16384ul
#define OBJECTS_MAX_SHARE 2 /* a half of memory */
#define OBJECTS_FEW_SHARE 4 /* a quarter */
#define USER_FREE_MAX 256ul
#define USER_CACHE_MAX 4096ul

struct free_list {
    struct list_node blocks;
};

/* What a class of allocations leaves: free pages, clean pages of files. */
struct reserve {
    uint64_t free, cache;
};

struct stock {
    unsigned count, end;
    struct page *pages[STOCK_MAX]; /* a ring; the last one given back is before end */
};

static struct spinlock page_lock = SPINLOCK_INIT(RANK_PAGE);
static struct free_list dirty_blocks[ORDER_COUNT], zero_blocks[ORDER_COUNT];
static struct stock stocks[CPUS_MAX];
static struct page_range frontier[RANGES_MAX]; /* start moves up as memory is taken in */
static paddr_t frontier_zero_end[RANGES_MAX];  /* below: known to be zero */
static unsigned frontier_count;
static struct page *pages; /* of physical page 0 */
static uint64_t page_count;
static struct reserve user_reserve, object_reserve;
static uint64_t plenty; /* free pages with which no class has to make room */
struct page_stats page_stats;

struct page *page_of_phys(paddr_t phys)
{
    return &pages[phys >> PAGE_SHIFT];
}

paddr_t page_phys(const struct page *p)
{
    return (uint64_t)(p - pages) << PAGE_SHIFT;
}

void *page_virt(const struct page *p)
{
    return direct_map(page_phys(p));
}

struct page *page_of_virt(const void *virt)
{
    return page_of_phys(direct_map_phys(virt));
}

void page_zero(struct page *p)
{
    memset(page_virt(p), 0, PAGE_SIZE);
}

static void block_insert(struct page *p, unsigned order, bool zero)
{
    p->order = (uint8_t)order;
    p->flags = (uint8_t)(PAGE_FLAG_BUDDY | (zero ? PAGE_FLAG_ZERO : 0));
    list_add_head(zero ? &zero_blocks[order].blocks : &dirty_blocks[order].blocks, &p->lru);
}

static void block_remove(struct page *p)
{
    list_remove(&p->lru);
    p->flags = 0;
}

/* Puts a free block back, joined with its free neighbours. It is not known to be zero. */
static void block_free(struct page *p, unsigned order)
{
    uint64_t index = (uint64_t)(p - pages);
    while (order < ORDER_COUNT - 1) {
        uint64_t buddy_index = index ^ 1ul << order;
        struct page *buddy = &pages[buddy_index];
        if (buddy_index >= page_count || !(buddy->flags & PAGE_FLAG_BUDDY) ||
            buddy->order != order || buddy->flags & PAGE_FLAG_ZERO) {
            break;
        }
        block_remove(buddy);
        index &= ~(1ul << order);
        order++;
    }
    block_insert(&pages[index], order, false);
}

/* Forgets what is zero: blocks that are and blocks that are not make larger ones together. */
static void zero_forget(void)
{
    for (unsigned order = 0; order < ORDER_COUNT; order++) {
        while (!list_empty(&zero_blocks[order].blocks)) {
            struct page *p = list_entry(zero_blocks[order].blocks.next, struct page, lru);
            block_remove(p);
            block_free(p, order);
        }
    }
}

/* Takes the next block of fresh memory in. False: there is none. */
static bool frontier_take(void)
{
    for (unsigned i = frontier_count; i-- > 0;) {
        struct page_range *r = &frontier[i];
        if (r->start == r->end) {
            continue;
        }
        unsigned order = ORDER_COUNT - 1;
        while (r->start & ((PAGE_SIZE << order) - 1) || r->start + (PAGE_SIZE << order) > r->end) {
            order--;
        }
        block_insert(page_of_phys(r->start), order,
                     r->start + (PAGE_SIZE << order) <= frontier_zero_end[i]);
        r->start += PAGE_SIZE << order;
        return true;
    }
    return false;
}

static struct page *list_take(struct free_list *lists, unsigned order)
{
    for (unsigned o = order; o < ORDER_COUNT; o++) {
        if (list_empty(&lists[o].blocks)) {
            continue;
        }
        struct page *p = list_entry(lists[o].blocks.next, struct page, lru);
        bool zero = p->flags & PAGE_FLAG_ZERO;
        block_remove(p);
        while (o > order) {
            o--;
            block_insert(p + (1ul << o), o, zero);
        }
        p->flags = zero ? PAGE_FLAG_ZERO : 0;
        return p;
    }
    return NULL;
}

static struct page *take(unsigned order, bool want_zero)
{
    for (;;) {
        struct page *p = list_take(want_zero ? zero_blocks : dirty_blocks, order);
        if (!p && want_zero && frontier_take()) {
            continue;
        }
        if (!p) {
            p = list_take(want_zero ? dirty_blocks : zero_blocks, order);
        }
        if (p || !frontier_take()) {
            return p;
        }
    }
}

static void list_put(struct page *p)
{
    spin_lock(&page_lock);
    block_free(p, p->order);
    spin_unlock(&page_lock);
}

static struct page *stock_take(void)
{
    struct stock *s = &stocks[cpu_stock()];
    if (s->count == 0) {
        return NULL;
    }
    page_stats.free_pages--;
    s->count--;
    return s->pages[--s->end % STOCK_MAX];
}

/* A stock that is full gives up what has been there longest. */
static void stock_put(struct page *p)
{
    struct stock *s = &stocks[cpu_stock()];
    struct page **slot = &s->pages[s->end++ % STOCK_MAX], *oldest = *slot;
    *slot = p;
    page_stats.free_pages++;
    if (s->count < STOCK_MAX) {
        s->count++;
    } else {
        list_put(oldest);
    }
}

/* False: there was nothing. */
static bool stocks_return(void)
{
    bool any = false;
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        for (struct stock *s = &stocks[cpu]; s->count > 0; s->count--) {
            list_put(s->pages[--s->end % STOCK_MAX]);
            any = true;
        }
    }
    return any;
}

static struct page *try_alloc(unsigned order, unsigned flags)
{
    spin_lock(&page_lock);
    struct page *p = take(order, flags & ALLOC_ZERO);
    if (UNLIKELY(!p && order > 0)) {
        zero_forget();
        p = list_take(dirty_blocks, order);
    }
    if (p) {
        page_stats.free_pages -= 1ul << order;
    }
    spin_unlock(&page_lock);
    return p;
}

static const struct reserve *reserve_of(unsigned class)
{
    return class & ALLOC_OBJECT ? &object_reserve : &user_reserve;
}

bool page_room(unsigned class)
{
    const struct reserve *r = reserve_of(class);
    uint64_t clean = page_stats.cache_pages - page_stats.dirty_pages;
    uint64_t spare = clean > r->cache ? clean - r->cache : 0;
    return page_stats.free_pages + spare > r->free;
}

/* Pages of the kernel's objects: what else there is is known. */
static uint64_t object_pages(void)
{
    uint64_t others = page_stats.free_pages + page_stats.anon_pages + page_stats.cache_pages +
                      page_stats.table_pages;
    return page_stats.total_pages > others ? page_stats.total_pages - others : 0;
}

static bool objects_have_their_share(void)
{
    return object_pages() > page_stats.total_pages / OBJECTS_MAX_SHARE;
}

/* What an allocation leaves now: as long as objects are few, they may have what the program may. */
static const struct reserve *reserve_now(unsigned class)
{
    bool few = object_pages() < page_stats.total_pages / OBJECTS_FEW_SHARE;
    return class & ALLOC_OBJECT && !few ? &object_reserve : &user_reserve;
}

static bool reclaim(uint64_t keep, unsigned flags)
{
    return page_reclaim(RECLAIM_BATCH, keep, !(flags & ALLOC_LOCKED));
}

/* Gives back others' memory until the class may have a block. False: it may not. */
static SLOW_PATH bool make_room(unsigned order, unsigned class)
{
    const struct reserve *r = reserve_now(class);
    while (class & ALLOC_OBJECT && objects_have_their_share())
        if (!reclaim(UINT64_MAX, class))
            return false;
    while (page_stats.free_pages < r->free + (1ul << order))
        if (!reclaim(r->cache, class))
            return false;
    return true;
}

/* Clean pages of files that an allocation must leave. */
static uint64_t cache_kept(unsigned order, unsigned flags)
{
    if (flags & (ALLOC_USER | ALLOC_OBJECT))
        return reserve_now(flags)->cache;
    return order > 0 ? object_reserve.cache : 0;
}

/* Nothing is free: takes back what others have. */
static SLOW_PATH struct page *alloc_scarce(unsigned order, unsigned flags)
{
    struct page *p = NULL;
    while (!p) {
        if (!stocks_return() &&
            (flags & ALLOC_NORECLAIM || !reclaim(cache_kept(order, flags), flags))) {
            return NULL;
        }
        p = try_alloc(order, flags);
    }
    return p;
}

/* Whether the class may have a block as things are. */
static bool has_room(unsigned order, unsigned class)
{
    return page_stats.free_pages >= object_reserve.free + (1ul << order) &&
           !(class & ALLOC_OBJECT && objects_have_their_share());
}

struct page *page_alloc(unsigned order, unsigned flags)
{
    if (UNLIKELY(page_stats.free_pages < plenty) && flags & (ALLOC_USER | ALLOC_OBJECT) &&
        !has_room(order, flags) && !make_room(order, flags)) {
        return NULL;
    }
    struct page *p = order == 0 && !(flags & ALLOC_ZERO) ? stock_take() : NULL;
    if (!p) {
        p = try_alloc(order, flags);
    }
    if (UNLIKELY(!p)) {
        p = alloc_scarce(order, flags);
        if (!p) {
            return NULL;
        }
    }
    bool zero = p->flags & PAGE_FLAG_ZERO;
    p->refs = 1;
    p->order = (uint8_t)order;
    p->flags = 0;
    p->mapcount = 0;
    p->map = NULL;
    if (flags & ALLOC_ZERO && !zero) {
        memset(page_virt(p), 0, PAGE_SIZE << order);
    }
    return p;
}

struct page *page_get(struct page *p)
{
    __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void page_put(struct page *p)
{
    ASSERT(p->refs > 0);
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) || p->flags & PAGE_FLAG_FOREIGN) {
        return;
    }
    if (LIKELY(p->order == 0)) {
        stock_put(p);
        return;
    }
    page_stats.free_pages += 1ul << p->order;
    list_put(p);
}

void page_split(struct page *p)
{
    unsigned count = 1u << p->order;
    for (unsigned i = 0; i < count; i++) {
        p[i].refs = p->refs;
        p[i].order = 0;
        p[i].flags = 0;
        p[i].mapcount = p->mapcount;
        p[i].map = NULL;
    }
}

/* Adds [start, end) without the reserved parts. */
static void frontier_add(paddr_t start, paddr_t end, const struct page_range *reserved,
                         unsigned reserved_count)
{
    while (start < end) {
        paddr_t part_end = end, next = end;
        for (unsigned i = 0; i < reserved_count; i++) {
            paddr_t from = align_down(reserved[i].start, PAGE_SIZE);
            paddr_t to = align_up(reserved[i].end, PAGE_SIZE);
            if (from <= start && to > start) {
                part_end = start;
                next = to;
                break;
            }
            if (from > start && from < part_end) {
                part_end = from;
                next = from;
            }
        }
        if (part_end > start && frontier_count < RANGES_MAX) {
            bool scratch = start < LOW_MEMORY_END || end - start < 2 * FIRMWARE_SCRATCH;
            frontier[frontier_count] = (struct page_range){start, part_end};
            frontier_zero_end[frontier_count] =
                scratch ? 0 : min_u64(part_end, end - FIRMWARE_SCRATCH);
            frontier_count++;
            page_stats.free_pages += (part_end - start) >> PAGE_SHIFT;
        }
        start = next;
    }
}

/* Where the page array goes: the first place above the reserved parts that holds it. */
static paddr_t find_place(const struct page_range *ranges, unsigned count,
                          const struct page_range *reserved, unsigned reserved_count,
                          uint64_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        paddr_t start = align_up(max_u64(ranges[i].start, LOW_MEMORY_END), PAGE_SIZE);
        for (unsigned pass = 0; pass < reserved_count; pass++) {
            for (unsigned k = 0; k < reserved_count; k++) {
                if (reserved[k].start < start + bytes && reserved[k].end > start) {
                    start = align_up(reserved[k].end, PAGE_SIZE);
                }
            }
        }
        if (start + bytes <= ranges[i].end) {
            return start;
        }
    }
    panic("no memory for the page array (%lu bytes)", bytes);
}

static void reserves_init(void)
{
    uint64_t total = page_stats.total_pages;
    object_reserve = (struct reserve){min_u64(total / 64, OBJECT_FREE_MAX),
                                      min_u64(total / 8, OBJECT_CACHE_MAX)};
    plenty = max_u64(total / 2, object_reserve.free) + (1ul << ORDER_COUNT);
    user_reserve =
        (struct reserve){min_u64(total / 256, USER_FREE_MAX), min_u64(total / 32, USER_CACHE_MAX)};
}

void page_init(const struct page_range *ranges, unsigned range_count,
               const struct page_range *reserved, unsigned reserved_count, uint64_t limit)
{
    struct page_range taken[PAGE_RESERVED_MAX + 1];
    ASSERT(reserved_count <= PAGE_RESERVED_MAX);
    for (unsigned i = 0; i < reserved_count; i++) {
        taken[i] = reserved[i];
    }
    for (unsigned o = 0; o < ORDER_COUNT; o++) {
        list_init(&dirty_blocks[o].blocks);
        list_init(&zero_blocks[o].blocks);
    }
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        stocks[cpu].count = 0;
    }
    page_count = 0;
    frontier_count = 0;
    for (unsigned i = 0; i < range_count; i++) {
        page_count = max_u64(page_count, ranges[i].end >> PAGE_SHIFT);
    }
    uint64_t bytes = align_up(page_count * sizeof(struct page), PAGE_SIZE);
    paddr_t place = find_place(ranges, range_count, reserved, reserved_count, bytes);
    pages = direct_map(place);
    taken[reserved_count] = (struct page_range){place, place + bytes};
    uint64_t left = limit ? limit : UINT64_MAX;
    for (unsigned i = 0; i < range_count && left; i++) {
        paddr_t start = align_up(max_u64(ranges[i].start, 0x10000), PAGE_SIZE);
        paddr_t end = align_down(ranges[i].end, PAGE_SIZE);
        if (end > start) {
            end = min_u64(end, end - start > left ? start + left : end);
            left -= end - start;
            page_stats.total_pages += (end - start) >> PAGE_SHIFT;
            frontier_add(start, end, taken, reserved_count + 1);
        }
    }
    reserves_init();
}
