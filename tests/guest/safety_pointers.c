/*
 * Every call that takes a pointer is given pointers into the kernel, at the edge of user space,
 * into the null page and beyond canonical addresses: each answers EFAULT (or what it checks
 * before), none reads, writes or dies.
 */
#include <grp.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

#define BAD 0x0bad0badul /* stands for the bad pointer in the table below */

static int in, out, file, dir, sock, epoll, event, timer_fd;
static char page[PAGE] __attribute__((aligned(4096)));

/* Stand for what is only known at run time. */
enum { FD_IN = 0x7100, FD_OUT, FD_FILE, FD_DIR, FD_SOCK, FD_EPOLL, FD_EVENT, FD_TIMER, GOOD, PATH };

static const struct call {
    const char *name;
    long number;
    unsigned long arg[6];
} calls[] = {
    {"read", SYS_read, {FD_FILE, BAD, 16}},
    {"read of a pipe", SYS_read, {FD_IN, BAD, 16}},
    {"read of an eventfd", SYS_read, {FD_EVENT, BAD, 8}},
    {"write", SYS_write, {FD_FILE, BAD, 16}},
    {"write to a pipe", SYS_write, {FD_OUT, BAD, 16}},
    {"write to an eventfd", SYS_write, {FD_EVENT, BAD, 8}},
    {"pread64", SYS_pread64, {FD_FILE, BAD, 16, 0}},
    {"pwrite64", SYS_pwrite64, {FD_FILE, BAD, 16, 0}},
    {"readv", SYS_readv, {FD_FILE, BAD, 1}},
    {"writev", SYS_writev, {FD_FILE, BAD, 1}},
    {"preadv", SYS_preadv, {FD_FILE, BAD, 1}},
    {"pwritev", SYS_pwritev, {FD_FILE, BAD, 1}},
    {"preadv2", SYS_preadv2, {FD_FILE, BAD, 1}},
    {"pwritev2", SYS_pwritev2, {FD_FILE, BAD, 1}},
    {"open", SYS_open, {BAD, O_RDONLY}},
    {"openat", SYS_openat, {FD_DIR, BAD, O_RDONLY}},
    {"openat2", SYS_openat2, {FD_DIR, PATH, BAD, 24}},
    {"creat", SYS_creat, {BAD, 0644}},
    {"stat", SYS_stat, {PATH, BAD}},
    {"stat's path", SYS_stat, {BAD, GOOD}},
    {"lstat", SYS_lstat, {PATH, BAD}},
    {"fstat", SYS_fstat, {FD_FILE, BAD}},
    {"newfstatat", SYS_newfstatat, {FD_DIR, PATH, BAD, 0}},
    {"statx", SYS_statx, {FD_DIR, PATH, 0, 0xfff, BAD}},
    {"statx's path", SYS_statx, {FD_DIR, BAD, 0, 0xfff, GOOD}},
    {"statfs", SYS_statfs, {PATH, BAD}},
    {"fstatfs", SYS_fstatfs, {FD_FILE, BAD}},
    {"access", SYS_access, {BAD, 0}},
    {"faccessat", SYS_faccessat, {FD_DIR, BAD, 0}},
    {"readlink", SYS_readlink, {BAD, GOOD, 100}},
    {"readlinkat", SYS_readlinkat, {FD_DIR, BAD, GOOD, 100}},
    {"getcwd", SYS_getcwd, {BAD, 4096}},
    {"chdir", SYS_chdir, {BAD}},
    {"mkdir", SYS_mkdir, {BAD, 0755}},
    {"mkdirat", SYS_mkdirat, {FD_DIR, BAD, 0755}},
    {"mknodat", SYS_mknodat, {FD_DIR, BAD, 0100644, 0}},
    {"rmdir", SYS_rmdir, {BAD}},
    {"unlink", SYS_unlink, {BAD}},
    {"unlinkat", SYS_unlinkat, {FD_DIR, BAD, 0}},
    {"rename from", SYS_rename, {BAD, PATH}},
    {"rename to", SYS_rename, {PATH, BAD}},
    {"renameat2", SYS_renameat2, {FD_DIR, BAD, FD_DIR, PATH, 0}},
    {"link", SYS_link, {PATH, BAD}},
    {"symlink", SYS_symlink, {BAD, PATH}},
    {"symlinkat", SYS_symlinkat, {PATH, FD_DIR, BAD}},
    {"chmod", SYS_chmod, {BAD, 0644}},
    {"fchmodat", SYS_fchmodat, {FD_DIR, BAD, 0644}},
    {"chown", SYS_chown, {BAD, 0, 0}},
    {"fchownat", SYS_fchownat, {FD_DIR, BAD, 0, 0, 0}},
    {"truncate", SYS_truncate, {BAD, 0}},
    {"utimensat", SYS_utimensat, {FD_DIR, PATH, BAD, 0}},
    {"getdents64", SYS_getdents64, {FD_DIR, BAD, 4096}},
    {"getxattr", SYS_getxattr, {PATH, BAD, GOOD, 10}},
    {"listxattr's path", SYS_listxattr, {BAD, GOOD, 10}},
    {"sendfile", SYS_sendfile, {FD_FILE, FD_FILE, BAD, 1}},
    {"copy_file_range", SYS_copy_file_range, {FD_FILE, BAD, FD_FILE, 0, 1, 0}},
    {"pipe", SYS_pipe, {BAD}},
    {"pipe2", SYS_pipe2, {BAD, 0}},
    {"fcntl F_GETLK", SYS_fcntl, {FD_FILE, F_GETLK, BAD}},
    {"fcntl F_SETLK", SYS_fcntl, {FD_FILE, F_SETLK, BAD}},
    {"ioctl FIONREAD", SYS_ioctl, {FD_IN, 0x541b, BAD}},
    {"ioctl FIONBIO", SYS_ioctl, {FD_IN, 0x5421, BAD}},
    {"poll", SYS_poll, {BAD, 1, 0}},
    {"ppoll", SYS_ppoll, {BAD, 1, 0, 0, 8}},
    {"select", SYS_select, {1, BAD, 0, 0, 0}},
    {"pselect6", SYS_pselect6, {1, 0, BAD, 0, 0, 0}},
    {"select's time", SYS_select, {0, 0, 0, 0, BAD}},
    {"epoll_ctl", SYS_epoll_ctl, {FD_EPOLL, EPOLL_CTL_ADD, FD_IN, BAD}},
    {"epoll_wait", SYS_epoll_wait, {FD_EPOLL, BAD, 4, 0}},
    {"timerfd_gettime", SYS_timerfd_gettime, {FD_TIMER, BAD}},
    {"timerfd_settime", SYS_timerfd_settime, {FD_TIMER, 0, BAD, 0}},
    {"signalfd4", SYS_signalfd4, {-1ul, BAD, 8, 0}},
    {"memfd_create", SYS_memfd_create, {BAD, 0}},
    {"inotify_add_watch", SYS_inotify_add_watch, {FD_EVENT, BAD, 1}},
    {"rt_sigaction new", SYS_rt_sigaction, {SIGUSR1, BAD, 0, 8}},
    {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, BAD, 8}},
    {"rt_sigprocmask new", SYS_rt_sigprocmask, {SIG_BLOCK, BAD, 0, 8}},
    {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, BAD, 8}},
    {"rt_sigpending", SYS_rt_sigpending, {BAD, 8}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {BAD, 0, GOOD, 8}},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {BAD, 8}},
    {"sigaltstack new", SYS_sigaltstack, {BAD, 0}},
    {"sigaltstack old", SYS_sigaltstack, {0, BAD}},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, BAD}},
    {"clock_getres", SYS_clock_getres, {CLOCK_MONOTONIC, BAD}},
    {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, BAD, 0}},
    {"nanosleep", SYS_nanosleep, {BAD, 0}},
    {"gettimeofday", SYS_gettimeofday, {BAD, 0}},
    {"time", SYS_time, {BAD}},
    {"times", SYS_times, {BAD}},
    {"getitimer", SYS_getitimer, {ITIMER_REAL, BAD}},
    {"setitimer", SYS_setitimer, {ITIMER_REAL, BAD, 0}},
    {"timer_create", SYS_timer_create, {CLOCK_MONOTONIC, 0, BAD}},
    {"getrusage", SYS_getrusage, {RUSAGE_SELF, BAD}},
    {"getrlimit", SYS_getrlimit, {RLIMIT_STACK, BAD}},
    {"setrlimit", SYS_setrlimit, {RLIMIT_CORE, BAD}},
    {"prlimit64 old", SYS_prlimit64, {0, RLIMIT_CORE, 0, BAD}},
    {"uname", SYS_uname, {BAD}},
    {"sysinfo", SYS_sysinfo, {BAD}},
    {"getrandom", SYS_getrandom, {BAD, 16, 0}},
    {"getcpu", SYS_getcpu, {BAD, 0}},
    {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, BAD}},
    {"sched_setaffinity", SYS_sched_setaffinity, {0, 128, BAD}},
    {"sched_getparam", SYS_sched_getparam, {0, BAD}},
    {"futex wait", SYS_futex, {BAD, FUTEX_WAIT_PRIVATE, 0, 0}},
    {"futex time-out", SYS_futex, {GOOD, FUTEX_WAIT_PRIVATE, 0, BAD}},
    {"get_robust_list", SYS_get_robust_list, {0, BAD, GOOD}},
    {"clone3", SYS_clone3, {BAD, 88}},
    {"mincore", SYS_mincore, {GOOD, PAGE, BAD}},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, BAD}},
    {"bind", SYS_bind, {FD_SOCK, BAD, 10}},
    {"connect", SYS_connect, {FD_SOCK, BAD, 10}},
    {"sendto", SYS_sendto, {FD_SOCK, BAD, 10, 0, 0, 0}},
    {"recvfrom", SYS_recvfrom, {FD_SOCK, BAD, 10, 0, 0, 0}},
    {"sendmsg", SYS_sendmsg, {FD_SOCK, BAD, 0}},
    {"recvmsg", SYS_recvmsg, {FD_SOCK, BAD, 0}},
    {"getsockname", SYS_getsockname, {FD_SOCK, BAD, GOOD}},
    {"getsockopt", SYS_getsockopt, {FD_SOCK, SOL_SOCKET, SO_TYPE, BAD, GOOD}},
    {"setsockopt", SYS_setsockopt, {FD_SOCK, SOL_SOCKET, SO_RCVBUF, BAD, 4}},
    {"prctl PR_GET_NAME", SYS_prctl, {16, BAD}},
    {"prctl PR_SET_NAME", SYS_prctl, {15, BAD}},
    {"arch_prctl", SYS_arch_prctl, {0x1003, BAD}},
    {"getgroups", SYS_getgroups, {64, BAD}},
    {"setgroups", SYS_setgroups, {2, BAD}},
    {"getresuid", SYS_getresuid, {BAD, GOOD, GOOD}},
    {"capget", SYS_capget, {BAD, 0}},
    {"execve", SYS_execve, {BAD, 0, 0}},
    {"process_vm_readv", SYS_process_vm_readv, {0, BAD, 1, GOOD, 1, 0}},
};

