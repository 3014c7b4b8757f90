/*
 * Sums, differences and products of times in nanoseconds. They end at the first and the last time
 * instead of wrapping: a time that the program names can be any number. No other code adds or
 * subtracts times (tools/check-text).
 *
 * Deadlines and lengths are unsigned, points of a clock that can be set are signed.
 */
#pragma once

#include "kernel/base/types.h"

#define NS_PER_SECOND 1000000000ll
#define NS_PER_MS 1000000ll
#define NS_PER_US 1000ll
#define US_PER_SECOND 1000000ll
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND)
#define DEADLINE_NONE UINT64_MAX

static inline uint64_t ns_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* 0 if b is later than a. */
static inline uint64_t ns_sub(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t ns_mul(uint64_t ns, uint64_t count)
{
    uint64_t product;
    return __builtin_mul_overflow(ns, count, &product) ? UINT64_MAX : product;
}

static inline int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static inline int64_t time_sub(int64_t a, int64_t b)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return b > 0 ? INT64_MIN : INT64_MAX;
    return difference;
}

/* Of seconds, which may be negative, and nanoseconds within the second. */
static inline int64_t time_of(int64_t seconds, int64_t ns)
{
    int64_t product;
    if (__builtin_mul_overflow(seconds, NS_PER_SECOND, &product))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return time_add(product, ns);
}

/* Of seconds and microseconds within the second. */
static inline int64_t time_of_us(int64_t seconds, int64_t us)
{
    return time_of(seconds, us * NS_PER_US);
}

/* Of milliseconds as calls give them. */
static inline int64_t time_of_ms(int ms)
{
    return ms * NS_PER_MS;
}

/* As an unsigned time: 0 if negative. */
static inline uint64_t ns_of(int64_t time)
{
    return time > 0 ? (uint64_t)time : 0;
}

/* As a signed time, the last one at most. */
static inline int64_t time_of_ns(uint64_t ns)
{
    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* Rounds down to whole seconds, also before 1970; the rest is never negative. */
static inline int64_t time_split(int64_t time, int64_t *rest)
{
    int64_t seconds = time / NS_PER_SECOND;
    *rest = time % NS_PER_SECOND;
    if (*rest < 0) {
        *rest += NS_PER_SECOND;
        seconds--;
    }
    return seconds;
}

/* How many whole periods, and the one that has begun, lie between since and now; at least 1. */
static inline uint64_t periods_begun(uint64_t since_ns, uint64_t now_ns, uint64_t period_ns)
{
    return ns_sub(now_ns, since_ns) / period_ns + 1;
}

/* What is left from now to a deadline. */
static inline int64_t deadline_left(uint64_t deadline_ns, uint64_t now_ns)
{
    return (int64_t)ns_sub(deadline_ns < INT64_MAX ? deadline_ns : INT64_MAX, now_ns);
}

/* start + length; DEADLINE_NONE for the longest length there is. */
static inline uint64_t deadline_after(uint64_t start_ns, int64_t length_ns)
{
    return length_ns == INT64_MAX ? DEADLINE_NONE : ns_add(start_ns, ns_of(length_ns));
}
