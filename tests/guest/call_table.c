/*
 * Every operation on every kind of descriptor: what Linux answers stands in call_table.h, for root
 * and for a user; tools/call-table makes it from what "call_table print" shows.
 *
 * Each cell has a descriptor of its own, freshly made and without blocking.
 */
#include "tests/guest/call_table.h"

#include <grp.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tests/harness/guest.h"

#define OPEN_PATH 010000000
#define OTHERS_MAX 4
#define TEXT 64
#define USER 1000

/* ---- kinds ---- */

static int others[OTHERS_MAX], other_count; /* what must stay open beside the descriptor */

static int keep(int fd)
{
    others[other_count++] = fd;
    return fd;
}

static void nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int again(int fd, int flags)
{
    char path[TEXT];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_NONBLOCK);
}

static int pipe_end(int end, bool fill)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0)
        return -1;
    keep(ends[!end]);
    if (fill && write(ends[1], "data", 4) != 4)
        return -1;
    return ends[end];
}

static int pipe_empty(void)
{
    return pipe_end(0, false);
}

static int pipe_data(void)
{
    return pipe_end(0, true);
}

static int pipe_write(void)
{
    return pipe_end(1, false);
}

static int pipe_alone(void)
{
    int fd = pipe_end(0, false);
    close(others[--other_count]);
    return fd;
}

static int pipe_broken(void)
{
    int fd = pipe_end(1, false);
    close(others[--other_count]);
    return fd;
}

static int pipe_again_read(void)
{
    return again(keep(pipe_end(0, true)), O_RDONLY);
}

static int pipe_again_write(void)
{
    return again(keep(pipe_end(0, false)), O_WRONLY);
}

static int pipe_again_both(void)
{
    return again(keep(pipe_end(1, true)), O_RDWR);
}

static int fifo(int flags)
{
    unlink("fifo");
    return mkfifo("fifo", 0600) ? -1 : open("fifo", flags | O_NONBLOCK);
}

static int fifo_alone(void)
{
    return fifo(O_RDONLY);
}

static int fifo_both(void)
{
    return fifo(O_RDWR);
}

static int fifo_write(void)
{
    keep(fifo(O_RDONLY));
    return open("fifo", O_WRONLY | O_NONBLOCK);
}

static int an_eventfd(void)
{
    return eventfd(0, EFD_NONBLOCK);
}

static int an_epoll(void)
{
    return epoll_create1(0);
}

/* A user's instances are few, and go some time after they are closed. */
static int an_inotify(void)
{
    int fd = -1;
    for (int i = 0; i < 500 && (fd = inotify_init1(IN_NONBLOCK)) < 0 && errno == EMFILE; i++)
        sleep_ms(10);
    return fd;
}

static int a_signalfd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return signalfd(-1, &set, SFD_NONBLOCK);
}

static int a_timerfd(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
}

static int a_pidfd(void)
{
    return (int)syscall(SYS_pidfd_open, getpid(), O_NONBLOCK);
}

static int pidfd_again(void)
{
    return again(keep(a_pidfd()), O_RDONLY);
}

static int a_queue(void)
{
    mq_unlink("/call_table");
    return mq_open("/call_table", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
}

static int queue_again(void)
{
    return again(keep(a_queue()), O_RDWR);
}

static int a_memfd(void)
{
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    return write(fd, "data", 4) == 4 && lseek(fd, 0, SEEK_SET) == 0 ? fd : -1;
}

static int memfd_sealed(void)
{
    int fd = a_memfd();
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) ? -1 : fd;
}

static int dir(void)
{
    mkdir("dir", 0755);
    return open("dir", O_RDONLY);
}

static int file(int flags)
{
    return file_put("file", "data") ? open("file", flags) : -1;
}

static int file_both(void)
{
    return file(O_RDWR);
}

static int file_read(void)
{
    return file(O_RDONLY);
}

static int file_write(void)
{
    return file(O_WRONLY);
}

static int file_append(void)
{
    return file(O_RDWR | O_APPEND);
}

static int file_path(void)
{
    return file(OPEN_PATH);
}

static int file_unnamed(void)
{
    return open(".", O_TMPFILE | O_RDWR, 0600);
}

static int dir_path(void)
{
    mkdir("dir", 0755);
    return open("dir", OPEN_PATH);
}

static int link_path(void)
{
    return symlink("nowhere", "link") && errno != EEXIST ? -1
                                                         : open("link", OPEN_PATH | O_NOFOLLOW);
}

static int dev_null(void)
{
    return open("/dev/null", O_RDWR);
}

static int dev_zero(void)
{
    return open("/dev/zero", O_RDWR);
}

static int dev_full(void)
{
    return open("/dev/full", O_RDWR);
}

static int dev_urandom(void)
{
    return open("/dev/urandom", O_RDONLY);
}

static int a_pty(bool master)
{
    int ends[2];
    if (openpty(&ends[0], &ends[1], NULL, NULL, NULL) != 0)
        return -1;
    nonblocking(ends[0]);
    nonblocking(ends[1]);
    keep(ends[master]);
    return ends[!master];
}

