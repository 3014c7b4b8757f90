/* System V message queues. A message goes straight to a receiver that waits for one like it; else
 * into the queue. Senders that found the queue full are told when there is room, and try again. */
#pragma once

#include <linux/msg.h>

#include "kernel/ipc/ipc.h"
#include "kernel/ipc/message.h"

struct msg_limits {
    uint32_t message_bytes, queue_bytes; /* MSGMAX, MSGMNB; MSGMNI is msg_table.limit */
};

extern struct msg_limits msg_limits;
extern struct ipc_table msg_table;

struct msg_totals {
    uint32_t queues;
    uint64_t messages, bytes;
    int highest;
};

/* msgget(2). Returns the identifier or -errno. */
int64_t msg_get(int32_t key, unsigned flags);
/* Sends m, which is taken over on success. Returns 0, -EINVAL, -EACCES, -EAGAIN, -EIDRM, -EINTR. */
int64_t msg_send(int id, struct message *m, unsigned flags);
/* Takes a message of the type wanted (msgrcv(2)). Returns 0 with *out the caller's, -EINVAL,
 * -EACCES, -ENOMSG, -E2BIG, -EIDRM, -EINTR, -ENOMEM. */
int64_t msg_receive(int id, size_t size_max, int64_t type, unsigned flags, struct message **out);

/* Parts of msgctl(2), as those of semctl(2) in sem.h. */
int64_t msg_stat(int id, bool by_place, bool any, struct msqid64_ds *out);
int64_t msg_set(int id, const struct msqid64_ds *from);
int64_t msg_remove(int id);
void msg_get_totals(struct msg_totals *out);
bool msg_next(uint32_t place, struct msqid64_ds *out, int *id);
