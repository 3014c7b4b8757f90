/*
 * POSIX message queues: files of a filesystem of their own, which is mounted at /dev/mqueue. A
 * message goes straight to a receiver that waits; else into the queue, by priority. A sender that
 * waits leaves its message with the queue, and whoever makes room puts it in.
 */
#pragma once

#include <linux/mqueue.h>
#include <linux/signal.h>

#include "kernel/fd/file.h"
#include "kernel/ipc/message.h"
#include "kernel/vfs/vfs.h"

struct netlink_notice;

#define MQUEUE_MESSAGES_MAX 65536 /* of a queue, and bytes of one, for who has all rights */
#define MQUEUE_BYTES_MAX (16 << 20)
#define MQUEUE_BYTES_MIN 128 /* of the limits */

/* /proc/sys/fs/mqueue */
struct mqueue_limits {
    uint32_t queues, messages, message_bytes, default_messages, default_bytes;
};

extern struct mqueue_limits mqueue_limits;

/* How a process is told that a message has come to an empty queue. */
struct mqueue_notify {
    int how; /* SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD */
    int signo;
    sigval_t value;
    struct netlink_notice *notice; /* SIGEV_THREAD; or NULL */
};

/* Boot: mounts the filesystem at /dev/mqueue. Returns 0 or -errno. */
MUST_CHECK int mqueue_init(void);

/* Opens the queue with this name, as mq_open(2); with O_CREAT it is made with attr (NULL: as the
 * limits say). Returns 0, -EINVAL, -ENOSPC, -EMFILE, and those of vfs_open(). */
MUST_CHECK int mqueue_open(const char *name, unsigned flags, uint32_t mode,
                           const struct mq_attr *attr, struct file **out);
int mqueue_unlink(const char *name);
bool mqueue_is(const struct file *f);

/* The rest is for files that are queues. */

/* Sends m, which is taken over on success. deadline_ns: realtime, or INT64_MAX. Returns 0,
 * -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS. */
int mqueue_send(struct file *f, struct message *m, int64_t deadline_ns);
/* Takes the first message, which is the caller's then. The same errors; -EMSGSIZE: size_max is less
 * than a message may have. */
int mqueue_receive(struct file *f, size_t size_max, int64_t deadline_ns, struct message **out);
/* The most bytes that a message may have. */
size_t mqueue_message_max(const struct file *f);
/* Takes over notify's notice on success. Returns 0 or -EBUSY. */
int mqueue_notify_set(struct file *f, const struct mqueue_notify *how);
void mqueue_notify_clear(struct file *f);
void mqueue_get_attr(const struct file *f, struct mq_attr *out);
