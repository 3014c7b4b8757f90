/* /proc/self/fdinfo: position, flags, mount and inode of each kind of descriptor, and what a kind
 * adds. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>

#include "tests/harness/guest.h"

/* The file's text, until the next call. */
static const char *info(int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    return file_get(path);
}

/* The number after "name:", in that base; -1: there is none. */
static long long field(int fd, const char *name, int base)
{
    char start[64];
    snprintf(start, sizeof(start), "\n%s:", name);
    const char *text = info(fd), *at = text ? strstr(text, start) : NULL;
    if (text && strncmp(text, start + 1, strlen(start) - 1) == 0)
        at = text - 1;
    return at ? strtoll(at + strlen(start), NULL, base) : -1;
}

static bool tells(int fd, const char *line)
{
    const char *text = info(fd);
    bool found = text && strstr(text, line);
    if (!found)
        printf("# \"%s\" is not in:\n# %s\n", line, text);
    return found;
}

static ino_t ino_of(int fd)
{
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    return st.st_ino;
}

/* As the kernel numbers devices inside. */
static unsigned inner_device(int fd)
{
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    return major(st.st_dev) << 20 | minor(st.st_dev);
}

static void files(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    CHECK_EQ(write(fd, "12345", 5), 5);
    CHECK_EQ(field(fd, "pos", 10), 5);
    CHECK_EQ(field(fd, "flags", 8), 02102002);
    CHECK_EQ(field(fd, "ino", 10), ino_of(fd));
    int copy = dup(fd);
    CHECK_EQ(field(copy, "flags", 8), 0102002);
    CHECK_OK(lseek(copy, 1ll << 40, SEEK_SET));
    CHECK_EQ(field(fd, "pos", 10), 1ll << 40);
    CHECK_OK(fcntl(copy, F_SETFL, O_NONBLOCK));
    CHECK_EQ(field(fd, "flags", 8), 02104002);
    close(copy);
    close(fd);
    int folder = open(".", O_RDONLY | O_DIRECTORY), path = open("f", O_PATH);
    CHECK_EQ(field(folder, "flags", 8), 0300000);
    CHECK_EQ(field(path, "flags", 8), 010000000);
    CHECK_EQ(field(path, "pos", 10), 0);
    CHECK_EQ(field(path, "ino", 10), ino_of(path));
    close(folder);
    close(path);
    int memory = memfd_create("m", 0);
    CHECK_EQ(field(memory, "flags", 8), 0100002);
    close(memory);
}

