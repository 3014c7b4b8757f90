/* mremap, brk and madvise: memory that grows, shrinks, moves and is given back. */
#include <sys/auxv.h>

#include "tests/harness/guest.h"

static void mremap_shrinks_in_place(void)
{
    char *p = pages(4);
    memset(p, 'a', 4 * PAGE);
    CHECK(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
    CHECK(readable(p + PAGE) && !readable(p + 2 * PAGE));
    CHECK_EQ(p[2 * PAGE - 1], 'a');
    munmap(p, 2 * PAGE);
}

static void mremap_grows_where_there_is_room(void)
{
    char *p = pages(8);
    memset(p, 'b', PAGE);
    CHECK_OK(munmap(p + PAGE, 7 * PAGE));
    CHECK(mremap(p, PAGE, 4 * PAGE, 0) == p);
    CHECK_EQ(p[0], 'b');
    CHECK_EQ(p[PAGE], 0);
    CHECK(writable(p + 4 * PAGE - 1));
    munmap(p, 4 * PAGE);
}

static void mremap_moves_only_if_allowed(void)
{
    char *p = pages(3);
    memset(p, 'c', 3 * PAGE);
    CHECK_ERR(mremap(p, PAGE, 2 * PAGE, 0), ENOMEM); /* its neighbour is in the way */
    char *q = mremap(p, PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    CHECK_EQ(q[0] + q[PAGE - 1], 2 * 'c');
    CHECK_EQ(q[PAGE], 0);
    CHECK(!readable(p));
    CHECK_EQ(p[PAGE], 'c');
    munmap(q, 64 * PAGE);
    munmap(p + PAGE, 2 * PAGE);
}

static void mremap_fixed_replaces_the_target(void)
{
    char *p = pages(2), *q = pages(2);
    memset(p, 'd', 2 * PAGE);
    memset(q, 'e', 2 * PAGE);
    CHECK(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
    CHECK_EQ(q[0] + q[2 * PAGE - 1], 2 * 'd');
    CHECK(!readable(p));
    CHECK_ERR(mremap(q, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE), EINVAL);
    CHECK_ERR(mremap(q, PAGE, PAGE, MREMAP_FIXED, p), EINVAL);
    munmap(q, 2 * PAGE);
}

static void mremap_refuses_nonsense(void)
{
    char *p = pages(2);
    CHECK_ERR(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
    CHECK_ERR(mremap(p, PAGE, 0, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERR(mremap(p, PAGE, PAGE, 64), EINVAL);
    munmap(p, 2 * PAGE);
    CHECK_ERR(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

static void mremap_keeps_protection(void)
{
    char *p = pages(1);
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    char *q = mremap(p, PAGE, 32 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && readable(q) && !writable(q) && !writable(q + 31 * PAGE));
    munmap(q, 32 * PAGE);
}

static void mremap_dontunmap_leaves_an_empty_area(void)
{
    char *p = pages(2);
    memset(p, 'f', 2 * PAGE);
    char *q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    CHECK(q != MAP_FAILED && q != p);
    CHECK_EQ(q[PAGE], 'f');
    CHECK_EQ(p[PAGE], 0);
    munmap(q, 2 * PAGE);
    munmap(p, 2 * PAGE);
}

static void large_mremap_moves_pages_not_bytes(void)
{
    size_t size = 64ul << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; at < size; at += 1ul << 20)
        p[at] = (char)(at >> 20);
    char *q = mremap(p, size, 2 * size, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    int wrong = 0;
    for (size_t at = 0; at < size; at += 1ul << 20)
        wrong += q[at] != (char)(at >> 20) || q[size + at] != 0;
    CHECK_EQ(wrong, 0);
    munmap(q, 2 * size);
}

static void brk_grows_and_shrinks(void)
{
    char *start = (char *)syscall(SYS_brk, 0);
    CHECK(start != NULL);
    CHECK((char *)syscall(SYS_brk, start + 5 * PAGE) == start + 5 * PAGE);
    start[5 * PAGE - 1] = 'x';
    CHECK_EQ(start[4 * PAGE], 0);
    CHECK((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
    CHECK((char *)syscall(SYS_brk, start + 5 * PAGE) == start + 5 * PAGE);
    CHECK_EQ(start[5 * PAGE - 1], 0); /* what was given back comes back as zeros */
    CHECK((char *)syscall(SYS_brk, start) == start);
    CHECK((char *)syscall(SYS_brk, 1) == start);              /* below the start: unchanged */
    CHECK((char *)syscall(SYS_brk, KERNEL_ADDRESS) == start); /* and far above */
    CHECK((char *)syscall(SYS_brk, 0) == start);
}

static void brk_keeps_bytes_that_are_no_whole_page(void)
{
    char *start = (char *)syscall(SYS_brk, 0);
    CHECK((char *)syscall(SYS_brk, start + 100) == start + 100);
    start[99] = 'k';
    CHECK((char *)syscall(SYS_brk, start + 200) == start + 200);
    CHECK_EQ(start[99], 'k');
    syscall(SYS_brk, start);
}

static void dontneed_drops_private_memory(void)
{
    char *p = pages(4);
    memset(p, 'g', 4 * PAGE);
    CHECK_OK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
    CHECK_EQ(p[0] + p[3 * PAGE], 2 * 'g');
    CHECK_EQ(p[PAGE] + p[3 * PAGE - 1], 0);
    memset(p, 'h', 4 * PAGE);
    CHECK_OK(madvise(p, 4 * PAGE, MADV_FREE));
    CHECK(p[0] == 'h' || p[0] == 0);
    p[0] = 'i';
    CHECK_EQ(p[0], 'i');
    munmap(p, 4 * PAGE);
}

static void advice_is_checked(void)
{
    char *p = pages(3);
    int harmless[] = {MADV_NORMAL,     MADV_RANDOM,   MADV_SEQUENTIAL, MADV_WILLNEED, MADV_HUGEPAGE,
                      MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP,     MADV_DONTFORK, MADV_DOFORK};
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
        CHECK_OK(madvise(p, 3 * PAGE, harmless[i]));
    CHECK_ERR(madvise(p, PAGE, 4711), EINVAL);
    CHECK_ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_OK(madvise(p, 0, MADV_DONTNEED));
    CHECK_OK(munmap(p + PAGE, PAGE));
    p[2 * PAGE] = 'j';
    CHECK_ERR(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM); /* holes are reported, the rest done */
    CHECK_EQ(p[2 * PAGE], 0);
    munmap(p, 3 * PAGE);
}

static void populate_brings_pages_in(void)
{
    char *p = pages(4);
    unsigned char there[4] = {0};
    CHECK_OK(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
    CHECK_OK(mincore(p, 4 * PAGE, there));
    CHECK_EQ(there[0] & there[3] & 1, 1);
    munmap(p, 4 * PAGE);
}

static void *grow_and_shrink(void *arg)
{
    long wrong = 0;
    for (int i = 0; i < 200; i++) {
        char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return (void *)1;
        memset(p, (int)(long)arg, 16 * PAGE);
        p = mremap(p, 16 * PAGE, 48 * PAGE, MREMAP_MAYMOVE);
        wrong += p[16 * PAGE - 1] != (char)(long)arg || p[16 * PAGE] != 0;
        wrong += madvise(p, PAGE, MADV_DONTNEED) != 0 || p[0] != 0;
        wrong += munmap(p, 48 * PAGE) != 0;
    }
    return (void *)wrong;
}

static void threads_map_at_once(void)
{
    pthread_t thread[4];
    for (long i = 0; i < 4; i++)
        thread[i] = thread_start(grow_and_shrink, (void *)(i + 1));
    long wrong = 0;
    for (int i = 0; i < 4; i++)
        wrong += (long)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
}

/* A range that ends beyond the end of all addresses begins anew at 0. */
static void ranges_that_wrap_are_refused(void)
{
    char *p = pages(2);
    unsigned char vec[1];
    size_t wrapping = -(size_t)PAGE;
    CHECK_ERR(syscall(SYS_mincore, p, wrapping, vec), ENOMEM);
    CHECK_ERR(syscall(SYS_msync, p, wrapping, MS_SYNC), ENOMEM);
    CHECK_ERR(syscall(SYS_mlock, p, wrapping), EINVAL);
    CHECK_ERR(syscall(SYS_munlock, p, wrapping), EINVAL);
    CHECK_ERR(syscall(SYS_munmap, p, wrapping), EINVAL);
    CHECK_ERR(syscall(SYS_mprotect, p, wrapping, PROT_READ), ENOMEM);
    CHECK_ERR(syscall(SYS_madvise, p, wrapping, MADV_DONTNEED), EINVAL);
    munmap(p, 2 * PAGE);
}

static void locked_memory_stays(void)
{
    char *p = pages(4);
    CHECK_OK(mlock(p, 2 * PAGE));
    CHECK_ERR(madvise(p, 4 * PAGE, MADV_DONTNEED), EINVAL);
    CHECK_ERR(msync(p, PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
    char *q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    unsigned char vec[64];
    CHECK_OK(mincore(q, 64 * PAGE, vec));
    CHECK_EQ(vec[63] & 1, 1); /* also what it grew by */
    CHECK_OK(munlock(q, 64 * PAGE));
    CHECK_OK(madvise(q, 64 * PAGE, MADV_DONTNEED));
    munmap(q, 64 * PAGE);
    munmap(p + 2 * PAGE, 2 * PAGE);
}

static void files_are_not_freed(void)
{
    scratch_enter();
    file_put("file", "text");
    int fd = open("file", O_RDWR);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[0] = 'T';
    CHECK_ERR(madvise(p, PAGE, MADV_FREE), EINVAL);
    CHECK_ERR(madvise(p, PAGE, MADV_REMOVE), EACCES);
    CHECK_EQ(p[0], 'T');
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    CHECK_ERR(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
    CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
    CHECK_EQ(p[0], 't');
    munmap(p, PAGE);
    p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK_ERR(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EFAULT);
    munmap(p, 2 * PAGE);
    close(fd);
    unlink("file");
    scratch_leave();
}

static void vdso_does_not_grow(void)
{
    char *vdso = (char *)getauxval(AT_SYSINFO_EHDR);
    CHECK_ERR(mremap(vdso, PAGE, 64 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

/* What nobody touched takes no time to look through. */
static void large_reservation_in_smaps(void)
{
    size_t size = 4ul << 40;
    char *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK_OK(mprotect(p + size / 2, PAGE, PROT_READ | PROT_WRITE));
    p[size / 2] = 1;
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK(strlen(file_get("/proc/self/smaps")) > 0);
    char *q = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    q = q == MAP_FAILED ? p : q; /* several areas: Linux refuses, and so do we */
    CHECK_EQ(q[size / 2], 1);
    CHECK(now_ns(CLOCK_MONOTONIC) - start < 2000 * NS_PER_MS);
    munmap(p, size);
}

int main(void)
{
    RUN(mremap_shrinks_in_place);
    RUN(mremap_grows_where_there_is_room);
    RUN(mremap_moves_only_if_allowed);
    RUN(mremap_fixed_replaces_the_target);
    RUN(mremap_refuses_nonsense);
    RUN(mremap_keeps_protection);
    RUN(mremap_dontunmap_leaves_an_empty_area);
    RUN(large_mremap_moves_pages_not_bytes);
    RUN(brk_grows_and_shrinks);
    RUN(brk_keeps_bytes_that_are_no_whole_page);
    RUN(dontneed_drops_private_memory);
    RUN(advice_is_checked);
    RUN(populate_brings_pages_in);
    RUN(ranges_that_wrap_are_refused);
    RUN(locked_memory_stays);
    RUN(files_are_not_freed);
    RUN(vdso_does_not_grow);
    RUN(large_reservation_in_smaps);
    RUN(threads_map_at_once);
    return check_done();
}
