/*
 * The relay: one poll() loop over everything that can happen, and no blocking call in it.
 *
 * The order at the end: the program exits -> EXIT says how many bytes it wrote -> the loop goes on
 * until so many were taken by the host's side -> the caller ends the machine.
 */
#include "host/vmm/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "abi/image.h"
#include "host/base/escape.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/vmm/flow.h"
#include "host/vmm/inherited.h"
#include "host/vmm/input.h"

#define GRACE_MS 10000           /* from SIGTERM to the machine's end */
#define FOREGROUND_CHECK_MS 250  /* how soon we see that the shell put us into the foreground */
#define TAIL_MAX 16384u          /* bytes kept of the serial console and the monitor's messages */
#define TTY_QUEUE_MAX (1u << 20) /* bytes for a terminal that doesn't take any */
#define NAMES_MAX 4096u          /* files remembered of those that the machine names */
#define REPORT_MAX (1u << 20)    /* bytes of its reports */

enum { FLOW_IN, FLOW_OUT, FLOW_ERR, FLOW_COUNT };

/* Entries of the poll set. */
enum {
    ENTRY_SIGNALS,
    ENTRY_CONTROL,
    ENTRY_SERIAL,
    ENTRY_MESSAGES,
    ENTRY_PROCESS,
    ENTRY_TTY,
    ENTRY_INPUT,
    ENTRY_FLOWS,
    ENTRY_COUNT = ENTRY_FLOWS + 2 * FLOW_COUNT,
};

