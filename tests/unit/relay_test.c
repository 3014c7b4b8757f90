// UNIT: host/vmm/relay.c host/vmm/inherited.c host/vmm/flow.c host/vmm/input.c host/vmm/streams.c host/vmm/terminal.c host/vmm/network.c host/vmm/link.c host/image/record.c host/base/digest.c
// UNIT: host/vmm/copyout.c host/base/fresh.c host/base/io.c host/base/path.c host/base/error.c
// UNIT: host/base/buf.c host/base/say.c host/base/strlist.c host/base/escape.c
// LIBS: -lb2
/*
 * The relay, with a process of this test playing the machine: it speaks the control channel and
 * the stream ports. The relay itself runs in a process of its own, whose standard streams are
 * pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/vmm/flow.h"
#include "host/vmm/relay.h"
#include "tests/harness/check.h"

#define BIG (3u << 20)
#define TIME_LIMIT_S 30

struct machine {
    int control, in, out, err;
};

static void put(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0)
            _exit(99);
        done += (size_t)n;
    }
}

static void get(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)data + done, size - done);
        if (n <= 0)
            _exit(98);
        done += (size_t)n;
    }
}

static void tell(struct machine *m, uint32_t type, const void *data, uint32_t size)
{
    struct orris_message head = {.type = type, .size = size};
    put(m->control, &head, sizeof(head));
    put(m->control, data, size);
}

static void tell_exit(struct machine *m, uint32_t kind, uint32_t code, uint64_t out, uint64_t err)
{
    struct orris_exit end = {.kind = kind, .code = code, .stdout_bytes = out, .stderr_bytes = err};
    tell(m, ORRIS_MSG_EXIT, &end, sizeof(end));
}

/* Waits for a message of this type; others are skipped. */
static uint64_t hear(struct machine *m, uint32_t type)
{
    for (;;) {
        struct orris_message head;
        uint64_t words[8] = {0};
        get(m->control, &head, sizeof(head));
        get(m->control, words, head.size);
        if (head.type == type)
            return words[0];
    }
}

static char pattern(size_t i)
{
    return (char)(i * 7 + i / 251);
}

/* ---- machines ---- */

static void machine_echo(struct machine *m)
{
    struct orris_hello hello = {.version = 1};
    tell(m, ORRIS_MSG_HELLO, &hello, sizeof(hello));
    hear(m, ORRIS_MSG_WELCOME);
    uint64_t taken = 0;
    bool ended = false;
    uint64_t all = 0;
    while (!ended || taken < all) {
        struct pollfd entries[2] = {{.fd = m->in, .events = POLLIN},
                                    {.fd = ended ? -1 : m->control, .events = POLLIN}};
        poll(entries, 2, -1);
        char data[5000];
        if (entries[0].revents) {
            ssize_t n = read(m->in, data, sizeof(data));
            put(m->out, data, (size_t)n);
            taken += (uint64_t)n;
        }
        if (entries[1].revents) {
            all = hear(m, ORRIS_MSG_STDIN_EOF);
            ended = true;
        }
    }
    put(m->err, "err", 3);
    tell_exit(m, ORRIS_EXIT_STATUS, 7, taken, 3);
    pause();
}

static void machine_exit_first(struct machine *m)
{
    tell_exit(m, ORRIS_EXIT_STATUS, 0, BIG, 0);
    static char data[BIG];
    for (size_t i = 0; i < BIG; i++)
        data[i] = pattern(i);
    put(m->out, data, BIG);
    pause();
}

static void machine_until_closed(struct machine *m)
{
    put(m->out, "first line\n", 11);
    uint64_t stream = hear(m, ORRIS_MSG_STREAM_CLOSED);
    put(m->out, "more", 4);
    tell_exit(m, ORRIS_EXIT_SIGNAL, SIGPIPE, 15 + 1000000 * (stream != 1), 0);
    pause();
}

static void machine_until_signal(struct machine *m)
{
    put(m->out, "ready", 5);
    uint64_t number = hear(m, ORRIS_MSG_SIGNAL);
    tell_exit(m, ORRIS_EXIT_SIGNAL, (uint32_t)number, 5, 0);
    pause();
}