static int pty_master(void)
{
    return a_pty(true);
}

static int pty_slave(void)
{
    return a_pty(false);
}

static int pair(int type)
{
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    keep(ends[1]);
    return ends[0];
}

static int unix_stream(void)
{
    return pair(SOCK_STREAM);
}

static int unix_datagram(void)
{
    return pair(SOCK_DGRAM);
}

static int unix_alone(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static int tcp_alone(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static int tcp_listening(void)
{
    int fd = tcp_alone();
    return listen(fd, 1) ? -1 : fd;
}

static int tcp_connected(void)
{
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    int listening = keep(tcp_listening()), fd = socket(AF_INET, SOCK_STREAM, 0);
    if (getsockname(listening, (struct sockaddr *)&at, &size) || connect(fd, (void *)&at, size))
        return -1;
    struct pollfd p = {.fd = listening, .events = POLLIN};
    poll(&p, 1, 1000);
    keep(accept(listening, NULL, NULL));
    nonblocking(fd);
    return fd;
}

static int udp(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static int udp6(void)
{
    return socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static int netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
}

static int proc_file(void)
{
    return open("/proc/self/stat", O_RDONLY);
}

static int proc_settable(void)
{
    return open("/proc/self/comm", O_RDWR);
}

static int proc_dir(void)
{
    return open("/proc/self/task", O_RDONLY);
}

static int sys_file(void)
{
    return open("/sys/class/net/lo/addr_len", O_RDONLY);
}

static const struct {
    const char *name;
    int (*make)(void);
    bool shared; /* it is the machine's: nothing about it is changed */
} kinds[] = {
    {"pipe", pipe_empty, false},
    {"pipe_data", pipe_data, false},
    {"pipe_write", pipe_write, false},
    {"pipe_alone", pipe_alone, false},
    {"pipe_broken", pipe_broken, false},
    {"pipe_again_r", pipe_again_read, false},
    {"pipe_again_w", pipe_again_write, false},
    {"pipe_again_rw", pipe_again_both, false},
    {"fifo_alone", fifo_alone, false},
    {"fifo_rw", fifo_both, false},
    {"fifo_write", fifo_write, false},
    {"eventfd", an_eventfd, false},
    {"epoll", an_epoll, false},
    {"inotify", an_inotify, false},
    {"signalfd", a_signalfd, false},
    {"timerfd", a_timerfd, false},
    {"pidfd", a_pidfd, false},
    {"pidfd_again", pidfd_again, false},
    {"mq", a_queue, false},
    {"mq_again", queue_again, false},
    {"memfd", a_memfd, false},
    {"memfd_sealed", memfd_sealed, false},
    {"dir", dir, false},
    {"file", file_both, false},
    {"file_r", file_read, false},
    {"file_w", file_write, false},
    {"file_append", file_append, false},
    {"file_path", file_path, false},
    {"tmpfile", file_unnamed, false},
    {"dir_path", dir_path, false},
    {"link_path", link_path, false},
    {"null", dev_null, true},
    {"zero", dev_zero, true},
    {"full", dev_full, true},
    {"urandom", dev_urandom, true},
    {"ptmx", pty_master, true},
    {"pts", pty_slave, false},
    {"unix", unix_stream, false},
    {"unix_dgram", unix_datagram, false},
    {"unix_alone", unix_alone, false},
    {"tcp_alone", tcp_alone, false},
    {"tcp_listening", tcp_listening, false},
    {"tcp", tcp_connected, false},
    {"udp", udp, false},
    {"udp6", udp6, false},
    {"netlink", netlink, false},
    {"proc_file", proc_file, false},
    {"proc_settable", proc_settable, false},
    {"proc_dir", proc_dir, false},
    {"sys_file", sys_file, true},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- operations: -1 with errno, or a result; some write more into shown ---- */

static char buf[PAGE];
static char shown[TEXT];
static struct iovec range = {buf, 8}, none = {buf, 0};

static long and_close(int fd)
{
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int value_of(int fd, unsigned long request)
{
    int value = 77;
    int result = ioctl(fd, request, &value);
    if (result == 0)
        snprintf(shown, sizeof(shown), "=%d", value);
    return result;
}

static long do_read(int fd)
{
    return read(fd, buf, 8);
}

static long read_nothing(int fd)
{
    return read(fd, buf, 0);
}

static long do_write(int fd)
{
    return write(fd, "12345678", 8);
}

static long write_nothing(int fd)
{
    return write(fd, "", 0);
}

static long do_pread(int fd)
{
    return pread(fd, buf, 8, 1);
}

static long do_pwrite(int fd)
{
    return pwrite(fd, "12345678", 8, 1);
}

static long readv_nothing(int fd)
{
    return readv(fd, &none, 1);
}

static long readv_none(int fd)
{
    return readv(fd, NULL, 0);
}

static long writev_none(int fd)
{
    return writev(fd, NULL, 0);
}

static long preadv_here(int fd)
{
    return preadv2(fd, &range, 1, -1, 0);
}

static long do_preadv(int fd)
{
    return preadv(fd, &range, 1, 0);
}

static long seek_set(int fd)
{
    return lseek(fd, 2, SEEK_SET);
}

static long seek_cur(int fd)
{
    return lseek(fd, 0, SEEK_CUR);
}

static long seek_data(int fd)
{
    return lseek(fd, 0, SEEK_DATA);
}

static long seek_before(int fd)
{
    return lseek(fd, -1, SEEK_SET);
}

static long do_ftruncate(int fd)
{
    return ftruncate(fd, 100);
}

static long do_fallocate(int fd)
{
    return fallocate(fd, 0, 0, 10);
}

static long punch(int fd)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10);
}

static long fadvise(int fd)
{
    errno = posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
    return errno ? -1 : 0;
}

static long fadvise_bad(int fd)
{
    errno = posix_fadvise(fd, 0, 0, 99);
    return errno ? -1 : 0;
}

static long do_readahead(int fd)
{
    return readahead(fd, 0, 10);
}

static long do_fsync(int fd)
{
    return fsync(fd);
}

static long do_fdatasync(int fd)
{
    return fdatasync(fd);
}

static long do_sync_range(int fd)
{
    return sync_file_range(fd, 0, 0, 2);
}

static long do_syncfs(int fd)
{
    return syncfs(fd);
}

static int spare_pipe(int end, bool fill)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0 || (fill && write(ends[1], "spare", 5) != 5))
        abort();
    keep(ends[!end]);
    return keep(ends[end]);
}

static long splice_from(int fd)
{
    return splice(fd, NULL, spare_pipe(1, false), NULL, 8, SPLICE_F_NONBLOCK);
}

static long splice_from_at(int fd)
{
    loff_t at = 1;
    return splice(fd, &at, spare_pipe(1, false), NULL, 8, SPLICE_F_NONBLOCK);
}

static long splice_to(int fd)
{
    return splice(spare_pipe(0, true), NULL, fd, NULL, 8, SPLICE_F_NONBLOCK);
}

static long splice_to_at(int fd)
{
    loff_t at = 1;
    return splice(spare_pipe(0, true), NULL, fd, &at, 8, SPLICE_F_NONBLOCK);
}

static long splice_from_empty(int fd)
{
    return splice(spare_pipe(0, false), NULL, fd, NULL, 8, SPLICE_F_NONBLOCK);
}

static long tee_from(int fd)
{
    return tee(fd, spare_pipe(1, false), 8, SPLICE_F_NONBLOCK);
}

static long tee_to(int fd)
{
    return tee(spare_pipe(0, true), fd, 8, SPLICE_F_NONBLOCK);
}

static long do_vmsplice(int fd)
{
    return vmsplice(fd, &range, 1, SPLICE_F_NONBLOCK);
}

static long vmsplice_none(int fd)
{
    return vmsplice(fd, &none, 1, SPLICE_F_NONBLOCK);
}

static int spare_file(int flags)
{
    if (!file_put("spare", "spare"))
        abort();
    return keep(open("spare", flags));
}

static long sendfile_from(int fd)
{
    return sendfile(spare_file(O_WRONLY), fd, NULL, 8);
}

static long sendfile_from_to_pipe(int fd)
{
    return sendfile(spare_pipe(1, false), fd, NULL, 8);
}

static long sendfile_from_at(int fd)
{
    off_t at = 1;
    return sendfile(spare_file(O_WRONLY), fd, &at, 8);
}

static long sendfile_to(int fd)
{
    return sendfile(fd, spare_file(O_RDONLY), NULL, 8);
}

static long sendfile_nothing(int fd)
{
    return sendfile(fd, spare_file(O_RDONLY), NULL, 0);
}

static long copy_from(int fd)
{
    return copy_file_range(fd, NULL, spare_file(O_WRONLY), NULL, 8, 0);
}

static long copy_to(int fd)
{
    return copy_file_range(spare_file(O_RDONLY), NULL, fd, NULL, 8, 0);
}

static long copy_nothing(int fd)
{
    return copy_file_range(fd, NULL, spare_file(O_WRONLY), NULL, 0, 0);
}

static long map(int fd, int prot, int flags)
{
    void *p = mmap(NULL, PAGE, prot, flags, fd, 0);
    if (p == MAP_FAILED)
        return -1;
    munmap(p, PAGE);
    return 0;
}

static long map_private(int fd)
{
    return map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static long map_shared(int fd)
{
    return map(fd, PROT_READ, MAP_SHARED);
}

static long map_written(int fd)
{
    return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static long map_validate(int fd)
{
    return map(fd, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC);
}

static long do_fstat(int fd)
{
    struct stat st;
    int result = fstat(fd, &st);
    if (result == 0)
        snprintf(shown, sizeof(shown), "=%o", st.st_mode);
    return result;
}

static long stat_links(int fd)
{
    struct stat st;
    int result = fstat(fd, &st);
    if (result == 0)
        snprintf(shown, sizeof(shown), "=%s:%u:%u", st.st_uid == getuid() ? "own" : "others",
                 (unsigned)st.st_blksize, S_ISDIR(st.st_mode) ? 0 : (unsigned)st.st_nlink);
    return result;
}

static long do_fstatfs(int fd)
{
    struct statfs st;
    int result = fstatfs(fd, &st);
    if (result == 0)
        snprintf(shown, sizeof(shown), "=%lx:%ld:%ld", (long)st.f_type, (long)st.f_bsize,
                 (long)st.f_namelen);
    return result;
}

static long do_fchmod(int fd)
{
    return fchmod(fd, 0640);
}

static long chmod_empty(int fd)
{
    return syscall(452 /* fchmodat2 */, fd, "", 0640, AT_EMPTY_PATH);
}

static long do_fchown(int fd)
{
    return fchown(fd, getuid() ? getuid() : USER, getuid() ? getgid() : USER);
}

static long chown_empty(int fd)
{
    return fchownat(fd, "", getuid() ? getuid() : USER, getuid() ? getgid() : USER, AT_EMPTY_PATH);
}

static long chown_unchanged(int fd)
{
    return fchown(fd, (uid_t)-1, (gid_t)-1);
}

static long do_futimens(int fd)
{
    return futimens(fd, NULL);
}

static long times_empty(int fd)
{
    const struct timespec times[2] = {{1, 2}, {3, 4}};
    return utimensat(fd, "", times, AT_EMPTY_PATH);
}

static long link_empty(int fd)
{
    unlink("linked");
    return linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH);
}

static long read_link_empty(int fd)
{
    return readlinkat(fd, "", buf, sizeof(buf));
}

static long stat_empty(int fd)
{
    struct stat st;
    return fstatat(fd, "", &st, AT_EMPTY_PATH);
}

static long access_empty(int fd)
{
    return faccessat(fd, "", R_OK | W_OK, AT_EMPTY_PATH);
}

#define XATTR(space, name)                                                                         \
    static long get_##space(int fd)                                                                \
    {                                                                                              \
        return fgetxattr(fd, name, buf, 16);                                                       \
    }                                                                                              \
    static long set_##space(int fd)                                                                \
    {                                                                                              \
        return fsetxattr(fd, name, "v", 1, 0);                                                     \
    }                                                                                              \
    static long remove_##space(int fd)                                                             \
    {                                                                                              \
        return fremovexattr(fd, name);                                                             \
    }
XATTR(user, "user.a")
XATTR(trusted, "trusted.a")
XATTR(security, "security.a")
XATTR(capability, "security.capability")
XATTR(acl, "system.posix_acl_access")
XATTR(system, "system.a")
XATTR(unknown, "other.a")

static long list_attributes(int fd)
{
    return flistxattr(fd, NULL, 0);
}

static long lock_shared(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB);
}

static long lock_exclusive(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

static long record_lock(int fd, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    return fcntl(fd, command, &lock);
}

static long lock_read(int fd)
{
    return record_lock(fd, F_SETLK, F_RDLCK);
}

static long lock_write(int fd)
{
    return record_lock(fd, F_SETLK, F_WRLCK);
}

static long lock_get(int fd)
{
    return record_lock(fd, F_GETLK, F_WRLCK);
}

static long lock_own_read(int fd)
{
    return record_lock(fd, F_OFD_SETLK, F_RDLCK);
}

static long lock_own_write(int fd)
{
    return record_lock(fd, F_OFD_SETLK, F_WRLCK);
}

static long lock_end(int fd)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_END, .l_len = 1};
    return fcntl(fd, F_SETLK, &lock);
}

