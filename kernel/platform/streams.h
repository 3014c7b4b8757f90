/*
 * The program's standard streams and the control channel, as the machine provides them: ports of a
 * virtio console, or the serial console for all.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/sched/waitq.h"

enum stream { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_CONTROL, STREAM_COUNT };

/* Takes up to size bytes that came. Returns bytes, 0 at the end of the stream, or -EAGAIN. */
int64_t stream_read(enum stream s, void *buf, size_t size);
/* Takes size bytes, waiting for them. False: the stream has ended. */
bool stream_receive(enum stream s, void *buf, size_t size);
/* Queues up to size bytes. Returns bytes taken (at least 1), -EAGAIN if there is no room now, or
 * -EPIPE once nobody reads it any more. Never sleeps. */
int64_t stream_write(enum stream s, const void *buf, size_t size);
/* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as of now. */
uint32_t stream_poll(enum stream s);
struct waitq *stream_waitq(enum stream s);
/* Bytes that can be read without waiting. */
size_t stream_available(enum stream s);
/* Bytes handed to the host so far. */
uint64_t stream_bytes_out(enum stream s);
/* Marks told through the control channel: the input ends after total_bytes in all; nobody reads an
 * output any more. Both wake who waits. */
void stream_set_eof(enum stream s, uint64_t total_bytes);
void stream_set_closed(enum stream s);
/* Sends one control message (abi/control.h). Sleeps for room if can_sleep, else may drop it
 * (false). A machine without a control channel prints NOTE, LOG, REPORT on the console. */
bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep);
