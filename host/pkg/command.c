/*
 * Children of the tool. Each is the leader of a process group of its own, so that one kill reaches
 * what it started, and dies with us even if we are killed.
 */
#include "host/pkg/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_OUT, END_PROBLEMS, END_LINES, END_COUNT };

static const int guarded[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction guard_old[sizeof(guarded) / sizeof(guarded[0])];
static volatile sig_atomic_t guard_signal;
static volatile pid_t guard_child;

static void guard_handler(int number)
{
    guard_signal = number;
    if (guard_child > 0)
        kill(-guard_child, SIGTERM);
}

void command_guard_begin(void)
{
    struct sigaction action = {.sa_handler = guard_handler};
    guard_signal = 0;
    for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
        sigaction(guarded[i], &action, &guard_old[i]);
}

void command_guard_end(void)
{
    for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
        sigaction(guarded[i], &guard_old[i], NULL);
}

int command_interrupted(void)
{
    return guard_signal;
}

/* In the child: puts fd (or /dev/null for -1) at number. */
static void child_place(int fd, int number)
{
    if (fd < 0)
        fd = open("/dev/null", O_RDWR);
    dup2(fd, number);
}

static void child_run(const struct command *command, pid_t parent, int in, const int *ends)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (getppid() != parent)
        _exit(127);
    child_place(in, STDIN_FILENO);
    child_place(ends[END_OUT], STDOUT_FILENO);
    child_place(ends[END_PROBLEMS], STDERR_FILENO);
    if (command->line)
        dup2(ends[END_LINES], 3);
    if (command->env)
        environ = (char **)(uintptr_t)command->env;
    execvp(command->argv[0], (char *const *)(uintptr_t)command->argv);
    _exit(errno == ENOENT ? 127 : 126);
}

/* Hands out the whole lines that pending begins with. */
static void lines_deliver(const struct command *command, struct buf *pending)
{
    char *newline;
    while (pending->size > 0 && (newline = memchr(pending->data, '\n', pending->size))) {
        *newline = 0;
        command->line(command->context, pending->data);
        buf_drop(pending, (size_t)(newline + 1 - pending->data));
    }
}

/* Reads all ends until each is at its end. */
static void ends_read(const struct command *command, int *ends)
{
    struct buf pending = {0};
    struct buf *into[END_COUNT] = {command->out, command->problems, &pending};
    for (;;) {
        struct pollfd polls[END_COUNT];
        int open_count = 0;
        for (int i = 0; i < END_COUNT; i++) {
            polls[i] = (struct pollfd){.fd = ends[i], .events = POLLIN};
            open_count += ends[i] >= 0;
        }
        if (open_count == 0)
            break;
        if (poll(polls, END_COUNT, -1) < 0)
            continue;
        for (int i = 0; i < END_COUNT; i++) {
            char data[16384];
            if (ends[i] < 0 || !polls[i].revents)
                continue;
            ssize_t n = read(ends[i], data, sizeof(data));
            if (n > 0 && into[i])
                buf_add(into[i], data, (size_t)n);
            if (n == 0 || (n < 0 && errno != EINTR)) {
                close(ends[i]);
                ends[i] = -1;
            }
        }
        if (command->line)
            lines_deliver(command, &pending);
    }
    buf_clear(&pending);
}

/* A file without a name that holds text, at its beginning; -1 for NULL. */
static int input_open(const char *text)
{
    if (!text)
        return -1;
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int command_run(const struct command *command, struct error *err)
{
    int read_ends[END_COUNT] = {-1, -1, -1}, write_ends[END_COUNT] = {-1, -1, -1};
    bool wanted[END_COUNT] = {command->out, command->problems, command->line};
    if (command_interrupted())
        return error_set(err, "interrupted"), -1;
    for (int i = 0; i < END_COUNT; i++) {
        int ends[2];
        if (!wanted[i])
            continue;
        if (pipe2(ends, O_CLOEXEC) != 0)
            return error_errno(err, "cannot start %s", command->argv[0]), -1;
        read_ends[i] = ends[0];
        write_ends[i] = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        close(ends[1]);
    }
    int in = input_open(command->input);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        child_run(command, parent, in, write_ends);
    if (in >= 0)
        close(in);
    for (int i = 0; i < END_COUNT; i++)
        if (write_ends[i] >= 0)
            close(write_ends[i]);
    if (child < 0)
        return error_errno(err, "cannot start %s", command->argv[0]), -1;
    setpgid(child, child);
    guard_child = child;
    if (command_interrupted())
        kill(-child, SIGTERM);
    ends_read(command, read_ends);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    guard_child = 0;
    if (command_interrupted())
        return error_set(err, "interrupted"), -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The last lines of text, at most 1000 bytes. */
static const char *text_tail(const char *text)
{
    size_t size = strlen(text);
    if (size <= 1000)
        return text;
    const char *newline = strchr(text + size - 1000, '\n');
    return newline ? newline + 1 : text + size - 1000;
}

bool command_must(struct command *command, struct error *err)
{
    struct buf own = {0};
    const char *name = command->name ? command->name : command->argv[0];
    if (!command->problems)
        command->problems = &own;
    int status = command_run(command, err);
    bool ok = status == 0;
    if (status == 127 && command->problems->size == 0)
        error_set(err, "%s is not installed", name);
    else if (status > 0) {
        const struct buf *said = command->problems;
        error_set(err, "%s ended with status %d%s", name, status, said->size ? ":" : "");
        error_add_lines(err, said->size ? text_tail(said->data) : NULL);
    }
    buf_clear(&own);
    return ok;
}