static long get_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    snprintf(shown, sizeof(shown), "=%o", flags);
    return flags < 0 ? -1 : 0;
}

static long set_append(int fd)
{
    int result = fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
    if (result == 0)
        get_flags(fd);
    return result;
}

static long set_direct(int fd)
{
    return fcntl(fd, F_SETFL, O_DIRECT | O_NONBLOCK);
}

static long set_noatime(int fd)
{
    return fcntl(fd, F_SETFL, O_NOATIME);
}

static long set_async(int fd)
{
    int result = fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
    if (result == 0)
        get_flags(fd);
    return result;
}

static long set_owner(int fd)
{
    return fcntl(fd, F_SETOWN, getpid());
}

static long set_signal(int fd)
{
    return fcntl(fd, F_SETSIG, SIGUSR1);
}

static long set_descriptor_flags(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static long set_pipe_size(int fd)
{
    return fcntl(fd, F_SETPIPE_SZ, 8192);
}

static long get_pipe_size(int fd)
{
    return fcntl(fd, F_GETPIPE_SZ);
}

static long add_seals(int fd)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
}

static long get_seals(int fd)
{
    return fcntl(fd, F_GET_SEALS);
}

static long notify(int fd)
{
    return fcntl(fd, F_NOTIFY, DN_MODIFY);
}

