/* A message's bytes in the kernel: in blocks of at most a page, as large messages are made when
 * memory is in pieces. For System V queues and POSIX ones. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/list.h"

struct message_block;

struct message {
    struct list_node node; /* in a queue */
    int64_t type;          /* System V: its type; POSIX: its priority */
    size_t size;           /* bytes */
    struct message_block *blocks;
};

/* A message of size bytes, which are not set. NULL: no memory. */
struct message *message_alloc(int64_t type, size_t size);
/* The same, copied from the program. Returns 0, -ENOMEM, -EFAULT. */
MUST_CHECK int message_load(int64_t type, struct uptr from, size_t size, struct message **out);
/* Copies the first size bytes to the program. Returns 0 or -EFAULT. */
MUST_CHECK int message_store(const struct message *m, struct uptr to, size_t size);
/* Copies the bytes and the type; to is as large as from at least. Does not sleep. */
void message_copy(struct message *to, const struct message *from);
void message_free(struct message *m); /* NULL is fine */
/* Frees all of a list. */
void messages_free(struct list_node *list);
