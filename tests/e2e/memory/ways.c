/*
 * Ways of taking memory, for tests/e2e/memory_*.sh: each takes one kind of thing until it is
 * refused. `ways --list GROUP` tells their names with what may end them: errors, KILL (the
 * machine's one line and SIGKILL), SIGBUS, or DONE (it needs nothing that lasts). `ways NAME` goes
 * one way, in a machine of its own: on a host it would take all there is, so it asks for
 * --in-a-machine.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB (1ul << 20)

static long count; /* of what was got */
static char block[1 << 20];

/* Each way returns the errno that ended it; 0: it came to its own end. FOREVER counts steps. */
#define FOREVER for (;; count++)
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) == -1)                                                                          \
            return errno;                                                                          \
    } while (0)

/* Names. */

static char path[8192];

static const char *numbered(const char *before)
{
    snprintf(path, sizeof(path), "%s%ld", before, count);
    return path;
}

static int make_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int files(void)
{
    FOREVER TRY(make_file(numbered("/tmp/f")));
}

static int files_of_root(void)
{
    FOREVER TRY(make_file(numbered("/f")));
}

static int files_shm(void)
{
    FOREVER TRY(make_file(numbered("/dev/shm/f")));
}

static int directories(void)
{
    FOREVER TRY(mkdir(numbered("/tmp/d"), 0700));
}

static int directories_nested(void)
{
    FOREVER
    {
        TRY(mkdir("/tmp/d", 0700));
        TRY(chdir("/tmp"));
        TRY(mkdir("/tmp/d/x", 0700));
        TRY(rename("/tmp/d", numbered("/tmp/e")));
    }
}

static int directories_deep(void)
{
    TRY(chdir("/tmp"));
    FOREVER
    {
        TRY(mkdir("d", 0700));
        TRY(chdir("d"));
    }
}

static int links(void)
{
    FOREVER TRY(symlink("target", numbered("/tmp/l")));
}

static int links_long(void)
{
    static char target[4000];
    memset(target, 't', sizeof(target) - 1);
    FOREVER TRY(symlink(target, numbered("/tmp/l")));
}

static const char *long_name(void)
{
    char name[241];
    memset(name, 'n', 240);
    name[240] = 0;
    snprintf(path, sizeof(path), "/tmp/%s%ld", name, count);
    return path;
}

static int names_long(void)
{
    FOREVER TRY(make_file(long_name()));
}

static int names_hard(void)
{
    TRY(make_file("/tmp/file"));
    FOREVER TRY(link("/tmp/file", numbered("/tmp/h")));
}

static int names_exchanged(void)
{
    FOREVER
    {
        TRY(make_file("/tmp/a"));
        TRY(make_file("/tmp/b"));
        TRY(syscall(SYS_renameat2, AT_FDCWD, "/tmp/a", AT_FDCWD, "/tmp/b", 2));
        TRY(rename("/tmp/a", long_name()));
    }
}

static int nodes_fifo(void)
{
    FOREVER TRY(mkfifo(numbered("/tmp/p"), 0600));
}

static int nodes_socket(void)
{
    FOREVER
    {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/s%ld", count);
        int s = socket(AF_UNIX, SOCK_DGRAM, 0);
        TRY(s);
        TRY(bind(s, (struct sockaddr *)&name, sizeof(name)));
        TRY(close(s));
    }
}

static int names_abstract(void)
{
    FOREVER
    {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%090ld", count);
        int s = socket(AF_UNIX, SOCK_DGRAM, 0);
        TRY(s);
        TRY(bind(s, (struct sockaddr *)&name, sizeof(name)));
    }
}

static int names_missing(void)
{
    for (; count < 300000; count++) {
        struct stat st;
        if (stat(long_name(), &st) == 0 || errno != ENOENT)
            return errno;
    }
    return 0;
}

static int names_missing_dirs(void)
{
    for (; count < 20000; count++) {
        struct stat st;
        TRY(mkdir(numbered("/tmp/m"), 0700));
        snprintf(path, sizeof(path), "/tmp/m%ld/none", count);
        if (stat(path, &st) == 0 || errno != ENOENT)
            return errno;
        TRY(rmdir(numbered("/tmp/m")));
    }
    return 0;
}

static int files_made_and_removed(void)
{
    for (; count < 60000; count++) {
        TRY(make_file(long_name()));
        TRY(unlink(path));
    }
    return 0;
}

static int attributes(void)
{
    int fd = open("/tmp/x", O_RDWR | O_CREAT, 0600);
    TRY(fd);
    FOREVER TRY(fsetxattr(fd, numbered("user.x"), block, 16, 0));
}

static int attributes_large(void)
{
    FOREVER
    {
        TRY(make_file(numbered("/tmp/x")));
        TRY(setxattr(path, "user.large", block, 65000, 0));
    }
}

/* Files' data. */

static int fill_file(int fd)
{
    TRY(fd);
    FOREVER TRY(write(fd, block, sizeof(block)));
}

static int data_tmp(void)
{
    return fill_file(open("/tmp/data", O_RDWR | O_CREAT, 0600));
}

static int data_root(void)
{
    return fill_file(open("/data", O_RDWR | O_CREAT, 0600));
}

static int data_memfd(void)
{
    return fill_file(memfd_create("data", 0));
}

static int data_no_name(void)
{
    return fill_file(open("/tmp", O_RDWR | O_TMPFILE, 0600));
}

static int data_everywhere(void)
{
    static const char *const at[] = {"/tmp/d", "/dev/shm/d", "/d", "/run/d"};
    int error = 0;
    for (int i = 0; i < 4; i++)
        error = fill_file(open(at[i], O_RDWR | O_CREAT, 0600));
    return fill_file(memfd_create("data", 0)) ?: error;
}

static int data_small(void)
{
    FOREVER
    {
        int fd = open(numbered("/tmp/f"), O_RDWR | O_CREAT, 0600);
        TRY(fd);
        TRY(write(fd, "x", 1));
        TRY(close(fd));
    }
}

