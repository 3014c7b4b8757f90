/* Mapped files: shared and private, copy on write, the end of the file, memfd, unlinked files. */
#include "tests/harness/guest.h"

static int make(const char *name, size_t size, char fill)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[PAGE];
    memset(block, fill, sizeof(block));
    for (size_t at = 0; at < size; at += PAGE) {
        size_t n = size - at < PAGE ? size - at : PAGE;
        if (write(fd, block, n) != (ssize_t)n)
            return -1;
    }
    return fd;
}

static char *map(int fd, size_t size, int protection, int flags)
{
    return mmap(NULL, size, protection, flags, fd, 0);
}

static void shared_maps_and_the_file_are_one(void)
{
    int fd = make("shared", 3 * PAGE, 'a');
    char *p = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *q = map(fd, 3 * PAGE, PROT_READ, MAP_SHARED);
    CHECK(p != MAP_FAILED && q != MAP_FAILED && p != q);
    CHECK_EQ(p[0] + q[2 * PAGE], 2 * 'a');
    char c = 0;
    p[PAGE + 5] = 'X';
    CHECK_EQ(q[PAGE + 5], 'X');
    CHECK_EQ(pread(fd, &c, 1, PAGE + 5), 1);
    CHECK_EQ(c, 'X');
    CHECK_EQ(pwrite(fd, "Y", 1, 2 * PAGE), 1);
    CHECK_EQ(p[2 * PAGE] + q[2 * PAGE], 2 * 'Y');
    CHECK(!writable(q));
    CHECK_OK(msync(p, 3 * PAGE, MS_SYNC));
    CHECK_OK(msync(p, 3 * PAGE, MS_ASYNC));
    CHECK_ERR(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERR(msync(p + 1, PAGE, MS_SYNC), EINVAL);
    close(fd);
    p[0] = 'Z'; /* a mapping outlives its descriptor */
    munmap(p, 3 * PAGE);
    CHECK_ERR(msync(p, PAGE, MS_SYNC), ENOMEM);
    CHECK_EQ(q[0], 'Z');
    munmap(q, 3 * PAGE);
    CHECK_OK(unlink("shared"));
}

static void private_maps_copy_on_write(void)
{
    int fd = make("private", 2 * PAGE, 'b');
    char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    char *q = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    CHECK_EQ(p[0] + q[0], 2 * 'b');
    p[1] = 'P';
    CHECK_EQ(q[1], 'b');
    char c = 0;
    CHECK_EQ(pread(fd, &c, 1, 1), 1);
    CHECK_EQ(c, 'b');
    CHECK_EQ(pwrite(fd, "N", 1, 2), 1);
    CHECK_EQ(p[2], 'b'); /* its copy was made */
    CHECK_EQ(p[PAGE], 'b');
    CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
    CHECK_EQ(p[1], 'b'); /* back to the file */
    CHECK_EQ(p[2], 'N');
    munmap(p, 2 * PAGE);
    munmap(q, 2 * PAGE);
    close(fd);
    CHECK_OK(unlink("private"));
}

static void system_calls_write_into_private_maps(void)
{
    int fd = make("cow", PAGE, 'c');
    char *p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    CHECK_EQ(pread(fd, p + 10, 5, 100), 5); /* the kernel, too, must copy on write */
    int pipefd[2];
    CHECK_OK(pipe(pipefd));
    CHECK_EQ(write(pipefd[1], "hello", 5), 5);
    CHECK_EQ(read(pipefd[0], p, 5), 5);
    CHECK(memcmp(p, "helloccccc", 10) == 0);
    char c = 0;
    CHECK_EQ(pread(fd, &c, 1, 0), 1);
    CHECK_EQ(c, 'c');
    close(pipefd[0]);
    close(pipefd[1]);
    munmap(p, PAGE);
    close(fd);
    unlink("cow");
}

static void beyond_the_end_of_the_file(void)
{
    int fd = make("short", PAGE + 100, 'd');
    char *p = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    CHECK_EQ(p[PAGE + 99], 'd');
    CHECK_EQ(p[PAGE + 100], 0); /* the last page is filled up with zeros */
    p[PAGE + 101] = 'x';
    CHECK_EQ(lseek(fd, 0, SEEK_END), PAGE + 100);
    struct fault f = fault_of(probe_read, p + 2 * PAGE + 7);
    CHECK_EQ(f.sig, SIGBUS);
    CHECK_EQ(f.code, BUS_ADRERR);
    CHECK_EQ(f.addr, (uintptr_t)p + 2 * PAGE + 7);
    int out[2];
    CHECK_OK(pipe(out));
    CHECK_ERR(write(out[1], p + 2 * PAGE, 1), EFAULT);
    CHECK_OK(ftruncate(fd, 3 * PAGE));
    CHECK_EQ(p[2 * PAGE], 0);
    CHECK_OK(ftruncate(fd, PAGE)); /* pages that are mapped go, too */
    CHECK_EQ(fault_of(probe_read, p + PAGE).sig, SIGBUS);
    CHECK_OK(ftruncate(fd, 2 * PAGE));
    CHECK_EQ(p[PAGE + 50], 0);
    close(out[0]);
    close(out[1]);
    munmap(p, 3 * PAGE);
    close(fd);
    unlink("short");
}

static void rights_of_the_descriptor_bind(void)
{
    close(make("rights", PAGE, 'e'));
    int reader = open("rights", O_RDONLY), writer = open("rights", O_WRONLY);
    CHECK_ERR(map(reader, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), EACCES);
    CHECK_ERR(map(writer, PAGE, PROT_WRITE, MAP_SHARED), EACCES);
    CHECK_ERR(map(writer, PAGE, PROT_READ, MAP_PRIVATE), EACCES);
    char *p = map(reader, PAGE, PROT_READ, MAP_SHARED);
    CHECK(p != MAP_FAILED);
    CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
    munmap(p, PAGE);
    p = map(reader, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    CHECK(p != MAP_FAILED && writable(p));
    munmap(p, PAGE);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, reader, 1), EINVAL);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | (1 << 24), reader, 0), EOPNOTSUPP);
    CHECK_ERR(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, reader, -(off_t)PAGE), EOVERFLOW);
    int path = open("rights", O_PATH);
    CHECK_ERR(map(path, PAGE, PROT_READ, MAP_PRIVATE), EBADF);
    close(path);
    close(reader);
    close(writer);
    unlink("rights");
}

