/* epoll_create, epoll_ctl, epoll_wait in their forms. */
#include <linux/eventpoll.h>

#include "kernel/fd/epoll.h"
#include "kernel/fd/fdtable.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define EVENTS_MAX ((int)(INT32_MAX / sizeof(struct epoll_event)))

int64_t sys_epoll_create1(unsigned flags)
{
    if (flags & ~(unsigned)EPOLL_CLOEXEC)
        return -EINVAL;
    return fd_install_or_put(epoll_create(), flags != 0);
}

int64_t sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

static int64_t control(struct file *ep, int operation, struct file *f, int fd,
                       const struct epoll_event *event)
{
    if (!f->ops->poll)
        return -EPERM;
    if (f == ep || !epoll_is(ep))
        return -EINVAL;
    switch (operation) {
    case EPOLL_CTL_ADD:
        return epoll_add(ep, f, fd, event);
    case EPOLL_CTL_MOD:
        return epoll_modify(ep, f, fd, event);
    case EPOLL_CTL_DEL:
        return epoll_remove(ep, f, fd);
    default:
        return -EINVAL;
    }
}

int64_t sys_epoll_ctl(int ep_fd, int operation, int fd, struct uptr from)
{
    struct file *ep, *f;
    struct epoll_event event = {0};
    if (operation != EPOLL_CTL_DEL && copy_from_user(&event, from, sizeof(event)))
        return -EFAULT;
    int64_t result = fd_get(ep_fd, &ep);
    if (result)
        return result;
    result = fd_get(fd, &f);
    if (!result) {
        result = control(ep, operation, f, fd, &event);
        file_put(f);
    }
    file_put(ep);
    return result;
}

static int64_t wait(int ep_fd, struct uptr events, int max, uint64_t deadline)
{
    struct file *ep;
    if (max <= 0 || max > EVENTS_MAX)
        return fd_refuse(ep_fd, -EINVAL);
    if (!user_range_ok(events, (size_t)max * sizeof(struct epoll_event)))
        return fd_refuse(ep_fd, -EFAULT);
    int64_t n = fd_get(ep_fd, &ep);
    if (n)
        return n;
    n = epoll_is(ep) ? epoll_collect(ep, events, max, deadline) : -EINVAL;
    file_put(ep);
    return n;
}

static uint64_t deadline_of_ms(int timeout_ms)
{
    if (timeout_ms == 0)
        return 0;
    return timeout_ms < 0 ? DEADLINE_NONE : deadline_in(time_of_ms(timeout_ms));
}

int64_t sys_epoll_wait(int ep_fd, struct uptr events, int max, int timeout_ms)
{
    return wait(ep_fd, events, max, deadline_of_ms(timeout_ms));
}

static int64_t wait_masked(int ep_fd, struct uptr events, int max, uint64_t deadline,
                           struct uptr mask, size_t mask_size)
{
    int err = signal_mask_begin(mask, mask_size);
    if (err)
        return err;
    int64_t n = wait(ep_fd, events, max, deadline);
    signal_mask_end(n == -EINTR);
    return n;
}

int64_t sys_epoll_pwait(int ep_fd, struct uptr events, int max, int timeout_ms, struct uptr mask,
                        size_t mask_size)
{
    return wait_masked(ep_fd, events, max, deadline_of_ms(timeout_ms), mask, mask_size);
}

int64_t sys_epoll_pwait2(int ep_fd, struct uptr events, int max, struct uptr timeout,
                         struct uptr mask, size_t mask_size)
{
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t length;
        int err = timespec_read(timeout, &length);
        if (err)
            return err;
        deadline = length == 0 ? 0 : deadline_in(length);
    }
    return wait_masked(ep_fd, events, max, deadline, mask, mask_size);
}