static int data_memfds(void)
{
    FOREVER
    {
        int fd = memfd_create("m", 0);
        TRY(fd);
        TRY(write(fd, block, 100));
    }
}

static int data_holes(void)
{
    int fd = open("/tmp/holes", O_RDWR | O_CREAT, 0600);
    TRY(fd);
    FOREVER TRY(pwrite(fd, "x", 1, count * (long)(64 * MIB)));
}

static int data_allocated(void)
{
    int fd = open("/tmp/allocated", O_RDWR | O_CREAT, 0600);
    TRY(fd);
    FOREVER TRY(fallocate(fd, 0, count * (long)MIB, MIB));
}

static int data_copied(void)
{
    int from = open("/tmp/from", O_RDWR | O_CREAT, 0600),
        to = open("/tmp/to", O_RDWR | O_CREAT, 0600);
    TRY(from);
    TRY(to);
    TRY(write(from, block, MIB));
    FOREVER
    {
        off_t at = 0;
        TRY(copy_file_range(from, &at, to, NULL, MIB, 0));
    }
}

static int data_sent(void)
{
    int from = open("/tmp/from", O_RDWR | O_CREAT, 0600),
        to = open("/tmp/to", O_RDWR | O_CREAT, 0600);
    TRY(from);
    TRY(to);
    TRY(write(from, block, MIB));
    FOREVER
    {
        off_t at = 0;
        TRY(sendfile(to, from, &at, MIB));
    }
}

static int write_mapping(int fd)
{
    TRY(fd);
    TRY(ftruncate(fd, 1l << 30));
    char *p = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return errno;
    for (; count < 1l << 18; count++)
        p[count * (long)PAGE] = 1;
    return 0;
}

static int mapped_file(void)
{
    return write_mapping(open("/tmp/mapped", O_RDWR | O_CREAT, 0600));
}

static int mapped_memfd(void)
{
    return write_mapping(memfd_create("mapped", 0));
}

/* The zero pages of a file's holes, read through a mapping: they need nothing that lasts. */
static int mapped_holes(void)
{
    int fd = open("/tmp/holes", O_RDWR | O_CREAT, 0600);
    TRY(fd);
    TRY(ftruncate(fd, 1l << 28));
    volatile char *p = mmap(NULL, 1ul << 28, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return errno;
    for (int round = 0; round < 2; round++)
        for (size_t at = 0; at < 1ul << 28; at += PAGE, count++)
            (void)p[at];
    return 0;
}

/* The program's own memory. */

static char *pages(size_t size, int flags)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int touch_each(int flags, size_t step, size_t size)
{
    FOREVER
    {
        char *p = pages(size, flags);
        if (!p)
            return errno;
        for (size_t at = 0; at < size; at += step)
            p[at] = 1;
    }
}

static int memory_touched(void)
{
    return touch_each(MAP_PRIVATE, PAGE, MIB);
}

static int memory_shared(void)
{
    return touch_each(MAP_SHARED, PAGE, MIB);
}

static int memory_populated(void)
{
    FOREVER if (!pages(MIB, MAP_PRIVATE | MAP_POPULATE)) return errno;
}

static int memory_sparse(void)
{
    return touch_each(MAP_PRIVATE | MAP_NORESERVE, 2 * MIB, 1ul << 30);
}

static int memory_very_sparse(void)
{
    return touch_each(MAP_PRIVATE | MAP_NORESERVE, 1ul << 30, 1ul << 36);
}

static int memory_locked(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    TRY(setrlimit(RLIMIT_MEMLOCK, &all));
    FOREVER
    {
        char *p = pages(MIB, MAP_PRIVATE);
        if (!p)
            return errno;
        TRY(mlock(p, MIB));
    }
}

static int memory_locked_all(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    TRY(setrlimit(RLIMIT_MEMLOCK, &all));
    TRY(mlockall(MCL_CURRENT | MCL_FUTURE));
    return memory_touched();
}

static int memory_advised(void)
{
    FOREVER
    {
        char *p = pages(MIB, MAP_PRIVATE);
        if (!p)
            return errno;
        TRY(madvise(p, MIB, 23 /* MADV_POPULATE_WRITE */));
    }
}

static int memory_brk(void)
{
    FOREVER
    {
        char *p = sbrk(64 * (long)PAGE);
        if (p == (void *)-1)
            return errno;
        memset(p, 1, 64 * PAGE);
    }
}

static int memory_malloc(void)
{
    FOREVER
    {
        char *p = malloc(5000);
        if (!p)
            return errno;
        memset(p, 1, 5000);
    }
}

static int memory_grown(void)
{
    size_t size = MIB;
    char *p = pages(size, MAP_PRIVATE);
    FOREVER
    {
        p = mremap(p, size, size + MIB, MREMAP_MAYMOVE);
        if (p == MAP_FAILED)
            return errno;
        memset(p + size, 1, MIB);
        size += MIB;
    }
}

static int memory_read_into(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    FOREVER
    {
        char *p = pages(MIB, MAP_PRIVATE);
        if (!p)
            return errno;
        TRY(read(fd, p, MIB));
    }
}

/* Private copies of a file's pages. */
static int memory_copied(void)
{
    int fd = memfd_create("file", 0);
    TRY(write(fd, block, MIB));
    FOREVER
    {
        char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            return errno;
        for (size_t at = 0; at < MIB; at += PAGE)
            p[at] = 1;
    }
}

static void deeper(int left)
{
    volatile char room[8192];
    room[0] = 1;
    if (left > 0)
        deeper(left - 1);
    room[8191] = room[0];
}

static void *use_stack(void *arg)
{
    deeper(119);
    pause();
    return arg;
}

static int threads_of(void *(*run)(void *), size_t stack)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, stack);
    for (;;) {
        int error = pthread_create(&thread, &attr, run, NULL);
        if (error)
            return error;
        count++;
        if (count % 64 == 0)
            sched_yield();
    }
}

