/* Which of two faults a call tells, what it answers when there is nothing to do, and other answers
 * that random calls, compared with Linux, found different (tests/differ/calls.c). */
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "tests/harness/guest.h"

#define NOWHERE ((void *)0xffff800000000000)

static void descriptors_come_before_flags(void)
{
    struct epoll_event event;
    CHECK_ERR(syscall(SYS_accept4, -1, NULL, NULL, 1), EBADF);
    CHECK_ERR(syscall(SYS_sync_file_range, -1, 0, 0, 8), EBADF);
    CHECK_ERR(syscall(SYS_epoll_wait, -1, &event, 0, 0), EBADF);
    struct iovec v = {&event, 4};
    CHECK_ERR(syscall(SYS_preadv2, -1, &v, 1, 0, 0, 0x10000), EBADF);
    CHECK_ERR(syscall(SYS_pwritev2, -1, &v, 1, 0, 0, 0x10000), EBADF);
}

static void memory_comes_before_descriptors(void)
{
    sigset_t set;
    CHECK_ERR(syscall(SYS_recvfrom, -1, NOWHERE, 4, 0, NULL, NULL), EFAULT);
    CHECK_ERR(syscall(SYS_sendto, -1, NOWHERE, 4, 0, NULL, 0), EFAULT);
    CHECK_ERR(syscall(SYS_sendfile, -1, -1, NOWHERE, 4), EFAULT);
    CHECK_ERR(syscall(SYS_signalfd4, -1, NOWHERE, 8, 1), EFAULT);
    CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
    int pipe_ends[2];
    CHECK_OK(pipe(pipe_ends));
    CHECK_ERR(syscall(SYS_connect, pipe_ends[0], NOWHERE, 16), EFAULT);
    CHECK_ERR(syscall(SYS_connect, pipe_ends[0], &set, -1), EINVAL);
    CHECK_ERR(syscall(SYS_connect, pipe_ends[0], &set, 16), ENOTSOCK);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void names_of_attributes_come_before_files(void)
{
    char value[4] = "abc";
    CHECK_ERR(getxattr("nothing", "", value, 4), ERANGE);
    CHECK_ERR(setxattr("nothing", "", value, 4, 0), ERANGE);
    CHECK_ERR(setxattr("nothing", "user.a", value, 4, 4), EINVAL);
    CHECK_ERR(setxattr("nothing", "user.a", NOWHERE, 4, 0), EFAULT);
    CHECK_ERR(removexattr("nothing", NOWHERE), EFAULT);
    CHECK_ERR(fremovexattr(-1, ""), ERANGE);
    CHECK_ERR(fgetxattr(-1, "user.a", value, 4), EBADF);
    int fd = eventfd(0, 0);
    CHECK_ERR(fsetxattr(fd, "none", value, 4, 0), EOPNOTSUPP);
    close(fd);
}

static void nothing_to_do_is_done(void)
{
    char byte;
    struct iovec none = {&byte, 0}, one = {&byte, 1};
    int s[2], p[2];
    CHECK_OK(pipe2(p, O_NONBLOCK));
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(syscall(SYS_tee, -1, -1, 0, 0), 0);
    CHECK_EQ(syscall(SYS_splice, -1, NULL, -1, NULL, 0, 0x1000), 0);
    CHECK_EQ(syscall(SYS_vmsplice, s[0], &none, 1, 0), 0);
    CHECK_EQ(syscall(SYS_process_vm_readv, 99999, &none, 1, &one, 1, 0), 0);
    CHECK_EQ(syscall(SYS_process_vm_writev, 99999, &one, 1, &none, 1, 0), 0);
    CHECK_EQ(read(s[0], &byte, 0), 0);
    CHECK_EQ(readv(s[0], &none, 1), 0);
    CHECK_EQ(writev(p[1], &none, 1), 0);
    CHECK_ERR(syscall(SYS_splice, p[0], &byte, s[0], NULL, 4, 0), ESPIPE);
    for (int i = 0; i < 2; i++) {
        close(s[i]);
        close(p[i]);
    }
}

static void positions_end_at_the_greatest(void)
{
    char buffer[16];
    struct iovec v = {buffer, 8};
    int fd = memfd_create("m", 0), p[2];
    CHECK_ERR(pread(fd, buffer, 8, INT64_MAX), EINVAL);
    CHECK_ERR(preadv(fd, &v, 1, INT64_MAX - 4), EINVAL);
    CHECK_EQ(pread(fd, buffer, 8, INT64_MAX - 8), 0);
    v.iov_len = 0;
    CHECK_EQ(syscall(SYS_preadv2, fd, &v, 1, 0, 0, 0x10000), 0);
    CHECK_OK(pipe(p));
    CHECK_ERR(lseek(p[0], 0, 77), EINVAL);
    CHECK_ERR(lseek(p[0], 0, SEEK_SET), ESPIPE);
    close(fd);
    close(p[0]);
    close(p[1]);
}

static void opening_makes_no_directories_and_has_a_fourth_mode(void)
{
    scratch_enter();
    char byte = 1;
    CHECK_ERR(open("d", O_CREAT | O_DIRECTORY, 0700), EINVAL);
    int fd = open("file", O_CREAT | O_ACCMODE, 0600);
    CHECK_OK(fd);
    CHECK_ERR(read(fd, &byte, 1), EBADF);
    CHECK_ERR(write(fd, &byte, 1), EBADF);
    close(fd);
    CHECK_EQ(flock(-1, LOCK_MAND), 0);
    CHECK_ERR(flock(-1, 99 & ~LOCK_MAND & ~3), EINVAL);
}

static volatile int caught;

static void on_signal(int sig)
{
    caught = sig;
}

static void a_mask_for_no_time_lets_signals_in(void)
{
    sigset_t blocked, none;
    struct timespec now = {0, 0}, soon = {0, 1};
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    signal(SIGUSR1, on_signal);
    CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
    for (int i = 0; i < 2; i++) {
        caught = 0;
        raise(SIGUSR1);
        CHECK_ERR(ppoll(NULL, 0, i ? &soon : &now, &none), EINTR);
        CHECK_EQ(caught, SIGUSR1);
    }
    raise(SIGUSR1);
    CHECK_ERR(pselect(0, NULL, NULL, NULL, &now, &none), EINTR);
    CHECK_OK(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
}

static void datagram_sockets_tell_their_end_to_who_waits(void)
{
    char byte = 1;
    for (int family = 0; family < 2; family++) {
        int s[2] = {-1, -1};
        if (family == 0) {
            CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
        } else {
            struct sockaddr_in in = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons(9)};
            s[0] = socket(AF_INET, SOCK_DGRAM, 0);
            CHECK_OK(connect(s[0], (struct sockaddr *)&in, sizeof(in)));
        }
        CHECK_OK(shutdown(s[0], SHUT_RD));
        CHECK_EQ(recv(s[0], &byte, 1, 0), 0);
        CHECK_ERR(recv(s[0], &byte, 1, MSG_DONTWAIT), EAGAIN);
        close(s[0]);
        close(s[1]);
    }
    int s[2];
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    close(s[1]);
    CHECK_ERR(send(s[0], &byte, 1, 0), ECONNREFUSED);
    CHECK_ERR(send(s[0], &byte, 1, 0), ENOTCONN);
    close(s[0]);
}

static void connected_sockets_stay_so(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "nothing there"};
    socklen_t size = sizeof(in);
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), s[2];
    CHECK_OK(bind(server, (struct sockaddr *)&in, sizeof(in)));
    CHECK_OK(getsockname(server, (struct sockaddr *)&in, &size));
    CHECK_OK(listen(server, 1));
    CHECK_OK(connect(client, (struct sockaddr *)&in, sizeof(in)));
    int peer = accept(server, NULL, NULL);
    CHECK_ERR(connect(client, (struct sockaddr *)&un, 6), EISCONN);
    CHECK_ERR(connect(peer, (struct sockaddr *)&un, 6), EISCONN);
    close(peer);
    char byte;
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    CHECK_OK(shutdown(client, SHUT_RDWR));
    CHECK_ERR(listen(client, 1), EINVAL);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_ERR(connect(s[0], (struct sockaddr *)&un, sizeof(un)), ENOENT);
    close(s[0]);
    close(s[1]);
    close(client);
    close(server);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    if (six >= 0)
        CHECK_ERR(bind(six, (struct sockaddr *)&un, 6), EINVAL);
    close(six);
}

