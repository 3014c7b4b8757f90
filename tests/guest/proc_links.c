/* What /proc and /dev offer beyond reading text: links to open files, names that can be set. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/harness/guest.h"

static const char *fd_path(int fd)
{
    static char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

static const char *link_of(const char *path)
{
    static char text[PATH_MAX];
    ssize_t n = readlink(path, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void pipes_can_be_opened_again(void)
{
    int ends[2];
    char text[8] = "";
    CHECK_OK(pipe(ends));
    CHECK(strncmp(link_of(fd_path(ends[0])), "pipe:[", 6) == 0);
    int writer = open(fd_path(ends[1]), O_WRONLY), reader = open(fd_path(ends[0]), O_RDONLY);
    CHECK(writer >= 0 && reader >= 0);
    CHECK_EQ(write(writer, "hello", 5), 5);
    struct pollfd p = {.fd = reader, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(read(reader, text, 7), 5);
    CHECK_STR(text, "hello");
    struct stat a, b;
    CHECK_OK(stat(fd_path(ends[0]), &a));
    CHECK_OK(fstat(reader, &b));
    CHECK(S_ISFIFO(a.st_mode) && S_ISFIFO(b.st_mode));
    close(writer);
    close(reader);
    close(ends[0]);
    close(ends[1]);
}

static void files_are_opened_anew(void)
{
    CHECK(file_put("f", "0123456789"));
    char c = 0;
    int fd = open("f", O_RDONLY);
    CHECK_EQ(lseek(fd, 5, SEEK_SET), 5);
    int again = open(fd_path(fd), O_RDWR); /* with a position and a mode of its own */
    CHECK(again >= 0);
    CHECK(read(again, &c, 1) == 1 && c == '0');
    CHECK_EQ(write(again, "x", 1), 1);
    CHECK_OK(unlink("f"));
    CHECK(strstr(link_of(fd_path(fd)), "f (deleted)") != NULL);
    int third = open(fd_path(fd), O_RDONLY);
    CHECK(third >= 0 && read(third, &c, 1) == 1 && c == '0');
    CHECK_ERR(open("/proc/self/fd/9999", O_RDONLY), ENOENT);
    close(third);
    close(again);
    close(fd);
}