struct relay {
    struct relay_channels channels;
    const struct streams *streams;
    struct terminal *terminal;
    struct relay_result *result;
    FILE *trace;
    int signals;
    struct flow flows[FLOW_COUNT];
    struct input input; /* instead of a flow, if standard input is a file */
    bool stdin_end_sent;
    bool closed_sent[FLOW_COUNT];
    struct buf control_in, control_out;
    struct buf serial_line, messages_line; /* of -v: a line that isn't complete yet */
    struct buf tty_out;
    struct sink tty;
    struct orris_winsize size; /* as sent last */
    bool process_ended;
    bool output_returns_known;   /* flows' drop_return is up to date */
    int interrupts;              /* SIGINTs so far */
    int ending_signal;           /* SIGTERM, once it came */
    int64_t deadline_ms;         /* when that ends the machine; 0: never */
    bool stop_came_from_outside; /* SIGTSTP was sent to us, not typed to the guest */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- messages to the kernel ---- */

static void control_send(struct relay *relay, uint32_t type, const void *data, uint32_t size)
{
    struct orris_message head = {.type = type, .size = size};
    buf_add(&relay->control_out, &head, sizeof(head));
    buf_add(&relay->control_out, data, size);
}

static void control_flush(struct relay *relay)
{
    struct buf *out = &relay->control_out;
    if (!out->size)
        return;
    ssize_t n = send(relay->channels.control, out->data, out->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        buf_drop(out, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        buf_clear(out);
}

static void send_welcome(struct relay *relay)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct orris_welcome welcome = {.realtime_ns = now.tv_sec * 1000000000ll + now.tv_nsec};
    control_send(relay, ORRIS_MSG_WELCOME, &welcome, sizeof(welcome));
}

/* Whether it is another than the kernel knows, which makes a SIGWINCH of that. */
static bool send_size(struct relay *relay)
{
    struct orris_winsize size;
    if (!terminal_size(relay->terminal, &size))
        return false;
    bool changed = memcmp(&size, &relay->size, sizeof(size)) != 0;
    relay->size = size;
    control_send(relay, ORRIS_MSG_WINSIZE, &size, sizeof(size));
    return changed;
}

static void send_signal(struct relay *relay, const struct signalfd_siginfo *info)
{
    struct orris_signal signal = {info->ssi_signo, info->ssi_code, info->ssi_ptr};
    control_send(relay, ORRIS_MSG_SIGNAL, &signal, sizeof(signal));
}

/* ---- messages from the kernel ---- */

static void result_add_lost(struct relay_result *result, const char *data, size_t size)
{
    struct lost_file file = {0};
    if (size < sizeof(file.size) || result->lost_count == NAMES_MAX)
        return;
    memcpy(&file.size, data, sizeof(file.size));
    file.path = mem_printf("%.*s", (int)(size - sizeof(file.size)), data + sizeof(file.size));
    result->lost = mem_resize(result->lost, (result->lost_count + 1) * sizeof(*result->lost));
    result->lost[result->lost_count++] = file;
}

static void show_trace_in(FILE *file, const char *line, size_t size)
{
    struct buf text = {0};
    escape_add(&text, line, size, false);
    buf_string(&text, "\n");
    fwrite(text.data, 1, text.size, file);
    buf_clear(&text);
}

static void show_trace(struct relay *relay, const char *line, size_t size)
{
    if (!relay->trace)
        say_error("%.*s", (int)size, line);
    else
        show_trace_in(relay->trace, line, size);
}

static void tty_queue(struct relay *relay, const char *data, size_t size)
{
    if (relay->tty.fd < 0 || relay->tty_out.size + size > TTY_QUEUE_MAX)
        return;
    bool host_adds_return = terminal_adds_return(relay->terminal);
    for (size_t i = 0; i < size; i++) {
        bool spare = host_adds_return && data[i] == '\r' && i + 1 < size && data[i + 1] == '\n';
        if (!spare)
            buf_add(&relay->tty_out, data + i, 1);
    }
}

static void forget_deadline(struct relay *relay)
{
    relay->deadline_ms = 0;
}

static void handle_signal(struct relay *relay, const struct signalfd_siginfo *info);

/* The guest's program was stopped: so are we, until the shell continues us. */
static void stop(struct relay *relay)
{
    terminal_release(relay->terminal);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    /* SIGTSTP is held back for signalfd; its default action needs it let through. What was typed
     * to the guest stops the whole pipeline, as the terminal would have done it. */
    struct signalfd_siginfo pending;
    if (relay->stop_came_from_outside || !relay->terminal->wanted)
        raise(SIGTSTP);
    else
        kill(0, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &set, &old); /* stops here; goes on here */
    sigprocmask(SIG_SETMASK, &old, NULL);
    relay->stop_came_from_outside = false;
    while (read(relay->signals, &pending, sizeof(pending)) == (ssize_t)sizeof(pending))
        if (pending.ssi_signo != SIGCONT && pending.ssi_signo != SIGTSTP)
            handle_signal(relay, &pending);
    terminal_take(relay->terminal);
    send_size(relay);
    control_send(relay, ORRIS_MSG_CONTINUE, NULL, 0);
}

static void told_listening(struct relay *relay, const char *data, size_t size)
{
    struct relay_result *result = relay->result;
    struct orris_listening at;
    if (size < sizeof(at) || !result->ports)
        return;
    memcpy(&at, data, sizeof(at));
    network_listening(result->ports, result->links, relay->channels.process, &at);
}

/* Whoever waits for the start hears of it. */
static void tell_started(struct relay_result *result)
{
    if (result->started_fd > 0 && write(result->started_fd, "", 1) >= 0)
        close(result->started_fd);
    result->started_fd = 0;
}

static void control_handle(struct relay *relay, uint32_t type, const char *data, size_t size)
{
    struct relay_result *result = relay->result;
    switch (type) {
    case ORRIS_MSG_HELLO:
        result->hello = true;
        if (size >= sizeof(uint32_t))
            memcpy(&result->abi_version, data, sizeof(uint32_t));
        send_welcome(relay);
        break;
    case ORRIS_MSG_EXIT:
        result->exited = size >= sizeof(result->exit);
        if (result->exited)
            memcpy(&result->exit, data, sizeof(result->exit));
        forget_deadline(relay);
        break;
    case ORRIS_MSG_LOG:
        say_verbose("%.*s", (int)size, data);
        break;
    case ORRIS_MSG_TRACE:
        show_trace(relay, data, size);
        break;
    case ORRIS_MSG_NOTE:
        say("%.*s", (int)size, data);
        free(result->note);
        result->note = mem_printf("%.*s", (int)size, data);
        break;
    case ORRIS_MSG_STOPPED:
        stop(relay);
        break;
    case ORRIS_MSG_TTY_OUT:
        tty_queue(relay, data, size);
        break;
    case ORRIS_MSG_MISSING: {
        if (result->missing.count == NAMES_MAX)
            break;
        char *path = mem_printf("%.*s", (int)size, data);
        strlist_add(&result->missing, path);
        free(path);
        break;
    }
    case ORRIS_MSG_LOST:
        result_add_lost(result, data, size);
        break;
    case ORRIS_MSG_REPORT:
        if (result->report.size + size <= REPORT_MAX)
            buf_add(&result->report, data, size);
        break;
    case ORRIS_MSG_COPY_DATA:
        forget_deadline(relay); /* the program has ended; what it made is on its way */
        copy_list_data(result->copies, data, size);
        break;
    case ORRIS_MSG_COPY_END:
        copy_list_end(result->copies, data, size);
        break;
    case ORRIS_MSG_MAPPED:
        if (result->mapped)
            result->mapped(result->mapped_context, data, size);
        break;
    case ORRIS_MSG_STAGES:
        result->stages_tsc = size >= sizeof(result->stages) ? __rdtsc() : 0;
        if (result->stages_tsc)
            memcpy(&result->stages, data, sizeof(result->stages));
        break;
    case ORRIS_MSG_STARTED:
        tell_started(result);
        if (size >= sizeof(result->started_ns))
            memcpy(&result->started_ns, data, sizeof(result->started_ns));
        break;
    case ORRIS_MSG_STDIN_READ:
        input_ask(&relay->input, data, size);
        break;
    case ORRIS_MSG_STDIN_POSITION:
        input_leave(&relay->input, data, size);
        break;
    case ORRIS_MSG_LISTENING:
        told_listening(relay, data, size);
        break;
    default: /* of a later version */
        break;
    }
}

/* Reads what there is into buf. False at the end of the stream. */
static bool read_some(int fd, struct buf *buf)
{
    buf_reserve(buf, 65536);
    ssize_t n = read(fd, buf->data + buf->size, 65536);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    buf->size += (size_t)n;
    buf->data[buf->size] = 0;
    return true;
}

static void control_read(struct relay *relay)
{
    struct buf *in = &relay->control_in;
    if (!read_some(relay->channels.control, in))
        relay->channels.control = -1;
    size_t at = 0;
    struct orris_message head;
    while (in->size - at >= sizeof(head)) {
        memcpy(&head, in->data + at, sizeof(head));
        if (head.size > ORRIS_MESSAGE_MAX) {
            say("the machine sent a message of %u bytes, which no kernel of orris does: nothing it "
                "says is read any more",
                head.size);
            relay->channels.control = -1;
            at = in->size;
            break;
        }
        if (in->size - at - sizeof(head) < head.size)
            break;
        control_handle(relay, head.type, in->data + at + sizeof(head), head.size);
        at += sizeof(head) + head.size;
    }
    buf_drop(in, at);
}

/* ---- the serial console and the monitor's own words ---- */

/* On the console the kernel puts "orris: " before its lines itself. */
static size_t line_prefix(const char *line, size_t size)
{
    static const char prefix[] = "orris: ";
    size_t length = sizeof(prefix) - 1;
    return size >= length && memcmp(line, prefix, length) == 0 ? length : 0;
}

/* With -v: the complete lines of line are said and taken out. */
static void say_lines_of(struct buf *line)
{
    char *end;
    while (line->size && (end = memchr(line->data, '\n', line->size))) {
        size_t size = (size_t)(end - line->data);
        size_t shown = size && line->data[size - 1] == '\r' ? size - 1 : size;
        size_t prefix = line_prefix(line->data, shown);
        say_verbose("%.*s", (int)(shown - prefix), line->data + prefix);
        buf_drop(line, size + 1);
    }
}

/* Keeps the last bytes in tail, and shows them with -v. Returns fd, or -1 at its end. */
static int tail_read(int fd, struct buf *tail, struct buf *line)
{
    size_t before = tail->size;
    bool more = read_some(fd, tail);
    if (say_level >= SAY_VERBOSE) {
        buf_add(line, tail->data + before, tail->size - before);
        say_lines_of(line);
    }
    if (tail->size > 2 * TAIL_MAX)
        buf_drop(tail, tail->size - TAIL_MAX);
    return more ? fd : -1;
}

/* QEMU stops a machine that KVM can't go on with, and waits; we don't. */
static void messages_read(struct relay *relay)
{
    struct relay_result *result = relay->result;
    relay->channels.messages =
        tail_read(relay->channels.messages, &result->messages, &relay->messages_line);
    if (result->messages.size && strstr(result->messages.data, "KVM internal error"))
        result->monitor_failed = true;
}

/* ---- signals ---- */

/* Not those that nobody can hold back, those of glibc's own (32 and 33), and those by which the
 * terminal stops who is in the background. */
static bool is_passed_on(int number)
{
    return number != SIGKILL && number != SIGSTOP && number != SIGTTIN && number != SIGTTOU &&
           (number < __SIGRTMIN || number >= SIGRTMIN);
}

/* Those whose default action, after the machine's end, is still ours. */
static bool ends_tool(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

int relay_signals_begin(sigset_t *old)
{
    sigset_t set, ttou;
    sigemptyset(&set);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (is_passed_on(number)) /* held back, also those come that are ignored */
            sigaddset(&set, number);
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU); /* held back, it lets tcsetattr() through in the background */
    sigprocmask(SIG_BLOCK, &set, old);
    sigprocmask(SIG_BLOCK, &ttou, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* What came too late for the program must not end the tool with another status. */
static void drop_late_signals(void)
{
    static const int stay[] = {SIGTSTP, SIGCONT, SIGCHLD, SIGWINCH};
    for (int number = 1; number <= SIGRTMAX; number++) {
        bool drop = is_passed_on(number) && !ends_tool(number);
        for (size_t i = 0; i < sizeof(stay) / sizeof(*stay); i++)
            drop &= number != stay[i];
        if (drop)
            signal(number, SIG_IGN);
    }
}

void relay_signals_end(int signals, const sigset_t *old)
{
    if (signals >= 0)
        close(signals);
    drop_late_signals();
    sigprocmask(SIG_SETMASK, old, NULL);
}

/* A signal that isn't for the program: of QEMU's end, or of a pipe that we wrote to. */
static bool is_ours(const struct signalfd_siginfo *info)
{
    return (info->ssi_signo == SIGCHLD && info->ssi_code > 0) ||
           (info->ssi_signo == SIGPIPE && info->ssi_pid == (uint32_t)getpid());
}

/* By kill() and the like, not by the terminal or the kernel. */
static bool is_sent(const struct signalfd_siginfo *info)
{
    return info->ssi_code <= 0;
}

static void handle_signal(struct relay *relay, const struct signalfd_siginfo *info)
{
    if (is_ours(info))
        return;
    switch (info->ssi_signo) {
    case SIGWINCH:
        if (!send_size(relay) && is_sent(info))
            send_signal(relay, info);
        return;
    case SIGCONT:
        terminal_take(relay->terminal);
        break;
    case SIGTSTP:
        relay->stop_came_from_outside = true;
        break;
    case SIGINT:
        if (inherited_default(SIGINT) && ++relay->interrupts >= 2)
            relay->result->forced = SIGINT;
        break;
    case SIGTERM:
        if (inherited_default(SIGTERM) && !relay->deadline_ms) {
            relay->deadline_ms = now_ms() + GRACE_MS;
            relay->ending_signal = SIGTERM;
        }
        break;
    default:
        break;
    }
    send_signal(relay, info);
}

static void signals_read(struct relay *relay)
{
    struct signalfd_siginfo info;
    while (read(relay->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle_signal(relay, &info);
}

/* ---- streams ---- */

static void flows_init(struct relay *relay)
{
    struct relay_channels *channels = &relay->channels;
    const struct streams *streams = relay->streams;
    bool is_file = streams->kind[0] == ORRIS_STREAM_FILE;
    int input = streams->kind[0] == ORRIS_STREAM_CLOSED || is_file ? -1 : STDIN_FILENO;
    input_init(&relay->input, is_file ? STDIN_FILENO : -1, channels->stdin_port);
    struct sink port = {.fd = channels->stdin_port, .is_socket = true, .chunk = FLOW_BUFFER_SIZE};
    flow_init(&relay->flows[FLOW_IN], input, port);
    const int from[FLOW_COUNT] = {-1, channels->stdout_port, channels->stderr_port};
    for (int i = FLOW_OUT; i <= FLOW_ERR; i++) {
        struct sink sink = {.fd = -1};
        if (streams->kind[i] == ORRIS_STREAM_PORT || streams->kind[i] == ORRIS_STREAM_TTY)
            sink_open(&sink, i);
        flow_init(&relay->flows[i], from[i], sink);
        relay->flows[i].said = &relay->result->said[i - FLOW_OUT];
    }
    relay->tty.fd = -1;
    if (streams->terminal >= 0)
        sink_open(&relay->tty, streams->terminal);
}

/* Whether the host's terminal adds "\r" can change when we take it or give it back. */
static void flows_update_returns(struct relay *relay)
{
    bool adds = terminal_adds_return(relay->terminal);
    for (int i = FLOW_OUT; i <= FLOW_ERR; i++)
        relay->flows[i].drop_return = adds && relay->streams->kind[i] == ORRIS_STREAM_TTY;
}

static void stdin_check_end(struct relay *relay)
{
    struct flow *in = &relay->flows[FLOW_IN];
    if (relay->stdin_end_sent || !in->from_end || !flow_idle(in))
        return;
    relay->stdin_end_sent = true;
    if (relay->streams->kind[0] == ORRIS_STREAM_CLOSED ||
        relay->streams->kind[0] == ORRIS_STREAM_FILE)
        return;
    control_send(relay, ORRIS_MSG_STDIN_EOF, &in->taken, sizeof(in->taken));
}

static const char *stream_name(int stream)
{
    return stream == FLOW_OUT ? "standard output" : "standard error";
}

static void outputs_check_closed(struct relay *relay)
{
    for (int i = FLOW_OUT; i <= FLOW_ERR; i++) {
        struct flow *flow = &relay->flows[i];
        if (!flow->to_closed || relay->closed_sent[i])
            continue;
        relay->closed_sent[i] = true;
        uint32_t stream = (uint32_t)i;
        control_send(relay, ORRIS_MSG_STREAM_CLOSED, &stream, sizeof(stream));
        if (flow->to_errno == EPIPE || flow->to_errno == ECONNRESET)
            continue;
        relay->result->output_failed = true;
        say_error("cannot write %s: %s", stream_name(i), strerror(flow->to_errno));
    }
}

static void tty_flush(struct relay *relay)
{
    struct buf *out = &relay->tty_out;
    if (!out->size)
        return;
    ssize_t n = sink_write(&relay->tty, out->data, out->size);
    if (n > 0)
        buf_drop(out, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        buf_clear(out);
}

/* Whether all that the program wrote on this stream has been taken. */
static bool flow_done(const struct relay *relay, int stream, uint64_t bytes)
{
    const struct flow *flow = &relay->flows[stream];
    if (!flow_idle(flow))
        return false;
    return flow->from_end || flow->taken >= bytes;
}

static bool finished(const struct relay *relay)
{
    const struct relay_result *result = relay->result;
    if (result->forced || result->monitor_failed)
        return true;
    if (relay->process_ended) /* what is left in the sockets still counts */
        return relay->channels.control < 0 && relay->channels.serial < 0 &&
               relay->channels.messages < 0 && flow_done(relay, FLOW_OUT, UINT64_MAX) &&
               flow_done(relay, FLOW_ERR, UINT64_MAX);
    return result->exited && flow_done(relay, FLOW_OUT, result->exit.stdout_bytes) &&
           flow_done(relay, FLOW_ERR, result->exit.stderr_bytes) && !relay->tty_out.size;
}

/* ---- the loop ---- */

/* Standard input is read while the program runs and, from a terminal, while that is ours. */
static bool input_wanted(const struct relay *relay)
{
    if (relay->result->exited || relay->process_ended)
        return false;
    return !relay->terminal->wanted || relay->terminal->taken;
}

static void poll_prepare(struct relay *relay, struct pollfd *entries)
{
    const struct relay_channels *channels = &relay->channels;
    short control = relay->control_out.size ? POLLIN | POLLOUT : POLLIN;
    entries[ENTRY_SIGNALS] = (struct pollfd){.fd = relay->signals, .events = POLLIN};
    entries[ENTRY_CONTROL] = (struct pollfd){.fd = channels->control, .events = control};
    entries[ENTRY_SERIAL] = (struct pollfd){.fd = channels->serial, .events = POLLIN};
    entries[ENTRY_MESSAGES] = (struct pollfd){.fd = channels->messages, .events = POLLIN};
    int process = relay->process_ended ? -1 : channels->process;
    entries[ENTRY_PROCESS] = (struct pollfd){.fd = process, .events = POLLIN};
    int tty = relay->tty_out.size ? relay->tty.fd : -1;
    entries[ENTRY_TTY] = (struct pollfd){.fd = tty, .events = POLLOUT};
    for (int i = 0; i < FLOW_COUNT; i++)
        flow_poll(&relay->flows[i], &entries[ENTRY_FLOWS + 2 * i]);
    if (!input_wanted(relay))
        entries[ENTRY_FLOWS].fd = -1;
    input_poll(&relay->input, &entries[ENTRY_INPUT]);
}

static int poll_timeout(const struct relay *relay)
{
    int timeout = -1;
    if (relay->deadline_ms) {
        int64_t left = relay->deadline_ms - now_ms();
        timeout = left > 0 ? (int)left : 0;
    }
    bool watch = relay->terminal->wanted && !relay->terminal->taken;
    if (watch && (timeout < 0 || timeout > FOREGROUND_CHECK_MS))
        timeout = FOREGROUND_CHECK_MS;
    return timeout;
}

static void handle_channels(struct relay *relay, const struct pollfd *entries)
{
    struct relay_channels *channels = &relay->channels;
    struct relay_result *result = relay->result;
    if (entries[ENTRY_SERIAL].revents)
        channels->serial = tail_read(channels->serial, &result->serial, &relay->serial_line);
    if (entries[ENTRY_MESSAGES].revents)
        messages_read(relay);
    if (entries[ENTRY_CONTROL].revents & ~POLLOUT)
        control_read(relay);
    if (entries[ENTRY_PROCESS].revents)
        relay->process_ended = true;
    if (entries[ENTRY_SIGNALS].revents)
        signals_read(relay);
    if (entries[ENTRY_TTY].revents)
        tty_flush(relay);
}

static void relay_step(struct relay *relay)
{
    struct pollfd entries[ENTRY_COUNT];
    poll_prepare(relay, entries);
    if (poll(entries, ENTRY_COUNT, poll_timeout(relay)) < 0)
        return; /* EINTR */
    flows_update_returns(relay);
    for (int i = 0; i < FLOW_COUNT; i++)
        flow_move(&relay->flows[i], &entries[ENTRY_FLOWS + 2 * i]);
    handle_channels(relay, entries);
    input_move(&relay->input);
    stdin_check_end(relay);
    outputs_check_closed(relay);
    if (relay->channels.control >= 0)
        control_flush(relay);
    terminal_take(relay->terminal);
    if (relay->deadline_ms && now_ms() >= relay->deadline_ms)
        relay->result->forced = relay->ending_signal;
}

static void relay_init(struct relay *relay, const struct relay_channels *channels,
                       const struct streams *streams, struct terminal *terminal, int signals,
                       FILE *trace, struct relay_result *result)
{
    relay->channels = *channels;
    relay->streams = streams;
    relay->terminal = terminal;
    relay->signals = signals;
    relay->trace = trace;
    relay->result = result;
    flows_init(relay);
    relay->stdin_end_sent = false;
}

/* Whether the streams ended, and with them the monitor, before all was here that the program had
 * written. */
static bool output_is_cut(const struct relay *relay)
{
    const struct orris_exit *end = &relay->result->exit;
    const uint64_t bytes[FLOW_COUNT] = {0, end->stdout_bytes, end->stderr_bytes};
    bool cut = false;
    for (int i = FLOW_OUT; i <= FLOW_ERR; i++)
        cut |= !relay->flows[i].to_closed && relay->flows[i].taken < bytes[i];
    return cut && !relay->result->forced && !relay->result->monitor_failed;
}

static void relay_fini(struct relay *relay)
{
    for (int i = FLOW_OUT; i <= FLOW_ERR; i++) {
        flow_finish(&relay->flows[i]);
        sink_close(&relay->flows[i].to);
    }
    sink_close(&relay->tty);
    buf_clear(&relay->control_in);
    buf_clear(&relay->control_out);
    buf_clear(&relay->serial_line);
    buf_clear(&relay->messages_line);
    buf_clear(&relay->tty_out);
    free(relay);
}

void relay_run(const struct relay_channels *channels, const struct streams *streams,
               struct terminal *terminal, int signals, FILE *trace, struct relay_result *result)
{
    struct relay *relay = mem_alloc(sizeof(*relay));
    relay_init(relay, channels, streams, terminal, signals, trace, result);
    terminal_take(terminal);
    while (!finished(relay))
        relay_step(relay);
    if (result->exited && output_is_cut(relay))
        result->exited = false; /* a status of 0 would hide it */
    terminal_release(terminal);
    relay_fini(relay);
}

void relay_result_clear(struct relay_result *result)
{
    strlist_clear(&result->missing);
    for (size_t i = 0; i < result->lost_count; i++)
        free(result->lost[i].path);
    free(result->lost);
    free(result->note);
    buf_clear(&result->said[0]);
    buf_clear(&result->said[1]);
    buf_clear(&result->report);
    buf_clear(&result->serial);
    buf_clear(&result->messages);
    *result = (struct relay_result){0};
}
