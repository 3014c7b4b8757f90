/* timerfd_create, timerfd_settime, timerfd_gettime. */
#include <linux/time.h>
#include <linux/timerfd.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/timerfd.h"
#include "kernel/proc/cred.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/timespec.h"

static bool clock_allowed(int clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
           clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

int64_t sys_timerfd_create(int clock, unsigned flags)
{
    if ((flags & ~(unsigned)(TFD_CLOEXEC | TFD_NONBLOCK)) || !clock_allowed(clock))
        return -EINVAL;
    if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) &&
        !capable(CAP_WAKE_ALARM))
        return -EPERM;
    return fd_install_or_put(timerfd_create(clock, flags & TFD_NONBLOCK),
                             (flags & TFD_CLOEXEC) != 0);
}

static int timerfd_by_fd(int fd, struct file **out)
{
    int err = fd_get(fd, out);
    if (err || timerfd_is(*out))
        return err;
    file_put(*out);
    return -EINVAL;
}

struct setting_kernel { /* struct itimerspec */
    struct timespec_kernel interval, value;
};

static int setting_read(struct uptr from, struct timerfd_setting *out)
{
    struct setting_kernel s;
    if (copy_from_user(&s, from, sizeof(s)))
        return -EFAULT;
    if (!timespec_valid(&s.interval) || !timespec_valid(&s.value))
        return -EINVAL;
    *out = (struct timerfd_setting){timespec_ns(&s.interval), timespec_ns(&s.value)};
    return 0;
}

static int setting_write(struct uptr to, const struct timerfd_setting *setting)
{
    struct setting_kernel s = {timespec_of(setting->interval_ns), timespec_of(setting->value_ns)};
    return copy_to_user(to, &s, sizeof(s));
}

int64_t sys_timerfd_settime(int fd, unsigned flags, struct uptr from, struct uptr old)
{
    struct timerfd_setting fresh, before;
    struct file *f;
    int err = setting_read(from, &fresh);
    if (err)
        return err;
    if (flags & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    err = timerfd_by_fd(fd, &f);
    if (err)
        return err;
    timerfd_get(f, &before);
    timerfd_set(f, &fresh, (flags & TFD_TIMER_ABSTIME) != 0,
                (flags & TFD_TIMER_CANCEL_ON_SET) != 0);
    file_put(f);
    return uptr_is_null(old) ? 0 : setting_write(old, &before);
}

int64_t sys_timerfd_gettime(int fd, struct uptr to)
{
    struct timerfd_setting now;
    struct file *f;
    int err = timerfd_by_fd(fd, &f);
    if (err)
        return err;
    timerfd_get(f, &now);
    file_put(f);
    return setting_write(to, &now);
}
