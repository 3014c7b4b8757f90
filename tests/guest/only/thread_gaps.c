/*
 * A call whose length the program chooses lets others run: while each of a list is made, another
 * thread that also faults pages, maps memory and opens files is not kept waiting for longer than
 * when nothing happens and 20 ms (medians of five). What fails is tried again, for the host may be
 * busy.
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

#include "tests/harness/gaps.h"

#define MANY_FDS 4000
#define MANY_AREAS 6000
#define MANY_ITEMS 100000

static char *area, *wide;
static int zero, null, sparse, file;
static char vec[1 << 20];

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

static void fill1(void)
{
    fill(MB);
}

static void fill3(void)
{
    fill(3 * MB);
}

static void fill64(void)
{
    fill(64 * MB);
}

static void drop1(void)
{
    munmap(area, MB);
}

static void drop3(void)
{
    munmap(area, 3 * MB);
}

static void drop64(void)
{
    munmap(area, 64 * MB);
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

static const struct call calls[] = {
    {"read of /dev/zero", read_zeros, fill64, drop64},
    {"getrandom", random_numbers, fill3, drop3},
    {"pread of a hole", read_holes, fill64, drop64},
    {"pwrite", write_memory, fill64, drop64},
    {"pwritev", write_many_pieces, fill64, drop64},
    {"copy_file_range", copy_between_files, NULL, NULL},
    {"lseek", look_for_holes, NULL, NULL},
    {"fallocate: hole", punch_a_file, NULL, NULL},
    {"fallocate", make_a_file, NULL, NULL},
    {"ftruncate", cut_a_file, NULL, NULL},
    {"sendfile", send_file, NULL, NULL},
    {"mincore", ask_what_is_there, NULL, NULL},
    {"mprotect", protect, fill64, drop64},
    {"madvise", drop_pages, fill64, drop64},
    {"mlock", lock_pages, fill64, drop64},
    {"mremap", move, fill64, drop64},
    {"munmap", unmap, fill64, drop64},
    {"MAP_POPULATE", populate_a_mapping, NULL, NULL},
    {"MAP_POPULATE of a file", populate_holes, NULL, NULL},
    {"msync", sync_a_mapping, NULL, NULL},
    {"mprotect of many", protect_many, NULL, NULL},
    {"process_vm_readv", memory_of_a_process, fill1, drop1},
    {"poll", poll_many, NULL, NULL},
    {"epoll", watch_many, NULL, NULL},
    {"close_range", close_many, NULL, NULL},
    {"/proc/self/smaps", read_own_maps, fill64, drop64},
};

static void others_run_during_long_calls(void)
{
    check_gaps(calls, sizeof(calls) / sizeof(calls[0]), NULL);
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
