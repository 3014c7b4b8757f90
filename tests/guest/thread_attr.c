/* sched_setattr and sched_getattr, and the older scheduling calls' corners. */
#include <sched.h>
#include <sys/resource.h>

#include "tests/harness/guest.h"

/* <linux/sched/types.h> does not go together with <sched.h>. */
struct sched_attr {
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime, sched_deadline, sched_period;
    uint32_t sched_util_min, sched_util_max;
};

static long attr_get(struct sched_attr *attr, unsigned size)
{
    memset(attr, 0xff, sizeof(*attr));
    return syscall(SYS_sched_getattr, 0, attr, size, 0);
}

static void back_to_normal(void)
{
    struct sched_attr attr = {.size = sizeof(attr), .sched_policy = SCHED_OTHER};
    CHECK_OK(syscall(SYS_sched_setattr, 0, &attr, 0));
}

static void attributes_start_as_time_sharing(void)
{
    struct sched_attr attr;
    CHECK_OK(attr_get(&attr, sizeof(attr)));
    CHECK_EQ(attr.size, sizeof(attr));
    CHECK_EQ(attr.sched_policy, SCHED_OTHER);
    CHECK_EQ(attr.sched_priority, 0);
    CHECK_EQ(attr.sched_nice, getpriority(PRIO_PROCESS, 0));
}

static void the_first_size_is_enough(void)
{
    struct sched_attr attr;
    CHECK_OK(attr_get(&attr, 48));
    CHECK_EQ(attr.size, 48);
    CHECK_EQ(attr.sched_util_min, UINT32_MAX); /* untouched */
}

static void niceness_is_set_and_told(void)
{
    struct sched_attr attr = {.size = sizeof(attr), .sched_policy = SCHED_BATCH, .sched_nice = 7};
    CHECK_OK(syscall(SYS_sched_setattr, 0, &attr, 0));
    CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
    CHECK_OK(attr_get(&attr, sizeof(attr)));
    CHECK_EQ(attr.sched_nice, 7);
    back_to_normal();
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
}

static void niceness_is_cut_to_its_range(void)
{
    struct sched_attr attr = {.size = sizeof(attr), .sched_policy = SCHED_OTHER, .sched_nice = 77};
    CHECK_OK(syscall(SYS_sched_setattr, 0, &attr, 0));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
    attr.sched_nice = -77;
    CHECK_OK(syscall(SYS_sched_setattr, 0, &attr, 0));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), -20);
    back_to_normal();
}

static void realtime_priority_is_set_and_told(void)
{
    struct sched_attr attr = {
        .size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = 5};
    struct sched_param param;
    CHECK_OK(syscall(SYS_sched_setattr, 0, &attr, 0));
    CHECK_EQ(sched_getscheduler(0), SCHED_FIFO);
    CHECK_OK(sched_getparam(0, &param));
    CHECK_EQ(param.sched_priority, 5);
    CHECK_OK(attr_get(&attr, sizeof(attr)));
    CHECK_EQ(attr.sched_priority, 5);
    back_to_normal();
}

static void realtime_priorities_are_checked(void)
{
    struct sched_attr attr = {.size = sizeof(attr), .sched_policy = SCHED_RR};
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 0), EINVAL);
    attr.sched_priority = 100;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 0), EINVAL);
    attr.sched_policy = SCHED_OTHER;
    attr.sched_priority = 1;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 0), EINVAL);
    attr.sched_policy = 77;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 0), EINVAL);
}

static void attribute_requests_are_checked(void)
{
    struct sched_attr attr = {.size = sizeof(attr)};
    CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 1), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setattr, -1, &attr, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setattr, 4194303, &attr, 0), ESRCH);
    CHECK_ERR(syscall(SYS_sched_setattr, 0, KERNEL_ADDRESS, 0), EFAULT);
    attr.sched_flags = 1ul << 40;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &attr, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getattr, 0, &attr, 47, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getattr, 0, &attr, PAGE + 1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 1), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getattr, 4194303, &attr, sizeof(attr), 0), ESRCH);
    CHECK_ERR(syscall(SYS_sched_getattr, 0, KERNEL_ADDRESS, sizeof(attr), 0), EFAULT);
}

