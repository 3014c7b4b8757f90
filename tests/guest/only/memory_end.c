/*
 * In the guest alone: what happens when memory runs out. A full tmpfs is ENOSPC; the page cache
 * and the program's memory do not starve each other. On Linux this would eat the host's memory.
 */
// ORRIS: -m 96M
#include <sys/sysinfo.h>

#include "tests/harness/guest.h"

static void a_full_tmpfs_is_enospc(void)
{
    static char block[1 << 20];
    int fd = open("/tmp/big", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    long written = 0;
    ssize_t n = 0;
    memset(block, 'x', sizeof(block));
    struct sysinfo info;
    CHECK_OK(sysinfo(&info));
    while (written < (long)info.totalram && (n = write(fd, block, sizeof(block))) > 0)
        written += n;
    CHECK_EQ(n, -1);
    CHECK_EQ(errno, ENOSPC);
    printf("# tmpfs took %ld MiB of %lu\n", written >> 20, info.totalram >> 20);
    CHECK(written > 0);
    close(fd);
    CHECK_OK(unlink("/tmp/big"));
    char *p = pages(256); /* and what was freed can be used */
    memset(p, 1, 256 * PAGE);
    munmap(p, 256 * PAGE);
    CHECK(file_put("/tmp/again", "x"));
    CHECK_OK(unlink("/tmp/again"));
}

static void impossible_mappings_are_enomem(void)
{
    void *p = mmap(NULL, 1ul << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p == MAP_FAILED && errno == ENOMEM);
    CHECK(malloc(1ul << 45) == NULL);
}

static void freed_memory_comes_back(void)
{
    struct sysinfo info;
    CHECK_OK(sysinfo(&info));
    size_t size = (info.freeram / 2) & ~(PAGE - 1);
    if (size > 256ul << 20)
        size = 256ul << 20;
    int wrong = 0;
    for (int round = 0; round < 4; round++) { /* in all twice what there is */
        char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        wrong += p == MAP_FAILED;
        for (size_t at = 0; p != MAP_FAILED && at < size; at += PAGE)
            p[at] = 1;
        wrong += munmap(p, size) != 0;
    }
    CHECK_EQ(wrong, 0);
}

int main(void)
{
    RUN(impossible_mappings_are_enomem);
    RUN(a_full_tmpfs_is_enospc);
    RUN(freed_memory_comes_back);
    return check_done();
}