static void machine_deaf(struct machine *m)
{
    put(m->out, "ready", 5);
    pause();
}

static void machine_dies(struct machine *m)
{
    put(m->out, "last words", 10);
    _exit(1);
}

static void machine_dies_with_output(struct machine *m)
{
    tell_exit(m, ORRIS_EXIT_STATUS, 0, 1000, 0);
    put(m->out, "a part", 6);
    _exit(1);
}

static void machine_talks_in_bytes(struct machine *m)
{
    struct buf all = {0};
    const char path[] = "/hello.txt";
    struct orris_message head = {.type = ORRIS_MSG_MISSING, .size = sizeof(path) - 1};
    buf_add(&all, &head, sizeof(head));
    buf_add(&all, path, sizeof(path) - 1);
    struct orris_message strange = {.type = 999, .size = 3};
    buf_add(&all, &strange, sizeof(strange));
    buf_add(&all, "xyz", 3);
    uint64_t size = 12;
    struct orris_message lost = {.type = ORRIS_MSG_LOST, .size = 8 + 2};
    buf_add(&all, &lost, sizeof(lost));
    buf_add(&all, &size, 8);
    buf_add(&all, "/a", 2);
    for (size_t i = 0; i < all.size; i++)
        put(m->control, all.data + i, 1);
    tell_exit(m, ORRIS_EXIT_STATUS, 0, 0, 0);
    pause();
}

static void machine_exits(struct machine *m)
{
    tell_exit(m, ORRIS_EXIT_STATUS, 0, 0, 0);
    pause();
}

/* ---- machines that read a file ---- */

#define FILE_BYTES 1000000u

static void ask(struct machine *m, uint64_t offset, uint32_t size)
{
    struct orris_stdin_read request = {.offset = offset, .size = size};
    tell(m, ORRIS_MSG_STDIN_READ, &request, sizeof(request));
}

/* Takes an answer; ends with code if its data isn't what stands at offset. */
static struct orris_stdin_answer answer(struct machine *m, uint64_t offset, int code)
{
    static char data[ORRIS_STDIN_READ_MAX];
    struct orris_stdin_answer answer;
    get(m->in, &answer, sizeof(answer));
    if (answer.size > sizeof(data))
        _exit(97);
    get(m->in, data, answer.size);
    for (uint32_t i = 0; i < answer.size; i++)
        if (data[i] != pattern(offset + i))
            tell_exit(m, ORRIS_EXIT_STATUS, (uint32_t)code, 0, 0), pause();
    return answer;
}

static void expect(struct machine *m, bool good, uint32_t code)
{
    if (good)
        return;
    tell_exit(m, ORRIS_EXIT_STATUS, code, 0, 0);
    pause();
}

/* Sees that requests at the bounds are answered within them. */
static void read_at_the_bounds(struct machine *m)
{
    ask(m, 10, 100);
    struct orris_stdin_answer a = answer(m, 10, 20);
    expect(m, a.size == 100 && !a.error && a.file_size == FILE_BYTES && S_ISREG(a.mode), 1);
    ask(m, FILE_BYTES - 7, 100);
    expect(m, answer(m, FILE_BYTES - 7, 21).size == 7, 2);
    ask(m, FILE_BYTES, 1);
    a = answer(m, 0, 22);
    expect(m, !a.size && !a.error, 3);
    ask(m, INT64_MAX - 3, 1000);
    expect(m, !answer(m, 0, 23).size, 4);
    ask(m, UINT64_MAX, 1000);
    a = answer(m, 0, 24);
    expect(m, !a.size && a.error == EINVAL && a.file_size == FILE_BYTES, 5);
    ask(m, 3, UINT32_MAX);
    expect(m, answer(m, 3, 25).size == ORRIS_STDIN_READ_MAX, 6);
    ask(m, UINT64_MAX, 0);
    a = answer(m, 0, 26);
    expect(m, !a.size && !a.error && a.file_size == FILE_BYTES, 7);
}