static void positions_that_overflow_are_invalid(void)
{
    char c = 0;
    int in = memfd_create("in", 0), out = memfd_create("out", 0);
    CHECK_OK(ftruncate(in, 10));
    CHECK_ERR(lseek(in, INT64_MAX, SEEK_END), EINVAL);
    CHECK_EQ(lseek(out, INT64_MAX, SEEK_SET), INT64_MAX);
    CHECK_ERR(lseek(out, 1, SEEK_CUR), EINVAL);
    CHECK_ERR(write(out, &c, 1), EINVAL);
    CHECK_ERR(read(out, &c, 1), EINVAL);
    CHECK_EQ(write(out, &c, 0), 0);
    CHECK_ERR(sendfile(out, in, NULL, 8), EINVAL);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
    close(in);
    close(out);
}

static void what_cannot_be_done_comes_before_memory(void)
{
    sigset_t set;
    sigemptyset(&set);
    int fd = signalfd(-1, &set, 0);
    CHECK_ERR(syscall(SYS_writev, fd, KERNEL_ADDRESS, 1), EINVAL);
    CHECK_ERR(syscall(SYS_writev, fd, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_utimensat, fd, "", KERNEL_ADDRESS, 0x4), EFAULT);
    CHECK_ERR(syscall(SYS_utimensat, fd, "", NULL, 0x4), EINVAL);
    close(fd);
}

