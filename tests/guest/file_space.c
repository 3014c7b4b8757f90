/* File sizes and space: truncate, fallocate, holes, copy_file_range, sendfile, sync, full disks. */
#include <linux/falloc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#include "tests/harness/guest.h"

static off_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static void truncating(void)
{
    char text[20];
    CHECK(file_put("f", "0123456789"));
    CHECK_OK(truncate("f", 4));
    CHECK_STR(file_get("f"), "0123");
    int fd = open("f", O_RDWR);
    CHECK_OK(ftruncate(fd, 8));
    CHECK_EQ(pread(fd, text, 20, 0), 8);
    CHECK(memcmp(text, "0123\0\0\0\0", 8) == 0); /* nothing old shows again */
    CHECK_OK(ftruncate(fd, 1l << 33));           /* sparse */
    CHECK_EQ(size_of(fd), 1l << 33);
    CHECK_EQ(pread(fd, text, 1, (1l << 33) - 1), 1);
    CHECK_EQ(text[0], 0);
    CHECK_EQ(pwrite(fd, "end", 3, (1l << 33)), 3);
    CHECK_EQ(size_of(fd), (1l << 33) + 3);
    CHECK_OK(ftruncate(fd, 0));
    CHECK_ERR(ftruncate(fd, -1), EINVAL);
    CHECK_ERR(truncate("f", -1), EINVAL);
    CHECK_ERR(truncate("nothing", 0), ENOENT);
    CHECK_ERR(truncate(".", 0), EISDIR);
    CHECK_ERR(ftruncate(9999, 0), EBADF);
    close(fd);
    int pipefd[2];
    CHECK_OK(pipe(pipefd));
    CHECK_ERR(ftruncate(pipefd[1], 0), EINVAL);
    close(pipefd[0]);
    close(pipefd[1]);
}

static void allocating(void)
{
    int fd = open("f", O_RDWR | O_TRUNC);
    CHECK_EQ(posix_fallocate(fd, 0, 10000), 0);
    CHECK_EQ(size_of(fd), 10000);
    CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000));
    CHECK_EQ(size_of(fd), 10000);
    char data[8192], back[8192];
    memset(data, 'z', sizeof(data));
    CHECK_EQ(pwrite(fd, data, 8192, 0), 8192);
    CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000));
    CHECK_EQ(pread(fd, back, 8192, 0), 8192);
    CHECK(back[99] == 'z' && back[100] == 0 && back[5099] == 0 && back[5100] == 'z');
    CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 5000));
    CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10001, 50));
    CHECK_EQ(size_of(fd), 10000); /* behind the end there is nothing to punch */
    CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
    CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
    CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERR(fallocate(9999, 0, 0, 1), EBADF);
    close(fd);
}

static void holes_are_found(void)
{
    int fd = open("f", O_RDWR | O_TRUNC);
    CHECK_OK(ftruncate(fd, 1 << 20));
    CHECK_EQ(pwrite(fd, "data", 4, 512 << 10), 4);
    off_t data = lseek(fd, 0, SEEK_DATA);
    CHECK(data >= 0 && data <= 512 << 10);
    off_t hole = lseek(fd, 512 << 10, SEEK_HOLE);
    CHECK(hole > 512 << 10 && hole <= 1 << 20);
    CHECK_ERR(lseek(fd, 2 << 20, SEEK_DATA), ENXIO);
    CHECK_ERR(lseek(fd, 1 << 20, SEEK_HOLE), ENXIO);
    close(fd);
}

static void copying_inside_the_kernel(void)
{
    CHECK(file_put("from", "hello, world"));
    int in = open("from", O_RDONLY), out = open("to", O_RDWR | O_CREAT | O_TRUNC, 0644);
    off_t at = 7, to = 2;
    CHECK_EQ(copy_file_range(in, &at, out, &to, 100, 0), 5);
    CHECK_EQ(at, 12);
    CHECK_EQ(to, 7);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 0);
    CHECK_EQ(copy_file_range(in, NULL, out, NULL, 2, 0), 2);
    CHECK_STR(file_get("to"), "heworld");
    CHECK_ERR(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
    CHECK_ERR(copy_file_range(out, NULL, in, NULL, 1, 0), EBADF);
    at = 0;
    CHECK_OK(lseek(out, 0, SEEK_SET));
    CHECK_EQ(sendfile(out, in, &at, 5), 5);
    CHECK_EQ(at, 5);
    CHECK_STR(file_get("to"), "hellold");
    CHECK_EQ(lseek(in, 0, SEEK_SET), 0);
    int pipefd[2];
    char text[20] = "";
    CHECK_OK(pipe(pipefd));
    CHECK_EQ(sendfile(pipefd[1], in, NULL, 100), 12);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 12);
    CHECK_EQ(read(pipefd[0], text, 20), 12);
    CHECK_STR(text, "hello, world");
    CHECK_ERR(sendfile(9999, in, NULL, 1), EBADF);
    CHECK_ERR(syscall(SYS_sendfile, out, in, KERNEL_ADDRESS, 1), EFAULT);
    close(pipefd[0]);
    close(pipefd[1]);
    close(in);
    close(out);
    CHECK_OK(unlink("from"));
    CHECK_OK(unlink("to"));
}

static void syncing(void)
{
    int fd = open("f", O_RDWR);
    CHECK_OK(fsync(fd));
    CHECK_OK(fdatasync(fd));
    CHECK_OK(syncfs(fd));
    CHECK_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
    CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
    CHECK_EQ(readahead(fd, 0, 4096), 0);
    CHECK_ERR(fsync(9999), EBADF);
    close(fd);
    sync();
    CHECK(true);
}

/* The limit holds for standard output, too: nothing is reported while it stands. */
static void file_size_limit_is_sigxfsz(void)
{
    struct rlimit old, small;
    CHECK_OK(getrlimit(RLIMIT_FSIZE, &old));
    small = (struct rlimit){1000, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[2000] = {0};
    int set = setrlimit(RLIMIT_FSIZE, &small);
    ssize_t first = write(fd, block, 2000);
    ssize_t second = write(fd, block, 1);
    int second_error = errno;
    int grow = ftruncate(fd, 2000);
    int grow_error = errno;
    CHECK_OK(setrlimit(RLIMIT_FSIZE, &old));
    CHECK_EQ(set, 0);
    CHECK_EQ(first, 1000);
    CHECK(second == -1 && second_error == EFBIG);
    CHECK(grow == -1 && grow_error == EFBIG);
    signal(SIGXFSZ, SIG_DFL);
    close(fd);
    CHECK_OK(unlink("limited"));
}

static void large_file_survives(void)
{
    enum { SIZE = 8 << 20 };
    unsigned char *block = malloc(SIZE), *back = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        block[i] = (unsigned char)(i * 2654435761u >> 13);
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK_EQ(write(fd, block, SIZE), SIZE);
    CHECK_EQ(pread(fd, back, SIZE, 0), SIZE);
    CHECK_EQ(memcmp(block, back, SIZE), 0);
    CHECK_EQ(pread(fd, back, 100000, 4097), 100000);
    CHECK_EQ(memcmp(block + 4097, back, 100000), 0);
    close(fd);
    CHECK_OK(unlink("large"));
    free(block);
    free(back);
}

int main(void)
{
    scratch_enter();
    RUN(truncating);
    if (!scratch_is_mounted()) /* fallocate */
        RUN(allocating);
    RUN(holes_are_found);
    RUN(copying_inside_the_kernel);
    RUN(syncing);
    RUN(file_size_limit_is_sigxfsz);
    RUN(large_file_survives);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