static void machine_reads_a_file(struct machine *m)
{
    char nothing[40] = {0};
    read_at_the_bounds(m);
    tell(m, ORRIS_MSG_STDIN_READ, nothing, 15); /* neither is one */
    tell(m, ORRIS_MSG_STDIN_READ, nothing, 40);
    for (int i = 0; i < 5000; i++)
        ask(m, 0, UINT32_MAX);
    uint32_t size = 0;
    unsigned answers = 0;
    for (; size != 5 && answers < 5000; answers++) {
        size = answer(m, 0, 27).size;
        ask(m, 0, 5);
    }
    expect(m, size == 5 && answers < 100, 8); /* most were dropped, not kept */
    int64_t positions[2] = {7, -7};
    tell(m, ORRIS_MSG_STDIN_POSITION, positions, 3);
    tell(m, ORRIS_MSG_STDIN_POSITION, &positions[0], 8);
    tell(m, ORRIS_MSG_STDIN_POSITION, &positions[1], 8);
    tell_exit(m, ORRIS_EXIT_STATUS, 42, 0, 0);
    pause();
}

/* Asks for what isn't its: standard input is a pipe. */
static void machine_reads_no_file(struct machine *m)
{
    int64_t position = 7;
    char byte;
    tell(m, ORRIS_MSG_STDIN_POSITION, &position, sizeof(position));
    ask(m, 0, 5);
    get(m->in, &byte, 1);
    tell_exit(m, ORRIS_EXIT_STATUS, (uint32_t)byte, 0, 0);
    pause();
}

static void machine_leaves_answers(struct machine *m)
{
    for (int i = 0; i < 5000; i++)
        ask(m, 0, UINT32_MAX);
    tell_exit(m, ORRIS_EXIT_STATUS, 43, 0, 0);
    pause();
}

/* More than any kernel says, and then what is no message. */
static void machine_floods(struct machine *m)
{
    static char text[ORRIS_MESSAGE_MAX];
    struct orris_message head = {.type = ORRIS_MSG_REPORT, .size = UINT32_MAX - 3};
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 9000; i++) {
        tell(m, ORRIS_MSG_MISSING, text, 20);
        tell(m, ORRIS_MSG_LOST, text, 20);
    }
    for (int i = 0; i < 100; i++)
        tell(m, ORRIS_MSG_REPORT, text, sizeof(text));
    put(m->control, &head, sizeof(head));
    tell_exit(m, ORRIS_EXIT_STATUS, 44, 0, 0); /* is never seen */
}

/* ---- the process of the relay ---- */

/* What it reports through its exit status. */
enum {
    SEEN_FORCED = 100,
    SEEN_DEATH = 101,
    SEEN_LISTS = 102,
    SEEN_FAILED_OUTPUT = 103,
    SEEN_FLOOD = 104
};

static int judge(const struct relay_result *result)
{
    if (result->forced)
        return SEEN_FORCED;
    if (!result->exited && result->missing.count == 4096 && result->lost_count == 4096 &&
        result->report.size == 1 << 20)
        return SEEN_FLOOD;
    if (!result->exited)
        return SEEN_DEATH;
    if (result->output_failed)
        return SEEN_FAILED_OUTPUT;
    bool lists = result->missing.count == 1 && result->lost_count == 1 &&
                 strcmp(result->missing.items[0], "/hello.txt") == 0 &&
                 strcmp(result->lost[0].path, "/a") == 0 && result->lost[0].size == 12;
    if (lists)
        return SEEN_LISTS;
    return (int)(result->exit.code + (result->exit.kind == ORRIS_EXIT_SIGNAL ? 128 : 0));
}

static void open_pair(int *ours, int *theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        abort();
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *ours = pair[0];
    *theirs = pair[1];
}