static void sizes_tell_versions_apart(void)
{
    struct {
        struct sched_attr attr;
        uint64_t more[4];
    } big = {.attr = {.size = sizeof(big), .sched_policy = SCHED_OTHER}};
    CHECK_OK(syscall(SYS_sched_setattr, 0, &big, 0)); /* zeros beyond what is known */
    big.more[3] = 1;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &big, 0), E2BIG);
    CHECK(big.attr.size >= 48 && big.attr.size < sizeof(big)); /* it tells the size it knows */
    big.attr.size = 8;
    CHECK_ERR(syscall(SYS_sched_setattr, 0, &big, 0), E2BIG);
}

static void setparam_keeps_the_policy(void)
{
    struct sched_param param = {.sched_priority = 3};
    CHECK_ERR(sched_setparam(0, &param), EINVAL); /* a time-sharing thread has none */
    CHECK_OK(sched_setscheduler(0, SCHED_RR, &param));
    param.sched_priority = 9;
    CHECK_OK(sched_setparam(0, &param));
    CHECK_EQ(sched_getscheduler(0), SCHED_RR);
    CHECK_OK(sched_getparam(0, &param));
    CHECK_EQ(param.sched_priority, 9);
    param.sched_priority = 100;
    CHECK_ERR(sched_setparam(0, &param), EINVAL);
    back_to_normal();
}

static void older_requests_are_checked(void)
{
    struct sched_param param = {0};
    CHECK_ERR(sched_setparam(-1, &param), EINVAL);
    CHECK_ERR(sched_setparam(4194303, &param), ESRCH);
    CHECK_ERR(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setparam, 0, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(sched_getparam(-1, &param), EINVAL);
    CHECK_ERR(sched_getscheduler(-1), EINVAL);
    CHECK_ERR(sched_getscheduler(4194303), ESRCH);
    CHECK_ERR(sched_setscheduler(0, -1, &param), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
}

static void priority_ranges(void)
{
    CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
    CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
    CHECK_EQ(sched_get_priority_min(SCHED_RR), 1);
    CHECK_EQ(sched_get_priority_max(SCHED_RR), 99);
    CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
    CHECK_EQ(sched_get_priority_max(SCHED_BATCH), 0);
    CHECK_EQ(sched_get_priority_min(SCHED_IDLE), 0);
    CHECK_ERR(sched_get_priority_max(77), EINVAL);
    CHECK_ERR(sched_get_priority_min(-1), EINVAL);
}

static void affinity_requests_are_checked(void)
{
    unsigned long mask[16] = {0};
    CHECK_ERR(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL);
    CHECK_ERR(syscall(SYS_sched_setaffinity, 4194303, sizeof(mask), mask), ESRCH);
    CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 9, mask), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getaffinity, 4194303, sizeof(mask), mask), ESRCH);
    long size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    CHECK(size > 0 && size % 8 == 0);
    CHECK_OK(syscall(SYS_sched_setaffinity, 0, size, mask));
}

static void priorities_of_whom(void)
{
    CHECK_ERR(getpriority(77, 0), EINVAL);
    CHECK_ERR(setpriority(-1, 0, 0), EINVAL);
    CHECK_ERR(setpriority(PRIO_PROCESS, 4194303, 0), ESRCH);
    CHECK_ERR(getpriority(PRIO_PROCESS, 4194303), ESRCH);
    CHECK_ERR(getpriority(PRIO_PGRP, 4194303), ESRCH);
    CHECK_ERR(getpriority(PRIO_USER, 4711), ESRCH);
    CHECK_OK(setpriority(PRIO_PROCESS, getpid(), 100)); /* cut to 19 */
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 0));
}

static void intervals(void)
{
    struct timespec ts;
    CHECK_OK(sched_rr_get_interval(0, &ts));
    CHECK(ts.tv_sec == 0);
    CHECK_ERR(sched_rr_get_interval(-1, &ts), EINVAL);
    CHECK_ERR(sched_rr_get_interval(4194303, &ts), ESRCH);
    CHECK_ERR(syscall(SYS_sched_rr_get_interval, 0, KERNEL_ADDRESS), EFAULT);
}

int main(void)
{
    RUN(attributes_start_as_time_sharing);
    RUN(the_first_size_is_enough);
    RUN(niceness_is_set_and_told);
    RUN(niceness_is_cut_to_its_range);
    RUN(realtime_priority_is_set_and_told);
    RUN(realtime_priorities_are_checked);
    RUN(attribute_requests_are_checked);
    RUN(sizes_tell_versions_apart);
    RUN(setparam_keeps_the_policy);
    RUN(older_requests_are_checked);
    RUN(priority_ranges);
    RUN(affinity_requests_are_checked);
    RUN(priorities_of_whom);
    RUN(intervals);
    return check_done();
}
