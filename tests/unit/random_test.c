// UNIT: kernel/base/random.c kernel/base/siphash.c
#include "kernel/base/random.h"
#include "kernel/base/siphash.h"
#include "kernel/platform/platform.h"
#include "tests/harness/check.h"

static uint8_t machine_entropy;

size_t platform_entropy(void *buf, size_t len)
{
    memset(buf, machine_entropy, len);
    return len;
}

/* RFC 8439, section 2.3.2 */
static void block_is_that_of_the_rfc(void)
{
    uint8_t key[32], out[64];
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    uint32_t words[8];
    memcpy(words, key, 32);
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    static const uint8_t want[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    chacha20_block(words, 1, nonce, out);
    CHECK(memcmp(out, want, 64) == 0);
}

/* RFC 8439, appendix A.1, test vector 1 */
static void zero_block_is_that_of_the_rfc(void)
{
    static const uint32_t zeros[8];
    static const uint8_t want[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                     0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    uint8_t out[64];
    chacha20_block(zeros, 0, zeros, out);
    CHECK(memcmp(out, want, 16) == 0);
}

/* The paper's example, and lengths of no, one and several whole words. */
static void keyed_hash_is_that_of_the_paper(void)
{
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t data[16];
    for (unsigned i = 0; i < 16; i++)
        data[i] = (uint8_t)i;
    CHECK_EQ(siphash(key, data, 15), 0xa129ca6149be45e5);
    CHECK_EQ(siphash(key, data, 0), 0x726fdb47dd0e0e31);
    CHECK_EQ(siphash(key, data, 8), 0x93f5f5799a932462);
}

static void numbers_do_not_repeat(void)
{
    static uint64_t seen[1000];
    bool unique = true;
    for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
        seen[i] = random_u64();
        for (unsigned j = 0; j < i; j++)
            unique &= seen[i] != seen[j];
    }
    CHECK(unique);
}

static void every_size_is_filled(void)
{
    static uint8_t buf[5000];
    bool filled = true;
    for (size_t size = 1; size < sizeof(buf); size = size * 3 / 2 + 1) {
        unsigned zeros = 0;
        for (int round = 0; round < 4; round++) { /* one byte in 2^32 is zero four times */
            memset(buf, 0, sizeof(buf));
            random_bytes(buf, size);
            zeros += buf[size - 1] == 0;
            filled &= buf[size] == 0;
        }
        filled &= zeros < 4;
    }
    CHECK(filled);
}

static void feeding_changes_what_comes(void)
{
    uint8_t data[100] = "some data";
    uint64_t before = random_u64();
    random_feed(data, sizeof(data));
    CHECK(random_u64() != before);
    random_feed(data, 0);
    CHECK(random_u64() != random_u64());
}

int main(void)
{
    RUN(block_is_that_of_the_rfc);
    RUN(zero_block_is_that_of_the_rfc);
    RUN(keyed_hash_is_that_of_the_paper);
    RUN(numbers_do_not_repeat);
    RUN(every_size_is_filled);
    RUN(feeding_changes_what_comes);
    return check_done();
}