static int relay_process(void (*play)(struct machine *))
{
    struct relay_channels channels = {.serial = -1, .messages = -1};
    struct machine machine;
    sigset_t mask;
    int signals = relay_signals_begin(&mask);
    open_pair(&channels.control, &machine.control);
    open_pair(&channels.stdin_port, &machine.in);
    open_pair(&channels.stdout_port, &machine.out);
    open_pair(&channels.stderr_port, &machine.err);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(TIME_LIMIT_S);
        close(channels.control);
        close(channels.stdin_port);
        play(&machine);
        _exit(0);
    }
    close(machine.control);
    close(machine.in);
    close(machine.out);
    close(machine.err);
    channels.process = (int)syscall(SYS_pidfd_open, pid, 0);
    struct streams streams;
    struct terminal terminal;
    struct relay_result result = {0};
    streams_look(&streams);
    terminal_init(&terminal, -1, false, false);
    relay_run(&channels, &streams, &terminal, signals, NULL, &result);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    int seen = judge(&result);
    relay_result_clear(&result);
    return seen;
}

struct tool {
    pid_t pid;
    int in, out, err; /* our ends of its standard streams */
};

static struct tool tool_start_with(int input, void (*play)(struct machine *))
{
    int in[2], out[2], err[2];
    if (pipe(in) || pipe(out) || pipe(err))
        abort();
    fflush(stdout);
    struct tool tool = {.pid = fork(), .in = in[1], .out = out[0], .err = err[0]};
    if (tool.pid == 0) {
        alarm(TIME_LIMIT_S);
        dup2(input < 0 ? in[0] : input, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 16; fd++)
            close(fd);
        _exit(relay_process(play));
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    return tool;
}

static struct tool tool_start(void (*play)(struct machine *))
{
    return tool_start_with(-1, play);
}

static int tool_wait(struct tool *tool)
{
    int status;
    close(tool->in);
    close(tool->out);
    close(tool->err);
    waitpid(tool->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct buf read_all(int fd)
{
    struct buf all = {0};
    char data[4096];
    for (ssize_t n; (n = read(fd, data, sizeof(data))) > 0;)
        buf_add(&all, data, (size_t)n);
    return all;
}

/* ---- the tests ---- */

static void test_what_a_machine_says_takes_little_room(void)
{
    struct tool tool = tool_start(machine_floods);
    struct buf said = read_all(tool.err);
    CHECK(strstr(said.data, "a message of 4294967292 bytes") != NULL);
    free(said.data);
    CHECK_EQ(tool_wait(&tool), SEEN_FLOOD);
}

static void test_bytes_go_both_ways_and_status_comes_back(void)
{
    struct tool tool = tool_start(machine_echo);
    pid_t writer = fork();
    if (writer == 0) {
        for (size_t i = 0; i < BIG; i += 1000) {
            char piece[1000];
            for (size_t j = 0; j < sizeof(piece); j++)
                piece[j] = pattern(i + j);
            if (write(tool.in, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
                _exit(1);
        }
        _exit(0);
    }
    close(tool.in);
    tool.in = -1;
    struct buf out = read_all(tool.out), err = read_all(tool.err);
    bool same = true;
    for (size_t i = 0; i < out.size; i++)
        same = same && out.data[i] == pattern(i);
    CHECK(same);
    CHECK(out.size == (BIG + 999) / 1000 * 1000);
    CHECK(err.size == 3 && memcmp(err.data, "err", 3) == 0);
    CHECK(tool_wait(&tool) == 7);
    waitpid(writer, NULL, 0);
    buf_clear(&out);
    buf_clear(&err);
}

static void test_output_after_exit_message_is_taken(void)
{
    struct tool tool = tool_start(machine_exit_first);
    struct buf out = read_all(tool.out);
    CHECK(out.size == BIG);
    CHECK(tool_wait(&tool) == 0);
    buf_clear(&out);
}

static void test_broken_pipe_reaches_the_machine(void)
{
    struct tool tool = tool_start(machine_until_closed);
    char line[11];
    CHECK(read(tool.out, line, sizeof(line)) == 11);
    close(tool.out);
    tool.out = -1;
    CHECK(tool_wait(&tool) == 128 + SIGPIPE);
}

static void test_signal_reaches_the_program(void)
{
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < 4; i++) {
        struct tool tool = tool_start(machine_until_signal);
        char ready[5];
        CHECK(read(tool.out, ready, 5) == 5);
        kill(tool.pid, numbers[i]);
        CHECK(tool_wait(&tool) == 128 + numbers[i]);
    }
}

static void test_second_interrupt_ends_the_machine(void)
{
    struct tool tool = tool_start(machine_deaf);
    char ready[5];
    CHECK(read(tool.out, ready, 5) == 5);
    kill(tool.pid, SIGINT);
    struct pollfd entry = {.fd = tool.out, .events = POLLIN};
    CHECK(poll(&entry, 1, 100) == 0); /* one alone doesn't */
    kill(tool.pid, SIGINT);
    CHECK(tool_wait(&tool) == SEEN_FORCED);
}

static void test_death_of_the_machine_is_seen(void)
{
    struct tool tool = tool_start(machine_dies);
    struct buf out = read_all(tool.out);
    CHECK(out.size == 10);
    CHECK(tool_wait(&tool) == SEEN_DEATH);
    buf_clear(&out);
}

static void test_output_that_is_cut_is_a_death(void)
{
    struct tool tool = tool_start(machine_dies_with_output);
    struct buf out = read_all(tool.out);
    CHECK_EQ(out.size, 6);
    CHECK_EQ(tool_wait(&tool), SEEN_DEATH);
    buf_clear(&out);
}

static void test_messages_may_come_in_pieces(void)
{
    struct tool tool = tool_start(machine_talks_in_bytes);
    CHECK(tool_wait(&tool) == SEEN_LISTS);
}

static void test_full_disk_is_reported(void)
{
    int full = open("/dev/full", O_WRONLY);
    int in[2];
    if (pipe(in))
        abort();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(TIME_LIMIT_S);
        dup2(in[0], 0);
        dup2(full, 1);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        _exit(relay_process(machine_exit_first));
    }
    int status;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == SEEN_FAILED_OUTPUT);
    close(full);
    close(in[0]);
    close(in[1]);
}

/* Kinds as a process sees them whose descriptors 1 and 2 are a and b. */
static uint32_t kind_of_stderr(int a, int b)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(a, 1);
        dup2(b, 2);
        struct streams streams;
        streams_look(&streams);
        _exit((int)streams.kind[2]);
    }
    int status;
    waitpid(pid, &status, 0);
    return (uint32_t)WEXITSTATUS(status);
}

