// ORRIS: -m 64M
/*
 * In the guest alone, for its memory is small: what is mapped here and there, touched and unmapped
 * leaves no page tables behind, at whatever addresses.
 */
#include "tests/harness/guest.h"

#define STEP (1ul << 30)
#define BASE 0x10000000000ul
#define RW (PROT_READ | PROT_WRITE)

static long table_kilobytes(void)
{
    const char *line = strstr(file_get("/proc/self/status"), "VmPTE:");
    return line ? atol(line + 6) : -1;
}

static char *map_at(size_t at, size_t size)
{
    return mmap((void *)(BASE + at), size, RW,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Each page needs two tables of its own: without an end to them, 80 MB. */
static void pages_far_apart(void)
{
    int wrong = 0;
    for (size_t i = 0; i < 10000; i++) {
        volatile char *p = map_at(i * STEP, PAGE);
        if (p == MAP_FAILED) {
            wrong++;
            break;
        }
        *p = 1;
        wrong += *p != 1;
        munmap((void *)(uintptr_t)p, PAGE);
    }
    CHECK_EQ(wrong, 0);
    CHECK(table_kilobytes() < 2048);
}

/* The same all at once, unmapped in one go: as many as there is memory for, several times. */
static void one_large_mapping(void)
{
    int wrong = 0;
    for (size_t round = 0; round < 8; round++) {
        char *p = map_at(round * 2000 * STEP, 2000 * STEP);
        for (size_t i = 0; i < 2000; i++)
            p[i * STEP + round * PAGE] = 1;
        wrong += munmap(p, 2000 * STEP) != 0;
    }
    CHECK_EQ(wrong, 0);
    CHECK(table_kilobytes() < 2048);
}

/* Neighbours keep what they have. */
static void neighbours_stay(void)
{
    int wrong = 0;
    char *p = map_at(0, 64 * STEP);
    for (size_t i = 0; i < 64 * 512; i += 8)
        p[i << 21] = (char)(i >> 3);
    for (size_t i = 0; i < 64 * 512; i += 16)
        munmap(p + (i << 21), PAGE * (1 + i % 512));
    for (size_t i = 8; i < 64 * 512; i += 16)
        wrong += p[i << 21] != (char)(i >> 3);
    CHECK_EQ(wrong, 0);
    CHECK_OK(munmap(p, 64 * STEP));
    CHECK(table_kilobytes() < 2048);
}

static volatile int stop;

static void *touch_always(void *arg)
{
    long wrong = 0;
    char *p = map_at(60000 * STEP, 8 * STEP);
    (void)arg;
    for (unsigned i = 0; !stop; i++) {
        size_t at = (i % 8) * STEP + i % 4096 * PAGE;
        p[at] = (char)(i | 1);
        wrong += p[at] != (char)(i | 1);
        if (i % 64 == 0)
            madvise(p, 8 * STEP, MADV_DONTNEED);
    }
    return (void *)wrong;
}

int main(void)
{
    pthread_t other = thread_start(touch_always, NULL);
    RUN(pages_far_apart);
    RUN(one_large_mapping);
    RUN(neighbours_stay);
    stop = 1;
    CHECK(thread_join(other) == NULL);
    return check_done();
}
