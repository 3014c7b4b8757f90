/*
 * The tool's own standard input, output and error.
 */
#include "host/vmm/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool closed_at_start[3];

void streams_guard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        closed_at_start[fd] = true;
        if (open("/dev/null", O_RDWR) < 0) /* takes the lowest number free: fd */
            _exit(125);
    }
}

/* Whether both descriptors stand for one open file: a change of flags through one shows at the
 * other. For kernels without kcmp(). */
static bool same_file_by_flags(int a, int b)
{
    int before_a = fcntl(a, F_GETFL), before_b = fcntl(b, F_GETFL);
    if (before_a < 0 || before_a != before_b)
        return false;
    if (fcntl(a, F_SETFL, before_a ^ O_NONBLOCK) < 0)
        return false;
    bool same = fcntl(b, F_GETFL) != before_b;
    fcntl(a, F_SETFL, before_a);
    return same;
}

static bool same_open_file(int a, int b)
{
    pid_t pid = getpid();
    long answer = syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b);
    return answer < 0 ? same_file_by_flags(a, b) : answer == 0;
}

static bool same_terminal(int a, int b)
{
    struct stat sa, sb;
    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_rdev == sb.st_rdev &&
           sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static uint32_t stream_kind(int fd)
{
    if (closed_at_start[fd])
        return ORRIS_STREAM_CLOSED;
    return isatty(fd) ? ORRIS_STREAM_TTY : ORRIS_STREAM_PORT;
}

/* A file is read by position, and left where the program leaves it. Not one that has no positions
 * (some of /proc), nor one that is written to by the same position: the program is to take these
 * for the streams that they are to it. */
static void look_at_input(struct streams *streams)
{
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (streams->kind[0] != ORRIS_STREAM_PORT || !S_ISREG(streams->host_mode[0]) ||
        (flags & O_ACCMODE) == O_WRONLY)
        return;
    off_t position = lseek(STDIN_FILENO, 0, SEEK_CUR);
    bool shared = (flags & O_ACCMODE) == O_RDWR && (same_open_file(0, 1) || same_open_file(0, 2));
    if (position < 0 || shared) {
        streams->host_mode[0] = S_IFIFO | (streams->host_mode[0] & 07777);
        return;
    }
    streams->kind[0] = ORRIS_STREAM_FILE;
    streams->position = (uint64_t)position;
}

void streams_look(struct streams *streams)
{
    *streams = (struct streams){.terminal = -1};
    for (int fd = 0; fd < 3; fd++) {
        struct stat stat;
        streams->kind[fd] = stream_kind(fd);
        if (fstat(fd, &stat) == 0)
            streams->host_mode[fd] = stat.st_mode;
        if (streams->kind[fd] == ORRIS_STREAM_TTY && streams->terminal < 0)
            streams->terminal = fd;
    }
    look_at_input(streams);
    if (streams->kind[1] == ORRIS_STREAM_CLOSED || streams->kind[2] == ORRIS_STREAM_CLOSED)
        return;
    bool terminal = streams->kind[1] == ORRIS_STREAM_TTY && streams->kind[2] == ORRIS_STREAM_TTY;
    if (same_open_file(1, 2) || (terminal && same_terminal(1, 2)))
        streams->kind[2] = ORRIS_STREAM_STDOUT;
}

/* A descriptor of our own for the same pipe or terminal, which doesn't block; -1 if the file's
 * owner doesn't let us. */
static int reopen(int fd)
{
    char path[] = "/proc/self/fd/N";
    path[sizeof(path) - 2] = (char)('0' + fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void sink_open(struct sink *sink, int fd)
{
    struct stat stat = {0};
    fstat(fd, &stat);
    *sink = (struct sink){.fd = fd, .chunk = 65536, .is_socket = S_ISSOCK(stat.st_mode)};
    if (!S_ISFIFO(stat.st_mode) && !isatty(fd))
        return;
    int ours = reopen(fd);
    if (ours >= 0) {
        sink->fd = ours;
        sink->reopened = true;
    } else {
        sink->may_block = true;
        sink->chunk = S_ISFIFO(stat.st_mode) ? 4096 : 256; /* PIPE_BUF: a ready pipe takes it */
    }
}

void sink_close(struct sink *sink)
{
    if (sink->reopened)
        close(sink->fd);
    sink->reopened = false;
    sink->fd = -1;
}

ssize_t sink_write(struct sink *sink, const void *data, size_t size)
{
    struct pollfd ready = {.fd = sink->fd, .events = POLLOUT};
    if (sink->may_block && poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    if (size > sink->chunk)
        size = sink->chunk;
    if (sink->is_socket)
        return send(sink->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(sink->fd, data, size);
}