static void test_same_open_file_is_told_from_same_file(void)
{
    char name[] = "/tmp/relay_test.XXXXXX";
    int a = mkstemp(name);
    int b = open(name, O_RDWR);
    unlink(name);
    CHECK(kind_of_stderr(a, a) == ORRIS_STREAM_STDOUT);
    CHECK(kind_of_stderr(a, b) == ORRIS_STREAM_PORT);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    int tty1 = open(ptsname(master), O_RDWR | O_NOCTTY);
    int tty2 = open(ptsname(master), O_RDWR | O_NOCTTY);
    CHECK(kind_of_stderr(tty1, tty1) == ORRIS_STREAM_STDOUT);
    CHECK(kind_of_stderr(tty1, tty2) == ORRIS_STREAM_STDOUT);
    CHECK(kind_of_stderr(a, tty1) == ORRIS_STREAM_TTY);
    close(a);
    close(b);
}

static void test_returns_are_dropped_for_a_terminal_that_adds_them(void)
{
    int from[2], to[2];
    static struct flow flow;
    if (pipe(from) || pipe(to))
        abort();
    flow_init(&flow, from[0], (struct sink){.fd = to[1], .chunk = 65536});
    flow.drop_return = true;
    const char *const pieces[] = {"a\r\nb\r", "\nc\r", "d\r\r\n", "e\r"};
    for (size_t i = 0; i < 4; i++) {
        struct pollfd entries[2];
        CHECK(write(from[1], pieces[i], strlen(pieces[i])) > 0);
        flow_poll(&flow, entries);
        poll(entries, 2, 1000);
        flow_move(&flow, entries);
    }
    flow_finish(&flow);
    char out[64] = "";
    CHECK(read(to[0], out, sizeof(out) - 1) > 0);
    CHECK(strcmp(out, "a\nb\nc\rd\r\ne\r") == 0);
}

