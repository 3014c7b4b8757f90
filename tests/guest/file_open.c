/* open's flags, read and write at the edges, O_APPEND, O_PATH, O_TMPFILE, vectors and offsets. */
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

static void creation_flags(void)
{
    struct stat st;
    CHECK_ERR(open("f", O_RDWR), ENOENT);
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 3 || fd >= 0);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_mode, S_IFREG | 0644); /* the umask took two bits */
    CHECK_EQ(st.st_nlink, 1);
    CHECK_EQ(st.st_size, 0);
    CHECK_ERR(open("f", O_CREAT | O_EXCL | O_RDWR, 0666), EEXIST);
    CHECK_EQ(write(fd, "0123456789", 10), 10);
    CHECK_OK(close(fd));
    fd = open("f", O_RDWR | O_CREAT, 0600);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_mode & 0777, 0644); /* it was there already */
    CHECK_EQ(st.st_size, 10);
    close(fd);
    fd = open("f", O_WRONLY | O_TRUNC);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, 0);
    close(fd);
    CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
    CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERR(open(".", O_RDWR), EISDIR);
    CHECK_ERR(open(".", O_CREAT | O_RDONLY, 0644), EISDIR);
    CHECK_ERR(open("new/", O_CREAT | O_WRONLY, 0644), EISDIR);
    fd = creat("f", 0644);
    CHECK(fd >= 0);
    char c;
    CHECK_ERR(read(fd, &c, 1), EBADF);
    close(fd);
    fd = open("f", O_RDONLY);
    CHECK_ERR(write(fd, "x", 1), EBADF);
    CHECK_ERR(ftruncate(fd, 0), EINVAL);
    close(fd);
}

static void lowest_descriptor_is_taken(void)
{
    int a = open("f", O_RDONLY), b = open("f", O_RDONLY), c = open("f", O_RDONLY);
    CHECK(a < b && b < c);
    close(b);
    CHECK_EQ(open("f", O_RDONLY), b);
    close(a);
    CHECK_EQ(open("f", O_RDONLY), a);
    close(a);
    close(b);
    close(c);
    CHECK_ERR(close(c), EBADF);
    CHECK_ERR(close(-1), EBADF);
}

static void reads_and_writes_at_the_edges(void)
{
    char text[32] = "";
    int fd = open("f", O_RDWR | O_TRUNC);
    CHECK_EQ(write(fd, "abcdef", 6), 6);
    CHECK_EQ(read(fd, text, 10), 0);
    CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
    CHECK_EQ(read(fd, text, 10), 4);
    CHECK(memcmp(text, "cdef", 4) == 0);
    CHECK_EQ(lseek(fd, -3, SEEK_CUR), 3);
    CHECK_EQ(lseek(fd, 4, SEEK_END), 10);
    CHECK_EQ(write(fd, "X", 1), 1); /* leaves a hole of zeros */
    CHECK_EQ(pread(fd, text, 32, 0), 11);
    CHECK(memcmp(text, "abcdef\0\0\0\0X", 11) == 0);
    CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERR(lseek(fd, 0, 99), EINVAL);
    CHECK_ERR(lseek(9999, 0, SEEK_SET), EBADF);
    CHECK_EQ(read(fd, text, 0), 0);
    CHECK_EQ(write(fd, text, 0), 0);
    CHECK_ERR(pread(fd, text, 1, -1), EINVAL);
    CHECK_ERR(pwrite(fd, text, 1, -1), EINVAL);
    CHECK_ERR(syscall(SYS_write, fd, NULL_PAGE_ADDRESS, 1), EFAULT);
    CHECK_ERR(syscall(SYS_pread64, fd, KERNEL_ADDRESS, 1, 0), EFAULT);
    CHECK_ERR(syscall(SYS_pwrite64, fd, KERNEL_ADDRESS, 1, 0), EFAULT);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 11);
    int dir = open(".", O_RDONLY);
    CHECK_ERR(read(dir, text, 1), EISDIR);
    close(dir);
    close(fd);
}

/* A transfer that meets a bad page stops before it and tells what it did. */
static void transfers_stop_at_bad_memory(void)
{
    char *p = pages(2);
    int fd = open("f", O_RDWR | O_TRUNC);
    memset(p, 'q', 2 * PAGE);
    munmap(p + PAGE, PAGE);
    CHECK_EQ(write(fd, p + PAGE - 100, 200), 100);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 100);
    CHECK_OK(ftruncate(fd, 1000));
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    long n = read(fd, p + PAGE - 50, 500);
    CHECK(n == 50 || (n == -1 && errno == EFAULT));
    munmap(p, PAGE);
    close(fd);
}

static void appending(void)
{
    char text[32];
    int a = open("f", O_RDWR | O_TRUNC | O_APPEND), b = open("f", O_WRONLY);
    CHECK_EQ(write(b, "12345", 5), 5);
    CHECK_EQ(write(a, "ab", 2), 2);
    CHECK_EQ(lseek(a, 0, SEEK_CUR), 7);
    CHECK_EQ(lseek(a, 0, SEEK_SET), 0);
    CHECK_EQ(write(a, "c", 1), 1);
    CHECK_EQ(pwrite(a, "d", 1, 0), 1); /* Linux appends here, too */
    CHECK_EQ(pread(a, text, 32, 0), 9);
    CHECK(memcmp(text, "12345abcd", 9) == 0);
    CHECK_OK(fcntl(a, F_SETFL, 0));
    CHECK_EQ(pwrite(a, "Z", 1, 0), 1);
    CHECK_EQ(pread(a, text, 1, 0), 1);
    CHECK_EQ(text[0], 'Z');
    close(a);
    close(b);
}