static int memory_stacks(void)
{
    return threads_of(use_stack, 2 * MIB);
}

static int deep(int level)
{
    volatile char room[16384];
    room[0] = (char)level;
    count++;
    return level == 0 ? 0 : deep(level - 1) + room[0];
}

static int memory_main_stack(void)
{
    /* The limit is raised for the next exec; what there is of a stack must end, too. */
    return deep(400) & 0;
}

static int memory_areas(void)
{
    FOREVER if (!pages(PAGE, count % 2 ? MAP_SHARED : MAP_PRIVATE)) return errno;
}

static int memory_protections(void)
{
    char *p = pages(4ul << 30, MAP_PRIVATE | MAP_NORESERVE);
    if (!p)
        return errno;
    FOREVER TRY(mprotect(p + 2 * (size_t)count * PAGE, PAGE, PROT_READ));
}

static int memory_file_areas(void)
{
    int fd = memfd_create("file", 0);
    TRY(ftruncate(fd, 2 * PAGE));
    FOREVER
    {
        void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(count % 2 * PAGE));
        if (p == MAP_FAILED)
            return errno;
    }
}

static int memory_named(void)
{
    FOREVER
    {
        char *p = pages(PAGE, MAP_PRIVATE), name[64];
        if (!p)
            return errno;
        snprintf(name, sizeof(name), "a name of some length, %ld", count);
        (void)syscall(SYS_prctl, 0x53564d41, 0, p, PAGE, name);
        TRY(mprotect(p, PAGE, count % 2 ? PROT_READ : PROT_NONE));
    }
}

/* Threads. */

static void *wait_in_pause(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static int threads(void)
{
    return threads_of(wait_in_pause, 16384);
}

static void *wait_in_futex(void *arg)
{
    static int word;
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
    return arg;
}

static int threads_in_futex(void)
{
    return threads_of(wait_in_futex, 16384);
}

static void *wait_in_poll(void *arg)
{
    static struct pollfd many[16384];
    for (;;)
        poll(many, 16384, -1);
    return arg;
}

static int threads_in_poll(void)
{
    return threads_of(wait_in_poll, 16384);
}

static int idle_pipe[2];

static void *wait_in_select(void *arg)
{
    for (;;) {
        unsigned long set[1024] = {0};
        set[0] = 1ul << idle_pipe[0];
        syscall(SYS_select, 65536, set, NULL, NULL, NULL);
    }
    return arg;
}

static int threads_in_select(void)
{
    TRY(pipe(idle_pipe));
    return threads_of(wait_in_select, 32768);
}

static void *wait_in_readv(void *arg)
{
    static struct iovec parts[1024];
    for (int i = 0; i < 1024; i++)
        parts[i] = (struct iovec){block, 1};
    for (;;)
        (void)readv(idle_pipe[0], parts, 1024);
    return arg;
}

static int threads_in_readv(void)
{
    TRY(pipe(idle_pipe));
    return threads_of(wait_in_readv, 16384);
}

static void *wait_in_epoll(void *arg)
{
    int ep = epoll_create1(0);
    struct epoll_event event;
    for (;;)
        epoll_wait(ep, &event, 1, -1);
    return arg;
}

static int threads_in_epoll(void)
{
    return threads_of(wait_in_epoll, 16384);
}

static void *wait_in_sleep(void *arg)
{
    for (;;)
        sleep(1000);
    return arg;
}

static int threads_in_sleep(void)
{
    return threads_of(wait_in_sleep, 16384);
}

static void *use_vectors(void *arg)
{
    volatile double x = 1.5;
    x *= 2;
    char alternate[8192];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    sigaltstack(&stack, NULL);
    for (;;)
        pause();
    return arg;
}

static int threads_with_state(void)
{
    return threads_of(use_vectors, 32768);
}

/* Pipes. */

static int filled(int fd)
{
    TRY(fcntl(fd, F_SETFL, O_NONBLOCK | O_WRONLY));
    while (write(fd, block, 65536) > 0)
        ;
    return errno == EAGAIN ? 0 : errno;
}

#define FILL(fd)                                                                                   \
    do {                                                                                           \
        int error_ = filled(fd);                                                                   \
        if (error_)                                                                                \
            return error_;                                                                         \
    } while (0)

static int pipes(void)
{
    int fds[2];
    FOREVER TRY(pipe(fds));
}

static int pipes_filled(void)
{
    int fds[2];
    FOREVER
    {
        TRY(pipe(fds));
        FILL(fds[1]);
    }
}

static int pipes_large(void)
{
    int fds[2];
    FOREVER
    {
        TRY(pipe(fds));
        TRY(fcntl(fds[1], F_SETPIPE_SZ, MIB));
        FILL(fds[1]);
    }
}

static int pipes_sized(void)
{
    int fds[2];
    FOREVER
    {
        TRY(pipe(fds));
        TRY(fcntl(fds[1], F_SETPIPE_SZ, MIB));
    }
}

static int pipes_packets(void)
{
    int fds[2];
    FOREVER
    {
        TRY(pipe2(fds, O_DIRECT | O_NONBLOCK));
        while (write(fds[1], "x", 1) == 1)
            ;
        if (errno != EAGAIN)
            return errno;
    }
}

static int pipes_named(void)
{
    FOREVER
    {
        TRY(mkfifo(numbered("/tmp/p"), 0600));
        int fd = open(path, O_RDWR | O_NONBLOCK);
        TRY(fd);
        FILL(fd);
    }
}

static int pipes_tee(void)
{
    int first[2], fds[2];
    TRY(pipe(first));
    TRY(write(first[1], block, 65536));
    FOREVER
    {
        TRY(pipe(fds));
        TRY(tee(first[0], fds[1], 65536, SPLICE_F_NONBLOCK));
    }
}

static int pipes_spliced(void)
{
    int fds[2], fd = open("/proc/self/exe", O_RDONLY);
    TRY(fd);
    FOREVER
    {
        off_t at = 0;
        TRY(pipe(fds));
        TRY(splice(fd, &at, fds[1], NULL, 65536, SPLICE_F_NONBLOCK));
    }
}

static int pipes_vmspliced(void)
{
    int fds[2];
    struct iovec part = {block, 65536};
    FOREVER
    {
        TRY(pipe(fds));
        TRY(vmsplice(fds[1], &part, 1, SPLICE_F_NONBLOCK));
    }
}

/* Sockets. */

static int pairs_of(int type, bool fill)
{
    int fds[2];
    FOREVER
    {
        TRY(socketpair(AF_UNIX, type, 0, fds));
        if (!fill)
            continue;
        TRY(fcntl(fds[0], F_SETFL, O_NONBLOCK));
        while (write(fds[0], block, 16384) > 0)
            ;
        if (errno != EAGAIN)
            return errno;
    }
}

static int pairs(void)
{
    return pairs_of(SOCK_STREAM, false);
}

static int pairs_stream(void)
{
    return pairs_of(SOCK_STREAM, true);
}

static int pairs_datagram(void)
{
    return pairs_of(SOCK_DGRAM, true);
}

static int pairs_packet(void)
{
    return pairs_of(SOCK_SEQPACKET, true);
}

static int pairs_small(void)
{
    int fds[2];
    FOREVER
    {
        TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
        TRY(fcntl(fds[0], F_SETFL, O_NONBLOCK));
        while (write(fds[0], "x", 1) > 0)
            ;
        if (errno != EAGAIN)
            return errno;
    }
}

/* Sends fd through a socket. */
static int pass(int to, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control;
    struct iovec part = {block, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return (int)sendmsg(to, &message, MSG_DONTWAIT);
}

/* A chain: each pair is sent through the one before and closed here. */
static int passed_pairs(void)
{
    int last[2], fds[2];
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, last));
    FOREVER
    {
        TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
        TRY(pass(fds[0], last[1]));
        TRY(close(last[1]));
        TRY(close(last[0]));
        memcpy(last, fds, sizeof(fds));
    }
}

