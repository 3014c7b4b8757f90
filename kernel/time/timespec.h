/* Times as the program passes them, in nanoseconds. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/types.h"
#include "kernel/time/ns.h"

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
    return time_of(ts->sec, ts->nsec);
}

static inline struct timespec_kernel timespec_of(int64_t ns)
{
    struct timespec_kernel ts;
    ts.sec = time_split(ns, &ts.nsec);
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
