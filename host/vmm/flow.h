/*
 * A flow moves one stream's bytes from the machine to the host or back, one buffer at a time: it
 * reads only when everything read before has been written, so that a slow reader slows the writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>

#include "host/base/buf.h"
#include "host/vmm/streams.h"

#define FLOW_BUFFER_SIZE 65536u
#define FLOW_SAID_SIZE 2048u

struct flow {
    int from;         /* -1: nothing to read from (any more) */
    struct buf *said; /* gets the last FLOW_SAID_SIZE bytes or more; or NULL */
    struct sink to;   /* to.fd -1: nowhere; bytes are counted and dropped */
    bool drop_return; /* leave out "\r" before "\n" */
    bool from_end;    /* end of file was read, or from is -1 */
    bool to_closed;   /* nobody reads what we write any more */
    int to_errno;     /* why, if to_closed: EPIPE, ENOSPC, … */
    uint64_t taken;   /* bytes read from `from` */
    size_t at, size;  /* what lies in the buffer */
    bool held_return; /* a "\r" whose next byte isn't known yet */
    char buffer[FLOW_BUFFER_SIZE + 1];
};

void flow_init(struct flow *flow, int from, struct sink to);

/* What to wait for: fills two entries (reading side, writing side). */
void flow_poll(const struct flow *flow, struct pollfd entries[2]);

/* Moves what can be moved, after poll(). */
void flow_move(struct flow *flow, const struct pollfd entries[2]);

bool flow_idle(const struct flow *flow); /* nothing lies in the buffer */

/* Writes a "\r" that was held back. */
void flow_finish(struct flow *flow);
