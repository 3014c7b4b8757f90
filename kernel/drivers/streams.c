/* The streams over what the machine has: console ports, or the serial console for all. */
#include "kernel/platform/streams.h"

#include <linux/eventpoll.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/drivers/virtio_console.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/run.h"
#include "kernel/platform/serial.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/mutex.h"

static const uint8_t port_of[STREAM_COUNT] = {
    [STREAM_STDIN] = ORRIS_PORT_STDIN,
    [STREAM_STDOUT] = ORRIS_PORT_STDOUT,
    [STREAM_STDERR] = ORRIS_PORT_STDERR,
    [STREAM_CONTROL] = ORRIS_PORT_CONTROL,
};

static uint64_t eof_at = UINT64_MAX, taken; /* stdin: bytes in all, and read so far */
static bool closed[STREAM_COUNT];
static struct mutex control_lock;
static bool control_lock_ready;

static bool on_console(enum stream s)
{
    return s != STREAM_CONTROL &&
           (the_run.streams.kind[s] == ORRIS_STREAM_CONSOLE || !port_exists(port_of[s]));
}

int64_t stream_read(enum stream s, void *buf, size_t size)
{
    size_t done = on_console(s) ? serial_read(buf, size) : port_read(port_of[s], buf, size);
    if (s == STREAM_STDIN) {
        taken += done;
        if (!done && taken >= eof_at) {
            return 0;
        }
    }
    return done ? (int64_t)done : -EAGAIN;
}

bool stream_receive(enum stream s, void *buf, size_t size)
{
    struct waitq *q = stream_waitq(s);
    size_t done = 0;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(q, &w);
    while (done < size) {
        waiter_arm(&w);
        int64_t n = stream_read(s, (char *)buf + done, size - done);
        done += n > 0 ? (size_t)n : 0;
        if (n == -EAGAIN) {
            (void)waiter_sleep(&w, DEADLINE_NONE, false);
        } else if (n <= 0) {
            break;
        }
    }
    waitq_remove(q, &w);
    return done == size;
}

int64_t stream_write(enum stream s, const void *buf, size_t size)
{
    if (closed[s]) {
        return -EPIPE;
    }
    if (on_console(s)) {
        platform_console_write(buf, size);
        return (int64_t)size;
    }
    size_t done = port_write(port_of[s], buf, size);
    return done ? (int64_t)done : -EAGAIN;
}

uint32_t stream_poll(enum stream s)
{
    uint32_t events = 0;
    if (s == STREAM_STDIN || s == STREAM_CONTROL) {
        events |= stream_available(s) || (s == STREAM_STDIN && taken >= eof_at) ? EPOLLIN : 0;
        events |= s == STREAM_STDIN && taken >= eof_at ? EPOLLHUP : 0;
    }
    if (s != STREAM_STDIN) {
        events |= on_console(s) || port_room(port_of[s]) ? EPOLLOUT : 0;
    }
    return events | (closed[s] ? EPOLLERR | EPOLLOUT : 0);
}

struct waitq *stream_waitq(enum stream s)
{
    return on_console(s) ? serial_waitq() : port_waitq(port_of[s]);
}

size_t stream_available(enum stream s)
{
    return on_console(s) ? serial_available() : port_readable(port_of[s]);
}

uint64_t stream_bytes_out(enum stream s)
{
    return on_console(s) ? 0 : port_bytes_out(port_of[s]);
}

void stream_set_eof(enum stream s, uint64_t total_bytes)
{
    eof_at = total_bytes;
    waitq_wake(stream_waitq(s), EVENTS_ANY);
}

void stream_set_closed(enum stream s)
{
    closed[s] = true;
    waitq_wake(stream_waitq(s), EVENTS_ANY);
}

static bool has_control(void)
{
    return the_run.options.flags & ORRIS_OPTION_CONTROL && port_exists(ORRIS_PORT_CONTROL);
}

/* A machine without a control channel shows what is meant for people. */
static bool to_console(uint32_t type, const char *text, size_t size)
{
    if (type != ORRIS_MSG_NOTE && type != ORRIS_MSG_LOG && type != ORRIS_MSG_REPORT &&
        type != ORRIS_MSG_TRACE) {
        return false;
    }
    platform_console_write("orris: ", 7);
    platform_console_write(text, size);
    platform_console_write("\n", 1);
    return true;
}

/* All of it, waiting for room as often as need be. */
static void send_waiting(const void *data, size_t size)
{
    struct waiter w;
    waiter_init(&w, EPOLLOUT);
    waitq_add(port_waitq(ORRIS_PORT_CONTROL), &w);
    for (size_t done = 0; done < size;) {
        waiter_arm(&w);
        size_t part = port_write(ORRIS_PORT_CONTROL, (const char *)data + done, size - done);
        done += part;
        if (!part) {
            (void)waiter_sleep(&w, DEADLINE_NONE, false);
        }
    }
    waitq_remove(port_waitq(ORRIS_PORT_CONTROL), &w);
}

bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep) NO_LOCK_ANALYSIS
{
    if (!has_control()) {
        return to_console(type, payload, size);
    }
    if (!control_lock_ready) {
        mutex_init(&control_lock, RANK_NONE);
        control_lock_ready = true;
    }
    struct orris_message header = {type, (uint32_t)size};
    char small[256];
    bool joined = sizeof(header) + size <= sizeof(small);
    if (joined) {
        memcpy(small, &header, sizeof(header));
        memcpy(small + sizeof(header), payload, size);
    }
    if (!can_sleep) {
        /* Interrupts are off and nobody sleeps in here: what fits goes out in one piece. */
        if (port_room(ORRIS_PORT_CONTROL) < size + 2 * PAGE_SIZE || control_lock.owner) {
            return false;
        }
        return joined ? port_write(ORRIS_PORT_CONTROL, small, sizeof(header) + size)
                      : port_write(ORRIS_PORT_CONTROL, &header, sizeof(header)) &&
                            port_write(ORRIS_PORT_CONTROL, payload, size) == size;
    }
    mutex_lock(&control_lock);
    if (joined) {
        send_waiting(small, sizeof(header) + size);
    } else {
        send_waiting(&header, sizeof(header));
        send_waiting(payload, size);
    }
    mutex_unlock(&control_lock);
    return true;
}
