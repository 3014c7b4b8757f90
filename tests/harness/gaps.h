/*
 * The longest gap that another thread sees while a call is made. It sleeps, faults pages in, maps
 * memory and opens files, as what a server does between two requests.
 */
#pragma once

#include "tests/harness/guest.h"

#define MB (1ul << 20)
#define ROUNDS 5
#define TRIES 24 /* of a host that may be busy for some seconds */
#define ALLOWED_NS (20 * NS_PER_MS)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static volatile int64_t longest;
static volatile int stop, running;

static void use_the_kernel(void)
{
    char *p = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    p[0] = 1;
    munmap(p, 2 * PAGE);
    int fd = open("/proc/self/exe", O_RDONLY);
    close(fd);
}

static void *tick(void *arg)
{
    int64_t last = now_ns(CLOCK_MONOTONIC);
    (void)arg;
    while (!stop) {
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
        use_the_kernel();
        int64_t now = now_ns(CLOCK_MONOTONIC);
        if (now - last > longest)
            longest = now - last;
        last = now;
        running = 1;
    }
    return NULL;
}

struct call {
    const char *name;
    void (*call)(void);
    void (*before)(void), (*after)(void); /* NULL: nothing to do */
};

static int64_t gap_of(const struct call *c)
{
    if (c->before)
        c->before();
    sleep_ms(5);
    longest = 0;
    c->call();
    sleep_ms(8); /* so that a wait that has not ended counts */
    int64_t gap = longest;
    if (c->after)
        c->after();
    return gap;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t median_of(const struct call *c)
{
    int64_t gaps[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        gaps[i] = gap_of(c);
    qsort(gaps, ROUNDS, sizeof(gaps[0]), by_size);
    return gaps[ROUNDS / 2];
}

static void idle(void)
{
    sleep_ms(60);
}

static bool gives_way(const struct call *c)
{
    static const struct call nothing = {.call = idle};
    for (int i = 0; i < TRIES; i++) {
        int64_t alone = median_of(&nothing), gap = median_of(c);
        if (gap <= alone + ALLOWED_NS)
            return true;
        sleep_ms(50 * i);
        printf("# %s: %ld ms, idle %ld ms\n", c->name, (long)(gap / NS_PER_MS),
               (long)(alone / NS_PER_MS));
    }
    return false;
}

/* Whether each of the calls lets the other thread run. With a name: that one alone. */
static void check_gaps(const struct call *calls, size_t count, const char *name)
{
    stop = 0;
    pthread_t ticker = thread_start(tick, NULL);
    CHECK(wait_for(&running, 1));
    for (size_t i = 0; i < count; i++)
        if (!name || strcmp(name, calls[i].name) == 0)
            CHECK(gives_way(&calls[i]));
    stop = 1;
    thread_join(ticker);
}
