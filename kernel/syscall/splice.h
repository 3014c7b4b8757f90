/* What splice(2) and sendfile(2) share. */
#pragma once

#include "kernel/fd/file.h"

/* Whether a file of this kind can be copied from, to in the kernel. */
bool splice_reads(const struct file *in);
bool splice_writes(const struct file *out);
/* Reads at most a page from in into a pipe. Returns bytes or -errno; flags: SPLICE_F_*. */
int64_t splice_to_pipe(struct file *in, uint64_t *from, struct file *pipe, size_t size,
                       unsigned flags);
