/* The descriptor table: dup in its forms, close_range, close-on-exec, sharing between threads. */
#include <linux/close_range.h>
#include <mqueue.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/guest.h"

static void duplicates_share_the_open_file(void)
{
    int fd = memfd_create("dup", MFD_CLOEXEC);
    CHECK_EQ(write(fd, "abcdef", 6), 6);
    int copy = dup(fd);
    CHECK(copy > fd);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(copy, F_GETFD), 0); /* the flag is the descriptor's */
    CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), 2);
    CHECK_OK(fcntl(fd, F_SETFL, O_APPEND));
    CHECK_EQ(fcntl(copy, F_GETFL) & O_APPEND, O_APPEND);
    close(fd);
    char c = 0;
    CHECK_EQ(read(copy, &c, 1), 1);
    CHECK_EQ(c, 'c');
    close(copy);
}

static void dup2_and_dup3(void)
{
    int a = memfd_create("a", 0), b = memfd_create("b", 0);
    CHECK_EQ(write(a, "A", 1), 1);
    CHECK_EQ(dup2(a, b), b);
    CHECK_EQ(lseek(b, 0, SEEK_CUR), 1);
    CHECK_EQ(dup2(a, a), a);
    CHECK_EQ(dup2(a, 200), 200);
    CHECK_OK(close(200));
    CHECK_ERR(dup2(9999, 5), EBADF);
    CHECK_ERR(dup2(9999, 9999), EBADF);
    CHECK_ERR(dup2(a, -1), EBADF);
    CHECK_ERR(dup2(a, 1 << 30), EBADF);
    CHECK_ERR(dup3(a, a, 0), EINVAL);
    CHECK_ERR(dup3(a, 201, 0x7), EINVAL);
    CHECK_EQ(dup3(a, 201, O_CLOEXEC), 201);
    CHECK_EQ(fcntl(201, F_GETFD), FD_CLOEXEC);
    close(201);
    CHECK_EQ(fcntl(a, F_DUPFD, 100), 100);
    CHECK_EQ(fcntl(a, F_DUPFD, 100), 101);
    CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 100), 102);
    CHECK_EQ(fcntl(102, F_GETFD), FD_CLOEXEC);
    CHECK_ERR(fcntl(a, F_DUPFD, -1), EINVAL);
    CHECK_ERR(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
    CHECK_ERR(dup(-1), EBADF);
    for (int fd = 100; fd <= 102; fd++)
        close(fd);
    close(a);
    close(b);
}