/* The number that mountinfo has for what is mounted at path. */
static int mount_at(const char *path)
{
    char point[256];
    int id = -1, one;
    const char *at = file_get("/proc/self/mountinfo");
    for (; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (sscanf(at, "%d %*d %*s %*s %255s", &one, point) == 2 && strcmp(point, path) == 0)
            id = one; /* the last one covers others */
    return id;
}

static void mounts(void)
{
    int proc = open("/proc/version", O_RDONLY), root = open("/", O_RDONLY), pair[2];
    CHECK_EQ(field(proc, "mnt_id", 10), mount_at("/proc"));
    int root_id = mount_at("/"); /* a chroot need not have one */
    CHECK(root_id == -1 || field(root, "mnt_id", 10) == root_id);
    CHECK_OK(pipe(pair));
    char line[32];
    snprintf(line, sizeof(line), "\n%lld ", field(pair[0], "mnt_id", 10));
    CHECK(field(pair[0], "mnt_id", 10) >= 0 && !strstr(file_get("/proc/self/mountinfo"), line));
    close(pair[0]);
    close(pair[1]);
    close(proc);
    close(root);
}

static void pipes_and_sockets(void)
{
    int pair[2], s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_OK(pipe2(pair, O_CLOEXEC | O_NONBLOCK));
    CHECK_EQ(field(pair[0], "flags", 8), 02004000);
    CHECK_EQ(field(pair[1], "flags", 8), 02004001);
    CHECK_EQ(field(pair[0], "ino", 10), ino_of(pair[0]));
    CHECK_EQ(field(s, "flags", 8), 04002);
    CHECK_EQ(field(s, "ino", 10), ino_of(s));
    close(pair[0]);
    close(pair[1]);
    close(s);
}

static void eventfds(void)
{
    int a = eventfd(0xabc, 0), b = eventfd(0, EFD_NONBLOCK);
    CHECK(tells(a, "eventfd-count:              abc\n"));
    CHECK(tells(b, "eventfd-count:                0\n"));
    CHECK(field(a, "eventfd-id", 10) >= 0);
    CHECK(field(a, "eventfd-id", 10) != field(b, "eventfd-id", 10));
    CHECK_EQ(field(b, "flags", 8), 04002);
    close(a);
    close(b);
}

static void epolls(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, 0), pair[2];
    char line[128];
    CHECK_OK(pipe(pair));
    CHECK(!strstr(info(ep), "tfd:"));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcdef0};
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    snprintf(line, sizeof(line),
             "tfd: %8d events: 80000019 data: 123456789abcdef0  pos:0 ino:%lx sdev:%x\n", fd,
             ino_of(fd), inner_device(fd));
    CHECK(tells(ep, line));
    event.events = EPOLLOUT;
    event.data.u64 = 7;
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, pair[1], &event));
    snprintf(line, sizeof(line), "tfd: %8d events: %8x data: %16x  pos:0 ino:%lx sdev:%x\n",
             pair[1], EPOLLOUT | EPOLLERR | EPOLLHUP, 7, ino_of(pair[1]), inner_device(pair[1]));
    CHECK(tells(ep, line));
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_DEL, pair[1], NULL));
    CHECK(!strstr(info(ep), line));
    close(pair[0]);
    close(pair[1]);
    close(fd);
    close(ep);
}

/* However many there are, all are told. */
static void an_epoll_with_many(void)
{
    enum { MANY = 500 };
    static int fds[MANY];
    int ep = epoll_create1(0), lines = 0;
    for (int i = 0; i < MANY; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        fds[i] = eventfd(0, 0);
        CHECK_EQ(fds[i] >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event) == 0, 1);
    }
    char path[64], buf[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
    FILE *file = fopen(path, "r");
    char line[256];
    while (file && fgets(line, sizeof(line), file))
        lines += strncmp(line, "tfd:", 4) == 0;
    CHECK_EQ(lines, MANY);
    if (file)
        fclose(file);
    int fd = open(path, O_RDONLY); /* also in small pieces */
    long bytes = 0, n;
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        bytes += n;
    CHECK(bytes > MANY * 60);
    close(fd);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    close(ep);
}

static void timerfds(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    CHECK(tells(
        fd, "clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\nit_interval: (0, 0)\n"));
    struct itimerspec set = {.it_value = {100, 7}, .it_interval = {3, 5}};
    CHECK_OK(timerfd_settime(fd, 0, &set, NULL));
    CHECK(tells(fd, "it_value: (99, ") || tells(fd, "it_value: (100, "));
    CHECK(tells(fd, "it_interval: (3, 5)\n"));
    set = (struct itimerspec){.it_value = {1ll << 31, 0}};
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL));
    CHECK(tells(fd, "settime flags: 01\n"));
    set = (struct itimerspec){.it_value = {0, 1000}, .it_interval = {0, 1000}};
    CHECK_OK(timerfd_settime(fd, 0, &set, NULL));
    CHECK_EQ(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10000), 1);
    CHECK(tells(fd, "ticks: 1\nsettime flags: 00\nit_value: (0, 0)\nit_interval: (0, 1000)\n"));
    set = (struct itimerspec){.it_value = {0, 1000}};
    CHECK_OK(timerfd_settime(fd, 0, &set, NULL));
    CHECK_EQ(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10000), 1);
    CHECK(tells(fd, "ticks: 1\n"));
    uint64_t count;
    CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
    CHECK(tells(fd, "ticks: 0\nsettime flags: 00\nit_value: (0, 0)\n"));
    close(fd);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    set = (struct itimerspec){.it_value = {1ll << 33, 0}};
    CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL));
    CHECK(tells(fd, "clockid: 0\nticks: 0\nsettime flags: 03\n"));
    close(fd);
}

