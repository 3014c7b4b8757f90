/*
 * A flow moves one stream's bytes from the machine to the host or back.
 */
#include "host/vmm/flow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void flow_init(struct flow *flow, int from, struct sink to)
{
    memset(flow, 0, offsetof(struct flow, buffer));
    flow->from = from;
    flow->from_end = from < 0;
    flow->to = to;
}

bool flow_idle(const struct flow *flow)
{
    return flow->size == 0;
}

void flow_poll(const struct flow *flow, struct pollfd entries[2])
{
    bool reading = !flow->from_end && flow_idle(flow);
    entries[0] = (struct pollfd){.fd = reading ? flow->from : -1, .events = POLLIN};
    short events = flow_idle(flow) ? 0 : POLLOUT; /* 0: still hears that the reader has gone */
    entries[1] = (struct pollfd){.fd = flow->to_closed ? -1 : flow->to.fd, .events = events};
}

static void flow_close_to(struct flow *flow, int reason)
{
    flow->to_closed = true;
    flow->to_errno = reason;
    flow->size = 0;
    flow->held_return = false;
}

/* Takes out each "\r" that stands before a "\n". One at the very end waits for what follows. */
static void flow_drop_returns(struct flow *flow)
{
    char *out = flow->buffer;
    const char *in = flow->buffer, *end = in + flow->size;
    for (; in < end; in++) {
        if (*in != '\r' || (in + 1 < end && in[1] != '\n'))
            *out++ = *in;
    }
    flow->held_return = flow->size > 0 && end[-1] == '\r';
    flow->size = (size_t)(out - flow->buffer);
}

/* Remembers the end of what was read. */
static void flow_remember(struct flow *flow, const char *data, size_t size)
{
    if (!flow->said)
        return;
    size_t keep = size < FLOW_SAID_SIZE ? size : FLOW_SAID_SIZE;
    buf_add(flow->said, data + size - keep, keep);
    if (flow->said->size > 4 * FLOW_SAID_SIZE)
        buf_drop(flow->said, flow->said->size - FLOW_SAID_SIZE);
}

static void flow_read(struct flow *flow)
{
    size_t held = flow->held_return ? 1 : 0;
    ssize_t n = read(flow->from, flow->buffer + held, FLOW_BUFFER_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        flow->from_end = true;
        return;
    }
    flow->taken += (uint64_t)n;
    flow_remember(flow, flow->buffer + held, (size_t)n);
    flow->at = 0;
    flow->size = (size_t)n;
    if (flow->to_closed || flow->to.fd < 0) {
        flow->size = 0;
        return;
    }
    if (held)
        flow->buffer[0] = '\r';
    flow->size += held;
    if (flow->drop_return)
        flow_drop_returns(flow);
}

static void flow_write(struct flow *flow)
{
    ssize_t n = sink_write(&flow->to, flow->buffer + flow->at, flow->size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        flow_close_to(flow, errno);
        return;
    }
    flow->at += (size_t)n;
    flow->size -= (size_t)n;
}

void flow_move(struct flow *flow, const struct pollfd entries[2])
{
    if (entries[1].fd >= 0 && entries[1].revents && !(entries[1].revents & POLLOUT))
        flow_close_to(flow, EPIPE); /* POLLERR or POLLHUP: nobody is there any more */
    if (entries[0].fd >= 0 && entries[0].revents)
        flow_read(flow);
    if (!flow_idle(flow))
        flow_write(flow);
}

void flow_finish(struct flow *flow)
{
    if (flow->held_return && flow_idle(flow) && !flow->to_closed)
        sink_write(&flow->to, "\r", 1);
    flow->held_return = false;
}