static unsigned long argument(unsigned long arg, unsigned long bad)
{
    switch (arg) {
    case BAD:
        return bad;
    case FD_IN:
        return (unsigned long)in;
    case FD_OUT:
        return (unsigned long)out;
    case FD_FILE:
        return (unsigned long)file;
    case FD_DIR:
        return (unsigned long)dir;
    case FD_SOCK:
        return (unsigned long)sock;
    case FD_EPOLL:
        return (unsigned long)epoll;
    case FD_EVENT:
        return (unsigned long)event;
    case FD_TIMER:
        return (unsigned long)timer_fd;
    case GOOD:
        return (unsigned long)page;
    case PATH:
        return (unsigned long)"f";
    default:
        return arg;
    }
}

/* What else than EFAULT is a right answer: calls that never look at the pointer in this state. */
static bool other_answer(const struct call *call, int error, unsigned long bad)
{
    if (call->number == SYS_process_vm_readv)
        return error == ESRCH;
    if (call->number == SYS_inotify_add_watch || call->number == SYS_openat2)
        return error == EINVAL || error == E2BIG;
    if (call->number == SYS_connect || call->number == SYS_bind)
        return error == EINVAL;
    if (call->number == SYS_listxattr || call->number == SYS_getxattr)
        return error == ERANGE || error == EOPNOTSUPP;
    if (call->number == SYS_times || call->number == SYS_time)
        return false;
    (void)bad;
    return false;
}

