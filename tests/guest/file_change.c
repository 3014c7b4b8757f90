/* Changing the tree and what is in it: nothing is lost, and each answer is Linux's. */
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

static int exchange(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void exchanged_directories_keep_what_is_below(void)
{
    mkdir("d", 0755);
    mkdir("e", 0755);
    CHECK(file_put("d/x", "dx") && file_put("e/y", "ey"));
    CHECK_OK(exchange("d", "e"));
    CHECK_STR(file_get("d/y"), "ey");
    CHECK_STR(file_get("e/x"), "dx");
    CHECK_ERR(access("d/x", F_OK), ENOENT);
    CHECK_ERR(access("e/y", F_OK), ENOENT);
    CHECK(file_put("e/z", "ez"));
    CHECK_OK(exchange("e", "d/y")); /* with a file */
    CHECK_STR(file_get("d/y/x"), "dx");
    CHECK_STR(file_get("d/y/z"), "ez");
    CHECK_STR(file_get("e"), "ey");
    CHECK_ERR(exchange("d", "d/y"), EINVAL);
    CHECK_ERR(exchange("d/y", "none"), ENOENT);
    unlink("d/y/x");
    unlink("d/y/z");
    CHECK_OK(rmdir("d/y"));
    CHECK_OK(rmdir("d"));
    CHECK_OK(unlink("e"));
}

static void a_whiteout_marks_the_old_name(void)
{
    struct stat st;
    CHECK(file_put("a", "A") && file_put("b", "B"));
    CHECK_OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT));
    CHECK_STR(file_get("b"), "A");
    CHECK_OK(stat("a", &st));
    CHECK(S_ISCHR(st.st_mode) && major(st.st_rdev) == 0 && minor(st.st_rdev) == 0);
    CHECK_ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "a", RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
    CHECK_ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "a", RENAME_WHITEOUT | RENAME_NOREPLACE), EEXIST);
    unlink("a");
    unlink("b");
}

static int link_fd(int fd, const char *to)
{
    char from[64];
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

static void exclusive_unnamed_files_get_no_name(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600),
        exclusive = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CHECK_OK(link_fd(fd, "named"));
    CHECK_OK(unlink("named"));
    CHECK_ERR(link_fd(fd, "again"), ENOENT); /* deleted now, as any file */
    CHECK_ERR(link_fd(exclusive, "never"), ENOENT);
    close(fd);
    close(exclusive);
    CHECK(file_put("gone", ""));
    fd = open("gone", O_RDWR);
    unlink("gone");
    CHECK_ERR(link_fd(fd, "back"), ENOENT);
    close(fd);
}

