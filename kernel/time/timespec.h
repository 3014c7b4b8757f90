/* Times as the program passes them, in nanoseconds. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/types.h"
#include "kernel/sched/waitq.h"

#define NS_PER_SECOND 1000000000ll
#define NS_PER_US 1000ll
#define US_PER_SECOND 1000000ll
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND)

struct timespec_kernel {
    int64_t sec, nsec;
};
struct timeval_kernel {
    int64_t sec, usec;
};

/* Whether the fields are in range; negative seconds are not. */
static inline bool timespec_valid(const struct timespec_kernel *ts)
{
    return ts->sec >= 0 && ts->nsec >= 0 && ts->nsec < NS_PER_SECOND;
}

/* Too long times become the longest. */
static inline int64_t timespec_ns(const struct timespec_kernel *ts)
{
    return ts->sec >= SECONDS_MAX ? INT64_MAX : ts->sec * NS_PER_SECOND + ts->nsec;
}

static inline struct timespec_kernel timespec_of(int64_t ns)
{
    struct timespec_kernel ts = {ns / NS_PER_SECOND, ns % NS_PER_SECOND};
    if (ts.nsec < 0) {
        ts.nsec += NS_PER_SECOND;
        ts.sec--;
    }
    return ts;
}

/* Returns 0, -EFAULT or -EINVAL. */
MUST_CHECK static inline int timespec_read(struct uptr from, int64_t *ns)
{
    struct timespec_kernel ts;
    int err = copy_from_user(&ts, from, sizeof(ts));
    if (err)
        return err;
    if (!timespec_valid(&ts))
        return -EINVAL;
    *ns = timespec_ns(&ts);
    return 0;
}

MUST_CHECK static inline int timespec_write(struct uptr to, int64_t ns)
{
    struct timespec_kernel ts = timespec_of(ns);
    return copy_to_user(to, &ts, sizeof(ts));
}

static inline struct timeval_kernel timeval_of(int64_t ns)
{
    struct timespec_kernel ts = timespec_of(ns);
    return (struct timeval_kernel){ts.sec, ts.nsec / NS_PER_US};
}

/* start + length, DEADLINE_NONE if that is beyond all times. */
static inline uint64_t deadline_after(uint64_t start_ns, int64_t length_ns)
{
    uint64_t deadline = start_ns + (uint64_t)length_ns;
    return deadline < start_ns || length_ns == INT64_MAX ? DEADLINE_NONE : deadline;
}
