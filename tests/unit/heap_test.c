// UNIT: kernel/mm/heap.c kernel/mm/page.c
/* The kernel's heap: blocks do not overlap, are as large as they say, and all come back. */
#include "kernel/arch/direct_map.h"
#include "kernel/arch/smp.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "tests/harness/check.h"

#define MEMORY (32ul << 20)
#define BLOCKS 1000u

bool lock_checks_on;
bool arch_many_cpus = true;
static unsigned this_cpu;
static _Alignas(4ul << 20) uint8_t memory[MEMORY];

void *direct_map(paddr_t phys)
{
    return memory + phys;
}

paddr_t direct_map_phys(const void *virt)
{
    return (paddr_t)((const uint8_t *)virt - memory);
}

void panic(const char *fmt, ...)
{
    printf("Bail out! panic: %s\n", fmt);
    __builtin_trap();
}

unsigned arch_cpu_index(void)
{
    return this_cpu;
}

bool page_reclaim(unsigned count, uint64_t keep, bool names)
{
    (void)names;
    (void)keep;
    (void)count;
    return heap_reclaim();
}

static unsigned pick(unsigned limit)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(state >> 33) % limit;
}

static struct block {
    uint8_t *at;
    size_t size;
    uint8_t fill;
} blocks[BLOCKS];
static unsigned wrong;

static void check_block(const struct block *b)
{
    for (size_t i = 0; i < b->size; i++) {
        if (b->at[i] != b->fill) {
            wrong++;
            return;
        }
    }
}

static size_t any_size(void)
{
    switch (pick(8)) {
    case 0:
        return pick(40000);
    case 1:
        return 2000 + pick(60); /* around the largest class */
    default:
        return pick(600);
    }
}

static void refill(struct block *b)
{
    b->fill = (uint8_t)(1 + pick(255));
    memset(b->at, b->fill, b->size);
}

static void step(struct block *b)
{
    if (!b->at) {
        b->size = any_size();
        bool zero = pick(2);
        b->at = zero ? heap_zalloc(b->size) : heap_alloc(b->size);
        wrong += !b->at || (uintptr_t)b->at % 16;
        b->fill = 0;
        if (zero)
            check_block(b);
        refill(b);
        return;
    }
    check_block(b);
    if (pick(2)) {
        size_t size = any_size(), old = b->size;
        b->at = heap_realloc(b->at, old, size);
        b->size = old < size ? old : size;
        check_block(b);
        b->size = size;
        refill(b);
        return;
    }
    heap_free(b->at);
    b->at = NULL;
}

static void test_random(uint64_t free)
{
    for (unsigned i = 0; i < 100000; i++) {
        this_cpu = pick(3);
        step(&blocks[pick(BLOCKS)]);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].at)
            check_block(&blocks[i]);
        heap_free(blocks[i].at);
        blocks[i].at = NULL;
    }
    CHECK_EQ(wrong, 0);
    CHECK(heap_reclaim() && !heap_reclaim());
    /* A slab of each class may stay. */
    CHECK(page_stats.slab_pages <= 16);
    CHECK_EQ(page_stats.free_pages + page_stats.slab_pages, free);
}

static void test_limits(void)
{
    CHECK(!heap_alloc((4ul << 20) + 1));
    CHECK(!heap_alloc(SIZE_MAX));
    CHECK(!heap_zalloc(SIZE_MAX));
    void *whole = heap_alloc(4ul << 20);
    CHECK(whole != NULL);
    heap_free(whole);
    void *nothing = heap_alloc(0), *other = heap_alloc(0);
    CHECK(nothing && other && nothing != other);
    heap_free(nothing);
    heap_free(other);
    heap_free(NULL);
    uint8_t *grown = heap_realloc(NULL, 0, 100);
    CHECK(grown != NULL);
    grown[0] = 7;
    CHECK(!heap_realloc(grown, 100, SIZE_MAX));
    CHECK_EQ(grown[0], 7); /* a failure leaves it as it was */
    heap_free(grown);
}

static void test_exhaustion(uint64_t free)
{
    void **list = NULL;
    unsigned count = 0;
    for (void **b; (b = heap_alloc(500)); count++) {
        *b = list;
        list = b;
    }
    CHECK(count > 7 * (free - 16) && !heap_zalloc(500));
    CHECK(!heap_reclaim()); /* has been asked */
    while (list) {
        void **next = *list;
        heap_free(list);
        list = next;
    }
    CHECK_EQ(page_stats.free_pages + page_stats.slab_pages, free);
}

/* What a CPU gives back it gets again, and another one doesn't; it keeps some, not all. */
static void test_stocks(void)
{
    this_cpu = 1;
    void *block = heap_alloc(100), *other = heap_alloc(100);
    heap_free(block);
    this_cpu = 2;
    void *another = heap_alloc(100);
    CHECK(another != block);
    this_cpu = 1;
    CHECK(heap_alloc(100) == block);
    heap_free(block);
    heap_free(other);
    heap_free(another);
    static void *many[1000];
    uint64_t slabs = page_stats.slab_pages;
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = heap_alloc(2000);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        heap_free(many[i]);
    CHECK(page_stats.slab_pages <= slabs + 4);
}

int main(void)
{
    const struct page_range ram = {0, MEMORY}, firmware = {0, 1ul << 20};
    page_init(&ram, 1, &firmware, 1, 0);
    uint64_t free = page_stats.free_pages;
    printf("# test_random\n");
    test_random(free);
    RUN(test_limits);
    RUN(test_stocks);
    printf("# test_exhaustion\n");
    test_exhaustion(free);
    return check_done();
}
