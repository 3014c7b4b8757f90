/* Pipes: ends, atomic writes, capacity, broken pipes, non-blocking ends, packets, splice and tee.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

static int in, out;

static void open_pipe(int flags)
{
    int fd[2];
    CHECK_OK(pipe2(fd, flags));
    in = fd[0];
    out = fd[1];
}

static void close_pipe(void)
{
    close(in);
    close(out);
}

static void bytes_come_through_in_order(void)
{
    char text[20] = "";
    open_pipe(0);
    CHECK_EQ(write(out, "hello", 5), 5);
    CHECK_EQ(write(out, " world", 6), 6);
    CHECK_EQ(read(in, text, 3), 3);
    CHECK_EQ(read(in, text + 3, 17), 8);
    CHECK_STR(text, "hello world");
    CHECK_ERR(read(out, text, 1), EBADF);
    CHECK_ERR(write(in, text, 1), EBADF);
    CHECK_ERR(lseek(in, 0, SEEK_SET), ESPIPE);
    CHECK_ERR(pread(in, text, 1, 0), ESPIPE);
    int waiting = 7;
    CHECK_EQ(write(out, "abc", 3), 3);
    CHECK_OK(ioctl(in, FIONREAD, &waiting));
    CHECK_EQ(waiting, 3);
    struct stat st;
    CHECK_OK(fstat(in, &st));
    CHECK(S_ISFIFO(st.st_mode));
    close(out);
    CHECK_EQ(read(in, text, 20), 3); /* what was written, then the end */
    CHECK_EQ(read(in, text, 20), 0);
    CHECK_EQ(read(in, text, 20), 0);
    close(in);
    CHECK_ERR(pipe2((int[2]){0}, 0x7), EINVAL);
    CHECK_ERR(syscall(SYS_pipe, KERNEL_ADDRESS), EFAULT);
}

static volatile int broken;

static void on_broken(int sig)
{
    (void)sig;
    broken++;
}

static void writing_without_a_reader(void)
{
    struct sigaction action = {.sa_handler = on_broken};
    sigaction(SIGPIPE, &action, NULL);
    open_pipe(0);
    close(in);
    CHECK_ERR(write(out, "x", 1), EPIPE);
    CHECK_EQ(broken, 1);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(out, "x", 1), EPIPE);
    CHECK_EQ(broken, 1);
    struct pollfd p = {.fd = out, .events = POLLOUT};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK(p.revents & POLLERR);
    close(out);
}

static void non_blocking_ends(void)
{
    char block[PAGE];
    long total = 0, n;
    open_pipe(O_NONBLOCK);
    CHECK_ERR(read(in, block, 1), EAGAIN);
    memset(block, 'p', sizeof(block));
    while ((n = write(out, block, sizeof(block))) > 0)
        total += n;
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(total, 65536);
    CHECK_ERR(write(out, block, 1), EAGAIN);
    CHECK_EQ(read(in, block, 10), 10);
    CHECK_ERR(write(out, block, PAGE), EAGAIN); /* at most PIPE_BUF: all or nothing */
    CHECK_EQ(read(in, block, PAGE), PAGE);
    CHECK_EQ(write(out, block, PAGE), PAGE);
    CHECK_OK(fcntl(in, F_SETFL, 0));
    CHECK_EQ(fcntl(out, F_GETFL) & O_NONBLOCK, O_NONBLOCK); /* each end has its own */
    close_pipe();
}

static void capacity_can_be_changed(void)
{
    open_pipe(O_NONBLOCK);
    CHECK_EQ(fcntl(in, F_GETPIPE_SZ), 65536);
    CHECK_EQ(fcntl(in, F_SETPIPE_SZ, 5000), 8192);
    CHECK_EQ(fcntl(out, F_GETPIPE_SZ), 8192);
    char block[8192];
    memset(block, 1, sizeof(block));
    CHECK_EQ(write(out, block, 8192), 8192);
    CHECK_ERR(fcntl(in, F_SETPIPE_SZ, 4096), EBUSY);
    CHECK_EQ(fcntl(in, F_SETPIPE_SZ, 1 << 20), 1 << 20);
    CHECK_EQ(write(out, block, 8192), 8192);
    CHECK_ERR(fcntl(in, F_SETPIPE_SZ, -1), EINVAL);
    close_pipe();
}

struct writer {
    int fd;
    char letter;
};

