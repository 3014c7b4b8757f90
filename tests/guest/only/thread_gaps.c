/*
 * A call whose length the program chooses lets others run: while each of a list is made, another
 * thread that also faults pages, maps memory and opens files is not kept waiting for longer than
 * otherwise and 20 ms (median of five). Otherwise is when nothing happens, or when this thread
 * computes for as long: a busy host lets machines that compute wait. What fails is tried again.
 *
 * Not on Linux: there a thread that maps memory waits for the lock of one that populates or
 * protects much.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

#define MB (1ul << 20)
#define ROUNDS 5
#define TRIES 8
#define ALLOWED_NS (20 * NS_PER_MS)
#define MANY_FDS 4000
#define MANY_AREAS 6000
#define MANY_ITEMS 100000
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static volatile int64_t longest;
static volatile int stop, running;
static char *area, *wide;
static int zero, null, sparse, file;
static char vec[1 << 20];

/* What a thread of a server does between two requests. */
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

static void *map(size_t size)
{
    return mmap(NULL, size, RW, ANON, -1, 0);
}

/* Memory in small pages, each of which is there: huge ones would make it too easy. */
static void fill(size_t size)
{
    area = map(size);
    madvise(area, size, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < size; at += MB) { /* in pieces that no huge page fits into */
        mprotect(area + at, PAGE, PROT_READ);
        mprotect(area + at, PAGE, RW);
    }
    madvise(area, size, 23 /* MADV_POPULATE_WRITE */);
}

static void drop(size_t size)
{
    munmap(area, size);
}

static void idle(void)
{
    sleep_ms(60);
}

static void compute(void)
{
    int64_t end = now_ns(CLOCK_MONOTONIC) + 150 * NS_PER_MS;
    while (now_ns(CLOCK_MONOTONIC) < end)
        ;
}

static void read_zeros(void)
{
    read(zero, area, 48 * MB);
}

static void random_numbers(void)
{
    getrandom(area, 3 * MB, 0);
}

static void read_holes(void)
{
    pread(sparse, area, 64 * MB, 0);
}

static void write_memory(void)
{
    pwrite(file, area, 48 * MB, 0);
}

static void write_many_pieces(void)
{
    static struct iovec pieces[1024];
    for (int i = 0; i < 1024; i++)
        pieces[i] = (struct iovec){area + i * 40960, 40960};
    pwritev(file, pieces, 1024, 0);
}

static void copy_between_files(void)
{
    loff_t from = 0, to = 0;
    syscall(SYS_copy_file_range, sparse, &from, file, &to, 48 * MB, 0);
}

static void send_file(void)
{
    off_t from = 0;
    sendfile(null, sparse, &from, 128 * MB);
}

static void cut_a_file(void)
{
    CHECK_OK(ftruncate(file, 0));
}

static void make_a_file(void)
{
    fallocate(file, 0, 0, 48 * MB);
}

static void punch_a_file(void)
{
    fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 48 * MB);
}

static void look_for_holes(void)
{
    lseek(file, 0, SEEK_HOLE);
}

static void ask_what_is_there(void)
{
    mincore(wide, sizeof(vec) * PAGE, (unsigned char *)vec);
}

static void protect(void)
{
    mprotect(area, 64 * MB, PROT_READ);
}

static void drop_pages(void)
{
    madvise(area, 64 * MB, MADV_DONTNEED);
}

static void lock_pages(void)
{
    mlock(area, 48 * MB);
}

static void unmap(void)
{
    munmap(area, 64 * MB);
}