static int temporary_file(void)
{
    char name[] = "/tmp/relay_test.XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    return fd;
}

static void test_a_file_is_read_within_its_bounds(void)
{
    int fd = temporary_file();
    struct buf content = {0};
    for (size_t i = 0; i < FILE_BYTES; i++) {
        char byte = pattern(i);
        buf_add(&content, &byte, 1);
    }
    CHECK(write(fd, content.data, content.size) == (ssize_t)FILE_BYTES);
    lseek(fd, 500, SEEK_SET);
    struct tool tool = tool_start_with(fd, machine_leaves_answers);
    CHECK_EQ(tool_wait(&tool), 43);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 500);
    tool = tool_start_with(fd, machine_reads_a_file);
    CHECK_EQ(tool_wait(&tool), 42);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
    lseek(fd, 0, SEEK_SET);
    struct buf after = read_all(fd);
    CHECK(after.size == FILE_BYTES && memcmp(after.data, content.data, FILE_BYTES) == 0);
    buf_clear(&after);
    buf_clear(&content);
    close(fd);
}

static void test_a_pipe_is_not_read_by_position(void)
{
    struct tool tool = tool_start(machine_reads_no_file);
    CHECK(write(tool.in, "x", 1) == 1);
    CHECK_EQ(tool_wait(&tool), 'x');
}

/* What a process whose standard input and output are these takes its input for. */
static uint32_t kind_of_stdin(int input, int output)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(input, 0);
        dup2(output, 1);
        struct streams streams;
        streams_look(&streams);
        bool fifo = S_ISFIFO(streams.host_mode[0]);
        _exit((int)(streams.kind[0] + (fifo ? 100 : 0) + streams.position));
    }
    int status;
    waitpid(pid, &status, 0);
    return (uint32_t)WEXITSTATUS(status);
}

static void test_which_input_is_a_file(void)
{
    int both = temporary_file(), other = temporary_file(), pipes[2];
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", both);
    int reads = open(path, O_RDONLY), writes = open(path, O_WRONLY);
    int null = open("/dev/null", O_RDWR);
    if (pipe(pipes))
        abort();
    lseek(reads, 9, SEEK_SET);
    CHECK_EQ(kind_of_stdin(reads, null), ORRIS_STREAM_FILE + 9);
    CHECK_EQ(kind_of_stdin(both, other), ORRIS_STREAM_FILE);
    CHECK_EQ(kind_of_stdin(reads, both), ORRIS_STREAM_FILE + 9);
    CHECK_EQ(kind_of_stdin(both, both), ORRIS_STREAM_PORT + 100);
    CHECK_EQ(kind_of_stdin(writes, null), ORRIS_STREAM_PORT);
    CHECK_EQ(kind_of_stdin(null, null), ORRIS_STREAM_PORT);
    CHECK_EQ(kind_of_stdin(pipes[0], null), ORRIS_STREAM_PORT + 100);
    const int fds[] = {both, other, reads, writes, null, pipes[0], pipes[1]};
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        close(fds[i]);
}

static void test_exit_at_once_ends_the_relay(void)
{
    struct tool tool = tool_start(machine_exits);
    CHECK(tool_wait(&tool) == 0);
}

int main(void)
{
    test_what_a_machine_says_takes_little_room();
    test_bytes_go_both_ways_and_status_comes_back();
    test_output_after_exit_message_is_taken();
    test_broken_pipe_reaches_the_machine();
    test_signal_reaches_the_program();
    test_second_interrupt_ends_the_machine();
    test_death_of_the_machine_is_seen();
    test_output_that_is_cut_is_a_death();
    test_messages_may_come_in_pieces();
    test_full_disk_is_reported();
    test_same_open_file_is_told_from_same_file();
    test_returns_are_dropped_for_a_terminal_that_adds_them();
    test_a_file_is_read_within_its_bounds();
    test_a_pipe_is_not_read_by_position();
    test_which_input_is_a_file();
    test_exit_at_once_ends_the_relay();
    return check_done();
}