static void descriptors_without_a_file_have_no_attributes(void)
{
    char list[8];
    int p[2];
    CHECK_OK(pipe(p));
    CHECK_EQ(flistxattr(p[0], list, sizeof(list)), 0);
    CHECK_ERR(flistxattr(-1, list, sizeof(list)), EBADF);
    close(p[0]);
    close(p[1]);
}

static void path_descriptors_are_ready_for_select(void)
{
    int fd = open(".", O_PATH);
    fd_set set;
    struct timeval none = {0, 0};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    CHECK_EQ(select(fd + 1, &set, NULL, NULL, &none), 1);
    CHECK_EQ(select(fd + 1, NULL, &set, NULL, &none), 1);
    close(fd);
    CHECK_ERR(select(fd + 1, &set, NULL, NULL, &none), EBADF);
}

static void a_version_is_read_alone(void)
{
    char *p = pages(2);
    uint32_t *version = (uint32_t *)(p + 4092);
    CHECK_OK(munmap(p + 4096, 4096));
    *version = 7;
    CHECK_ERR(syscall(SYS_capget, version, p), EINVAL);
    CHECK_EQ(*version, 0x20080522);
    CHECK_ERR(syscall(SYS_capget, version, p), EFAULT);
    munmap(p, 4096);
}

static void other_answers(void)
{
    struct stat now;
    CHECK_OK(fstatat(AT_FDCWD, ".", &now, 0x6000 /* AT_STATX_SYNC_TYPE */));
    struct {
        unsigned size;
        int policy;
        unsigned long rest[5];
    } attr = {48, -1, {0}};
    CHECK_ERR(syscall(SYS_sched_setattr, 0x40000000, &attr, 0), EINVAL);
    struct timespec t[2] = {{0, -1}, {0, 0}};
    CHECK_ERR(utimensat(AT_FDCWD, "nothing", t, 0), ENOENT);
    CHECK_ERR(utimensat(AT_FDCWD, ".", t, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pkey_alloc, 1ul << 63, 0), EINVAL);
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    char byte = 1;
    CHECK_ERR(write(fd, &byte, 1), EINVAL);
    CHECK_ERR(read(fd, &byte, 1), EINVAL);
    close(fd);
}

static void nothing_is_direct_without_pages(void)
{
    char path[32];
    int ends[2];
    CHECK_OK(mkfifo("fifo", 0600));
    CHECK_ERR(open("fifo", O_RDWR | O_DIRECT), EINVAL);
    CHECK_OK(unlink("fifo"));
    CHECK_OK(pipe(ends));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    CHECK_ERR(open(path, O_RDWR | O_DIRECT), EINVAL);
    close(ends[0]);
    close(ends[1]);
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK_ERR(readahead(fd, 0, (size_t)-1), EINVAL);
    close(fd);
}

static void limits_are_read_before_they_are_looked_up(void)
{
    unsigned long wrong[2] = {9, 1};
    const int nobody = 0x3fffffff;
    CHECK_ERR(syscall(SYS_setrlimit, 99, 1), EFAULT);
    CHECK_ERR(syscall(SYS_setrlimit, 99, wrong), EINVAL);
    CHECK_ERR(syscall(SYS_prlimit64, nobody, 99, 1, 0), EFAULT);
    CHECK_ERR(syscall(SYS_prlimit64, nobody, 99, wrong, 1), ESRCH);
    CHECK_ERR(syscall(SYS_prlimit64, 0, 99, 0, 1), EINVAL);
    CHECK_ERR(syscall(SYS_prlimit64, 0, 7, wrong, 1), EINVAL);
}

int main(void)
{
    RUN(descriptors_come_before_flags);
    RUN(memory_comes_before_descriptors);
    RUN(names_of_attributes_come_before_files);
    RUN(nothing_to_do_is_done);
    RUN(positions_end_at_the_greatest);
    RUN(opening_makes_no_directories_and_has_a_fourth_mode);
    RUN(a_mask_for_no_time_lets_signals_in);
    RUN(datagram_sockets_tell_their_end_to_who_waits);
    RUN(connected_sockets_stay_so);
    RUN(positions_that_overflow_are_invalid);
    RUN(what_cannot_be_done_comes_before_memory);
    RUN(descriptors_without_a_file_have_no_attributes);
    RUN(path_descriptors_are_ready_for_select);
    RUN(a_version_is_read_alone);
    RUN(other_answers);
    RUN(limits_are_read_before_they_are_looked_up);
    RUN(nothing_is_direct_without_pages);
    return check_done();
}
