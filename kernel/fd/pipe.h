/* Pipes and FIFOs. */
#pragma once

#include "kernel/fd/file.h"

#define PIPE_PAGES_DEFAULT 16u
#define PIPE_BYTES_MAX (1u << 20) /* at first */

struct page;
struct pipe;

/* Makes the two ends: files[0] reads, files[1] writes. flags: O_NONBLOCK, O_DIRECT. privileged: may
 * be larger than pipe_limit(). Returns 0 or -ENOMEM. */
MUST_CHECK int pipe_create(unsigned flags, bool privileged, struct file *files[2]);
bool pipe_is(const struct file *f);

/* Opens a FIFO of a filesystem: sets the new file's operations; waits for the other end as open(2)
 * says, unless O_NONBLOCK. Returns 0, -ENXIO (no reader), -ENOMEM, -ERESTARTSYS. */
MUST_CHECK int fifo_open(struct inode *inode, struct file *file);

/* Bytes of room in all; f must be a pipe. */
int pipe_size(struct file *f);
/* Changes it: returns the new size, -EBUSY (more is in it), -EINVAL, -ENOMEM, -EPERM (beyond
 * pipe_limit(), and not privileged). */
int64_t pipe_resize(struct file *f, uint64_t size, bool privileged);
/* /proc/sys/fs/pipe-max-size: what pipes may have at most, in bytes. Setting rounds up; -EINVAL. */
unsigned pipe_limit(void);
MUST_CHECK int pipe_limit_set(uint64_t size);

/* How far somebody who takes nothing out has come. */
struct pipe_place {
    uint32_t slot, skip; /* page, and bytes of it */
    uint64_t passed;     /* bytes in all */
};

/* Copies up to size bytes that wait in a claimed pipe, from a place on, which moves, without taking
 * them. Returns bytes, 0 at the end, or -EAGAIN. */
int64_t pipe_peek(struct file *f, void *buf, size_t size, struct pipe_place *place);
/* Takes size bytes and drops them. */
void pipe_drop(struct file *f, size_t size);
bool pipe_holds(const struct file *f); /* bytes that were not taken */
/* What the pipe holds is the caller's until pipe_give_back(): others find it empty, and so take
 * nothing that is being moved. Waits for bytes or the end if it may. Returns 0, -EAGAIN or
 * -ERESTARTSYS. */
MUST_CHECK int pipe_claim(struct file *f, bool wait);
void pipe_give_back(struct file *f);
/* A page that there is room for in the pipe: pipe_fill() puts what its first size bytes are into
 * the pipe, whatever happens to it meanwhile, or gives it up if they are 0. Waits for room if it
 * may. Returns 0, -EPIPE (no reader), -EAGAIN, -ENOMEM or -ERESTARTSYS. */
MUST_CHECK int pipe_reserve(struct file *f, bool wait, struct page **out);
void pipe_fill(struct file *f, struct page *page, size_t size);
