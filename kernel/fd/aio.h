/*
 * Asynchronous I/O (io_setup(2) and its kin): contexts, their rings of completions, and requests.
 *
 * A ring lies in the program's memory, so that it can look for completions without a call; the
 * kernel keeps its pages. What of it the program may change, the head, is never trusted. Reads and
 * writes are done by who submits them, as Linux does on a page cache; polls and fsyncs go on by
 * themselves, and a kernel thread ends them.
 */
#pragma once

#include <linux/aio_abi.h>

#include "kernel/arch/uaccess.h"
#include "kernel/fd/file.h"

struct aio_context;
struct aio_request;

extern uint64_t aio_requests_max, aio_requests; /* /proc/sys/fs/aio-max-nr, aio-nr */

/* Makes a context for count requests. Returns 0 with its id (the ring's address), -EINVAL, -EAGAIN
 * (too many), -ENOMEM. */
MUST_CHECK int aio_setup(unsigned count, uint64_t *id);
/* Ends a context and waits for its requests. Returns 0 or -EINVAL. */
int aio_destroy(uint64_t id);
/* Ends all (exec). */
void aio_destroy_all(void);
/* The context with a reference, or NULL. */
struct aio_context *aio_get(uint64_t id);
void aio_put(struct aio_context *ctx);
/* Requests that a context takes at most. */
unsigned aio_size(const struct aio_context *ctx);

/* Begins a request: iocb is the program's, at. eventfd, or NULL, is told of its end. References to
 * both files are taken. Returns 0 or -EAGAIN (the ring is full), -ENOMEM. */
MUST_CHECK int aio_begin(struct aio_context *ctx, const struct iocb *iocb, struct uptr at,
                         struct file *file, struct file *eventfd, struct aio_request **out);
/* Each ends the request, at once or later. */
void aio_complete(struct aio_request *r, int64_t result);
void aio_drop(struct aio_request *r); /* it was not submitted after all */
/* Waits for events of the request's file. Returns 0, or -EINVAL (dropped): it never has any. */
int aio_poll(struct aio_request *r, uint32_t events);
void aio_fsync(struct aio_request *r);
/* Ends the poll that was submitted with the iocb at. Returns 0 or -EINVAL: there is none. */
int aio_cancel(struct aio_context *ctx, struct uptr at);

/* Takes completions: at least min of them before the deadline, at most max. Returns how many, or
 * -EFAULT, -EINTR, -EINVAL (the context ended). */
int64_t aio_take(struct aio_context *ctx, int64_t min, int64_t max, struct uptr to,
                 uint64_t deadline_ns);