static void *write_records(void *arg)
{
    struct writer *w = arg;
    char record[512];
    long wrong = 0;
    memset(record, w->letter, sizeof(record));
    for (int i = 0; i < 200; i++)
        wrong += write(w->fd, record, sizeof(record)) != sizeof(record);
    return (void *)wrong;
}

/* Writes of up to PIPE_BUF bytes never mix with others. */
static void small_writes_are_atomic(void)
{
    open_pipe(0);
    struct writer w[3] = {{out, 'a'}, {out, 'b'}, {out, 'c'}};
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        thread[i] = thread_start(write_records, &w[i]);
    char record[512];
    int mixed = 0;
    for (int i = 0; i < 600; i++) {
        size_t got = 0;
        while (got < sizeof(record)) {
            ssize_t n = read(in, record + got, sizeof(record) - got);
            if (n <= 0)
                break;
            got += (size_t)n;
        }
        for (size_t k = 1; k < got; k++)
            mixed += record[k] != record[0];
    }
    CHECK_EQ(mixed, 0);
    long wrong = 0;
    for (int i = 0; i < 3; i++)
        wrong += (long)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
    close_pipe();
}

static void *drain(void *arg)
{
    char block[3000];
    unsigned long sum = 0;
    ssize_t n;
    (void)arg;
    while ((n = read(in, block, sizeof(block))) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 31 + (unsigned char)block[i];
    return (void *)sum;
}

static void a_megabyte_goes_through(void)
{
    enum { SIZE = 1 << 20 };
    unsigned char *data = malloc(SIZE);
    unsigned long sum = 0;
    for (int i = 0; i < SIZE; i++) {
        data[i] = (unsigned char)(i * 7 >> 3);
        sum = sum * 31 + data[i];
    }
    open_pipe(0);
    pthread_t thread = thread_start(drain, NULL);
    CHECK_EQ(write(out, data, SIZE), SIZE);
    close(out);
    CHECK_EQ((unsigned long)thread_join(thread), sum);
    close(in);
    free(data);
}

static void *close_later(void *arg)
{
    sleep_ms(20);
    close((int)(long)arg);
    return NULL;
}

static void blocked_ends_wake_when_the_other_closes(void)
{
    char c;
    open_pipe(0);
    pthread_t thread = thread_start(close_later, (void *)(long)out);
    CHECK_EQ(read(in, &c, 1), 0);
    thread_join(thread);
    close(in);
    open_pipe(0);
    char block[65536];
    memset(block, 0, sizeof(block));
    CHECK_EQ(write(out, block, sizeof(block)), 65536);
    signal(SIGPIPE, SIG_IGN);
    thread = thread_start(close_later, (void *)(long)in);
    CHECK_ERR(write(out, "x", 1), EPIPE);
    thread_join(thread);
    close(out);
}

static void polling(void)
{
    open_pipe(0);
    struct pollfd p[2] = {{.fd = in, .events = POLLIN}, {.fd = out, .events = POLLOUT}};
    CHECK_EQ(poll(p, 2, 0), 1);
    CHECK_EQ(p[0].revents, 0);
    CHECK_EQ(p[1].revents, POLLOUT);
    CHECK_EQ(write(out, "x", 1), 1);
    CHECK_EQ(poll(p, 2, 0), 2);
    CHECK_EQ(p[0].revents, POLLIN);
    close(out);
    CHECK_EQ(poll(p, 1, 0), 1);
    CHECK_EQ(p[0].revents, POLLIN | POLLHUP);
    close(in);
}

static void splicing(void)
{
    char text[32] = "";
    int file = memfd_create("splice", 0), from[2];
    CHECK_OK(pipe(from));
    open_pipe(0);
    CHECK_EQ(write(file, "spliced data", 12), 12);
    off_t at = 3;
    CHECK_EQ(splice(file, &at, from[1], NULL, 100, 0), 9);
    CHECK_EQ(at, 12);
    CHECK_EQ(tee(from[0], out, 100, 0), 9);
    CHECK_EQ(read(in, text, 32), 9);
    CHECK(memcmp(text, "iced data", 9) == 0);
    at = 0;
    CHECK_EQ(splice(from[0], NULL, file, &at, 4, 0), 4);
    CHECK_EQ(pread(file, text, 4, 0), 4);
    CHECK(memcmp(text, "iced", 4) == 0);
    CHECK_EQ(splice(from[0], NULL, out, NULL, 5, 0), 5);
    struct iovec v = {"vm", 2};
    CHECK_EQ(vmsplice(out, &v, 1, 0), 2);
    CHECK_EQ(read(in, text, 32), 7);
    CHECK(memcmp(text, " datavm", 7) == 0);
    CHECK_ERR(splice(file, NULL, file, NULL, 1, 0), EINVAL);
    CHECK_ERR(splice(from[0], NULL, out, NULL, 5, SPLICE_F_NONBLOCK), EAGAIN);
    close_pipe();
    close(from[0]);
    close(from[1]);
    close(file);
}

/* Descriptors that only their own calls understand are neither read nor written by splice. */
static void what_cannot_be_spliced(void)
{
    sigset_t set;
    sigemptyset(&set);
    const int fds[] = {eventfd(5, EFD_NONBLOCK), timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
                       signalfd(-1, &set, SFD_NONBLOCK), inotify_init1(IN_NONBLOCK),
                       open(".", O_RDONLY)};
    int file = memfd_create("splice", 0);
    open_pipe(O_NONBLOCK);
    CHECK_EQ(write(file, "x", 1), 1);
    CHECK_EQ(write(out, "12345678", 8), 8);
    for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        CHECK(fds[i] >= 0);
        CHECK_ERR(splice(fds[i], NULL, out, NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
        lseek(file, 0, SEEK_SET);
        CHECK_EQ(sendfile(fds[i], file, NULL, 1), -1);
        close(i ? fds[i] : dup(fds[0]));
    }
    CHECK_ERR(splice(in, NULL, fds[0], NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
    lseek(file, 0, SEEK_SET);
    CHECK_ERR(sendfile(fds[0], file, NULL, 1), EINVAL);
    close(fds[0]);
    int empty[2], self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    CHECK_OK(pipe2(empty, O_NONBLOCK));
    CHECK_ERR(splice(empty[0], NULL, self, NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
    close(self);
    close(empty[0]);
    close(empty[1]);
    close(file);
    close_pipe();
}

static void nothing_is_written_to_nobody(void)
{
    int from[2];
    signal(SIGPIPE, SIG_IGN);
    open_pipe(O_NONBLOCK);
    CHECK_OK(pipe2(from, O_NONBLOCK));
    close(in);
    in = -1;
    CHECK_EQ(write(out, "", 0), 0);
    CHECK_ERR(write(out, "x", 1), EPIPE);
    CHECK_ERR(tee(from[0], out, 1, 0), EAGAIN);
    CHECK_EQ(close(from[1]), 0);
    CHECK_ERR(tee(from[0], out, 1, 0), EPIPE);
    CHECK_ERR(splice(from[0], NULL, out, NULL, 1, 0), EPIPE);
    close(from[0]);
    close(out);
}

static void packets_are_the_writing_ends(void)
{
    char text[16];
    open_pipe(O_NONBLOCK | O_DIRECT);
    CHECK_EQ(fcntl(in, F_GETFL), O_RDONLY | O_NONBLOCK);
    CHECK_EQ(fcntl(out, F_GETFL), O_WRONLY | O_NONBLOCK | O_DIRECT);
    CHECK_EQ(write(out, "abcd", 4), 4);
    CHECK_EQ(write(out, "ef", 2), 2);
    CHECK_EQ(read(in, text, 1), 1); /* the rest of the packet is gone */
    CHECK_EQ(read(in, text, 16), 2);
    struct iovec v[2] = {{"abc", 3}, {"def", 3}};
    CHECK_EQ(vmsplice(out, v, 2, 0), 6);
    CHECK_EQ(read(in, text, 2), 2);
    CHECK_EQ(read(in, text, 16), 4);
    close_pipe();
}

int main(void)
{
    RUN(bytes_come_through_in_order);
    RUN(writing_without_a_reader);
    RUN(non_blocking_ends);
    RUN(capacity_can_be_changed);
    RUN(small_writes_are_atomic);
    RUN(a_megabyte_goes_through);
    RUN(blocked_ends_wake_when_the_other_closes);
    RUN(polling);
    RUN(splicing);
    RUN(what_cannot_be_spliced);
    RUN(nothing_is_written_to_nobody);
    RUN(packets_are_the_writing_ends);
    return check_done();
}