/* Pipes that exist only as messages. */
static int passed_pipes(void)
{
    int pair[2] = {-1, -1}, fds[2];
    FOREVER
    {
        if (count % 64 == 0)
            TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
        TRY(pipe(fds));
        FILL(fds[1]);
        TRY(pass(pair[0], fds[0]));
        TRY(close(fds[0]));
        TRY(close(fds[1]));
    }
}

static int unix_waiting(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/listen"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    TRY(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    TRY(listen(listener, 4096));
    FOREVER
    {
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        TRY(s);
        TRY(connect(s, (struct sockaddr *)&name, sizeof(name)));
        if (write(s, block, 4096) < 0 && errno != EAGAIN)
            return errno;
    }
}

static int sockets_of(int family, int type, int protocol)
{
    FOREVER TRY(socket(family, type, protocol));
}

static int sockets_tcp(void)
{
    return sockets_of(AF_INET, SOCK_STREAM, 0);
}

static int sockets_tcp6(void)
{
    return sockets_of(AF_INET6, SOCK_STREAM, 0);
}

static int sockets_udp(void)
{
    return sockets_of(AF_INET, SOCK_DGRAM, 0);
}

static int sockets_raw(void)
{
    return sockets_of(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int sockets_netlink(void)
{
    return sockets_of(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int sockets_unix(void)
{
    return sockets_of(AF_UNIX, SOCK_STREAM, 0);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr =
                                    htonl(INADDR_LOOPBACK + (uint32_t)(count >> 14))};
}

static int tcp_listening(void)
{
    FOREVER
    {
        struct sockaddr_in name = loopback(2000 + (int)(count & 16383));
        int s = socket(AF_INET, SOCK_STREAM, 0);
        TRY(s);
        TRY(bind(s, (struct sockaddr *)&name, sizeof(name)));
        TRY(listen(s, 100));
    }
}

/* Connections; filled: both ways full of bytes that nobody reads. */
static int tcp_pairs(bool fill)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = loopback(2000);
    TRY(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    TRY(listen(listener, 100));
    FOREVER
    {
        int a = socket(AF_INET, SOCK_STREAM, 0);
        TRY(a);
        name = loopback(2000);
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        TRY(connect(a, (struct sockaddr *)&name, sizeof(name)));
        struct pollfd wait = {listener, POLLIN, 0};
        if (poll(&wait, 1, 5000) != 1)
            return ETIMEDOUT;
        int b = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        TRY(b);
        TRY(fcntl(a, F_SETFL, O_NONBLOCK));
        while (fill && write(a, block, 65536) > 0)
            ;
        if (fill && errno != EAGAIN)
            return errno;
    }
}

static int tcp_connected(void)
{
    return tcp_pairs(false);
}

static int tcp_filled(void)
{
    return tcp_pairs(true);
}

static int tcp_not_accepted(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = loopback(2000);
    TRY(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    TRY(listen(listener, 4096));
    for (; count < 20000; count++) {
        int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        TRY(s);
        if (connect(s, (struct sockaddr *)&name, sizeof(name)) && errno != EINPROGRESS)
            return errno;
    }
    return 0;
}

static int udp_filled(void)
{
    FOREVER
    {
        struct sockaddr_in name = loopback(2000 + (int)(count & 16383));
        int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 4 << 20;
        TRY(s);
        TRY(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)));
        TRY(bind(s, (struct sockaddr *)&name, sizeof(name)));
        for (int i = 0; i < 200; i++)
            if (sendto(s, block, 8000, 0, (struct sockaddr *)&name, sizeof(name)) < 0 &&
                errno != EAGAIN)
                return errno;
    }
}

static int udp_small(void)
{
    FOREVER
    {
        struct sockaddr_in name = loopback(2000 + (int)(count & 16383));
        int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        TRY(s);
        TRY(bind(s, (struct sockaddr *)&name, sizeof(name)));
        for (int i = 0; i < 2000; i++)
            if (sendto(s, block, 1, 0, (struct sockaddr *)&name, sizeof(name)) < 0 &&
                errno != EAGAIN)
                return errno;
    }
}

/* What others send and nobody reads: until nobody has come for three seconds. */
static int tcp_unread(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7000)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd wait = {listener, POLLIN, 0};
    TRY(bind(listener, (struct sockaddr *)&name, sizeof(name)));
    TRY(listen(listener, 4096));
    printf("listening\n");
    fflush(stdout);
    for (int ms = 20000; poll(&wait, 1, ms) == 1; ms = 3000, count++)
        TRY(accept(listener, NULL, NULL));
    return 0;
}

static int multicast_groups(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    for (; count < 4000; count++) {
        if (count % 20 == 19) {
            s = socket(AF_INET, SOCK_DGRAM, 0);
            TRY(s);
        }
        struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xe0010000u + (uint32_t)count),
                                 .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
        TRY(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
    }
    return 0;
}

static int netlink_unread(void)
{
    struct {
        struct nlmsghdr head;
        struct rtgenmsg body;
    } request = {{sizeof(request), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    FOREVER
    {
        int s = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
        TRY(s);
        for (int i = 0; i < 64; i++)
            if (send(s, &request, sizeof(request), 0) < 0 && errno != EAGAIN && errno != EBUSY)
                return errno;
    }
}

static int messages_large(void)
{
    int fds[2], size = 8 << 20;
    FOREVER
    {
        TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
        TRY(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
        TRY(fcntl(fds[0], F_SETFL, O_NONBLOCK));
        while (write(fds[0], block, 1 << 17) > 0)
            ;
        if (errno != EAGAIN)
            return errno;
    }
}

/* Descriptors of all kinds. */

static int epolls(void)
{
    FOREVER TRY(epoll_create1(0));
}

static int epoll_items(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = eventfd(0, 0);
    TRY(fd);
    FOREVER
    {
        int ep = epoll_create1(0);
        TRY(ep);
        for (int other = fd; other < fd + 1000; other++) {
            if (count == 0 && other > fd)
                TRY(eventfd(0, 0));
            if (other != ep && epoll_ctl(ep, EPOLL_CTL_ADD, other, &event) && errno != ELOOP &&
                errno != EEXIST && errno != EBADF)
                return errno;
        }
    }
}

static int epoll_nested(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int inner = epoll_create1(0);
    TRY(inner);
    FOREVER
    {
        int outer = epoll_create1(0);
        TRY(outer);
        TRY(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event));
    }
}

static int eventfds(void)
{
    FOREVER TRY(eventfd(0, 0));
}

static int timerfds(void)
{
    struct itimerspec later = {.it_value.tv_sec = 1000};
    FOREVER
    {
        int fd = timerfd_create(CLOCK_MONOTONIC, 0);
        TRY(fd);
        TRY(timerfd_settime(fd, 0, &later, NULL));
    }
}

static int signalfds(void)
{
    sigset_t set;
    sigfillset(&set);
    FOREVER TRY(signalfd(-1, &set, 0));
}

static int inotifies(void)
{
    FOREVER TRY(inotify_init1(0));
}

static int inotify_watches(void)
{
    int fd = inotify_init1(0);
    TRY(fd);
    FOREVER
    {
        TRY(mkdir(numbered("/tmp/w"), 0700));
        TRY(inotify_add_watch(fd, path, IN_ALL_EVENTS));
    }
}

static int sem_sets(void)
{
    FOREVER TRY(semget(IPC_PRIVATE, 1000, IPC_CREAT | 0600));
}

static int sem_undos(void)
{
    struct sembuf op = {0, 1, SEM_UNDO};
    FOREVER
    {
        int id = semget(IPC_PRIVATE, 100, IPC_CREAT | 0600);
        TRY(id);
        TRY(semop(id, &op, 1));
    }
}

static int msg_queues(void)
{
    FOREVER TRY(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

static int msg_texts(void)
{
    static struct {
        long type;
        char text[8000];
    } m = {.type = 1};
    FOREVER
    {
        int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        TRY(id);
        TRY(msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT));
    }
}

static int shm_segments(void)
{
    FOREVER TRY(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600));
}

static int shm_attached(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    TRY(id);
    FOREVER TRY((long)shmat(id, NULL, 0));
}

static int shm_touched(void)
{
    FOREVER
    {
        int id = shmget(IPC_PRIVATE, MIB, IPC_CREAT | 0600);
        TRY(id);
        char *at = shmat(id, NULL, 0);
        TRY((long)at);
        for (size_t i = 0; i < MIB; i += PAGE)
            at[i] = 1;
    }
}

static int message_queues(void)
{
    struct rlimit much = {1ul << 40, 1ul << 40};
    TRY(setrlimit(RLIMIT_MSGQUEUE, &much));
    FOREVER
    {
        int q = mq_open(numbered("/q"), O_CREAT | O_RDWR, 0600, NULL);
        TRY(q);
        close(q);
    }
}

static int message_queues_filled(void)
{
    struct rlimit much = {1ul << 40, 1ul << 40};
    TRY(setrlimit(RLIMIT_MSGQUEUE, &much));
    FOREVER
    {
        int q = mq_open(numbered("/q"), O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL);
        TRY(q);
        while (mq_send(q, block, 8192, 0) == 0)
            continue;
        if (errno != EAGAIN)
            return errno;
        close(q);
    }
}

static int aio_contexts(void)
{
    FOREVER
    {
        aio_context_t ctx = 0;
        TRY(syscall(SYS_io_setup, 1, &ctx));
    }
}

static int aio_polls(void)
{
    aio_context_t ctx = 0;
    struct iocb cb = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN}, *list = &cb;
    int p[2];
    TRY(pipe(p));
    cb.aio_fildes = (unsigned)p[0];
    TRY(syscall(SYS_io_setup, 60000, &ctx));
    FOREVER TRY(syscall(SYS_io_submit, ctx, 1, &list));
}

static int inotify_many(void)
{
    FOREVER
    {
        int fd = inotify_init1(0);
        TRY(fd);
        TRY(inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS));
        TRY(inotify_add_watch(fd, "/", IN_ALL_EVENTS));
    }
}

static int inotify_events(void)
{
    for (; count < 400; count++) {
        int fd = inotify_init1(0);
        TRY(fd);
        TRY(inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS));
    }
    for (; count < 3000; count++) {
        TRY(make_file(long_name()));
        TRY(unlink(path));
    }
    return 0;
}

