/* Arithmetic on times, at both ends. */
#include "kernel/time/ns.h"
#include "tests/harness/check.h"

static void test_unsigned(void)
{
    CHECK_EQ(ns_add(2, 3), 5);
    CHECK_EQ(ns_add(UINT64_MAX - 1, 1), UINT64_MAX);
    CHECK_EQ(ns_add(UINT64_MAX, 1), UINT64_MAX);
    CHECK_EQ(ns_add(UINT64_MAX, UINT64_MAX), UINT64_MAX);
    CHECK_EQ(ns_sub(5, 3), 2);
    CHECK_EQ(ns_sub(3, 5), 0);
    CHECK_EQ(ns_sub(0, UINT64_MAX), 0);
    CHECK_EQ(ns_mul(3, 4), 12);
    CHECK_EQ(ns_mul(UINT64_MAX, 0), 0);
    CHECK_EQ(ns_mul(1ul << 63, 2), UINT64_MAX);
    CHECK_EQ(periods_begun(10, 10, 3), 1);
    CHECK_EQ(periods_begun(10, 12, 3), 1);
    CHECK_EQ(periods_begun(10, 13, 3), 2);
    CHECK_EQ(periods_begun(10, 0, 3), 1);
    CHECK_EQ(periods_begun(0, UINT64_MAX, 2), (UINT64_MAX >> 1) + 1);
}

static void test_signed(void)
{
    CHECK_EQ(time_add(2, -3), -1);
    CHECK_EQ(time_add(INT64_MAX, 1), INT64_MAX);
    CHECK_EQ(time_add(1, INT64_MAX), INT64_MAX);
    CHECK_EQ(time_add(INT64_MIN, -1), INT64_MIN);
    CHECK_EQ(time_add(INT64_MIN, INT64_MAX), -1);
    CHECK_EQ(time_sub(2, 3), -1);
    CHECK_EQ(time_sub(INT64_MAX, -1), INT64_MAX);
    CHECK_EQ(time_sub(0, INT64_MIN), INT64_MAX);
    CHECK_EQ(time_sub(-2, INT64_MAX), INT64_MIN);
    CHECK_EQ(time_sub(INT64_MIN, 1), INT64_MIN);
}

static void test_made_of_parts(void)
{
    CHECK_EQ(time_of(1, 5), NS_PER_SECOND + 5);
    CHECK_EQ(time_of(-1, 999999999), -1);
    CHECK_EQ(time_of(SECONDS_MAX, 854775807), INT64_MAX);
    CHECK_EQ(time_of(SECONDS_MAX, 854775808), INT64_MAX);
    CHECK_EQ(time_of(SECONDS_MAX, 854775806), INT64_MAX - 1);
    CHECK_EQ(time_of(SECONDS_MAX + 1, 0), INT64_MAX);
    CHECK_EQ(time_of(INT64_MAX, 0), INT64_MAX);
    CHECK_EQ(time_of(INT64_MIN, 0), INT64_MIN);
    CHECK_EQ(time_of_us(1, 5), NS_PER_SECOND + 5000);
    CHECK_EQ(time_of_us(INT64_MAX, 999999), INT64_MAX);
    CHECK_EQ(time_of_ms(-1), -NS_PER_MS);
    CHECK_EQ(time_of_ms(INT32_MAX), INT32_MAX * NS_PER_MS);
    CHECK_EQ(ns_of(-1), 0);
    CHECK_EQ(ns_of(INT64_MAX), INT64_MAX);
    CHECK_EQ(time_of_ns(UINT64_MAX), INT64_MAX);
    CHECK_EQ(time_of_ns(7), 7);
}

static void split(int64_t time, int64_t seconds, int64_t rest)
{
    int64_t left;
    CHECK_EQ(time_split(time, &left), seconds);
    CHECK_EQ(left, rest);
}

static void test_split(void)
{
    split(0, 0, 0);
    split(-1, -1, 999999999);
    split(-NS_PER_SECOND, -1, 0);
    split(INT64_MAX, SECONDS_MAX, 854775807);
    split(INT64_MIN, -SECONDS_MAX - 1, 145224192);
}

static void test_deadlines(void)
{
    CHECK_EQ(deadline_after(5, 3), 8);
    CHECK_EQ(deadline_after(5, -3), 5);
    CHECK_EQ(deadline_after(5, INT64_MAX), DEADLINE_NONE);
    CHECK_EQ(deadline_after(UINT64_MAX - 1, INT64_MAX - 1), DEADLINE_NONE);
    CHECK_EQ(deadline_left(8, 5), 3);
    CHECK_EQ(deadline_left(5, 8), 0);
    CHECK_EQ(deadline_left(DEADLINE_NONE, 5), INT64_MAX - 5);
}

int main(void)
{
    RUN(test_unsigned);
    RUN(test_signed);
    RUN(test_made_of_parts);
    RUN(test_split);
    RUN(test_deadlines);
    return check_done();
}