static void close_range_closes_many(void)
{
    int fd = memfd_create("range", 0);
    for (int i = 300; i < 310; i++)
        dup2(fd, i);
    CHECK_OK(close_range(302, 305, 0));
    CHECK_ERR(fcntl(302, F_GETFD), EBADF);
    CHECK_ERR(fcntl(305, F_GETFD), EBADF);
    CHECK_EQ(fcntl(301, F_GETFD), 0);
    CHECK_EQ(fcntl(306, F_GETFD), 0);
    CHECK_OK(close_range(306, 308, CLOSE_RANGE_CLOEXEC));
    CHECK_EQ(fcntl(307, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(309, F_GETFD), 0);
    CHECK_OK(close_range(300, ~0u, 0));
    CHECK_ERR(fcntl(309, F_GETFD), EBADF);
    CHECK_ERR(close_range(10, 5, 0), EINVAL);
    CHECK_ERR(close_range(10, 15, 0x80), EINVAL);
    close(fd);
}

static void ioctls_for_every_descriptor(void)
{
    int fd = memfd_create("ioctl", 0), on = 1;
    CHECK_OK(ioctl(fd, FIOCLEX));
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_OK(ioctl(fd, FIONCLEX));
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    int pipefd[2];
    CHECK_OK(pipe(pipefd));
    CHECK_OK(ioctl(pipefd[0], FIONBIO, &on));
    CHECK_EQ(fcntl(pipefd[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_ERR(ioctl(pipefd[0], FIONBIO, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(ioctl(fd, 0x5401, &on), ENOTTY); /* TCGETS: what isatty asks */
    CHECK_EQ(isatty(fd), 0);
    CHECK_ERR(ioctl(9999, FIOCLEX), EBADF);
    close(pipefd[0]);
    close(pipefd[1]);
    close(fd);
}

static void *open_and_close(void *arg)
{
    long wrong = 0;
    for (int i = 0; i < 500; i++) {
        int fd = open("/dev/null", O_RDWR);
        wrong += fd < 0 || write(fd, "x", 1) != 1;
        int copy = dup(fd);
        wrong += copy < 0 || close(fd) != 0 || close(copy) != 0;
    }
    return (void *)(wrong + 0 * (long)arg);
}

static void threads_share_one_table(void)
{
    pthread_t thread[4];
    long wrong = 0;
    int before = open("/dev/null", O_RDONLY);
    close(before);
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(open_and_close, NULL);
    for (int i = 0; i < 4; i++)
        wrong += (long)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
    int after = open("/dev/null", O_RDONLY);
    CHECK_EQ(after, before); /* none leaked */
    close(after);
}

static int ping[2];

static void *read_one(void *arg)
{
    char c;
    (void)arg;
    return (void *)read(ping[0], &c, 1);
}

/* A descriptor closed while another thread reads from it: the reader keeps the open file. */
static void closing_while_in_use(void)
{
    CHECK_OK(pipe(ping));
    int keep = dup(ping[0]);
    pthread_t thread = thread_start(read_one, NULL);
    sleep_ms(20);
    CHECK_OK(close(ping[0]));
    CHECK_EQ(write(ping[1], "x", 1), 1);
    CHECK_EQ((long)thread_join(thread), 1);
    close(keep);
    close(ping[1]);
}

static void many_descriptors(void)
{
    int fd = memfd_create("many", 0), wrong = 0;
    for (int i = 400; i < 1000; i++)
        wrong += dup2(fd, i) != i;
    CHECK_EQ(wrong, 0);
    CHECK_OK(close_range(400, 999, 0));
    close(fd);
}

/* A call that can't have a descriptor has done nothing: no file is cut or made, no connection lost.
 */
static void nothing_is_done_without_a_descriptor(void)
{
    struct sockaddr_un name = {AF_UNIX, "listener"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct rlimit limit, none;
    CHECK(file_put("kept", "contents"));
    CHECK_OK(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    CHECK_OK(listen(listener, 4));
    CHECK_OK(connect(client, (struct sockaddr *)&name, sizeof(name)));
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
    none = limit;
    none.rlim_cur = 0;
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
    CHECK_ERR(open("kept", O_WRONLY | O_TRUNC), EMFILE);
    CHECK_ERR(open("made", O_WRONLY | O_CREAT, 0600), EMFILE);
    CHECK_ERR(mq_open("/orris-none", O_RDWR | O_CREAT, 0600, NULL), EMFILE);
    CHECK_ERR(accept(listener, NULL, NULL), EMFILE);
    CHECK_ERR(accept(client, NULL, NULL), EMFILE);
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_STR(file_get("kept"), "contents");
    CHECK_ERR(access("made", F_OK), ENOENT);
    CHECK_ERR(mq_unlink("/orris-none"), ENOENT);
    int server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    CHECK_EQ(server, client + 1);
    close(server);
    close(client);
    close(listener);
    unlink("listener");
    unlink("kept");
}

int main(void)
{
    scratch_enter();
    RUN(duplicates_share_the_open_file);
    RUN(dup2_and_dup3);
    RUN(close_range_closes_many);
    RUN(ioctls_for_every_descriptor);
    RUN(threads_share_one_table);
    RUN(closing_while_in_use);
    RUN(many_descriptors);
    RUN(nothing_is_done_without_a_descriptor);
    CHECK(scratch_leave());
    return check_done();
}