static void prepare(void)
{
    int p[2], s[2];
    CHECK_OK(pipe(p));
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(write(p[1], page, 100), 100);
    CHECK_EQ(write(s[1], page, 100), 100);
    in = p[0];
    out = p[1];
    sock = s[0];
    CHECK(file_put("f", "some content that is longer than sixteen bytes"));
    file = open("f", O_RDWR);
    dir = open(".", O_RDONLY | O_DIRECTORY);
    epoll = epoll_create1(0);
    event = eventfd(1, EFD_NONBLOCK);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
    int ready = eventfd(1, 0);
    struct epoll_event e = {.events = EPOLLIN};
    CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &e));
    CHECK_OK(setgroups(2, (gid_t[]){1, 2}));
    memset(page, 0, sizeof(page));
}

static void all_calls_refuse(unsigned long bad)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        unsigned long a[6];
        for (int k = 0; k < 6; k++)
            a[k] = argument(calls[i].arg[k], bad);
        memset(page, 0, sizeof(page));
        if (calls[i].number == SYS_getsockopt || calls[i].number == SYS_getsockname)
            page[0] = 4;
        lseek(file, 0, SEEK_SET);
        eventfd_write(event, 1);
        errno = 0;
        long rc = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
        bool good = rc == -1 && (errno == EFAULT || other_answer(&calls[i], errno, bad));
        if (!good)
            printf("# %s with %#lx: %ld, errno %d (%s)\n", calls[i].name, bad, rc,
                   rc == -1 ? errno : 0, rc == -1 ? strerror(errno) : "-");
        CHECK(good);
    }
}

