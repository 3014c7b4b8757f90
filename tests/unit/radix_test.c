// UNIT: kernel/base/radix.c
#include <errno.h>
#include <stdlib.h>

#include "kernel/base/radix.h"
#include "tests/harness/check.h"

static unsigned blocks_in_use, blocks_allowed = ~0u;

void *heap_zalloc(size_t size)
{
    if (blocks_in_use >= blocks_allowed)
        return NULL;
    blocks_in_use++;
    return calloc(1, size);
}

void heap_free(void *block)
{
    blocks_in_use--;
    free(block);
}

#define ITEM(i) ((void *)((uintptr_t)(i)*16 + 16))

static void index_zero_needs_no_node(void)
{
    struct radix t = {0};
    CHECK(!radix_get(&t, 0) && !radix_get(&t, ~0ul));
    CHECK_EQ(radix_set(&t, 0, ITEM(0)), 0);
    CHECK_EQ(blocks_in_use, 0);
    CHECK(radix_get(&t, 0) == ITEM(0) && !radix_get(&t, 1));
    CHECK(radix_remove(&t, 0) == ITEM(0));
    CHECK(!t.root);
}

static void grows_and_shrinks(void)
{
    static const uint64_t indexes[] = {0, 1, 63, 64, 4095, 4096, 1ul << 20, 1ul << 40, ~0ul};
    struct radix t = {0};
    for (unsigned i = 0; i < ARRAY_SIZE(indexes); i++) {
        CHECK_EQ(radix_set(&t, indexes[i], ITEM(i)), 0);
        for (unsigned j = 0; j <= i; j++)
            CHECK(radix_get(&t, indexes[j]) == ITEM(j));
    }
    uint64_t at = 0;
    unsigned found = 0;
    for (void *item; (item = radix_next(&t, &at)); found++) {
        CHECK(at == indexes[found] && item == ITEM(found));
        if (at++ == ~0ul)
            break;
    }
    CHECK_EQ(found, ARRAY_SIZE(indexes) - 1); /* the last one ended the loop before it counted */
    for (unsigned i = 0; i < ARRAY_SIZE(indexes); i++)
        CHECK(radix_remove(&t, indexes[i]) == ITEM(i));
    CHECK_EQ(blocks_in_use, 0);
}

static void agrees_with_an_array(void)
{
    enum { SIZE = 10000 };
    static void *model[SIZE];
    struct radix t = {0};
    srand(2);
    bool good = true;
    for (unsigned step = 0; step < 100000; step++) {
        unsigned index = (unsigned)rand() % SIZE;
        if (rand() % 2) {
            good &= radix_set(&t, index, ITEM(step)) == 0;
            model[index] = ITEM(step);
        } else {
            good &= radix_remove(&t, index) == model[index];
            model[index] = NULL;
        }
        if (step % 1000)
            continue;
        uint64_t at = 0;
        for (unsigned i = 0; i < SIZE; i++) {
            good &= radix_get(&t, i) == model[i];
            if (!model[i])
                continue;
            good &= radix_next(&t, &at) == model[i] && at == i;
            at++;
        }
        good &= !radix_next(&t, &at);
    }
    CHECK(good);
    radix_clear(&t);
    CHECK_EQ(blocks_in_use, 0);
}

static void slot_can_be_overwritten(void)
{
    struct radix t = {0};
    CHECK(!radix_slot(&t, 5));
    CHECK_EQ(radix_set(&t, 5, ITEM(1)), 0);
    *radix_slot(&t, 5) = ITEM(2);
    CHECK(radix_get(&t, 5) == ITEM(2));
    radix_clear(&t);
}

static void without_memory_nothing_changes(void)
{
    struct radix t = {0};
    CHECK_EQ(radix_set(&t, 3, ITEM(3)), 0);
    for (blocks_allowed = blocks_in_use; radix_set(&t, 1ul << 30, ITEM(9)) == -ENOMEM;
         blocks_allowed++) {
        CHECK_EQ(blocks_in_use < blocks_allowed + 1, 1);
        CHECK(radix_get(&t, 3) == ITEM(3) && !radix_get(&t, 1ul << 30));
    }
    CHECK(radix_get(&t, 1ul << 30) == ITEM(9));
    blocks_allowed = ~0u;
    radix_clear(&t);
    CHECK_EQ(blocks_in_use, 0);
}

int main(void)
{
    RUN(index_zero_needs_no_node);
    RUN(grows_and_shrinks);
    RUN(agrees_with_an_array);
    RUN(slot_can_be_overwritten);
    RUN(without_memory_nothing_changes);
    return check_done();
}
