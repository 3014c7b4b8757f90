/* Messages of the tool: signals, the terminal's size, ends of streams, the time. */
#include "abi/control.h"

#include <asm/signal.h>

#include "abi/image.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/fd/streams.h"
#include "kernel/fd/tty.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define PAYLOAD_BYTES 64u /* more than any message that we know has */
#define CLOCK_STEP_MIN_NS 1000000

static bool skip(size_t size)
{
    char buf[PAYLOAD_BYTES];
    while (size > 0) {
        size_t part = min_u64(size, sizeof(buf));
        if (!stream_receive(STREAM_CONTROL, buf, part))
            return false;
        size -= part;
    }
    return true;
}

union payload {
    uint32_t number;
    uint64_t bytes;
    struct orris_welcome welcome;
    struct orris_signal signal;
    struct orris_winsize size;
    char room[PAYLOAD_BYTES];
};

/* The bytes of payload that a message of this type has at least. */
static size_t payload_size(uint32_t type)
{
    switch (type) {
    case ORRIS_MSG_WELCOME:
        return sizeof(struct orris_welcome);
    case ORRIS_MSG_WINSIZE:
        return sizeof(struct orris_winsize);
    case ORRIS_MSG_STDIN_EOF:
        return sizeof(uint64_t);
    case ORRIS_MSG_SIGNAL:
    case ORRIS_MSG_STREAM_CLOSED:
        return sizeof(uint32_t);
    default:
        return 0;
    }
}

static void set_clock(int64_t realtime_ns)
{
    int64_t off = time_sub(realtime_ns, clock_realtime_ns());
    if (off > CLOCK_STEP_MIN_NS || off < -CLOCK_STEP_MIN_NS)
        clock_realtime_set(realtime_ns);
}

static void set_size(const struct orris_winsize *size)
{
    tty_console_set_size(
        &(struct winsize){size->rows, size->columns, size->x_pixels, size->y_pixels});
}

/* The sender is of no process here: its number is 0, as of one outside a PID namespace. */
static void send_signal(const struct orris_signal *signal)
{
    siginfo_t info = {.si_code = signal->code == SI_QUEUE ? SI_QUEUE : SI_USER};
    if (signal->number < 1 || signal->number > SIGNAL_COUNT)
        return;
    if (signal->code == SI_QUEUE)
        info.si_value.sival_ptr = (void *)signal->value;
    (void)signal_send_process((int)signal->number, signal->code > 0 ? NULL : &info);
}

static void act(uint32_t type, const union payload *p)
{
    switch (type) {
    case ORRIS_MSG_WELCOME:
        set_clock(p->welcome.realtime_ns);
        break;
    case ORRIS_MSG_SIGNAL:
        send_signal(&p->signal);
        break;
    case ORRIS_MSG_CONTINUE:
        (void)signal_send_process(SIGCONT, NULL);
        break;
    case ORRIS_MSG_WINSIZE:
        set_size(&p->size);
        break;
    case ORRIS_MSG_STDIN_EOF:
        stream_set_eof(STREAM_STDIN, p->bytes);
        break;
    case ORRIS_MSG_STREAM_CLOSED:
        if (p->number == STREAM_STDOUT || p->number == STREAM_STDERR)
            stream_set_closed((enum stream)p->number);
        break;
    default:
        break;
    }
}

void control_receive(void *unused)
{
    const struct orris_hello hello = {.version = ORRIS_ABI_VERSION};
    struct orris_message head;
    (void)unused;
    (void)control_send(ORRIS_MSG_HELLO, &hello, sizeof(hello), true);
    while (stream_receive(STREAM_CONTROL, &head, sizeof(head))) {
        union payload p = {0};
        size_t size = min_u64(head.size, sizeof(p));
        if (head.size > ORRIS_MESSAGE_MAX) {
            log_info("control channel: a message of %u bytes; giving up", head.size);
            return;
        }
        if (!stream_receive(STREAM_CONTROL, &p, size) || !skip(head.size - size))
            return;
        if (size >= payload_size(head.type))
            act(head.type, &p);
    }
}