static long lease_read(int fd)
{
    return fcntl(fd, F_SETLEASE, F_RDLCK);
}

static long lease_write(int fd)
{
    return fcntl(fd, F_SETLEASE, F_WRLCK);
}

static long lease_end(int fd)
{
    return fcntl(fd, F_SETLEASE, F_UNLCK);
}

static long lease_get(int fd)
{
    return fcntl(fd, F_GETLEASE);
}

static long get_hint(int fd)
{
    uint64_t hint = 77;
    return fcntl(fd, F_GET_RW_HINT, &hint);
}

static long set_hint(int fd)
{
    uint64_t hint = RWH_WRITE_LIFE_SHORT;
    return fcntl(fd, F_SET_RW_HINT, &hint);
}

static long unknown_command(int fd)
{
    return fcntl(fd, 4711);
}

static long bytes_there(int fd)
{
    return value_of(fd, FIONREAD);
}

static long bytes_out(int fd)
{
    return value_of(fd, TIOCOUTQ);
}

static long size_of(int fd)
{
    loff_t size = 77;
    return ioctl(fd, FIOQSIZE, &size);
}

static long block_size(int fd)
{
    return value_of(fd, FIGETBSZ);
}

static long map_block(int fd)
{
    return value_of(fd, FIBMAP);
}