static int pidfds(void)
{
    FOREVER TRY((int)syscall(SYS_pidfd_open, getpid(), 0));
}

static int terminals(void)
{
    FOREVER TRY(posix_openpt(O_RDWR | O_NOCTTY));
}

static int terminals_filled(void)
{
    FOREVER
    {
        int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
        TRY(fd);
        TRY(unlockpt(fd));
        int other = open(ptsname(fd), O_RDWR | O_NOCTTY | O_NONBLOCK);
        TRY(other);
        while (write(other, block + 1, 4096) > 0)
            ;
        if (errno != EAGAIN)
            return errno;
    }
}

static int opens(void)
{
    FOREVER TRY(open("/proc/self/exe", O_RDONLY));
}

static int opens_of_folders(void)
{
    static char entries[32768];
    FOREVER
    {
        int fd = open("/", O_RDONLY | O_DIRECTORY);
        TRY(fd);
        TRY((int)syscall(SYS_getdents64, fd, entries, sizeof(entries)));
    }
}

static int opens_of_proc(void)
{
    static const char *const names[] = {"/proc/self/maps", "/proc/self/status", "/proc/meminfo",
                                        "/proc/cpuinfo",   "/proc/self/smaps",  "/proc/mounts"};
    static char byte[1];
    FOREVER
    {
        int fd = open(names[count % 6], O_RDONLY);
        TRY(fd);
        TRY((int)read(fd, byte, 1));
    }
}