static void signalfds(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, 10);
    sigaddset(&set, 63);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(tells(fd, "sigmask:\t4000000000000200\n"));
    close(fd);
}

static void inotifies(void)
{
    int fd = inotify_init1(IN_NONBLOCK), folder = open(".", O_RDONLY),
        file = open("f", O_RDONLY | O_CREAT, 0644);
    char line[128];
    CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE), 1);
    CHECK_EQ(inotify_add_watch(fd, "f", IN_MODIFY | IN_ONESHOT), 2);
    snprintf(line, sizeof(line), "inotify wd:1 ino:%lx sdev:%x mask:300 ignored_mask:0",
             ino_of(folder), inner_device(folder));
    CHECK(tells(fd, line));
    snprintf(line, sizeof(line), "inotify wd:2 ino:%lx sdev:%x mask:80000002 ignored_mask:0",
             ino_of(file), inner_device(file));
    CHECK(tells(fd, line));
    CHECK_OK(inotify_rm_watch(fd, 1));
    CHECK(!strstr(info(fd), "wd:1"));
    close(file);
    close(folder);
    close(fd);
}

static void pidfds(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    CHECK_EQ(field(fd, "Pid", 10), getpid());
    CHECK_EQ(field(fd, "flags", 8), 02000002);
    close(fd);
}

static void locks(void)
{
    int fd = open("locked", O_RDWR | O_CREAT, 0644), other = open("locked", O_RDWR);
    struct stat st;
    char line[128], where[64];
    CHECK_OK(fstat(fd, &st));
    snprintf(where, sizeof(where), "%02x:%02x:%lu", major(st.st_dev), minor(st.st_dev), st.st_ino);
    CHECK(!strstr(info(fd), "lock:"));
    CHECK_OK(flock(fd, LOCK_SH));
    snprintf(line, sizeof(line), "lock:\t1: FLOCK  ADVISORY  READ %d %s 0 EOF\n", getpid(), where);
    CHECK(tells(fd, line));
    CHECK(!strstr(info(other), "lock:"));
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
    CHECK_OK(fcntl(fd, F_SETLK, &range));
    snprintf(line, sizeof(line), "lock:\t2: POSIX  ADVISORY  WRITE %d %s 5 14\n", getpid(), where);
    CHECK(tells(fd, line));
    range = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100};
    CHECK_OK(fcntl(other, F_OFD_SETLK, &range));
    snprintf(line, sizeof(line), "lock:\t1: OFDLCK ADVISORY  READ -1 %s 100 EOF\n", where);
    CHECK(tells(other, line));
    CHECK_OK(flock(fd, LOCK_UN));
    snprintf(line, sizeof(line), "lock:\t1: POSIX  ADVISORY  WRITE %d %s 5 14\n", getpid(), where);
    CHECK(tells(fd, line));
    CHECK(!strstr(info(fd), "FLOCK"));
    close(other); /* the process's locks on the file go with any descriptor of it */
    CHECK(!strstr(info(fd), "lock:"));
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(files);
    RUN(mounts);
    RUN(pipes_and_sockets);
    RUN(eventfds);
    RUN(epolls);
    RUN(an_epoll_with_many);
    RUN(timerfds);
    RUN(signalfds);
    RUN(inotifies);
    RUN(pidfds);
    RUN(locks);
    unlink("f");
    unlink("locked");
    CHECK(scratch_leave());
    return check_done();
}
