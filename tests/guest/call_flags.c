/* Every call that takes flags refuses those it does not know, and knows those it must. */
// CFLAGS: -static-pie -Wno-stringop-overflow -Wno-stringop-overread
#include <dirent.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/harness/guest.h"

#define SYS_FCHMODAT2 452 /* fchmodat2: newer than the headers */
#define ODD (1u << 30)    /* a flag that none of them knows */

static int file, pipes[2];

static void descriptors_made_with_flags(void)
{
    int two[2];
    CHECK_ERR(pipe2(two, ODD), EINVAL);
    CHECK_ERR(pipe2(two, O_APPEND), EINVAL);
    CHECK_ERR(syscall(SYS_eventfd2, 0, ODD), EINVAL);
    CHECK_ERR(epoll_create1(ODD), EINVAL);
    CHECK_ERR(epoll_create1(O_NONBLOCK), EINVAL);
    CHECK_ERR(inotify_init1(ODD), EINVAL);
    CHECK_ERR(dup3(file, 99, ODD), EINVAL);
    CHECK_ERR(dup3(file, 99, O_NONBLOCK), EINVAL);
    CHECK_ERR(dup3(file, file, 0), EINVAL);
    CHECK_ERR(syscall(SYS_memfd_create, "m", ODD >> 10), EINVAL);
}

static void timers_by_descriptor(void)
{
    struct itimerspec t = {0};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, (int)ODD), EINVAL);
    CHECK_ERR(timerfd_create(77, 0), EINVAL);
    CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    CHECK_ERR(timerfd_settime(fd, (int)ODD, &t, NULL), EINVAL);
    CHECK_ERR(timerfd_settime(file, 0, &t, NULL), EINVAL);
    CHECK_ERR(timerfd_gettime(file, &t), EINVAL);
    t.it_value.tv_nsec = 1000000000;
    CHECK_ERR(timerfd_settime(fd, 0, &t, NULL), EINVAL);
    t.it_value.tv_nsec = -1;
    CHECK_ERR(timerfd_settime(fd, 0, &t, NULL), EINVAL);
    close(fd);
    CHECK_ERR(timerfd_gettime(fd, &t), EBADF);
}

static void signals_by_descriptor_are_checked(void)
{
    sigset_t set;
    sigemptyset(&set);
    CHECK_ERR(signalfd(-1, &set, (int)ODD), EINVAL);
    CHECK_ERR(signalfd(file, &set, 0), EINVAL);
    CHECK_ERR(signalfd(4711, &set, 0), EBADF);
    CHECK_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
}

static void older_calls_without_flags(void)
{
    uint64_t mask = 0;
    int fd = (int)syscall(SYS_eventfd, 3);
    uint64_t count = 0;
    CHECK_EQ(read(fd, &count, sizeof(count)), 8);
    CHECK_EQ(count, 3);
    close(fd);
    fd = (int)syscall(SYS_signalfd, -1, &mask, 8);
    CHECK_OK(fd);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
    fd = (int)syscall(SYS_inotify_init);
    CHECK_OK(fd);
    close(fd);
    fd = (int)syscall(SYS_epoll_create, 1);
    CHECK_OK(fd);
    close(fd);
    CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_ERR(syscall(SYS_epoll_create, -1), EINVAL);
}

static void paths_with_flags(void)
{
    struct stat st;
    CHECK_ERR(fstatat(AT_FDCWD, "f", &st, (int)ODD), EINVAL);
    CHECK_ERR(unlinkat(AT_FDCWD, "f", (int)ODD), EINVAL);
    CHECK_ERR(linkat(AT_FDCWD, "f", AT_FDCWD, "g", (int)ODD), EINVAL);
    CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", 0, ODD), EINVAL);
    CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", 8, 0), EINVAL);
    CHECK_ERR(fchownat(AT_FDCWD, "f", 0, 0, (int)ODD), EINVAL);
    CHECK_ERR(syscall(SYS_utimensat, AT_FDCWD, "f", NULL, ODD), EINVAL);
    CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", ODD), EINVAL);
    CHECK_ERR(
        syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE | RENAME_EXCHANGE),
        EINVAL);
    CHECK_ERR(access("f", 8), EINVAL);
}