static void move(void)
{
    char *to = map(64 * MB);
    area = mremap(area, 64 * MB, 64 * MB, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void populate_a_mapping(void)
{
    char *p = mmap(NULL, 48 * MB, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    munmap(p, 48 * MB);
}

static void populate_holes(void)
{
    char *p = mmap(NULL, 48 * MB, PROT_READ, MAP_SHARED | MAP_POPULATE, sparse, 0);
    munmap(p, 48 * MB);
}

static void sync_a_mapping(void)
{
    char *p = mmap(NULL, 1ul << 34, PROT_READ, MAP_SHARED, sparse, 0);
    msync(p, 1ul << 34, MS_SYNC);
    munmap(p, 1ul << 34);
}

static void protect_many(void)
{
    char *p = mmap(NULL, 2 * MANY_AREAS * PAGE, PROT_READ, ANON, -1, 0);
    for (size_t i = 0; i < MANY_AREAS; i++)
        mprotect(p + 2 * i * PAGE, PAGE, PROT_NONE);
    mprotect(p, 2 * MANY_AREAS * PAGE, PROT_READ);
    munmap(p, 2 * MANY_AREAS * PAGE);
}

static void memory_of_a_process(void)
{
    static char buffer[1 << 20];
    struct iovec here = {buffer, sizeof(buffer)}, there = {area, sizeof(buffer)};
    for (int i = 0; i < 16; i++)
        process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

static void poll_many(void)
{
    static struct pollfd many[MANY_FDS];
    for (int i = 0; i < MANY_FDS; i++)
        many[i] = (struct pollfd){.fd = null, .events = POLLIN};
    poll(many, MANY_FDS, 0);
}

static void close_many(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MANY_FDS + 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < MANY_FDS; i++)
        dup(null);
    close_range((unsigned)(file > sparse ? file : sparse) + 1, ~0u, 0);
}

static void may_open(unsigned count)
{
    struct rlimit limit = {count, count};
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
}

/* A list of what is ready that is long, and stays so: filled, collected, closed. */
static void watch_many(void)
{
    static struct epoll_event events[MANY_ITEMS];
    static int ready = -1;
    int ep = epoll_create1(0);
    if (ready < 0) {
        may_open(MANY_ITEMS + 100);
        ready = eventfd(1, 0);
        for (int i = 0; i < MANY_ITEMS; i++)
            dup2(ready, i + 50);
    }
    for (int i = 0; i < MANY_ITEMS; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        epoll_ctl(ep, EPOLL_CTL_ADD, i + 50, &event);
    }
    CHECK_EQ(epoll_wait(ep, events, MANY_ITEMS, 0), MANY_ITEMS);
    close(ep);
}

static void read_own_maps(void)
{
    int fd = open("/proc/self/smaps", O_RDONLY);
    while (read(fd, vec, sizeof(vec)) > 0)
        ;
    close(fd);
}

static const struct {
    const char *name;
    void (*call)(void);
    size_t filled; /* bytes of memory that are there before it */
} calls[] = {
    {"read of /dev/zero", read_zeros, 48 * MB},
    {"getrandom", random_numbers, 3 * MB},
    {"pread of a hole", read_holes, 64 * MB},
    {"pwrite", write_memory, 48 * MB},
    {"pwritev", write_many_pieces, 48 * MB},
    {"copy_file_range", copy_between_files, 0},
    {"lseek", look_for_holes, 0},
    {"fallocate: hole", punch_a_file, 0},
    {"fallocate", make_a_file, 0},
    {"ftruncate", cut_a_file, 0},
    {"sendfile", send_file, 0},
    {"mincore", ask_what_is_there, 0},
    {"mprotect", protect, 64 * MB},
    {"madvise", drop_pages, 64 * MB},
    {"mlock", lock_pages, 64 * MB},
    {"mremap", move, 64 * MB},
    {"munmap", unmap, 64 * MB},
    {"MAP_POPULATE", populate_a_mapping, 0},
    {"MAP_POPULATE of a file", populate_holes, 0},
    {"msync", sync_a_mapping, 0},
    {"mprotect of many", protect_many, 0},
    {"process_vm_readv", memory_of_a_process, MB},
    {"poll", poll_many, 0},
    {"epoll", watch_many, 0},
    {"close_range", close_many, 0},
    {"/proc/self/smaps", read_own_maps, 64 * MB},
};

static int64_t gap_of(void (*call)(void), size_t filled)
{
    int64_t gap;
    if (filled)
        fill(filled);
    sleep_ms(5);
    longest = 0;
    call();
    sleep_ms(8); /* so that a wait that has not ended counts */
    gap = longest;
    if (filled)
        drop(filled);
    return gap;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t median_of(void (*call)(void), size_t filled)
{
    int64_t gaps[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        gaps[i] = gap_of(call, filled);
    qsort(gaps, ROUNDS, sizeof(gaps[0]), by_size);
    return gaps[ROUNDS / 2];
}

static bool gives_way(const char *name, void (*call)(void), size_t filled)
{
    for (int i = 0; i < TRIES; i++) {
        int64_t alone = median_of(idle, 0), busy = median_of(compute, 0);
        int64_t gap = median_of(call, filled);
        if (busy > alone)
            alone = busy;
        if (gap <= alone + ALLOWED_NS)
            return true;
        printf("# %s: %ld ms, otherwise %ld ms\n", name, (long)(gap / NS_PER_MS),
               (long)(alone / NS_PER_MS));
    }
    return false;
}

static void others_run_during_long_calls(void)
{
    stop = 0;
    pthread_t ticker = thread_start(tick, NULL);
    CHECK(wait_for(&running, 1));
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        CHECK(gives_way(calls[i].name, calls[i].call, calls[i].filled));
    stop = 1;
    thread_join(ticker);
}

int main(void)
{
    zero = open("/dev/zero", O_RDWR);
    null = open("/dev/null", O_RDWR);
    sparse = memfd_create("sparse", 0);
    file = memfd_create("file", 0);
    wide = mmap(NULL, sizeof(vec) * PAGE, RW, ANON, -1, 0);
    CHECK_OK(ftruncate(sparse, 1l << 46));
    RUN(others_run_during_long_calls);
    return check_done();
}
