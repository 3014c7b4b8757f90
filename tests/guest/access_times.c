/* Access times, as a mount with relatime has them: reading renews one that is not later than the
 * last change, whatever reads: a file, a folder, a link, a FIFO. */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

static int64_t accessed(const char *path)
{
    struct stat st;
    CHECK_OK(lstat(path, &st));
    return st.st_atim.tv_sec * 1000000000ll + st.st_atim.tv_nsec;
}

static void wait_for_the_clock(void)
{
    sleep_ms(20); /* Linux' times of files have the grain of a tick */
}

/* Makes what path is look read before it was changed. Returns its access time. */
static int64_t old(const char *path)
{
    struct timespec ts[2] = {{.tv_sec = 1000000}, {.tv_sec = 2000000}};
    CHECK_OK(utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW));
    wait_for_the_clock();
    return accessed(path);
}

static void by_read(int fd, int to)
{
    char c;
    (void)to;
    CHECK_EQ(read(fd, &c, 1), 1);
}

static void by_read_at_end(int fd, int to)
{
    char c;
    (void)to;
    CHECK_EQ(pread(fd, &c, 1, 100000), 0);
}

static void by_readv(int fd, int to)
{
    char c[2];
    struct iovec iov[2] = {{c, 1}, {c + 1, 1}};
    (void)to;
    CHECK_EQ(preadv(fd, iov, 2, 1), 2);
}

static void by_sendfile(int fd, int to)
{
    off_t at = 0;
    CHECK_EQ(sendfile(to, fd, &at, 3), 3);
}

static void by_copying(int fd, int to)
{
    off_t at = 0;
    CHECK_EQ(copy_file_range(fd, &at, to, NULL, 3, 0), 3);
}

static void by_splice(int fd, int to)
{
    int p[2];
    off_t at = 0;
    (void)to;
    CHECK_OK(pipe(p));
    CHECK_EQ(splice(fd, &at, p[1], NULL, 3, 0), 3);
    CHECK_OK(close(p[0]));
    CHECK_OK(close(p[1]));
}

static void by_mapping(int fd, int to)
{
    (void)to;
    void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK_OK(munmap(at, 4096));
}

static const struct {
    const char *name;
    void (*read)(int fd, int to);
} ways[] = {
    {"read", by_read},     {"read at the end", by_read_at_end},
    {"preadv", by_readv},  {"sendfile", by_sendfile},
    {"splice", by_splice}, {"copy_file_range", by_copying},
    {"mmap", by_mapping},
};

#define told(cond, way) check_report(cond, __FILE__, __LINE__, way)

static void reading_a_file(void)
{
    CHECK(file_put("f", "some text"));
    int to = open("to", O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        int fd = open("f", O_RDONLY);
        int64_t before = old("f");
        ways[i].read(fd, to);
        int64_t first = accessed("f");
        told(first > before, ways[i].name);
        wait_for_the_clock();
        ways[i].read(fd, to);
        told(accessed("f") == first, ways[i].name);
        CHECK_OK(close(fd));
        fd = open("f", O_RDONLY | O_NOATIME);
        before = old("f");
        ways[i].read(fd, to);
        told(accessed("f") == before, ways[i].name);
        CHECK_OK(fcntl(fd, F_SETFL, 0));
        ways[i].read(fd, to);
        told(accessed("f") > before, ways[i].name);
        CHECK_OK(close(fd));
    }
    CHECK_OK(close(to));
}

/* Nothing is renewed that is later than now, and writing alone renews nothing. */
static void not_renewed(void)
{
    struct timespec ts[2] = {{.tv_sec = time(NULL) + 1000}, {.tv_sec = 1}};
    int fd = open("f", O_RDWR);
    CHECK_OK(utimensat(AT_FDCWD, "f", ts, 0));
    int64_t before = accessed("f");
    by_read(fd, -1);
    CHECK_EQ(accessed("f"), before);
    before = old("f");
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_EQ(accessed("f"), before);
    by_read(fd, -1);
    int64_t first = accessed("f");
    CHECK(first > before);
    wait_for_the_clock();
    CHECK_EQ(write(fd, "x", 1), 1); /* changed since: the next read counts again */
    wait_for_the_clock();
    by_read(fd, -1);
    CHECK(accessed("f") > first);
    CHECK_OK(close(fd));
}

static void reading_a_folder(void)
{
    CHECK_OK(mkdir("d", 0700));
    DIR *dir = opendir("d");
    int64_t before = old("d");
    CHECK(readdir(dir) != NULL);
    CHECK(accessed("d") > before);
    CHECK_OK(closedir(dir));
}

static void following_a_link(void)
{
    char text[8];
    struct stat st;
    CHECK_OK(symlink("f", "l"));
    int64_t before = old("l");
    CHECK_EQ(readlink("l", text, sizeof(text)), 1);
    CHECK(accessed("l") > before);
    before = old("l");
    CHECK_OK(stat("l", &st));
    CHECK(accessed("l") > before);
    before = old("l");
    int fd = open("l", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    CHECK(accessed("l") > before);
    CHECK_OK(close(fd));
    before = old("l");
    CHECK_OK(lstat("l", &st));
    CHECK_EQ(accessed("l"), before);
}

static void reading_a_fifo(void)
{
    char c;
    CHECK_OK(mkfifo("p", 0600));
    int fd = open("p", O_RDWR | O_NONBLOCK);
    int64_t before = old("p");
    CHECK_ERR(read(fd, &c, 1), EAGAIN);
    CHECK_EQ(accessed("p"), before);
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK(accessed("p") > before);
    CHECK_OK(close(fd));
}

static unsigned long flags_of_mount(void)
{
    struct statvfs st;
    CHECK_OK(statvfs(".", &st));
    return st.f_flag;
}

int main(void)
{
    scratch_enter();
    if (!(flags_of_mount() & ST_RELATIME)) {
        puts("1..0 # SKIP no mount with relatime here");
        return 0;
    }
    RUN(reading_a_file);
    RUN(not_renewed);
    RUN(reading_a_folder);
    RUN(following_a_link);
    RUN(reading_a_fifo);
    static const char *const made[] = {"f", "to", "l", "p"};
    for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
        CHECK_OK(unlink(made[i]));
    CHECK_OK(rmdir("d"));
    CHECK(scratch_leave());
    return check_done();
}
