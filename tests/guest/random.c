/* Random numbers: getrandom's flags and edges, /dev/random, /dev/urandom, no repeats. */
#include <sys/random.h>

#include "tests/harness/guest.h"

static bool looks_random(const unsigned char *bytes, size_t size)
{
    size_t ones = 0;
    for (size_t i = 0; i < size; i++)
        ones += (size_t)__builtin_popcount(bytes[i]);
    return ones > size * 4 - size / 4 && ones < size * 4 + size / 4;
}

static void getrandom_fills(void)
{
    unsigned char a[4096], b[4096];
    memset(a, 0, sizeof(a));
    CHECK_EQ(getrandom(a, sizeof(a), 0), sizeof(a));
    CHECK_EQ(getrandom(b, sizeof(b), GRND_NONBLOCK), sizeof(b));
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    CHECK(looks_random(a, sizeof(a)) && looks_random(b, sizeof(b)));
    CHECK_EQ(getrandom(a, 13, GRND_RANDOM | GRND_NONBLOCK), 13);
    CHECK_EQ(getrandom(a, 1, GRND_INSECURE), 1);
    CHECK_EQ(getrandom(a, 0, 0), 0);
    CHECK_ERR(getrandom(a, 1, 0x80), EINVAL);
    CHECK_ERR(syscall(SYS_getrandom, KERNEL_ADDRESS, 16, 0), EFAULT);
    CHECK_ERR(syscall(SYS_getrandom, NULL_PAGE_ADDRESS, 16, 0), EFAULT);
    unsigned char *big = malloc(1 << 20);
    CHECK_EQ(getrandom(big, 1 << 20, 0), 1 << 20);
    CHECK(looks_random(big + (1 << 19), 4096));
    free(big);
}

static void devices_fill(void)
{
    static const char *const names[] = {"/dev/urandom", "/dev/random"};
    unsigned char a[1024];
    for (int i = 0; i < 2; i++) {
        int fd = open(names[i], O_RDWR);
        CHECK(fd >= 0);
        memset(a, 0, sizeof(a));
        CHECK_EQ(read(fd, a, sizeof(a)), sizeof(a));
        CHECK(looks_random(a, sizeof(a)));
        CHECK_EQ(write(fd, "entropy", 7), 7);
        close(fd);
    }
}

static void *draw(void *out)
{
    return (void *)getrandom(out, 32, 0);
}

static void threads_draw_different_numbers(void)
{
    enum { COUNT = 16 };
    static unsigned char drawn[COUNT][32];
    pthread_t thread[COUNT];
    int same = 0;
    for (int i = 0; i < COUNT; i++)
        thread[i] = thread_start(draw, drawn[i]);
    for (int i = 0; i < COUNT; i++)
        thread_join(thread[i]);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < i; k++)
            same += memcmp(drawn[i], drawn[k], 32) == 0;
    CHECK_EQ(same, 0);
}

int main(void)
{
    RUN(getrandom_fills);
    RUN(devices_fill);
    RUN(threads_draw_different_numbers);
    return check_done();
}
