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

/* A list of arrays of entries: one array of very many would need memory in one piece. */
struct poll_part {
    struct poll_part *next;
    unsigned count;
    struct poll_entry *entries;
};

/* Waits until one entry has events, or the deadline (0: does not wait). Returns how many have, 0
 * after the time, or -EINTR. */
int64_t pollset_wait(const struct poll_part *parts, uint64_t deadline_ns);
