// UNIT: kernel/mm/page.c
/* The page allocator over a memory with holes: every page is given out once, zeros are zeros. */
#include "kernel/arch/direct_map.h"
#include "kernel/arch/smp.h"
#include "kernel/base/random.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "tests/harness/check.h"

#define MEMORY (64ul << 20)
#define MIB (1ul << 20)
#define PAGES (MEMORY / PAGE_SIZE)

bool lock_checks_on;
bool arch_many_cpus;
static unsigned this_cpu;
static _Alignas(4ul << 20) uint8_t memory[MEMORY];
static uint8_t owner[PAGES]; /* of each page: 0 nobody */
static unsigned reclaimable;
static struct page *reserve[64];

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
    if (!reclaimable)
        return false;
    page_put(reserve[--reclaimable]);
    return true;
}

static unsigned pick(unsigned limit)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(state >> 33) % limit;
}

/* Ends in the middle of pages, touches and overlaps on purpose. */
static const struct page_range ram[] = {{0, 0x9fc00}, {MIB, 24 * MIB}, {28 * MIB + 100, MEMORY}};
static const struct page_range reserved[] = {
    {MIB, 2 * MIB + 5}, {2 * MIB, 3 * MIB}, {10 * MIB, 10 * MIB + 1}, {40 * MIB, 41 * MIB}};

static bool is_ram(paddr_t phys)
{
    bool in = false;
    for (unsigned i = 0; i < ARRAY_SIZE(ram); i++)
        in |= phys >= ram[i].start && phys + PAGE_SIZE <= ram[i].end;
    for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++)
        in &= phys + PAGE_SIZE <= reserved[i].start || phys >= reserved[i].end;
    return in;
}

static void begin(uint64_t limit)
{
    memset(memory, 0, sizeof(memory));
    memset(owner, 0, sizeof(owner));
    memset(&page_stats, 0, sizeof(page_stats));
    page_init(ram, ARRAY_SIZE(ram), reserved, ARRAY_SIZE(reserved), limit);
}

static unsigned bad_pages;

/* Marks the block's pages as taken; counts what must not have been given out. */
static void claim(struct page *p, unsigned order)
{
    paddr_t phys = page_phys(p);
    bad_pages += phys % (PAGE_SIZE << order) != 0;
    for (unsigned i = 0; i < 1u << order; i++) {
        uint64_t n = phys / PAGE_SIZE + i;
        bad_pages += n >= PAGES || owner[n] || !is_ram(n * PAGE_SIZE) ||
                     page_of_phys(n * PAGE_SIZE) != p + i;
        owner[n] = 1;
    }
}

static void give_back(struct page *p)
{
    memset(page_virt(p), 0xee, PAGE_SIZE << p->order); /* no longer zero */
    memset(&owner[page_phys(p) / PAGE_SIZE], 0, 1u << p->order);
    page_put(p);
}

static bool all_zero(const struct page *p, unsigned order)
{
    const uint64_t *words = page_virt(p);
    for (uint64_t i = 0; i < (PAGE_SIZE << order) / sizeof(*words); i++) {
        if (words[i])
            return false;
    }
    return true;
}

static struct page *held[PAGES];

static void test_every_page_once(void)
{
    begin(0);
    uint64_t free = page_stats.free_pages, count = 0;
    CHECK(free > 0 && free <= page_stats.total_pages);
    while ((held[count] = page_alloc(0, 0)))
        claim(held[count++], 0);
    CHECK_EQ(count, free);
    CHECK_EQ(page_stats.free_pages, 0);
    CHECK_EQ(bad_pages, 0);
    while (count)
        give_back(held[--count]);
    CHECK_EQ(page_stats.free_pages, free);
    /* Joined again: as many large blocks as the holes allow. */
    unsigned large = 0;
    while ((held[large] = page_alloc(10, 0)))
        claim(held[large++], 10);
    CHECK_EQ(bad_pages, 0);
    CHECK_EQ(large, 1 + 3 + 2 + 5); /* from 4 MiB, 12 to 24, 32 to 40, 44 to 64 */
}

