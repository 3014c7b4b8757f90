/*
 * The kernel heap. Small blocks come from slabs: a page cut into blocks of one size, its free
 * blocks chained through their first words. The page's struct says which class it is of. Before
 * them, each CPU keeps some blocks of each size that were given back there.
 *
 * heap_lock guards the slabs' lists and counts; the kernel lock the stocks.
 */
#include "kernel/mm/heap.h"

#include "kernel/arch/smp.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"

static const uint16_t class_size[] = {16,  32,  48,  64,  80,  96,  128,  160,
                                      192, 256, 320, 384, 512, 672, 1008, 2032};
#define CLASS_COUNT ARRAY_SIZE(class_size)
#define SMALL_MAX 2032
#define HEAP_MAX (4ul << 20)
#define STOCK_BYTES 2048u /* of a class, on a CPU; at least two blocks, at most 16 */

struct free_block {
    struct free_block *next;
};

struct stock {
    struct free_block *first; /* the last one given back */
    unsigned count;
};

static struct stock stocks[CPUS_MAX][CLASS_COUNT];
static struct spinlock heap_lock = SPINLOCK_INIT(RANK_HEAP);
static struct list_node partial[CLASS_COUNT];   /* slabs with free blocks */
static uint8_t class_of_16[SMALL_MAX / 16 + 1]; /* by size in units of 16 bytes, rounded up */
static bool ready;

static void init(void)
{
    unsigned class = 0;
    for (unsigned units = 0; units < ARRAY_SIZE(class_of_16); units++) {
        while (class_size[class] < units * 16) {
            class ++;
        }
        class_of_16[units] = (uint8_t) class;
    }
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        list_init(&partial[c]);
    }
    ready = true;
}

/* A slab keeps in struct page: private, its free chain; index, its blocks in use; pad, its class.
 */
static struct page *slab_create(unsigned class, unsigned flags)
{
    struct page *p = page_alloc(0, flags);
    if (!p) {
        return NULL;
    }
    char *base = page_virt(p);
    unsigned count = (unsigned)(PAGE_SIZE / class_size[class]);
    for (unsigned i = 0; i < count; i++) {
        struct free_block *b = (struct free_block *)(base + i * class_size[class]);
        b->next = i + 1 < count ? (struct free_block *)(base + (i + 1) * class_size[class]) : NULL;
    }
    p->flags |= PAGE_FLAG_SLAB;
    p->pad = class;
    p->index = 0;
    p->private = (uint64_t)base;
    list_init(&p->lru);
    page_stats.slab_pages++;
    return p;
}

static void *slab_take(struct page *p)
{
    struct free_block *b = (struct free_block *)p->private;
    p->private = (uint64_t)b->next;
    p->index++;
    if (!b->next) {
        list_remove(&p->lru);
    }
    return b;
}

static void *small_alloc(unsigned class, unsigned flags)
{
    spin_lock(&heap_lock);
    if (UNLIKELY(!ready)) {
        init();
    }
    if (UNLIKELY(list_empty(&partial[class]))) {
        spin_unlock(&heap_lock); /* making room may free heap blocks */
        struct page *p = slab_create(class, flags);
        if (!p) {
            return NULL;
        }
        spin_lock(&heap_lock);
        list_add_head(&partial[class], &p->lru);
    }
    struct page *p = list_entry(partial[class].next, struct page, lru);
    void *block = slab_take(p);
    spin_unlock(&heap_lock);
    return block;
}

static void small_free(struct page *p, void *block)
{
    spin_lock(&heap_lock);
    unsigned class = p->pad;
    struct free_block *b = block;
    b->next = (struct free_block *)p->private;
    bool was_full = !p->private;
    p->private = (uint64_t)b;
    p->index--;
    bool empty = p->index == 0 && !was_full;
    /* Keep the last slab of a class: the next block of that size is likely. */
    bool release = empty && (partial[class].next != &p->lru || partial[class].prev != &p->lru);
    if (was_full) {
        list_add_head(&partial[class], &p->lru);
    } else if (release) {
        list_remove(&p->lru);
        page_stats.slab_pages--;
    }
    spin_unlock(&heap_lock);
    if (release) {
        p->flags = 0;
        page_put(p);
    }
}

/* Gives count blocks back to their slabs. */
static void stock_return(struct stock *s, unsigned count)
{
    for (; count > 0; count--) {
        struct free_block *b = s->first;
        s->first = b->next;
        s->count--;
        small_free(page_of_virt(b), b);
    }
}

static void stock_put(unsigned class, void *block)
{
    struct stock *s = &stocks[cpu_stock()][class];
    struct free_block *b = block;
    b->next = s->first;
    s->first = b;
    s->count++;
    if (UNLIKELY(s->count > 16 || (s->count > 2 && s->count * class_size[class] > STOCK_BYTES))) {
        stock_return(s, s->count / 2);
    }
}

static void *stock_take(unsigned class)
{
    struct stock *s = &stocks[cpu_stock()][class];
    struct free_block *b = s->first;
    if (b) {
        s->first = b->next;
        s->count--;
    }
    return b;
}

bool heap_reclaim(void)
{
    bool any = false;
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        for (unsigned class = 0; class < CLASS_COUNT; class ++) {
            any |= stocks[cpu][class].count > 0;
            stock_return(&stocks[cpu][class], stocks[cpu][class].count);
        }
    }
    return any;
}

static unsigned order_of(size_t size)
{
    unsigned order = 0;
    while (PAGE_SIZE << order < size) {
        order++;
    }
    return order;
}

void *heap_alloc_flags(size_t size, unsigned flags)
{
    if (LIKELY(size <= SMALL_MAX)) {
        if (UNLIKELY(!ready)) {
            init();
        }
        unsigned class = class_of_16[(size + 15) / 16];
        void *block = stock_take(class);
        return LIKELY(block) ? block : small_alloc(class, flags);
    }
    if (size > HEAP_MAX) {
        return NULL;
    }
    struct page *p = page_alloc(order_of(size), flags);
    if (!p) {
        return NULL;
    }
    return page_virt(p);
}

void *heap_zalloc_flags(size_t size, unsigned flags)
{
    void *block = heap_alloc_flags(size, flags);
    if (block) {
        memset(block, 0, size);
    }
    return block;
}

void *heap_alloc(size_t size)
{
    return heap_alloc_flags(size, 0);
}

void *heap_zalloc(size_t size)
{
    return heap_zalloc_flags(size, 0);
}

static size_t block_size(void *block)
{
    const struct page *p = page_of_virt(block);
    return p->flags & PAGE_FLAG_SLAB ? class_size[p->pad] : PAGE_SIZE << p->order;
}

void *heap_realloc(void *block, size_t old_size, size_t new_size)
{
    if (block && new_size <= block_size(block) && new_size > block_size(block) / 2) {
        return block;
    }
    void *moved = heap_alloc(new_size);
    if (moved && block) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        heap_free(block);
    }
    return moved;
}

void heap_free(void *block)
{
    if (!block) {
        return;
    }
    struct page *p = page_of_virt(block);
    if (p->flags & PAGE_FLAG_SLAB) {
        stock_put(p->pad, block);
        return;
    }
    page_put(p);
}
