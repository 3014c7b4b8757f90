/*
 * The tool's own standard input, output and error: what they are, and how to write to them without
 * ever waiting. A descriptor's file is shared with other processes (the shell, the next command of
 * a pipeline), so its flags are never changed; a terminal or pipe is opened anew instead.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "abi/record.h"

struct streams {
    uint32_t kind[3];      /* enum orris_stream_kind */
    uint32_t host_mode[3]; /* st_mode */
    int terminal;          /* descriptor of the terminal that is one of the three, or -1 */
    uint64_t position;     /* of a standard input that is a file (ORRIS_STREAM_FILE) */
};

/* Puts /dev/null in the place of closed descriptors 0, 1, 2, and remembers that they were closed.
 * The first call of main(), before anything can be opened. */
void streams_guard(void);

void streams_look(struct streams *streams);

/* Where a stream's bytes go. */
struct sink {
    int fd;
    bool is_socket;
    bool may_block; /* ask poll() first, and write no more than chunk bytes */
    bool reopened;  /* fd is ours */
    size_t chunk;
};

void sink_open(struct sink *sink, int fd);
void sink_close(struct sink *sink);

/* Like write(); -1 with EAGAIN if nothing can be taken now. Never raises SIGPIPE. */
ssize_t sink_write(struct sink *sink, const void *data, size_t size);