static int opens_of_sys(void)
{
    FOREVER TRY(open("/sys/devices/system/cpu/online", O_RDONLY));
}

static int opens_path(void)
{
    FOREVER TRY(open("/tmp", O_PATH));
}

static int opens_no_name(void)
{
    FOREVER TRY(open("/tmp", O_RDWR | O_TMPFILE, 0600));
}

static int duplicates(void)
{
    FOREVER TRY(dup(0));
}

static int duplicates_high(void)
{
    FOREVER TRY(fcntl(0, F_DUPFD, (int)(count % 1024) * 1024));
}

/* Timers, signals, locks. */

static int timers(void)
{
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    timer_t timer;
    FOREVER TRY(timer_create(CLOCK_MONOTONIC, &none, &timer));
}

static int timers_fired(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_t timer;
    FOREVER
    {
        TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
        TRY(timer_settime(timer, 0, &soon, NULL));
    }
}

static int signals(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    TRY(setrlimit(RLIMIT_SIGPENDING, &all));
    FOREVER TRY(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}));
}

static int signals_limited(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    FOREVER TRY(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}));
}

static int locks_of(int command)
{
    int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
    TRY(fd);
    FOREVER
    {
        struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * count, .l_len = 1};
        TRY(fcntl(fd, command, &lock));
        if (count % 4096 == 4095) { /* a list of ranges is gone through each time: another file */
            fd = open(numbered("/tmp/locked"), O_RDWR | O_CREAT, 0600);
            TRY(fd);
        }
    }
}

static int locks(void)
{
    return locks_of(F_SETLK);
}

static int locks_open_file(void)
{
    return locks_of(F_OFD_SETLK);
}

static int locks_whole(void)
{
    FOREVER
    {
        int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
        TRY(fd);
        TRY(flock(fd, LOCK_SH));
    }
}

static int leases(void)
{
    FOREVER
    {
        int fd = open(numbered("/tmp/lease"), O_RDONLY | O_CREAT, 0600);
        TRY(fd);
        if (fcntl(fd, F_SETLEASE, F_RDLCK) && errno != EINVAL)
            return errno;
    }
}

/* Several at once. */

/* Takes half of what is free. */
static int half(void)
{
    struct sysinfo info;
    sysinfo(&info);
    char *p = pages(info.freeram / 2, MAP_PRIVATE);
    if (!p)
        return errno;
    memset(p, 1, info.freeram / 2);
    return 0;
}

static int half_then_names(void)
{
    return half() ?: files();
}

static int half_then_data(void)
{
    return half() ?: data_everywhere();
}

static int half_then_threads(void)
{
    return half() ?: threads();
}

static int half_then_pipes(void)
{
    return half() ?: pipes_filled();
}

static int half_then_pairs(void)
{
    return half() ?: pairs_datagram();
}

static int half_then_areas(void)
{
    return half() ?: memory_protections();
}

static int data_then_memory(void)
{
    return data_tmp() == ENOSPC ? memory_touched() : EINVAL;
}

static int data_then_threads(void)
{
    return data_tmp() == ENOSPC ? threads() : EINVAL;
}

static int pipes_then_memory(void)
{
    (void)pipes_filled();
    return memory_touched();
}

static int everything(void)
{
    static int (*const ways[])(void) = {files,          data_tmp,           pipes_filled,
                                        pairs_datagram, epoll_items,        timers,
                                        threads,        memory_protections, memory_touched};
    int error = 0;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        count = 0;
        error = ways[i]();
        printf("# %ld, then %s\n", count, strerrorname_np(error));
    }
    return error;
}

