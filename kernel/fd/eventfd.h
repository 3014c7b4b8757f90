/* eventfd(2): a counter that can be waited for. */
#pragma once

#include "kernel/fd/file.h"

/* flags: O_NONBLOCK. semaphore: a read takes 1, not all. NULL: no memory. */
struct file *eventfd_create(uint64_t value, bool semaphore, unsigned flags);
bool eventfd_is(const struct file *f);
/* Adds 1 to an eventfd's counter, if there is room. */
void eventfd_signal(struct file *f);