static int open_so(const char *path, int flags, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)flags, .mode = flags & O_CREAT ? 0600 : 0};
    how.resolve = resolve;
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void links_to_objects_can_be_refused(void)
{
    CHECK(file_put("f", "F"));
    symlink("f", "plain");
    symlink("made", "dangling");
    symlink("../made", "out");
    int fd = open("f", O_RDONLY);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_OK(open_so(path, O_RDONLY, 0));
    CHECK_ERR(open_so(path, O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    CHECK_ERR(open_so(path, O_RDWR | O_CREAT, RESOLVE_NO_MAGICLINKS), ELOOP);
    CHECK_OK(open_so("plain", O_RDONLY, RESOLVE_NO_MAGICLINKS));
    CHECK_OK(open_so("plain", O_RDWR | O_CREAT, RESOLVE_BENEATH));
    CHECK_OK(open_so("dangling", O_RDWR | O_CREAT, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
    CHECK_OK(unlink("made"));
    CHECK_ERR(open_so("dangling", O_RDWR | O_CREAT, RESOLVE_NO_SYMLINKS), ELOOP);
    CHECK_ERR(open_so("out", O_RDWR | O_CREAT, RESOLVE_BENEATH), EXDEV);
    CHECK_OK(open_so("out", O_RDWR | O_CREAT, RESOLVE_IN_ROOT)); /* made here */
    CHECK_OK(unlink("made"));
    close(fd);
    unlink("plain");
    unlink("dangling");
    unlink("out");
    unlink("f");
}

static void copying_a_range_is_refused_for_the_right_reason(void)
{
    CHECK(file_put("a", "0123456789") && file_put("b", ""));
    int a = open("a", O_RDWR), b = open("b", O_RDWR), add = open("b", O_RDWR | O_APPEND), p[2];
    int dir = open(".", O_RDONLY), reader = open("b", O_RDONLY), memory = memfd_create("m", 0);
    CHECK_OK(pipe(p));
    loff_t from = 2, to = 4, far = 100, last = INT64_MAX;
    CHECK_ERR(copy_file_range(a, NULL, b, NULL, 1, 1), EINVAL);
    CHECK_ERR(copy_file_range(a, NULL, dir, NULL, 1, 0), EISDIR);
    CHECK_ERR(copy_file_range(a, NULL, p[1], NULL, 1, 0), EINVAL);
    CHECK_ERR(copy_file_range(a, NULL, add, NULL, 1, 0), EBADF);
    CHECK_ERR(copy_file_range(a, NULL, reader, NULL, 1, 0), EBADF);
    CHECK_ERR(copy_file_range(a, NULL, memory, NULL, 1, 0), EXDEV);
    CHECK_ERR(copy_file_range(a, &from, a, &to, 5, 0), EINVAL);
    CHECK_ERR(copy_file_range(a, NULL, b, &last, 5, 0), EFBIG);
    CHECK_EQ(copy_file_range(a, &far, b, NULL, 5, 0), 0);
    CHECK_EQ(copy_file_range(a, &from, b, NULL, 100, 0), 8);
    CHECK(from == 10 && lseek(b, 0, SEEK_CUR) == 8);
    CHECK_STR(file_get("b"), "23456789");
    int all[] = {a, b, add, p[0], p[1], dir, reader, memory};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close(all[i]);
    unlink("a");
    unlink("b");
}

static void what_runs_is_not_written(void)
{
    char own[PATH_MAX] = "";
    CHECK(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    const char *names[] = {"/proc/self/exe", own};
    for (int i = 0; i < 2; i++) {
        CHECK_ERR(open(names[i], O_RDONLY | O_TRUNC), ETXTBSY);
        CHECK_ERR(open(names[i], O_WRONLY), ETXTBSY);
        CHECK_ERR(open(names[i], O_RDWR | O_CREAT, 0600), ETXTBSY);
        CHECK_ERR(truncate(names[i], 0), ETXTBSY);
    }
    struct stat st;
    CHECK(stat(own, &st) == 0 && st.st_size > 0);
}

static void what_is_written_does_not_run(void)
{
    static char *const args[] = {(char *)"x", NULL};
    CHECK(file_put("script", "#!/proc/self/exe\n") && chmod("script", 0755) == 0);
    int fd = open("script", O_WRONLY);
    CHECK_ERR(execve("script", args, args + 1), ETXTBSY);
    close(fd);
    unlink("script");
}

static int64_t mtime_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_mtim.tv_sec : -1;
}

static void writing_through_a_mapping_changes_the_time(void)
{
    static const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    int fd = open("m", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(write(fd, "abc", 3), 3);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK_OK(futimens(fd, old));
    private[0] = 'X';
    CHECK_EQ(mtime_of(fd), 1000);
    shared[0] = 'Y';
    CHECK(mtime_of(fd) > 1000);
    munmap(shared, PAGE);
    munmap(private, PAGE);
    close(fd);
    unlink("m");
}

static uint32_t events_of(int in, uint32_t *last)
{
    char buf[4096] __attribute__((aligned(8)));
    uint32_t all = 0;
    ssize_t n = read(in, buf, sizeof(buf));
    for (char *at = buf; n > 0 && at < buf + n;) {
        struct inotify_event *e = (struct inotify_event *)(void *)at;
        all |= *last = e->mask;
        at += sizeof(*e) + e->len;
    }
    return all;
}

static void watches_hear_of_directories_and_of_the_last_close(void)
{
    uint32_t last;
    int in = inotify_init1(IN_NONBLOCK);
    mkdir("d", 0755);
    CHECK(file_put("f", "f"));
    CHECK_OK(inotify_add_watch(in, "d", IN_ALL_EVENTS));
    int dir = open("d", O_RDONLY | O_DIRECTORY), fd = open("f", O_RDONLY);
    char names[512];
    CHECK(syscall(SYS_getdents64, dir, names, sizeof(names)) > 0);
    close(dir);
    CHECK_EQ(events_of(in, &last), IN_ISDIR | IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE);
    chmod("d", 0700);
    CHECK_EQ(events_of(in, &last), IN_ISDIR | IN_ATTRIB);
    dir = open("d", O_PATH);
    CHECK_ERR(openat(dir, "none", O_RDONLY), ENOENT); /* remembered, but not by keeping d */
    close(dir);
    rmdir("d");
    CHECK_EQ(events_of(in, &last), IN_DELETE_SELF | IN_IGNORED);
    CHECK_OK(inotify_add_watch(in, "f", IN_ALL_EVENTS));
    unlink("f");
    CHECK_EQ(events_of(in, &last), IN_ATTRIB);
    close(fd);
    CHECK_EQ(events_of(in, &last), IN_CLOSE_NOWRITE | IN_DELETE_SELF | IN_IGNORED);
    close(in);
}

/* Pipes, sockets and event files have attributes and locks, too. */
static void descriptors_without_names_are_files(void)
{
    static const struct timespec old[2] = {{5, 0}, {6, 0}};
    int p[2] = {-1, -1}, s[2] = {-1, -1}, event = eventfd(0, 0);
    struct stat st;
    CHECK_OK(pipe(p));
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_OK(fchmod(p[0], 0640));
    CHECK_OK(futimens(p[0], old));
    CHECK(fstat(p[1], &st) == 0 && st.st_mode == (S_IFIFO | 0640) && st.st_mtim.tv_sec == 6);
    CHECK_EQ(write(p[1], "x", 1), 1);
    CHECK(fstat(p[1], &st) == 0 && st.st_mtim.tv_sec == 6); /* only a FIFO's changes */
    CHECK_OK(fchmod(s[0], 0600));
    CHECK(fstat(s[0], &st) == 0 && st.st_mode == (S_IFSOCK | 0600));
    CHECK(fstat(s[1], &st) == 0 && st.st_mode == (S_IFSOCK | 0777));
    CHECK_OK(fchown(p[0], 0, 0));
    CHECK_OK(flock(p[0], LOCK_EX | LOCK_NB));
    CHECK_ERR(flock(p[1], LOCK_EX | LOCK_NB), EWOULDBLOCK); /* both ends are one file */
    CHECK_OK(flock(s[0], LOCK_EX | LOCK_NB));
    CHECK_OK(flock(s[1], LOCK_EX | LOCK_NB));
    CHECK_OK(flock(event, LOCK_EX | LOCK_NB));
    struct flock range = {.l_type = F_WRLCK};
    CHECK_ERR(fcntl(p[0], F_SETLK, &range), EBADF);
    CHECK_OK(fcntl(p[1], F_SETLK, &range));
    CHECK_OK(fcntl(event, F_SETLK, &range));
    int all[] = {p[0], p[1], s[0], s[1], event};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close(all[i]);
}

static int added(const char *path, uint32_t *events)
{
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLPRI}, got = {0};
    int ep = epoll_create1(0), file = open(path, O_RDONLY);
    int err = epoll_ctl(ep, EPOLL_CTL_ADD, file, &wanted), saved = errno;
    if (!err)
        CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    *events = got.events;
    close(file);
    close(ep);
    errno = saved;
    return err;
}

static void files_of_proc_can_be_polled_where_linux_lets_them(void)
{
    uint32_t events;
    CHECK_OK(added("/proc/self/mounts", &events));
    CHECK_EQ(events, EPOLLIN);
    CHECK_OK(added("/proc/meminfo", &events));
    CHECK_OK(added("/proc/net/tcp", &events));
    CHECK_OK(added("/proc/sys/kernel/hostname", &events));
    CHECK_OK(added("/sys/kernel/mm/transparent_hugepage/enabled", &events));
    CHECK_EQ(events, EPOLLIN | EPOLLPRI | EPOLLERR);
    CHECK_ERR(added("/proc/self/status", &events), EPERM);
    CHECK_ERR(added("/proc/self/fdinfo/0", &events), EPERM);
    CHECK_ERR(added("/dev/null", &events), EPERM);
    CHECK_ERR(added(".", &events), EPERM);
}

int main(void)
{
    scratch_enter();
    if (!scratch_is_mounted()) {
        RUN(exchanged_directories_keep_what_is_below);
        RUN(a_whiteout_marks_the_old_name);
        RUN(exclusive_unnamed_files_get_no_name);
    }
    RUN(links_to_objects_can_be_refused);
    RUN(copying_a_range_is_refused_for_the_right_reason);
    RUN(what_runs_is_not_written);
    RUN(what_is_written_does_not_run);
    RUN(writing_through_a_mapping_changes_the_time);
    RUN(watches_hear_of_directories_and_of_the_last_close);
    RUN(descriptors_without_names_are_files);
    RUN(files_of_proc_can_be_polled_where_linux_lets_them);
    CHECK(scratch_leave());
    return check_done();
}
