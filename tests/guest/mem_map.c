/* mmap and munmap: where mappings come to lie, what they hold, which requests are refused. */
#include "tests/harness/guest.h"

static void *map_at(void *where, size_t size, int flags)
{
    return mmap(where, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void anonymous_memory_is_zero(void)
{
    unsigned char *p = (unsigned char *)pages(64);
    int sum = 0;
    for (size_t i = 0; i < 64 * PAGE; i++)
        sum |= p[i];
    CHECK_EQ(sum, 0);
    CHECK_EQ((uintptr_t)p % PAGE, 0);
    memset(p, 0xa5, 64 * PAGE);
    CHECK_EQ(p[0] + p[64 * PAGE - 1], 0xa5 * 2);
    CHECK_OK(munmap(p, 64 * PAGE));
    CHECK(!readable(p));
    unsigned char *again = map_at(p, 64 * PAGE, MAP_FIXED);
    CHECK(again == p);
    CHECK_EQ(p[5] + p[64 * PAGE - 1], 0);
    CHECK_OK(munmap(p, 64 * PAGE));
}

static void hint_is_followed_where_free(void)
{
    char *p = pages(4);
    CHECK_OK(munmap(p + PAGE, PAGE));
    CHECK(map_at(p + PAGE, PAGE, 0) == p + PAGE);
    char *other = map_at(p + 2 * PAGE, PAGE, 0); /* taken: elsewhere, never over it */
    CHECK(other != MAP_FAILED && other != p + 2 * PAGE);
    CHECK_OK(munmap(other, PAGE));
    char *unaligned = map_at(p + 4 * PAGE + 123, PAGE, 0);
    CHECK_EQ((uintptr_t)unaligned % PAGE, 0);
    CHECK_OK(munmap(unaligned, PAGE));
    CHECK_OK(munmap(p, 4 * PAGE));
}

static void fixed_replaces_what_is_there(void)
{
    char *p = pages(3);
    memset(p, 'x', 3 * PAGE);
    CHECK(map_at(p + PAGE, PAGE, MAP_FIXED) == p + PAGE);
    CHECK_EQ(p[PAGE - 1], 'x');
    CHECK_EQ(p[PAGE], 0);
    CHECK_EQ(p[2 * PAGE - 1], 0);
    CHECK_EQ(p[2 * PAGE], 'x');
    CHECK_OK(munmap(p, 3 * PAGE));
}

static void fixed_noreplace_refuses_overlap(void)
{
    char *p = pages(3);
    CHECK_ERR(map_at(p, PAGE, MAP_FIXED_NOREPLACE), EEXIST);
    CHECK_ERR(map_at(p + 2 * PAGE, 4 * PAGE, MAP_FIXED_NOREPLACE), EEXIST);
    CHECK_OK(munmap(p + PAGE, PAGE));
    CHECK(map_at(p + PAGE, PAGE, MAP_FIXED_NOREPLACE) == p + PAGE);
    CHECK_ERR(map_at(p + 1, PAGE, MAP_FIXED_NOREPLACE), EINVAL);
    CHECK_OK(munmap(p, 3 * PAGE));
}

static void bad_requests_are_refused(void)
{
    CHECK_ERR(map_at(NULL, 0, 0), EINVAL);
    CHECK_ERR(map_at((void *)(PAGE + 1), PAGE, MAP_FIXED), EINVAL);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL); /* neither kind */
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 12345, 0), EBADF);
    CHECK_ERR(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1), EINVAL);
    CHECK_ERR(map_at(NULL, SIZE_MAX - PAGE, 0), ENOMEM);
    CHECK_ERR(map_at(NULL, 1ul << 47, 0), ENOMEM);
    CHECK_ERR(map_at((void *)(1ul << 47), PAGE, MAP_FIXED), ENOMEM);
    CHECK_ERR(map_at(KERNEL_ADDRESS, PAGE, MAP_FIXED), ENOMEM);
    CHECK_ERR(map_at((void *)((1ul << 47) - PAGE), PAGE, MAP_FIXED), ENOMEM);
    int pipefd[2];
    CHECK_OK(pipe(pipefd));
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipefd[0], 0), ENODEV);
    close(pipefd[0]);
    close(pipefd[1]);
    int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
    close(dir);
}

static void munmap_checks_its_range(void)
{
    char *p = pages(2);
    CHECK_ERR(munmap(p + 1, PAGE), EINVAL);
    CHECK_ERR(munmap(p, 0), EINVAL);
    CHECK_ERR(munmap(KERNEL_ADDRESS, PAGE), EINVAL);
    CHECK_ERR(munmap(p, SIZE_MAX), EINVAL);
    CHECK(readable(p));
    CHECK_OK(munmap(p, 1)); /* rounded up */
    CHECK(!readable(p) && readable(p + PAGE));
    CHECK_OK(munmap(p, 2 * PAGE)); /* holes are no error */
    CHECK_OK(munmap(p, 2 * PAGE));
}

static void holes_split_and_merge(void)
{
    char *p = pages(64);
    for (size_t i = 0; i < 64; i += 2)
        if (munmap(p + i * PAGE, PAGE) != 0)
            CHECK(!"munmap of every second page");
    int wrong = 0;
    for (size_t i = 0; i < 64; i++)
        wrong += readable(p + i * PAGE) != (i % 2 == 1);
    CHECK_EQ(wrong, 0);
    for (size_t i = 0; i < 64; i += 2)
        wrong += map_at(p + i * PAGE, PAGE, MAP_FIXED_NOREPLACE) != p + i * PAGE;
    CHECK_EQ(wrong, 0);
    memset(p, 1, 64 * PAGE);
    CHECK_OK(munmap(p, 64 * PAGE));
}