static long inode_flags(int fd)
{
    int flags = 0;
    return ioctl(fd, FS_IOC_GETFLAGS, &flags);
}

static long inode_flags_set(int fd)
{
    int flags = FS_NODUMP_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static long inode_version(int fd)
{
    return value_of(fd, FS_IOC_GETVERSION);
}

static long inode_attributes(int fd)
{
    struct fsxattr attr;
    return ioctl(fd, FS_IOC_FSGETXATTR, &attr);
}

static long extents(int fd)
{
    struct {
        uint64_t start, length;
        uint32_t flags, mapped, count, reserved;
    } map = {0, ~0ul, 0, 0, 0, 0};
    return ioctl(fd, 0xc020660b /* FS_IOC_FIEMAP */, &map);
}

static long clone_to(int fd)
{
    return ioctl(fd, FICLONE, spare_file(O_RDONLY));
}

static long set_nonblocking(int fd)
{
    int on = 0;
    int result = ioctl(fd, FIONBIO, &on);
    if (result == 0)
        get_flags(fd);
    return result;
}

static long set_asynchronous(int fd)
{
    int on = 1;
    int result = ioctl(fd, FIOASYNC, &on);
    if (result == 0)
        get_flags(fd);
    return result;
}

static long set_close_on_exec(int fd)
{
    return ioctl(fd, FIOCLEX);
}

static long terminal_settings(int fd)
{
    struct termios settings;
    return ioctl(fd, TCGETS, &settings);
}

static long window_size(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size);
}

static long unknown_request(int fd)
{
    return ioctl(fd, 0x4711, buf);
}

static long do_poll(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    int result = poll(&p, 1, 0);
    snprintf(shown, sizeof(shown), "=%x", p.revents);
    return result;
}

static long epoll_add(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(keep(epoll_create1(0)), EPOLL_CTL_ADD, fd, &event);
}

static long submit(int fd, int opcode)
{
    aio_context_t context = 0;
    struct iocb cb = {.aio_lio_opcode = (uint16_t)opcode,
                      .aio_fildes = (uint32_t)fd,
                      .aio_buf = (uint64_t)(uintptr_t)buf,
                      .aio_nbytes = 8,
                      .aio_offset = 1};
    struct iocb *list[] = {&cb};
    struct io_event event;
    struct timespec soon = {0, 0};
    if (opcode == IOCB_CMD_FSYNC)
        cb.aio_buf = cb.aio_nbytes = (uint64_t)(cb.aio_offset = 0);
    if (syscall(SYS_io_setup, 1, &context) != 0)
        return -1;
    long result = syscall(SYS_io_submit, context, 1, list);
    if (result == 1 && opcode != IOCB_CMD_FSYNC &&
        syscall(SYS_io_getevents, context, 0, 1, &event, &soon) == 1)
        snprintf(shown, sizeof(shown), "=%" PRId64, (int64_t)event.res);
    int error = errno;
    syscall(SYS_io_destroy, context);
    errno = error;
    return result;
}

static long submit_read(int fd)
{
    return submit(fd, IOCB_CMD_PREAD);
}

static long submit_write(int fd)
{
    return submit(fd, IOCB_CMD_PWRITE);
}

static long submit_sync(int fd)
{
    return submit(fd, IOCB_CMD_FSYNC);
}

static long open_below(int fd)
{
    return and_close(openat(fd, "nothing", O_RDONLY));
}

static long open_itself(int fd)
{
    return and_close(again(fd, O_RDONLY));
}

static long open_itself_to_write(int fd)
{
    return and_close(again(fd, O_WRONLY));
}

static long open_itself_to_truncate(int fd)
{
    return and_close(again(fd, O_RDWR | O_TRUNC));
}

static long open_itself_to_create(int fd)
{
    return and_close(again(fd, O_RDWR | O_CREAT));
}