static void pointers_into_the_kernel(void)
{
    all_calls_refuse(0xffffffff80000000ul);
    all_calls_refuse(0xffff800000000000ul);
}

static void pointers_at_the_edge_of_user_space(void)
{
    all_calls_refuse(0x00007ffffffff000ul);
    all_calls_refuse(0x0000800000000000ul);
}

static void pointers_that_wrap_around(void)
{
    all_calls_refuse(0xfffffffffffffff8ul);
}

static void pointers_beyond_canonical_addresses(void)
{
    all_calls_refuse(0x8000000000000000ul);
}

static void pointers_into_the_null_page(void)
{
    all_calls_refuse(8);
}

static void pointers_to_pages_without_access(void)
{
    char *p = pages(1);
    mprotect(p, PAGE, PROT_NONE);
    all_calls_refuse((unsigned long)p);
    munmap(p, PAGE);
    all_calls_refuse((unsigned long)p);
}

/* The vectors inside a good message header may point anywhere, too. */
static void vectors_with_bad_elements(void)
{
    static const unsigned long bad[] = {0xffffffff80000000ul, 0x8000000000000000ul, 8};
    for (int i = 0; i < 3; i++) {
        struct iovec v[2] = {{page, 4}, {(void *)bad[i], 4}};
        CHECK(pwritev(file, v, 2, 0) <= 4);
        CHECK(preadv(file, v, 2, 0) <= 4);
        struct msghdr m = {.msg_iov = &v[1], .msg_iovlen = 1};
        CHECK_ERR(sendmsg(sock, &m, 0), EFAULT);
        CHECK_ERR(recvmsg(sock, &m, 0), EFAULT);
        m.msg_iov = (struct iovec *)bad[i];
        CHECK_ERR(sendmsg(sock, &m, 0), EFAULT);
        CHECK_ERR(recvmsg(sock, &m, 0), EFAULT);
        v[1].iov_base = page;
        m.msg_iov = &v[1];
        m.msg_control = (void *)bad[i];
        m.msg_controllen = 64;
        CHECK_ERR(sendmsg(sock, &m, 0), EFAULT);
        m.msg_iovlen = 100000;
        CHECK_ERR(sendmsg(sock, &m, 0), EMSGSIZE);
    }
}

/* Lengths that overflow with their address. */
static void lengths_that_wrap_around(void)
{
    CHECK_ERR(syscall(SYS_write, file, page, -1ul), EFAULT);
    CHECK_ERR(syscall(SYS_read, in, KERNEL_ADDRESS, -1ul), EFAULT);
    char *p = pages(2);
    munmap(p + PAGE, PAGE);
    long n = syscall(SYS_getrandom, p, -1ul, 0);
    CHECK(n == (long)PAGE || (n == -1 && errno == EFAULT));
    munmap(p, PAGE);
}

int main(void)
{
    scratch_enter();
    signal(SIGPIPE, SIG_IGN);
    prepare();
    RUN(pointers_into_the_kernel);
    RUN(pointers_at_the_edge_of_user_space);
    RUN(pointers_that_wrap_around);
    RUN(pointers_beyond_canonical_addresses);
    RUN(pointers_into_the_null_page);
    RUN(pointers_to_pages_without_access);
    RUN(vectors_with_bad_elements);
    RUN(lengths_that_wrap_around);
    CHECK_EQ(lseek(file, 0, SEEK_END), 46);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