static void large_areas_cost_nothing_until_used(void)
{
    size_t size = 8ul << 30;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (!CHECK(p != MAP_FAILED))
        return;
    for (size_t at = 0; at < size; at += 1ul << 29)
        p[at] = (char)(at >> 29);
    int wrong = 0;
    for (size_t at = 0; at < size; at += 1ul << 29)
        wrong += p[at] != (char)(at >> 29) || p[at + PAGE] != 0;
    CHECK_EQ(wrong, 0);
    CHECK_OK(munmap(p, size));
    CHECK(!readable(p + (1ul << 30)));
}

static void huge_page_sized_areas_work(void)
{
    size_t size = 16ul << 20;
    char *p = map_at(NULL, size, 0);
    CHECK(p != MAP_FAILED);
    madvise(p, size, MADV_HUGEPAGE);
    memset(p, 7, size);
    CHECK_OK(munmap(p + (5ul << 20), PAGE)); /* splits a large page */
    CHECK(!readable(p + (5ul << 20)));
    CHECK_EQ(p[(5ul << 20) - 1] + p[(5ul << 20) + PAGE], 14);
    CHECK_OK(mprotect(p + (7ul << 20), PAGE, PROT_READ));
    CHECK(!writable(p + (7ul << 20)));
    CHECK_EQ(p[7ul << 20], 7);
    CHECK(writable(p + (7ul << 20) + PAGE));
    CHECK_OK(madvise(p + (9ul << 20), PAGE, MADV_DONTNEED));
    CHECK_EQ(p[9ul << 20], 0);
    CHECK_EQ(p[(9ul << 20) + PAGE], 7);
    CHECK_OK(munmap(p, size));
}

static void map_flags_that_change_little_are_accepted(void)
{
    int flags[] = {MAP_NORESERVE, MAP_POPULATE, MAP_STACK, MAP_LOCKED, MAP_NONBLOCK};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        char *p = map_at(NULL, 2 * PAGE, flags[i]);
        if (CHECK(p != MAP_FAILED)) {
            p[PAGE] = 3;
            CHECK_OK(munmap(p, 2 * PAGE));
        }
    }
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && shared[10] == 0);
    shared[10] = 4;
    CHECK_EQ(shared[10], 4);
    CHECK_OK(munmap(shared, PAGE));
    char *low = map_at(NULL, PAGE, MAP_32BIT);
    CHECK(low != MAP_FAILED && (uintptr_t)low < (1ul << 32));
    munmap(low, PAGE);
}

static void low_mappings_follow_their_hint(void)
{
    char *hint = (char *)0x50000000, *p = map_at(hint, 2 * PAGE, MAP_32BIT);
    CHECK(p == hint);
    char *other = map_at(hint + PAGE, PAGE, MAP_32BIT);
    CHECK(other != MAP_FAILED && other != hint + PAGE && (uintptr_t)other < (1ul << 31));
    char *high = map_at((char *)0x7ffff000, 2 * PAGE, MAP_32BIT);
    CHECK(high != MAP_FAILED && (uintptr_t)high + 2 * PAGE <= (1ul << 31));
    munmap(p, 2 * PAGE);
    munmap(other, PAGE);
    munmap(high, 2 * PAGE);
}

static void mincore_tells_what_is_there(void)
{
    unsigned char *p = (unsigned char *)pages(4), there[4] = {9, 9, 9, 9};
    p[PAGE] = 1;
    CHECK_OK(mincore(p, 4 * PAGE, there));
    CHECK_EQ(there[1] & 1, 1);
    CHECK_ERR(mincore(p + 1, PAGE, there), EINVAL);
    CHECK_ERR(syscall(SYS_mincore, p, 4 * PAGE, NULL_PAGE_ADDRESS), EFAULT);
    CHECK_OK(munmap(p + 2 * PAGE, PAGE));
    CHECK_ERR(mincore(p, 4 * PAGE, there), ENOMEM);
    munmap(p, 4 * PAGE);
}

static void addresses_are_random_and_in_user_space(void)
{
    char *p = pages(1);
    int local = 0;
    CHECK((uintptr_t)p < (1ul << 47) && (uintptr_t)&local < (1ul << 47));
    CHECK((uintptr_t)&local > (uintptr_t)p); /* the stack lies above what mmap gives */
    munmap(p, PAGE);
}

static void mlock_family_answers(void)
{
    char *p = pages(2);
    CHECK_OK(mlock(p, PAGE));
    CHECK_OK(munlock(p, PAGE));
    CHECK_OK(syscall(SYS_mlock2, p, PAGE, 0));
    CHECK_ERR(syscall(SYS_mlock2, p, PAGE, 64), EINVAL);
    munmap(p, 2 * PAGE);
    CHECK_ERR(mlock(p, PAGE), ENOMEM);
}

int main(void)
{
    RUN(anonymous_memory_is_zero);
    RUN(hint_is_followed_where_free);
    RUN(fixed_replaces_what_is_there);
    RUN(fixed_noreplace_refuses_overlap);
    RUN(bad_requests_are_refused);
    RUN(munmap_checks_its_range);
    RUN(holes_split_and_merge);
    RUN(large_areas_cost_nothing_until_used);
    RUN(huge_page_sized_areas_work);
    RUN(map_flags_that_change_little_are_accepted);
    RUN(low_mappings_follow_their_hint);
    RUN(mincore_tells_what_is_there);
    RUN(addresses_are_random_and_in_user_space);
    RUN(mlock_family_answers);
    return check_done();
}