static void statx_flags(void)
{
    struct statx stx;
    CHECK_ERR(statx(AT_FDCWD, "f", (int)ODD, STATX_ALL, &stx), EINVAL);
    CHECK_ERR(statx(AT_FDCWD, "f", 0, 1u << 31, &stx), EINVAL);
    CHECK_ERR(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &stx),
              EINVAL);
    CHECK_OK(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &stx));
}

static void fchmodat2_follows_or_not(void)
{
    struct stat st;
    CHECK_OK(syscall(SYS_FCHMODAT2, AT_FDCWD, "f", 0600, 0));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_mode & 07777, 0600);
    CHECK_OK(syscall(SYS_FCHMODAT2, AT_FDCWD, "f", 0640, AT_SYMLINK_NOFOLLOW));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_mode & 07777, 0640);
    CHECK_OK(syscall(SYS_FCHMODAT2, file, "", 0644, AT_EMPTY_PATH));
    CHECK_OK(symlink("f", "l"));
    CHECK_ERR(syscall(SYS_FCHMODAT2, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    CHECK_OK(unlink("l"));
    CHECK_ERR(syscall(SYS_FCHMODAT2, AT_FDCWD, "f", 0600, ODD), EINVAL);
    CHECK_ERR(syscall(SYS_FCHMODAT2, AT_FDCWD, "", 0600, 0), ENOENT);
    CHECK_ERR(syscall(SYS_FCHMODAT2, file, "x", 0600, 0), ENOTDIR);
}

static void times_by_the_older_calls(void)
{
    struct timeval times[2] = {{1000, 5}, {2000, 7}};
    struct stat st;
    CHECK_OK(syscall(SYS_futimesat, AT_FDCWD, "f", times));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_atim.tv_sec, 1000);
    CHECK_EQ(st.st_mtim.tv_nsec, 7000);
    times[0].tv_usec = 1000000;
    CHECK_ERR(syscall(SYS_futimesat, AT_FDCWD, "f", times), EINVAL);
    CHECK_ERR(syscall(SYS_utimes, "f", times), EINVAL);
    times[0].tv_usec = -1;
    CHECK_ERR(syscall(SYS_utimes, "f", times), EINVAL);
    CHECK_ERR(syscall(SYS_futimesat, AT_FDCWD, "f", KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(syscall(SYS_futimesat, 4711, "f", NULL), EBADF);
    CHECK_OK(syscall(SYS_futimesat, file, NULL, NULL));
    CHECK_OK(stat("f", &st));
    CHECK(st.st_mtim.tv_sec > 2000);
    CHECK_ERR(syscall(SYS_utime, "nothing", NULL), ENOENT);
}

static void reading_folders_by_the_older_call(void)
{
    struct {
        unsigned long ino, off;
        unsigned short length;
        char name[];
    } * entry;
    char buf[4096] __attribute__((aligned(8)));
    int dir = open(".", O_RDONLY | O_DIRECTORY), files = 0, kinds = 0;
    long n = syscall(SYS_getdents, dir, buf, sizeof(buf));
    CHECK(n > 0);
    for (long at = 0; at < n; at += entry->length) {
        entry = (void *)(buf + at);
        files += strcmp(entry->name, "f") == 0;
        kinds += buf[at + entry->length - 1] == DT_REG;
    }
    CHECK_EQ(files, 1);
    CHECK_EQ(kinds, 1);
    CHECK_EQ(syscall(SYS_getdents, dir, buf, sizeof(buf)), 0);
    CHECK_EQ(lseek(dir, 0, SEEK_SET), 0);
    CHECK_ERR(syscall(SYS_getdents, dir, buf, 8), EINVAL);
    CHECK_ERR(syscall(SYS_getdents, dir, KERNEL_ADDRESS, 4096), EFAULT);
    CHECK_ERR(syscall(SYS_getdents, file, buf, sizeof(buf)), ENOTDIR);
    CHECK_ERR(syscall(SYS_getdents64, dir, buf, 8), EINVAL);
    close(dir);
    CHECK_ERR(syscall(SYS_getdents, dir, buf, sizeof(buf)), EBADF);
}

static void moving_bytes_in_the_kernel(void)
{
    char byte;
    CHECK_ERR(syscall(SYS_copy_file_range, file, NULL, file, NULL, 1, 1), EINVAL);
    CHECK_ERR(splice(pipes[0], NULL, file, NULL, 1, ODD), EINVAL);
    CHECK_ERR(tee(pipes[0], pipes[1], 1, ODD), EINVAL);
    CHECK_ERR(syscall(SYS_vmsplice, pipes[1], NULL, 0, ODD), EINVAL);
    CHECK_ERR(splice(file, NULL, file, NULL, 1, 0), EINVAL); /* neither is a pipe */
    CHECK_ERR(tee(file, pipes[1], 1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sync_file_range, file, 0l, 1l, ODD), EINVAL);
    CHECK_ERR(syscall(SYS_sync_file_range, file, -1l, 1l, 0), EINVAL);
    CHECK_ERR(syscall(SYS_sync_file_range, pipes[0], 0l, 1l, 0), ESPIPE);
    CHECK_ERR(pread(pipes[0], &byte, 1, 0), ESPIPE);
    CHECK_ERR(pread(file, &byte, 1, -1), EINVAL);
}

static void allocating_with_modes(void)
{
    CHECK_ERR(fallocate(file, ODD, 0, 1), EOPNOTSUPP);
    CHECK_ERR(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP); /* needs KEEP_SIZE */
    CHECK_ERR(fallocate(file, 0, -1, 1), EINVAL);
    CHECK_ERR(fallocate(file, 0, 0, 0), EINVAL);
    CHECK_ERR(fallocate(file, 0, 0, -1), EINVAL);
    CHECK_ERR(fallocate(file, 0, LONG_MAX, LONG_MAX), EFBIG);
    CHECK_ERR(fallocate(pipes[1], 0, 0, 1), ESPIPE);
    CHECK_ERR(fallocate(4711, 0, 0, 1), EBADF);
    int readable_only = open("f", O_RDONLY);
    CHECK_ERR(fallocate(readable_only, 0, 0, 1), EBADF);
    close(readable_only);
}

static void vectors_with_flags(void)
{
    char byte;
    struct iovec v = {&byte, 1};
    CHECK_ERR(preadv2(file, &v, 1, 0, (int)ODD), EOPNOTSUPP);
    CHECK_ERR(pwritev2(file, &v, 1, 0, (int)ODD), EOPNOTSUPP);
    CHECK_ERR(preadv2(file, &v, -1, 0, 0), EINVAL);
    CHECK_ERR(readv(file, &v, 1025), EINVAL);
    CHECK_ERR(preadv(file, &v, 1, -1), EINVAL);
    CHECK_EQ(preadv2(file, &v, 1, 0, RWF_HIPRI), 1);
    CHECK_EQ(preadv2(file, &v, 1, 0, RWF_APPEND), 1);
    int ends[2];
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    CHECK_ERR(preadv2(ends[0], &v, 1, -1, RWF_NOWAIT), EAGAIN);
    CHECK_EQ(pwritev2(ends[1], &v, 1, -1, RWF_NOWAIT), 1);
    CHECK_EQ(preadv2(ends[0], &v, 1, -1, RWF_NOWAIT), 1);
    CHECK(preadv2(file, &v, 1, 0, RWF_NOWAIT) == 1 || /* not every filesystem has it */
          errno == EOPNOTSUPP || errno == EAGAIN);
    close(ends[0]);
    close(ends[1]);
}

static void sockets_with_flags(void)
{
    int two[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | (int)ODD, 0), EINVAL);
    CHECK_ERR(socket(AF_UNIX, 77, 0), EINVAL);
    CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
    CHECK_ERR(socket(4711, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM | (int)ODD, 0, two), EINVAL);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, two));
    CHECK_EQ(fcntl(two[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(two[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_ERR(accept4(two[0], NULL, NULL, (int)ODD), EINVAL);
    CHECK_ERR(accept4(two[0], NULL, NULL, 0), EINVAL); /* it does not listen */
    CHECK_ERR(shutdown(two[0], 77), EINVAL);
    CHECK_ERR(listen(file, 1), ENOTSOCK);
    CHECK_ERR(shutdown(file, SHUT_RD), ENOTSOCK);
    CHECK_ERR(getsockname(file, (struct sockaddr *)&name, &(socklen_t){sizeof(name)}), ENOTSOCK);
    CHECK_ERR(send(file, "x", 1, 0), ENOTSOCK);
    close(two[0]);
    close(two[1]);
}

static void memory_with_flags(void)
{
    char *p = pages(1);
    CHECK(mmap(NULL, PAGE, PROT_READ, 0, file, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | (1 << 24), file, 0) == MAP_FAILED &&
          errno == EOPNOTSUPP);
    CHECK_ERR(mprotect(p, PAGE, 0x40), EINVAL);
    CHECK_ERR(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    CHECK(mremap(p, PAGE, PAGE, 0x80) == MAP_FAILED && errno == EINVAL);
    CHECK_ERR(msync(p, PAGE, 0x80), EINVAL);
    CHECK_ERR(madvise(p, PAGE, 4711), EINVAL);
    CHECK_ERR(syscall(SYS_mlock2, p, PAGE, ODD), EINVAL);
    CHECK_ERR(mlockall(0), EINVAL);
    CHECK_ERR(mlockall((int)ODD), EINVAL);
    munmap(p, PAGE);
}

static void random_with_flags(void)
{
    char byte;
    CHECK_ERR(getrandom(&byte, 1, ODD), EINVAL);
    CHECK_ERR(getrandom(&byte, 1, GRND_RANDOM | GRND_INSECURE), EINVAL);
    CHECK_EQ(getrandom(&byte, 1, GRND_NONBLOCK | GRND_RANDOM), 1);
    CHECK_EQ(getrandom(&byte, 1, GRND_INSECURE), 1);
    CHECK_EQ(getrandom(&byte, 0, 0), 0);
}

static void barriers_and_futexes(void)
{
    uint32_t word = 0;
    CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, ODD, 0), EINVAL);
    CHECK_ERR(syscall(SYS_membarrier, 1 << 29, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_futex, &word, 77, 0, NULL, NULL, 0), ENOSYS);
    CHECK_ERR(syscall(SYS_futex, &word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0),
              ENOSYS);
    CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0),
              ENOSYS);
    CHECK_ERR(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
}

static void clocks_and_sleeps(void)
{
    struct timespec ts = {0, 1000000000}, negative = {-1, 0};
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL), EINVAL);
    CHECK_EQ(clock_nanosleep(77, 0, &(struct timespec){0}, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0}, NULL),
              EOPNOTSUPP);
    CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
    CHECK_ERR(clock_gettime(77, &ts), EINVAL);
    CHECK_ERR(clock_getres(77, &ts), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}), EINVAL);
    CHECK_ERR(clock_settime(CLOCK_REALTIME, &(struct timespec){1, -1}), EINVAL);
}