static long open_path_of_itself(int fd)
{
    return and_close(again(fd, OPEN_PATH));
}

static long change_dir(int fd)
{
    int here = open(".", O_RDONLY);
    int result = fchdir(fd), error = errno;
    if (fchdir(here) != 0)
        abort();
    close(here);
    errno = error;
    return result;
}

static long read_names(int fd)
{
    return syscall(SYS_getdents64, fd, buf, sizeof(buf)) < 0 ? -1 : 0;
}

static long handle_of(int fd)
{
    struct {
        struct file_handle head;
        char rest[128];
    } h = {.head.handle_bytes = 0};
    int mount;
    return name_to_handle_at(fd, "", &h.head, &mount, AT_EMPTY_PATH);
}

static long do_bind(int fd)
{
    struct sockaddr_un at = {.sun_family = AF_UNSPEC};
    return bind(fd, (struct sockaddr *)&at, 2);
}

static long do_recv(int fd)
{
    return recv(fd, buf, 8, MSG_DONTWAIT);
}

static long get_type(int fd)
{
    int value = 0;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size);
}

static long timer_get(int fd)
{
    struct itimerspec is;
    return timerfd_gettime(fd, &is);
}

static long watch(int fd)
{
    return inotify_add_watch(fd, "/", IN_OPEN) < 0 ? -1 : 0;
}

static long wait_events(int fd)
{
    struct epoll_event event;
    return epoll_wait(fd, &event, 1, 0);
}

static long new_signals(int fd)
{
    sigset_t set;
    sigemptyset(&set);
    return signalfd(fd, &set, 0) < 0 ? -1 : 0;
}

static long queue_state(int fd)
{
    struct mq_attr attr;
    return mq_getattr(fd, &attr);
}

static long signal_by(int fd)
{
    return syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
}

static long wait_by(int fd)
{
    siginfo_t info;
    return waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
}

static long execute(int fd)
{
    char *const none_of_them[] = {NULL};
    return syscall(SYS_execveat, fd, "", none_of_them, none_of_them, AT_EMPTY_PATH);
}

#define CHANGE(f)                                                                                  \
    {                                                                                              \
#f, f, true                                                                                \
    }
#define OP(f)                                                                                      \
    {                                                                                              \
#f, f, false                                                                               \
    }
#define XATTR_OPS(space) OP(get_##space), CHANGE(set_##space), CHANGE(remove_##space)
static const struct {
    const char *name;
    long (*run)(int fd);
    bool changes; /* what stays when the descriptor is closed */
} ops[] = {
    OP(do_read),
    OP(read_nothing),
    OP(do_write),
    OP(write_nothing),
    OP(do_pread),
    OP(do_pwrite),
    OP(readv_nothing),
    OP(readv_none),
    OP(writev_none),
    OP(preadv_here),
    OP(do_preadv),
    OP(seek_set),
    OP(seek_cur),
    OP(seek_data),
    OP(seek_before),
    OP(do_ftruncate),
    OP(do_fallocate),
    OP(punch),
    OP(fadvise),
    OP(fadvise_bad),
    OP(do_readahead),
    OP(do_fsync),
    OP(do_fdatasync),
    OP(do_sync_range),
    OP(do_syncfs),
    OP(splice_from),
    OP(splice_from_at),
    OP(splice_to),
    OP(splice_to_at),
    OP(splice_from_empty),
    OP(tee_from),
    OP(tee_to),
    OP(do_vmsplice),
    OP(vmsplice_none),
    OP(sendfile_from),
    OP(sendfile_from_to_pipe),
    OP(sendfile_from_at),
    OP(sendfile_to),
    OP(sendfile_nothing),
    OP(copy_from),
    OP(copy_to),
    OP(copy_nothing),
    OP(map_private),
    OP(map_shared),
    OP(map_written),
    OP(map_validate),
    OP(do_fstat),
    OP(stat_links),
    OP(do_fstatfs),
    CHANGE(do_fchmod),
    CHANGE(chmod_empty),
    CHANGE(do_fchown),
    CHANGE(chown_empty),
    OP(chown_unchanged),
    CHANGE(do_futimens),
    CHANGE(times_empty),
    OP(link_empty),
    OP(read_link_empty),
    OP(stat_empty),
    OP(access_empty),
    XATTR_OPS(user),
    XATTR_OPS(trusted),
    XATTR_OPS(security),
    XATTR_OPS(capability),
    XATTR_OPS(acl),
    XATTR_OPS(system),
    XATTR_OPS(unknown),
    OP(list_attributes),
    OP(lock_shared),
    OP(lock_exclusive),
    OP(lock_read),
    OP(lock_write),
    OP(lock_get),
    OP(lock_own_read),
    OP(lock_own_write),
    OP(lock_end),
    OP(get_flags),
    OP(set_append),
    OP(set_direct),
    OP(set_noatime),
    OP(set_async),
    OP(set_owner),
    OP(set_signal),
    OP(set_descriptor_flags),
    OP(set_pipe_size),
    OP(get_pipe_size),
    OP(add_seals),
    OP(get_seals),
    OP(notify),
    OP(lease_read),
    OP(lease_write),
    OP(lease_end),
    OP(lease_get),
    OP(get_hint),
    CHANGE(set_hint),
    OP(unknown_command),
    OP(bytes_there),
    OP(bytes_out),
    OP(size_of),
    OP(block_size),
    OP(map_block),
    OP(inode_flags),
    CHANGE(inode_flags_set),
    OP(inode_version),
    OP(inode_attributes),
    OP(extents),
    OP(clone_to),
    OP(set_nonblocking),
    OP(set_asynchronous),
    OP(set_close_on_exec),
    OP(terminal_settings),
    OP(window_size),
    OP(unknown_request),
    OP(do_poll),
    OP(epoll_add),
    OP(submit_read),
    OP(submit_write),
    OP(submit_sync),
    OP(open_below),
    OP(open_itself),
    OP(open_itself_to_write),
    OP(open_itself_to_truncate),
    OP(open_itself_to_create),
    OP(open_path_of_itself),
    OP(change_dir),
    OP(read_names),
    OP(handle_of),
    OP(do_bind),
    OP(do_recv),
    OP(get_type),
    OP(timer_get),
    OP(watch),
    OP(wait_events),
    OP(new_signals),
    OP(queue_state),
    OP(signal_by),
    OP(wait_by),
    OP(execute),
};
enum { OPS = sizeof(ops) / sizeof(ops[0]) };