static struct {
    const char *group, *name;
    int (*run)(void);
    const char *ends;
} ways[] = {
#define WAY(group, name, ends)                                                                     \
    {                                                                                              \
#group, #name, name, ends                                                                  \
    }
    WAY(names, files, "ENOSPC"),
    WAY(names, files_of_root, "ENOSPC"),
    WAY(names, files_shm, "ENOSPC"),
    WAY(names, directories, "ENOSPC"),
    WAY(names, directories_nested, "ENOSPC"),
    WAY(names, directories_deep, "ENOSPC"),
    WAY(names, links, "ENOSPC"),
    WAY(names, links_long, "ENOSPC"),
    WAY(names, names_long, "ENOSPC"),
    WAY(names, names_hard, "ENOSPC EMLINK"),
    WAY(names, names_exchanged, "ENOSPC"),
    WAY(names, nodes_fifo, "ENOSPC"),
    WAY(names, nodes_socket, "ENOSPC"),
    WAY(names, names_abstract, "ENFILE ENOMEM"),
    WAY(names, names_missing, "DONE"),
    WAY(names, names_missing_dirs, "DONE"),
    WAY(names, files_made_and_removed, "DONE"),
    WAY(names, attributes, "ENOSPC"),
    WAY(names, attributes_large, "ENOSPC"),
    WAY(names, data_tmp, "ENOSPC"),
    WAY(names, data_root, "ENOSPC"),
    WAY(names, data_memfd, "ENOSPC"),
    WAY(names, data_no_name, "ENOSPC"),
    WAY(names, data_everywhere, "ENOSPC ENOMEM"),
    WAY(names, data_small, "ENOSPC"),
    WAY(names, data_memfds, "ENOSPC ENFILE ENOMEM"),
    WAY(names, data_holes, "ENOSPC EFBIG"),
    WAY(names, data_allocated, "ENOSPC"),
    WAY(names, data_copied, "ENOSPC"),
    WAY(names, data_sent, "ENOSPC"),
    WAY(names, mapped_file, "SIGBUS"),
    WAY(names, mapped_memfd, "SIGBUS"),
    WAY(names, mapped_holes, "DONE"),
    WAY(memory, memory_touched, "KILL"),
    WAY(memory, memory_shared, "KILL SIGBUS"),
    WAY(memory, memory_populated, "KILL"),
    WAY(memory, memory_sparse, "KILL"),
    WAY(memory, memory_very_sparse, "KILL"),
    WAY(memory, memory_locked, "KILL ENOMEM EAGAIN"),
    WAY(memory, memory_locked_all, "KILL ENOMEM EAGAIN"),
    WAY(memory, memory_advised, "KILL ENOMEM EFAULT"),
    WAY(memory, memory_brk, "KILL ENOMEM"),
    WAY(memory, memory_malloc, "KILL ENOMEM"),
    WAY(memory, memory_grown, "KILL ENOMEM"),
    WAY(memory, memory_read_into, "KILL"),
    WAY(memory, memory_copied, "KILL"),
    WAY(memory, memory_stacks, "KILL EAGAIN"),
    WAY(memory, memory_main_stack, "DONE"),
    WAY(memory, memory_areas, "ENOMEM"),
    WAY(memory, memory_protections, "ENOMEM"),
    WAY(memory, memory_file_areas, "ENOMEM"),
    WAY(memory, memory_named, "ENOMEM"),
    WAY(memory, threads, "EAGAIN"),
    WAY(memory, threads_in_futex, "EAGAIN"),
    WAY(memory, threads_in_poll, "EAGAIN"),
    WAY(memory, threads_in_select, "EAGAIN"),
    WAY(memory, threads_in_readv, "EAGAIN"),
    WAY(memory, threads_in_epoll, "EAGAIN"),
    WAY(memory, threads_in_sleep, "EAGAIN"),
    WAY(memory, threads_with_state, "EAGAIN"),
    WAY(memory, half_then_names, "ENOSPC"),
    WAY(memory, half_then_data, "ENOSPC ENOMEM KILL"),
    WAY(memory, half_then_threads, "EAGAIN KILL"),
    WAY(memory, half_then_pipes, "ENFILE ENOMEM"),
    WAY(memory, half_then_pairs, "ENFILE ENOMEM ENOBUFS"),
    WAY(memory, half_then_areas, "ENOMEM"),
    WAY(memory, data_then_memory, "KILL"),
    WAY(memory, data_then_threads, "EAGAIN KILL"),
    WAY(memory, pipes_then_memory, "KILL"),
    WAY(memory, everything, "KILL ENOMEM"),
    WAY(pipes, pipes, "ENFILE ENOMEM"),
    WAY(pipes, pipes_filled, "ENFILE ENOMEM"),
    WAY(pipes, pipes_large, "EPERM ENFILE ENOMEM"),
    WAY(pipes, pipes_sized, "EPERM ENFILE ENOMEM"),
    WAY(pipes, pipes_packets, "ENFILE ENOMEM"),
    WAY(pipes, pipes_named, "ENFILE ENOMEM ENOSPC"),
    WAY(pipes, pipes_tee, "ENFILE ENOMEM"),
    WAY(pipes, pipes_spliced, "ENFILE ENOMEM"),
    WAY(pipes, pipes_vmspliced, "ENFILE ENOMEM"),
    WAY(pipes, pairs, "ENFILE ENOMEM"),
    WAY(pipes, pairs_stream, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, pairs_datagram, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, pairs_packet, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, pairs_small, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, passed_pairs, "ENFILE ENOMEM ENOBUFS ETOOMANYREFS"),
    WAY(pipes, passed_pipes, "ENFILE ENOMEM ENOBUFS ETOOMANYREFS"),
    WAY(pipes, unix_waiting, "ENFILE ENOMEM ENOBUFS EAGAIN"),
    WAY(pipes, sockets_tcp, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, sockets_tcp6, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, sockets_udp, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, sockets_raw, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, sockets_netlink, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, sockets_unix, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, tcp_listening, "ENFILE ENOMEM ENOBUFS EADDRINUSE"),
    WAY(pipes, tcp_connected, "ENFILE ENOMEM ENOBUFS EADDRNOTAVAIL ETIMEDOUT"),
    WAY(pipes, tcp_filled, "ENFILE ENOMEM ENOBUFS ETIMEDOUT"),
    WAY(pipes, tcp_not_accepted, "DONE ENFILE ENOMEM ENOBUFS EADDRNOTAVAIL"),
    WAY(pipes, udp_filled, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, udp_small, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, multicast_groups, "DONE ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, netlink_unread, "ENFILE ENOMEM ENOBUFS"),
    WAY(pipes, messages_large, "ENFILE ENOMEM ENOBUFS"),
    WAY(others, tcp_unread, "DONE ENOMEM"),
    WAY(objects, epolls, "ENFILE ENOMEM"),
    WAY(objects, epoll_items, "ENFILE ENOMEM ENOSPC"),
    WAY(objects, epoll_nested, "ENFILE ENOMEM EINVAL"),
    WAY(objects, eventfds, "ENFILE ENOMEM"),
    WAY(objects, timerfds, "ENFILE ENOMEM"),
    WAY(objects, signalfds, "ENFILE ENOMEM"),
    WAY(objects, inotifies, "EMFILE ENFILE ENOMEM"),
    WAY(objects, inotify_watches, "ENOSPC ENOMEM"),
    WAY(objects, sem_sets, "ENOSPC ENOMEM"),
    WAY(objects, sem_undos, "ENOSPC ENOMEM"),
    WAY(objects, msg_queues, "ENOSPC ENOMEM"),
    WAY(objects, msg_texts, "ENOSPC ENOMEM"),
    WAY(objects, shm_segments, "ENOSPC ENOMEM"),
    WAY(objects, shm_attached, "ENOMEM"),
    WAY(objects, shm_touched, "SIGBUS"),
    WAY(objects, message_queues, "ENOSPC ENOMEM"),
    WAY(objects, message_queues_filled, "ENOSPC ENOMEM"),
    WAY(objects, aio_contexts, "EAGAIN ENOMEM"),
    WAY(objects, aio_polls, "EAGAIN"),
    WAY(objects, inotify_many, "EMFILE ENFILE ENOMEM ENOSPC"),
    WAY(objects, inotify_events, "DONE EMFILE"),
    WAY(objects, pidfds, "ENFILE ENOMEM"),
    WAY(objects, terminals, "ENOSPC ENFILE ENOMEM EIO"),
    WAY(objects, terminals_filled, "ENOSPC ENFILE ENOMEM EIO"),
    WAY(objects, opens, "ENFILE ENOMEM"),
    WAY(objects, opens_of_folders, "ENFILE ENOMEM"),
    WAY(objects, opens_of_proc, "ENFILE ENOMEM"),
    WAY(objects, opens_of_sys, "ENFILE ENOMEM"),
    WAY(objects, opens_path, "ENFILE ENOMEM"),
    WAY(objects, opens_no_name, "ENFILE ENOMEM ENOSPC"),
    WAY(objects, duplicates, "EMFILE ENOMEM"),
    WAY(objects, duplicates_high, "EMFILE ENOMEM"),
    WAY(objects, timers, "EAGAIN"),
    WAY(objects, timers_fired, "EAGAIN"),
    WAY(objects, signals, "EAGAIN"),
    WAY(objects, signals_limited, "EAGAIN"),
    WAY(objects, locks, "ENOLCK ENOMEM ENOSPC"),
    WAY(objects, locks_open_file, "ENOLCK ENOMEM ENOSPC"),
    WAY(objects, locks_whole, "ENFILE ENOLCK ENOMEM"),
    WAY(objects, leases, "ENFILE ENOMEM ENOSPC"),
};
#define COUNT (sizeof(ways) / sizeof(ways[0]))

static const char *way_name;

/* What ended it, and that the program still can do ordinary things. */
static void tell_end(const char *how)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "END %s %ld %s\n", way_name, count, how);
    (void)!write(1, text, (size_t)n);
}