static void interval_timers_are_checked(void)
{
    struct itimerval t = {.it_value = {0, 1000000}};
    struct itimerspec s = {0};
    timer_t timer;
    CHECK_ERR(syscall(SYS_setitimer, 77, &t, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_getitimer, 77, &t), EINVAL);
    CHECK_ERR(setitimer(ITIMER_REAL, &t, NULL), EINVAL);
    struct sigevent event = {.sigev_notify = 77};
    CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    CHECK_ERR(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    CHECK_ERR(timer_create(77, NULL, &timer), EINVAL);
    CHECK_OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    s.it_value.tv_nsec = 1000000000;
    CHECK_ERR(timer_settime(timer, 0, &s, NULL), EINVAL);
    CHECK_OK(timer_delete(timer));
    CHECK_ERR(syscall(SYS_timer_delete, 4711), EINVAL);
    CHECK_ERR(syscall(SYS_timer_gettime, 4711, &s), EINVAL);
    CHECK_ERR(syscall(SYS_timer_getoverrun, 4711), EINVAL);
}

static void polls_are_checked(void)
{
    struct timespec odd = {0, 1000000000};
    struct timeval negative = {-1, 0};
    struct pollfd p = {.fd = file, .events = POLLIN};
    sigset_t set;
    sigemptyset(&set);
    CHECK_ERR(syscall(SYS_ppoll, &p, 1, &odd, NULL, 8), EINVAL);
    CHECK_ERR(syscall(SYS_ppoll, &p, 1, NULL, &set, 4), EINVAL);
    CHECK_ERR(syscall(SYS_select, 0, NULL, NULL, NULL, &negative), EINVAL);
    CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    CHECK_ERR(poll(&p, 1u << 30, 0), EINVAL);
    int epoll = epoll_create1(0);
    struct epoll_event event;
    CHECK_ERR(epoll_wait(epoll, &event, 0, 0), EINVAL);
    CHECK_ERR(epoll_wait(epoll, &event, INT_MAX, 0), EINVAL);
    CHECK_ERR(epoll_wait(file, &event, 1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_epoll_pwait2, epoll, &event, 1, &odd, NULL, 8), EINVAL);
    close(epoll);
}

static void descriptors_are_controlled(void)
{
    struct flock lock = {.l_type = 77};
    CHECK_ERR(fcntl(file, 4711), EINVAL);
    CHECK_ERR(fcntl(file, F_DUPFD, -1), EINVAL);
    CHECK_ERR(fcntl(file, F_DUPFD, INT_MAX), EINVAL);
    CHECK_ERR(fcntl(file, F_SETLK, &lock), EINVAL);
    CHECK_ERR(fcntl(file, F_SETSIG, 65), EINVAL);
    CHECK_ERR(fcntl(file, F_SETPIPE_SZ, 4096), EBADF);
    CHECK_ERR(fcntl(file, F_SETLEASE, 77), EINVAL);
    CHECK_ERR(flock(file, 77), EINVAL);
    CHECK_ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
    CHECK_ERR(syscall(SYS_close_range, 5, 4, ODD), EINVAL);
    CHECK_ERR(lseek(file, 0, 77), EINVAL);
    CHECK_ERR(lseek(file, -1, SEEK_SET), EINVAL);
}

int main(void)
{
    scratch_enter();
    if (!CHECK(file_put("f", "text")) || !CHECK_OK(pipe(pipes)))
        return check_done();
    file = open("f", O_RDWR);
    RUN(descriptors_made_with_flags);
    RUN(timers_by_descriptor);
    RUN(signals_by_descriptor_are_checked);
    RUN(older_calls_without_flags);
    RUN(paths_with_flags);
    RUN(statx_flags);
    RUN(fchmodat2_follows_or_not);
    RUN(times_by_the_older_calls);
    RUN(reading_folders_by_the_older_call);
    RUN(moving_bytes_in_the_kernel);
    RUN(allocating_with_modes);
    RUN(vectors_with_flags);
    RUN(sockets_with_flags);
    RUN(memory_with_flags);
    RUN(random_with_flags);
    RUN(barriers_and_futexes);
    RUN(clocks_and_sleeps);
    RUN(interval_timers_are_checked);
    RUN(polls_are_checked);
    RUN(descriptors_are_controlled);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