/* ---- the table ---- */

/* Closes fd and what was kept open for it. */
static void close_all(int fd)
{
    close(fd);
    while (other_count > 0)
        close(others[--other_count]);
}

/* What comes of an operation: "0", "8=100", "EBADF". */
static const char *outcome(int kind, int op)
{
    static char text[2 * TEXT];
    struct itimerval guard = {.it_value = {2, 0}}, off = {0};
    if (kinds[kind].shared && ops[op].changes)
        return "-";
    errno = 0;
    int fd = kinds[kind].make();
    if (fd < 0) {
        snprintf(text, sizeof(text), "unmade:%s", strerrorname_np(errno));
        close_all(fd);
        return text;
    }
    shown[0] = 0;
    setitimer(ITIMER_REAL, &guard, NULL);
    errno = 0;
    long result = ops[op].run(fd);
    int error = errno;
    setitimer(ITIMER_REAL, &off, NULL);
    if (result == -1)
        snprintf(text, sizeof(text), "%s", strerrorname_np(error));
    else
        snprintf(text, sizeof(text), "%ld%s", result, shown);
    close_all(fd);
    return text;
}

/* Whether a list of words has this one, or "*". */
static bool lists(const char *words, const char *word)
{
    size_t length = strlen(word);
    if (strcmp(words, "*") == 0)
        return true;
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

#define PIDFDS "pidfd pidfd_again"
#define SOCKETS "unix unix_dgram unix_alone tcp_alone tcp_listening tcp udp udp6 netlink"
#define PROC "proc_file proc_settable proc_dir"
#define ANONYMOUS "eventfd epoll inotify signalfd timerfd"
#define DEVICES "null zero full urandom ptmx sys_file"

/* What the guest answers otherwise, or as another Linux: docs/limits.md. */
static const struct {
    const char *ops, *kinds;
} unlike[] = {
    /* Refused, as by a kernel or a filesystem without it. */
    {"lease_read lease_write lease_end notify get_hint set_hint handle_of", "*"},
    {"get_acl set_acl remove_acl", "*"},
    {"clone_to extents size_of map_block inode_flags inode_flags_set inode_attributes", "*"},
    {"set_async set_asynchronous", "*"},
    {"map_private map_shared map_written", "tcp_alone tcp_listening tcp"},
    {"execute", "memfd memfd_sealed tmpfile link_path"},
    {"list_attributes remove_capability remove_security", SOCKETS},
    {"get_user set_user remove_user get_trusted set_trusted remove_trusted get_security "
     "set_security remove_security get_capability set_capability remove_capability get_unknown "
     "set_unknown remove_unknown",
     PIDFDS " " ANONYMOUS " " DEVICES " file_path dir_path link_path"},
    /* A pidfd has no filesystem of its own. */
    {"chmod_empty chown_empty chown_unchanged copy_from copy_nothing copy_to do_fallocate "
     "do_fchmod do_fchown do_fstat do_fstatfs do_ftruncate do_futimens do_pread do_preadv "
     "do_pwrite do_sync_range inode_version open_itself_to_truncate punch sendfile_from_at "
     "times_empty",
     PIDFDS},
    /* The kinds are the same there, the texts and how they are read are not. */
    {"chmod_empty chown_empty do_fchown do_fchmod do_futimens do_fsync do_fdatasync do_pread "
     "do_read "
     "do_preadv preadv_here do_pwrite open_itself_to_create open_itself_to_truncate "
     "open_itself_to_write sendfile_from sendfile_from_at sendfile_from_to_pipe sendfile_to "
     "splice_from splice_from_at splice_from_empty splice_to splice_to_at stat_links block_size "
     "submit_read submit_write submit_sync seek_data",
     PROC},
    {"do_pwrite seek_data bytes_there", "sys_file"},
    {"do_fstat stat_links block_size", "pts"},
    {"seek_data do_futimens", "mq mq_again " ANONYMOUS},
    {"get_flags set_append set_nonblocking", "mq pts"}, /* O_LARGEFILE shows */
    {"bytes_out bytes_there inode_flags inode_version terminal_settings window_size "
     "unknown_request",
     "epoll urandom"},
    {"set_direct", "memfd memfd_sealed"},
    {"link_empty", "*"}, /* Linux 6.10 lets users do so, too */
    {"splice_to", "tcp_listening"},
    {"sendfile_nothing", "pipe_broken"},
    {"write_nothing", "netlink"},
};

static bool compared(const char *op, const char *kind)
{
    for (unsigned i = 0; i < sizeof(unlike) / sizeof(unlike[0]); i++)
        if (lists(unlike[i].ops, op) && lists(unlike[i].kinds, kind))
            return false;
    return true;
}

/* The outcome that a row of the header has for a kind. */
static const char *outcome_of(const char *row, const char *kind)
{
    static char copy[4096];
    char *next;
    snprintf(copy, sizeof(copy), "%s", row ? row : "");
    char *usual = strtok_r(copy, ";", &next);
    for (char *part; (part = strtok_r(NULL, ";", &next));) {
        char *kinds_there = strstr(part, ": ");
        *kinds_there = 0;
        if (lists(kinds_there + 2, kind))
            return part + 1;
    }
    return usual;
}

static void compare_row(const char *who, int op, const char *row)
{
    char name[TEXT];
    int different = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        const char *got, *want = outcome_of(row, kinds[kind].name);
        if (!compared(ops[op].name, kinds[kind].name))
            continue;
        got = outcome(kind, op);
        if (strcmp(got, "-") == 0 || strcmp(got, want) == 0)
            continue;
        printf("# %s: got %s, want %s\n", kinds[kind].name, got, want);
        different++;
    }
    snprintf(name, sizeof(name), "%s, as %s", ops[op].name, who);
    check_report(different == 0, __FILE__, __LINE__, name);
}

