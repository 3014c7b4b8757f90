/* Inside of asynchronous I/O. */
#pragma once

#include "kernel/fd/aio.h"

struct aio_context {
    struct list_node node; /* in the list of contexts; under aio_lock */
    uint32_t refs;
    uint64_t id, bytes; /* the ring's address and size in the program */
    unsigned count;     /* requests, as asked for */
    unsigned slots;     /* of the ring */
    struct page **pages;
    unsigned page_count;
    uint32_t tail;             /* under aio_lock, as what follows */
    unsigned under_way;        /* requests not ended */
    struct list_node requests; /* struct aio_request.node */
    bool dead;
    struct waitq waitq;     /* completions; the last request's end */
    struct mutex take_lock; /* who takes completions */
};

struct aio_worker;

struct aio_request {
    struct list_node node;
    struct aio_context *ctx;
    struct file *file, *eventfd;
    uint64_t iocb, data;
    uint32_t events; /* polls */
    bool cancelled;
    struct waiter waiter;
    struct aio_worker *worker; /* NULL: done by who submits it */
    struct list_node work;     /* in the worker's list; under its lock */
};

extern struct spinlock aio_lock;

/* The ring (aio_ring.c). Returns 0, -EAGAIN, -ENOMEM. */
MUST_CHECK int aio_ring_make(struct aio_context *ctx);
void aio_ring_free(struct aio_context *ctx);
/* Under aio_lock. */
unsigned aio_ring_used(const struct aio_context *ctx);
void aio_ring_put(struct aio_context *ctx, const struct io_event *event);
/* The first completions, up to max of them, which stay there until aio_ring_skip. */
unsigned aio_ring_look(const struct aio_context *ctx, struct io_event *events, unsigned max);
void aio_ring_skip(struct aio_context *ctx, unsigned count);

/* Has the worker of r see to it (aio_worker.c). May be called under a wait queue's lock. */
void aio_work(struct aio_request *r);
/* Takes r from its worker's list, if it is there. */
void aio_unwork(struct aio_request *r);
/* Choose a worker, which is started at its first request. Return 0 or -EAGAIN. */
MUST_CHECK int aio_use_poll_worker(struct aio_request *r);
MUST_CHECK int aio_use_fsync_worker(struct aio_request *r);
