/* What reads and writes of a file and mappings of it show each other, and what stays of them. */
#include <stdio.h>
#include <string.h>

#include "tests/harness/guest.h"

static char *map(int fd, int prot, int flags)
{
    char *p = mmap(NULL, 2 * PAGE, prot, flags, fd, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static int make(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[2 * PAGE];
    memset(block, 'a', sizeof(block));
    CHECK_EQ(write(fd, block, sizeof(block)), (long)sizeof(block));
    return fd;
}

static void writes_show_in_a_mapping_and_the_other_way(void)
{
    char c = 0;
    int fd = make("f");
    char *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    CHECK_EQ(shared[5], 'a');
    CHECK_EQ(pwrite(fd, "b", 1, 5), 1);
    CHECK_EQ(shared[5], 'b');
    shared[PAGE] = 'c';
    CHECK_EQ(pread(fd, &c, 1, PAGE), 1);
    CHECK_EQ(c, 'c');
    int other = open("f", O_RDONLY);
    CHECK_EQ(pread(other, &c, 1, PAGE), 1);
    CHECK_EQ(c, 'c');
    close(other);
    munmap(shared, 2 * PAGE);
    close(fd);
    CHECK_OK(unlink("f"));
}

static void what_was_mapped_is_on_the_server_after_close(void)
{
    char c = 0;
    int fd = make("f");
    char *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    close(fd);
    shared[1] = 'x';
    CHECK_OK(msync(shared, PAGE, MS_SYNC));
    shared[2] = 'y';
    CHECK_OK(munmap(shared, 2 * PAGE));
    fd = open("f", O_RDONLY);
    CHECK_EQ(pread(fd, &c, 1, 1), 1);
    CHECK_EQ(c, 'x');
    CHECK_EQ(pread(fd, &c, 1, 2), 1);
    CHECK_EQ(c, 'y');
    close(fd);
    CHECK_OK(unlink("f"));
}

static void private_changes_stay_private(void)
{
    char c = 0;
    int fd = make("f");
    char *private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    private[0] = 'z';
    CHECK_EQ(pread(fd, &c, 1, 0), 1);
    CHECK_EQ(c, 'a');
    munmap(private, 2 * PAGE);
    close(fd);
    CHECK_OK(unlink("f"));
}

static void two_names_are_one_file(void)
{
    int fd = make("f");
    CHECK_OK(link("f", "g"));
    int other = open("g", O_RDWR);
    char *a = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *b = map(other, PROT_READ, MAP_SHARED);
    a[7] = 'q';
    CHECK_EQ(b[7], 'q');
    munmap(a, 2 * PAGE);
    munmap(b, 2 * PAGE);
    close(fd);
    close(other);
    CHECK_OK(unlink("f"));
    CHECK_OK(unlink("g"));
}

static void cutting_a_mapped_file_is_seen(void)
{
    struct stat st;
    int fd = make("f");
    char *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    shared[100] = 'd';
    CHECK_OK(ftruncate(fd, 50));
    CHECK_OK(ftruncate(fd, 2 * PAGE));
    CHECK_EQ(shared[100], 0);
    CHECK_EQ(shared[49], 'a');
    CHECK_OK(fsync(fd));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, (long)(2 * PAGE));
    munmap(shared, 2 * PAGE);
    close(fd);
    CHECK_OK(unlink("f"));
}

int main(void)
{
    scratch_enter();
    RUN(writes_show_in_a_mapping_and_the_other_way);
    RUN(what_was_mapped_is_on_the_server_after_close);
    RUN(private_changes_stay_private);
    RUN(two_names_are_one_file);
    RUN(cutting_a_mapped_file_is_seen);
    CHECK(scratch_leave());
    return check_done();
}