static void run_all(bool user, bool print)
{
    const char *who = user ? "user" : "root";
    for (int op = 0; op < OPS; op++) {
        for (int kind = 0; print && kind < KINDS; kind++)
            printf("%s %s %s %s\n", who, ops[op].name, kinds[kind].name, outcome(kind, op));
        if (!print)
            compare_row(who, op, user && expected[op].user ? expected[op].user : expected[op].root);
    }
}

static void ignore(int signo)
{
    (void)signo;
}

static void become_user(void)
{
    mq_unlink("/call_table");
    CHECK_OK(setgroups(0, NULL));
    CHECK_OK(setresgid(USER, USER, USER));
    CHECK_OK(setresuid(USER, USER, USER));
    CHECK_OK(prctl(PR_SET_DUMPABLE, 1)); /* else /proc/self stays root's */
}

static void remove_all(void)
{
    static const char *const names[] = {"fifo", "file", "spare", "link", "linked"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(names[i]);
    rmdir("dir");
    mq_unlink("/call_table");
}

/* A folder on a tmpfs, which is what the table was made on. */
static char folder[] = "/dev/shm/call_table.XXXXXX", below[TEXT];

static void in_a_folder(bool user, bool print)
{
    snprintf(below, sizeof(below), "%s/%s", folder, user ? "user" : "root");
    mkdir(below, 0755);
    if (chdir(below) != 0) {
        printf("Bail out! %s: %s\n", below, strerror(errno));
        exit(2);
    }
    run_all(user, print);
    remove_all();
    CHECK_OK(chdir("/"));
    CHECK_OK(rmdir(below));
}

/* Whether root is what root usually is: a container's may not be. */
static bool has_rights(void)
{
    const unsigned long wanted = 1ul << CAP_SYS_ADMIN | 1ul << CAP_DAC_READ_SEARCH |
                                 1ul << CAP_SETFCAP | 1ul << CAP_SYS_RAWIO | 1ul << CAP_LEASE;
    const char *line = strstr(file_get("/proc/self/status"), "CapEff:");
    return line && (strtoul(line + strlen("CapEff:"), NULL, 16) & wanted) == wanted;
}

int main(int argc, char **argv)
{
    bool print = argc > 1 && strcmp(argv[1], "print") == 0;
    struct sigaction ends_a_wait = {.sa_handler = ignore};
    sigaction(SIGALRM, &ends_a_wait, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    umask(022);
    if (!mkdtemp(folder))
        return 2;
    if (getuid() == 0) {
        if (has_rights())
            in_a_folder(false, print);
        CHECK_OK(chown(folder, USER, USER));
        become_user();
    }
    in_a_folder(true, print);
    CHECK_OK(rmdir(folder));
    return print ? 0 : check_done();
}