static void test_zeros(void)
{
    begin(0);
    unsigned wrong = 0, count = 0;
    for (unsigned i = 0; i < 20000; i++) {
        if (count == 200 || (count && pick(2))) {
            unsigned which = pick(count);
            give_back(held[which]);
            held[which] = held[--count];
            continue;
        }
        unsigned order = pick(4);
        bool zero = pick(2);
        struct page *p = page_alloc(order, zero ? ALLOC_ZERO : 0);
        wrong += !p || p->refs != 1 || p->order != order || p->flags || p->map || p->mapcount;
        wrong += zero && !all_zero(p, order);
        claim(p, order);
        held[count++] = p;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(bad_pages, 0);
}

/* A block that is zero in part and dirty in part is one block when it is needed. */
static void test_zero_and_dirty_join(void)
{
    begin(0);
    unsigned count = 0;
    while ((held[count] = page_alloc(10, ALLOC_ZERO)))
        count++;
    struct page *left[64];
    unsigned left_count = 0;
    while (left_count < 64 && (left[left_count] = page_alloc(0, ALLOC_ZERO)))
        left_count++;
    for (unsigned i = 0; i < count; i++)
        give_back(held[i]);
    for (unsigned i = 0; i < left_count; i++)
        give_back(left[i]);
    unsigned again = 0;
    while ((held[again] = page_alloc(10, 0)))
        again++;
    CHECK(again >= count);
    /* One page of each fresh block is used and given back; what remains of it is zero. */
    begin(0);
    struct page *first = page_alloc(0, ALLOC_ZERO);
    uint64_t free = page_stats.free_pages;
    give_back(first);
    count = 0;
    while ((held[count] = page_alloc(10, 0)))
        claim(held[count++], 10);
    CHECK_EQ(count, 11);
    CHECK_EQ(page_stats.free_pages, free + 1 - 11 * 1024);
    struct page *rest = page_alloc(3, ALLOC_ZERO);
    CHECK(rest && all_zero(rest, 3));
    CHECK_EQ(bad_pages, 0);
}

static void test_split_and_references(void)
{
    begin(0);
    uint64_t free = page_stats.free_pages;
    struct page *p = page_alloc(3, 0);
    page_split(p);
    for (unsigned i = 0; i < 8; i++) {
        CHECK(p[i].refs == 1 && p[i].order == 0);
        page_get(&p[i]);
        page_put(&p[i]);
    }
    CHECK_EQ(page_stats.free_pages, free - 8);
    for (unsigned i = 0; i < 8; i++)
        page_put(&p[i ^ 5]);
    CHECK_EQ(page_stats.free_pages, free);
    p = page_alloc(0, 0);
    p->flags |= PAGE_FLAG_FOREIGN;
    page_put(p);
    CHECK_EQ(page_stats.free_pages, free - 1);
}

static void test_reclaim(void)
{
    begin(0);
    while (reclaimable < 64)
        reserve[reclaimable++] = page_alloc(0, 0);
    while (page_alloc(0, ALLOC_NORECLAIM)) {
    }
    CHECK_EQ(reclaimable, 64);
    CHECK(!page_alloc(2, ALLOC_NORECLAIM));
    CHECK(page_alloc(2, 0) != NULL);
    CHECK(reclaimable < 64);
    CHECK(!page_alloc(10, 0));
    CHECK_EQ(reclaimable, 0);
}

static void test_limit(void)
{
    begin(8 * MIB);
    CHECK_EQ(page_stats.total_pages, 8 * MIB / PAGE_SIZE);
    uint64_t count = 0;
    for (struct page *p; (p = page_alloc(0, 0)); count++)
        claim(p, 0);
    CHECK_EQ(bad_pages, 0);
    CHECK(count <= 8 * MIB / PAGE_SIZE);
}

/* What a CPU gives back it gets again; what others keep is found when nothing else is left. */
static void test_stocks(void)
{
    begin(0);
    uint64_t free = page_stats.free_pages;
    arch_many_cpus = true;
    struct page *first = page_alloc(0, 0), *second = page_alloc(0, 0);
    page_put(first);
    this_cpu = 3;
    page_put(second);
    CHECK_EQ(page_stats.free_pages, free);
    CHECK(page_alloc(0, 0) == second);
    page_put(second);
    this_cpu = 0;
    CHECK(page_alloc(0, 0) == first);
    claim(first, 0);
    unsigned count = 0;
    for (struct page *p; (p = page_alloc(0, ALLOC_NORECLAIM)); count++)
        claim(p, 0);
    CHECK_EQ(count, free - 1);
    CHECK_EQ(page_stats.free_pages, 0);
    for (uint64_t n = 0; n < PAGES; n++) {
        this_cpu = pick(CPUS_MAX);
        if (owner[n])
            give_back(page_of_phys(n * PAGE_SIZE));
    }
    CHECK_EQ(page_stats.free_pages, free);
    for (count = 0; (first = page_alloc(10, 0)); count++)
        claim(first, 10);
    CHECK_EQ(count, 11);
    CHECK_EQ(bad_pages, 0);
    arch_many_cpus = false;
}

/* Pages of a class until there are no more; they belong to what counter says. */
static uint64_t take_all(unsigned class, uint64_t *counter)
{
    uint64_t count = 0;
    for (; page_alloc(0, class); count++)
        *counter += 1;
    return count;
}

static void test_classes_stop_at_their_marks(void)
{
    begin(0);
    uint64_t total = page_stats.total_pages;
    CHECK(page_room(ALLOC_OBJECT) && page_room(ALLOC_USER));
    page_stats.cache_pages = total / 4; /* of which reclaim, here, can give none */
    page_stats.free_pages -= total / 4;
    (void)take_all(ALLOC_USER, &page_stats.anon_pages);
    CHECK_EQ(page_stats.free_pages, total / 256);
    CHECK(page_room(ALLOC_USER)); /* but another page cache could */
    page_stats.cache_pages = total / 32;
    CHECK(!page_room(ALLOC_USER));
    CHECK(!page_alloc(0, ALLOC_OBJECT));
    CHECK(page_alloc(0, 0) != NULL);
}

static void test_objects_have_half(void)
{
    uint64_t objects = 0;
    begin(0);
    uint64_t total = page_stats.total_pages, free = page_stats.free_pages;
    uint64_t count = take_all(ALLOC_OBJECT, &objects);
    CHECK_EQ(count, free - (total + 1) / 2 + 1);
    CHECK(page_alloc(0, ALLOC_USER) != NULL);
    begin(0);
    page_stats.anon_pages = page_stats.total_pages / 2; /* they leave something free, too */
    (void)take_all(ALLOC_OBJECT, &objects);
    CHECK_EQ(page_stats.free_pages, total / 64);
    CHECK(!page_room(ALLOC_OBJECT) && page_room(ALLOC_USER));
}

int main(void)
{
    RUN(test_classes_stop_at_their_marks);
    RUN(test_objects_have_half);
    RUN(test_every_page_once);
    RUN(test_zeros);
    RUN(test_zero_and_dirty_join);
    RUN(test_split_and_references);
    RUN(test_reclaim);
    RUN(test_limit);
    RUN(test_stocks);
    return check_done();
}
