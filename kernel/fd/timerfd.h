/* timerfd(2): timers that are read. */
#pragma once

#include "kernel/fd/file.h"

struct timerfd_setting {
    int64_t interval_ns; /* 0: once */
    int64_t value_ns;    /* until it expires next; 0: not set */
};

/* clock: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME or an _ALARM clock; flags: O_NONBLOCK.
 * NULL: no memory. */
struct file *timerfd_create(int clock, unsigned flags);
bool timerfd_is(const struct file *f);
/* absolute: value_ns is a time of the timer's clock. cancel: with an absolute time of the real
 * clock, reads say -ECANCELED after that clock was set. */
void timerfd_set(struct file *f, const struct timerfd_setting *setting, bool absolute, bool cancel);
void timerfd_get(struct file *f, struct timerfd_setting *setting);