static void bus(int signal)
{
    (void)signal;
    tell_end("SIGBUS");
    _exit(0);
}

/* Descriptors may be all in use: 3 is given up first. */
static bool alive(void)
{
    struct stat st;
    char text[4096];
    struct timespec t = {0, 1000000};
    close(3);
    int fd = open("/proc/self/stat", O_RDONLY);
    bool ok = fd >= 0 && read(fd, text, sizeof(text)) > 0 && close(fd) == 0;
    return ok && stat("/proc/self/exe", &st) == 0 && nanosleep(&t, NULL) == 0 && getpid() > 0;
}

static int go(size_t i)
{
    struct rlimit many = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_NOFILE, &many);
    signal(SIGBUS, bus);
    signal(SIGPIPE, SIG_IGN);
    (void)open("/dev/null", O_RDONLY);
    way_name = ways[i].name;
    int error = ways[i].run();
    tell_end(error ? strerrorname_np(error) : "DONE");
    bool ok = alive();
    printf(ok ? "ALIVE\n" : "NOT ALIVE: %m\n");
    fflush(stdout);
    _exit(!ok);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < COUNT; i++)
            if (strcmp(ways[i].group, argv[2]) == 0)
                printf("%s %s\n", ways[i].name, ways[i].ends);
        return 0;
    }
    for (size_t i = 0; argc == 3 && strcmp(argv[1], "--in-a-machine") == 0 && i < COUNT; i++)
        if (strcmp(ways[i].name, argv[2]) == 0)
            return go(i);
    fprintf(stderr, "ways --list GROUP | --in-a-machine NAME\n");
    return 2;
}
