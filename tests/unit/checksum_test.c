// UNIT: kernel/net/inet_checksum.c
/* The sum of 16-bit words beside the plain way to make it: every size and alignment, and values
 * that carry. */
#include <stdbool.h>

#include <stdlib.h>

#include "kernel/net/inet_checksum.h"
#include "tests/harness/check.h"

#define SIZE_MAX_TRIED 200

static uint16_t plain(const uint8_t *at, int size)
{
    uint32_t sum = 0;
    for (int i = 0; i < size; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 8 : 0);
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

/* The piece ends where the heap block does, so that the sanitizer sees what reads beyond it. */
static bool agrees(const uint8_t *values, int size, int skew)
{
    uint8_t *block = calloc(1, (size_t)(skew + size) + 1);
    for (int i = 0; i < size; i++)
        block[1 + skew + i] = values[i];
    bool same = inet_checksum(block + 1 + skew, size) == plain(block + 1 + skew, size);
    free(block);
    return same;
}

static void test_sizes_and_alignments(void)
{
    uint8_t values[SIZE_MAX_TRIED];
    for (unsigned i = 0; i < sizeof(values); i++)
        values[i] = (uint8_t)(i * 167 + 13);
    for (int skew = 0; skew < 8; skew++) {
        int wrong = 0;
        for (int size = 0; size <= SIZE_MAX_TRIED; size++)
            wrong += !agrees(values, size, skew);
        CHECK_EQ(wrong, 0);
    }
}

static void test_carries(void)
{
    uint8_t values[SIZE_MAX_TRIED];
    int wrong = 0;
    for (int size = 0; size <= SIZE_MAX_TRIED; size++) {
        for (unsigned i = 0; i < sizeof(values); i++)
            values[i] = 0xff;
        wrong += !agrees(values, size, 0);
        for (int zero = 0; zero < size; zero++) {
            values[zero] = 0;
            wrong += !agrees(values, size, zero % 8);
            values[zero] = 0xff;
        }
    }
    CHECK_EQ(wrong, 0);
}

static void test_largest(void)
{
    enum { SIZE = 65535 };
    uint8_t *values = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        values[i] = (uint8_t)(0xff - i % 3);
    CHECK(agrees(values, SIZE, 1));
    free(values);
}

int main(void)
{
    RUN(test_sizes_and_alignments);
    RUN(test_carries);
    RUN(test_largest);
    return check_done();
}