static void offsets_and_unlinked_files(void)
{
    int fd = make("gone", 4 * PAGE, 'f');
    CHECK_EQ(pwrite(fd, "3", 1, 3 * PAGE), 1);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 3 * PAGE);
    CHECK_EQ(p[0], '3');
    CHECK_OK(unlink("gone"));
    CHECK_OK(close(fd));
    p[1] = '4';
    CHECK_EQ(p[0] + p[1], '3' + '4');
    munmap(p, PAGE);
}

static void memfd_can_be_mapped_twice(void)
{
    int fd = memfd_create("twice", 0);
    CHECK_OK(ftruncate(fd, 2 * PAGE));
    char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *q = map(fd, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED);
    CHECK(p != MAP_FAILED && q != MAP_FAILED);
    const unsigned char code[] = {0xb8, 7, 0, 0, 0, 0xc3};
    memcpy(p, code, sizeof(code));
    CHECK_EQ(((int (*)(void))q)(), 7); /* how JITs without writable code work */
    munmap(p, 2 * PAGE);
    munmap(q, 2 * PAGE);
    close(fd);
}

static void file_maps_move_and_grow(void)
{
    int fd = make("move", 8 * PAGE, 'g');
    CHECK_EQ(pwrite(fd, "7", 1, 7 * PAGE), 1);
    char *p = map(fd, 2 * PAGE, PROT_READ, MAP_SHARED);
    char *q = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q[0] == 'g' && q[7 * PAGE] == '7');
    munmap(q, 8 * PAGE);
    close(fd);
    unlink("move");
}

static void program_file_is_mapped_privately(void)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    char *p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    CHECK(p != MAP_FAILED && memcmp(p, "\177ELF", 4) == 0);
    p[0] = 'x';
    char c = 0;
    CHECK_EQ(pread(fd, &c, 1, 0), 1);
    CHECK_EQ(c, 0x7f);
    munmap(p, PAGE);
    close(fd);
}

static void zero_device_maps_as_memory(void)
{
    int fd = open("/dev/zero", O_RDWR);
    char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    CHECK(p != MAP_FAILED);
    if (p != MAP_FAILED) {
        CHECK_EQ(p[PAGE], 0);
        p[PAGE] = 1;
        CHECK_EQ(p[PAGE], 1);
        munmap(p, 2 * PAGE);
    }
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(shared_maps_and_the_file_are_one);
    RUN(private_maps_copy_on_write);
    RUN(system_calls_write_into_private_maps);
    RUN(beyond_the_end_of_the_file);
    RUN(rights_of_the_descriptor_bind);
    RUN(offsets_and_unlinked_files);
    RUN(memfd_can_be_mapped_twice);
    RUN(file_maps_move_and_grow);
    RUN(program_file_is_mapped_privately);
    RUN(zero_device_maps_as_memory);
    CHECK(scratch_leave());
    return check_done();
}