static void path_descriptors(void)
{
    struct stat st;
    char c;
    int fd = open("f", O_PATH);
    CHECK(fd >= 0);
    CHECK_OK(fstat(fd, &st));
    CHECK_ERR(read(fd, &c, 1), EBADF);
    CHECK_ERR(write(fd, &c, 1), EBADF);
    CHECK_ERR(fchmod(fd, 0600), EBADF);
    CHECK_ERR(lseek(fd, 0, SEEK_SET), EBADF);
    CHECK_ERR(ioctl(fd, 0x5401, &c), EBADF);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    CHECK_OK(symlink("f", "s"));
    int link = open("s", O_PATH | O_NOFOLLOW);
    CHECK_OK(fstat(link, &st));
    CHECK(S_ISLNK(st.st_mode));
    char text[4];
    CHECK_EQ(readlinkat(link, "", text, 4), 1);
    close(link);
    close(fd);
    CHECK_OK(unlink("s"));
}

static void files_without_a_name(void)
{
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "hidden", 6), 6);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_nlink, 0);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "shown", AT_SYMLINK_FOLLOW));
    CHECK_STR(file_get("shown"), "hidden");
    close(fd);
    CHECK_OK(unlink("shown"));
    CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK_ERR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}

static void status_flags(void)
{
    int fd = open("f", O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT),
             O_WRONLY | O_APPEND | O_NONBLOCK);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_OK(fcntl(fd, F_SETFD, 0));
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    CHECK_OK(fcntl(fd, F_SETFL, O_RDWR)); /* the access mode stays */
    CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY);
    CHECK_ERR(fcntl(fd, 4711, 0), EINVAL);
    CHECK_ERR(fcntl(9999, F_GETFL), EBADF);
    close(fd);
}

static void vectors(void)
{
    char a[4] = "abc", b[8] = "defgh", x[2], y[20];
    int fd = open("f", O_RDWR | O_TRUNC);
    struct iovec out[3] = {{a, 3}, {NULL, 0}, {b, 5}}, in[2] = {{x, 2}, {y, 20}};
    CHECK_EQ(writev(fd, out, 3), 8);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(readv(fd, in, 2), 8);
    CHECK(memcmp(x, "ab", 2) == 0 && memcmp(y, "cdefgh", 6) == 0);
    CHECK_EQ(preadv(fd, in, 1, 3), 2);
    CHECK(memcmp(x, "de", 2) == 0);
    CHECK_EQ(pwritev(fd, out, 1, 5), 3);
    CHECK_EQ(preadv2(fd, in, 1, 5, 0), 2);
    CHECK_EQ(preadv2(fd, in, 1, -1, 0), 0); /* -1: at the file's own position, its end */
    CHECK_EQ(pwritev2(fd, out, 1, 0, RWF_APPEND), 3);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 11);
    CHECK_ERR(preadv2(fd, in, 1, 0, 0x4000), EOPNOTSUPP);
    CHECK_ERR(syscall(SYS_readv, fd, in, -1), EINVAL);
    CHECK_ERR(syscall(SYS_readv, fd, in, 1025), EINVAL);
    CHECK_EQ(readv(fd, in, 0), 0);
    CHECK_ERR(preadv(fd, in, 1, -5), EINVAL);
    in[1].iov_len = (size_t)-1;
    CHECK_ERR(readv(fd, in, 2), EINVAL);
    CHECK_ERR(syscall(SYS_readv, fd, KERNEL_ADDRESS, 1), EFAULT);
    out[0].iov_base = KERNEL_ADDRESS;
    CHECK_ERR(writev(fd, out, 1), EFAULT);
    close(fd);
}

static void resource_limit_on_descriptors(void)
{
    int fd[8], count = 0, highest = open("f", O_RDONLY);
    close(highest);
    struct {
        unsigned long soft, hard;
    } old, few;
    CHECK_OK(syscall(SYS_prlimit64, 0, 7, NULL, &old));
    few.soft = (unsigned long)highest + 3;
    few.hard = old.hard;
    CHECK_OK(syscall(SYS_prlimit64, 0, 7, &few, NULL));
    while (count < 8 && (fd[count] = open("f", O_RDONLY)) >= 0)
        count++;
    CHECK_EQ(count, 3);
    CHECK_EQ(errno, EMFILE);
    CHECK_ERR(dup(fd[0]), EMFILE);
    CHECK_OK(syscall(SYS_prlimit64, 0, 7, &old, NULL));
    while (count > 0)
        close(fd[--count]);
}

int main(void)
{
    scratch_enter();
    RUN(creation_flags);
    RUN(lowest_descriptor_is_taken);
    RUN(reads_and_writes_at_the_edges);
    RUN(transfers_stop_at_bad_memory);
    RUN(appending);
    RUN(path_descriptors);
    if (!scratch_is_mounted()) /* O_TMPFILE */
        RUN(files_without_a_name);
    RUN(status_flags);
    RUN(vectors);
    RUN(resource_limit_on_descriptors);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
