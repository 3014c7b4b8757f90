/* Waiting for several open files at once: what poll and select are made of. */
#pragma once

#include "kernel/fd/file.h"

struct poll_entry {
    struct file *file; /* NULL: events is as the caller set it */
    uint32_t wanted;   /* EPOLLIN … ; EPOLLERR and EPOLLHUP always count */
    uint32_t events;   /* what is so now */
    struct waiter waiter;
    struct waiter *sleeper;
};

/* Waits until one entry has events, or the deadline (0: does not wait). Returns how many have, 0
 * after the time, or -EINTR. */
int64_t pollset_wait(struct poll_entry *entries, unsigned count, uint64_t deadline_ns);