/* As a shell's "> /dev/stdout" does. */
static void standard_streams_have_names(void)
{
    int pipe_ends[2], saved = dup(1);
    char text[8] = "";
    CHECK_OK(pipe(pipe_ends));
    fflush(stdout);
    dup2(pipe_ends[1], 1);
    int fd = open("/dev/stdout", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    ssize_t n = fd >= 0 ? write(fd, "out", 3) : -1;
    dup2(saved, 1);
    CHECK_EQ(n, 3);
    CHECK_EQ(read(pipe_ends[0], text, 7), 3);
    CHECK_STR(text, "out");
    CHECK_STR(link_of("/dev/stdin"), "/proc/self/fd/0");
    CHECK_STR(link_of("/dev/fd"), "/proc/self/fd");
    close(fd);
    close(saved);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* Whatever the streams are and whichever way they go. */
static void standard_streams_can_be_asked(void)
{
    for (int fd = 0; fd < 3; fd++) {
        char name[32];
        int waiting = -1;
        CHECK(ioctl(fd, FIONREAD, &waiting) == 0 ? waiting >= 0 : errno == ENOTTY);
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        for (int mode = O_RDONLY; mode <= O_RDWR; mode++) {
            struct pollfd again = {.fd = open(name, mode | O_NONBLOCK), .events = POLLIN | POLLOUT};
            CHECK(again.fd >= 0 || errno == EACCES || errno == ENXIO);
            CHECK(poll(&again, 1, 0) >= 0);
            CHECK(again.fd < 0 || ioctl(again.fd, FIONREAD, &waiting) == 0 || errno == ENOTTY);
            if (again.fd >= 0)
                close(again.fd);
        }
    }
}

/* A pipe has no positions however it was opened; what has no type can't be opened again. */
static void opened_again(void)
{
    int ends[2];
    char byte;
    CHECK_OK(pipe(ends));
    int in = open(fd_path(ends[0]), O_RDONLY | O_NONBLOCK);
    int out = open(fd_path(ends[1]), O_WRONLY);
    CHECK_ERR(pwrite(out, "x", 1, 0), ESPIPE);
    CHECK_ERR(lseek(out, 0, SEEK_CUR), ESPIPE);
    CHECK_ERR(read(in, &byte, 1), EAGAIN);
    CHECK_EQ(write(out, "y", 1), 1);
    CHECK_ERR(pread(in, &byte, 1, 0), ESPIPE);
    CHECK_EQ(read(in, &byte, 1), 1);
    CHECK_EQ(byte, 'y');
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    const int nameless[] = {eventfd(1, 0), epoll_create1(0), inotify_init1(0),
                            signalfd(-1, &set, 0), timerfd_create(CLOCK_MONOTONIC, 0)};
    for (size_t i = 0; i < sizeof(nameless) / sizeof(*nameless); i++) {
        for (int mode = O_RDONLY; mode <= O_RDWR; mode++)
            CHECK_ERR(open(fd_path(nameless[i]), mode),
                      geteuid() == 0 ? ENXIO : EACCES); /* root's, 0600 */
        close(nameless[i]);
    }
    close(in);
    close(out);
    close(ends[0]);
    close(ends[1]);
}

static void the_program_and_its_folder(void)
{
    char cwd[PATH_MAX];
    struct stat a, b;
    CHECK(strstr(link_of("/proc/self/exe"), "/proc_links") != NULL);
    CHECK_OK(stat("/proc/self/exe", &a));
    CHECK_OK(stat(link_of("/proc/self/exe"), &b));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
    CHECK_STR(link_of("/proc/self/cwd"), cwd);
    CHECK(file_put("here", "x"));
    CHECK_STR(file_get("/proc/self/cwd/here"), "x");
    CHECK_OK(unlink("here"));
    char want[64];
    snprintf(want, sizeof(want), "%d/task/%d", getpid(), gettid());
    CHECK_STR(link_of("/proc/thread-self"), want);
    CHECK_ERR(open("/proc/self/fd/../../nothing", O_RDONLY), ENOENT);
}

static void names_can_be_read_and_set(void)
{
    CHECK_OK(prctl(PR_SET_NAME, "by prctl"));
    CHECK_STR(file_get("/proc/self/comm"), "by prctl\n");
    int fd = open("/proc/self/comm", O_WRONLY);
    CHECK_EQ(write(fd, "by file", 7), 7);
    close(fd);
    char name[16] = "";
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK_STR(name, "by file");
    CHECK_EQ(atoi(file_get("/proc/self/oom_score_adj")), 0);
    CHECK(strstr(file_get("/proc/self/stat"), "(by file) R") != NULL);
}

static void *in_a_thread(void *arg)
{
    char path[64];
    prctl(PR_SET_NAME, "second");
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", gettid());
    CHECK_STR(file_get(path), "second\n");
    CHECK_STR(file_get("/proc/thread-self/comm"), "second\n");
    CHECK_STR(file_get("/proc/self/comm"), "by file\n");
    return arg;
}

static void threads_have_folders(void)
{
    thread_join(thread_start(in_a_thread, NULL));
}

static void memory_of_the_program_is_shown(void)
{
    struct stat st;
    const char *args = file_get("/proc/self/cmdline");
    CHECK(strstr(args, "proc_links") != NULL);
    static const unsigned long zeros[2];
    const char *auxv = file_get("/proc/self/auxv");
    bool ended = false;
    for (size_t at = 0; at < 64 * 16 && !ended; at += 16)
        ended = memcmp(auxv + at, zeros, 16) == 0;
    CHECK(ended);
    CHECK_OK(stat("/proc/self/maps", &st));
    CHECK(strstr(file_get("/proc/self/maps"), "[stack]\n") != NULL);
    CHECK(strstr(file_get("/proc/self/smaps"), "\nRss: ") != NULL);
    CHECK(strstr(file_get("/proc/self/smaps_rollup"), "[rollup]\nRss: ") != NULL);
    long size = 0, resident = 0;
    CHECK_EQ(sscanf(file_get("/proc/self/statm"), "%ld %ld", &size, &resident), 2);
    CHECK(size >= resident && resident > 0);
}

static void random_devices(void)
{
    char a[32] = "", b[32] = "";
    int fd = open("/dev/urandom", O_RDWR);
    CHECK_EQ(read(fd, a, 32), 32);
    CHECK_EQ(read(fd, b, 32), 32);
    CHECK(memcmp(a, b, 32) != 0);
    CHECK_EQ(write(fd, a, 32), 32);
    CHECK_ERR(read(fd, KERNEL_ADDRESS, 8), EFAULT);
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED && p[0] == 0 && p[PAGE - 1] == 0);
    p[1] = 'x';
    CHECK_OK(munmap(p, PAGE));
    CHECK_EQ(lseek(fd, 100, SEEK_SET), 0);
    close(fd);
    fd = open("/dev/null", O_RDWR);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == ENODEV);
    int count = 0;
    CHECK_ERR(ioctl(fd, TIOCGWINSZ, &count), ENOTTY);
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(pipes_can_be_opened_again);
    RUN(files_are_opened_anew);
    RUN(standard_streams_have_names);
    RUN(standard_streams_can_be_asked);
    RUN(opened_again);
    RUN(the_program_and_its_folder);
    RUN(names_can_be_read_and_set);
    RUN(threads_have_folders);
    RUN(memory_of_the_program_is_shown);
    RUN(random_devices);
    CHECK(scratch_leave());
    return check_done();
}
