// UNIT: kernel/base/crc32c.c kernel/arch/x86_64/crc32c.c
/* The small things of kernel/base: checksum, bitmap, hash, list. */
#include <stdlib.h>

#include "kernel/arch/crc32c.h"
#include "kernel/base/bitmap.h"
#include "kernel/base/crc32c.h"
#include "kernel/base/hash.h"
#include "kernel/base/list.h"
#include "tests/harness/check.h"

/* RFC 3720, appendix B.4 */
static void crc32c_is_that_of_the_rfc(void)
{
    uint8_t data[32] = {0};
    CHECK_EQ(crc32c(0, data, 32), 0x8a9136aa);
    memset(data, 0xff, 32);
    CHECK_EQ(crc32c(0, data, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    CHECK_EQ(crc32c(0, data, 32), 0x46dd794e);
    CHECK_EQ(crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_EQ(crc32c(0, "", 0), 0);
}

static void crc32c_goes_on_where_it_stopped(void)
{
    bool good = true;
    for (size_t cut = 0; cut <= 9; cut++)
        good &= crc32c(crc32c(0, "123456789", cut), "123456789" + cut, 9 - cut) == 0xe3069283;
    CHECK(good);
}

static void bitmap_finds(void)
{
    uint64_t map[BITMAP_WORDS(150)] = {0};
    CHECK_EQ(bitmap_find_set(map, 150, 0), 150);
    CHECK_EQ(bitmap_find_clear(map, 150, 0), 0);
    static const size_t bits[] = {0, 5, 63, 64, 130, 149};
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
        bitmap_set(map, bits[i]);
    size_t at = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++, at++)
        CHECK_EQ(at = bitmap_find_set(map, 150, at), bits[i]);
    CHECK_EQ(bitmap_find_set(map, 150, at), 150);
    CHECK_EQ(bitmap_count(map, 150), 6);
    CHECK_EQ(bitmap_find_set(map, 149, 131), 149);
    bitmap_clear(map, 63);
    CHECK(!bitmap_test(map, 63) && bitmap_test(map, 64));
    memset(map, 0xff, sizeof(map));
    CHECK_EQ(bitmap_find_clear(map, 150, 0), 150);
    bitmap_clear(map, 100);
    CHECK_EQ(bitmap_find_clear(map, 150, 0), 100);
}

static void hash_spreads(void)
{
    unsigned buckets[256] = {0}, fullest = 0;
    char name[32];
    for (unsigned i = 0; i < 4096; i++) {
        int length = snprintf(name, sizeof(name), "lib/file_%u.so", i);
        unsigned *bucket = &buckets[hash_bytes(name, (size_t)length, 0) % 256];
        if (++*bucket > fullest)
            fullest = *bucket;
    }
    CHECK(fullest < 40); /* 16 on average */
    CHECK(hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1));
    CHECK(hash_bytes("ab", 2, 0) != hash_bytes("ba", 2, 0));
    CHECK(hash_bytes("abcdefghi", 9, 0) != hash_bytes("abcdefghj", 9, 0));
    char exact[9] = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'}; /* ASan sees a byte too many */
    for (size_t length = 0; length <= 9; length++)
        hash_bytes(exact, length, 0);
}

static void list_keeps_order(void)
{
    struct list_node head = LIST_INIT(head), n[3];
    CHECK(list_empty(&head));
    list_add_tail(&head, &n[1]);
    list_add_tail(&head, &n[2]);
    list_add_head(&head, &n[0]);
    unsigned i = 0;
    list_for_each(node, &head) CHECK(node == &n[i++]);
    list_remove(&n[1]);
    list_remove(&n[1]);
    CHECK(n[0].next == &n[2] && n[2].prev == &n[0]);
    list_for_each_safe(node, next, &head) list_remove(node);
    CHECK(list_empty(&head));
}

int main(void)
{
    RUN(crc32c_is_that_of_the_rfc);
    RUN(crc32c_goes_on_where_it_stopped);
    RUN(bitmap_finds);
    RUN(hash_spreads);
    RUN(list_keeps_order);
    return check_done();
}
