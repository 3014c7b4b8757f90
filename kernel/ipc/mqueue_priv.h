/* Inside of POSIX message queues. All but the limits of a queue stands under ipc_lock. */
#pragma once

#include "kernel/ipc/ipc.h"
#include "kernel/ipc/mqueue.h"

struct mqueue {
    struct inode inode;
    uint64_t count_max, size_max;        /* messages; bytes of one */
    uint64_t count, bytes;               /* of those that are there */
    uint64_t charged;                    /* bytes, against RLIMIT_MSGQUEUE */
    struct list_node messages;           /* struct message.node, the highest priority first */
    struct list_node senders, receivers; /* struct mq_wait.node */
    struct waitq waitq;                  /* poll */
    bool notified;                       /* notify counts */
    struct mqueue_notify notify;
};

/* Fills in what is not about names and limits. */
void mqueue_setup(struct mqueue *q);
