/* Threads that write to one file at the same time: what each of them appends is there, and nothing
 * else. What is decided about a size or a place holds when the bytes are moved. */
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

enum { THREADS = 3, ROUNDS = 40, SMALL = 5000 };

static int fd, how; /* 0: O_APPEND, 1: RWF_APPEND, 2: RWF_APPEND at a place that does not count */
static volatile int ready;

/* A part of this program's file that nobody has touched: pages of it have to be read first. */
enum { COLD_SIZE = 1 << 20 };
static const char cold_parts[5][COLD_SIZE] = {{1}, {1}, {1}, {1}, {1}};
static size_t cold_size = COLD_SIZE;

static ssize_t append(const void *data, size_t size)
{
    struct iovec v = {(void *)(uintptr_t)data, size};
    return how == 0   ? write(fd, data, size)
           : how == 1 ? pwritev2(fd, &v, 1, -1, RWF_APPEND)
                      : pwritev2(fd, &v, 1, 7, RWF_APPEND);
}

static void *append_often(void *arg)
{
    char block[SMALL];
    memset(block, 'a' + (int)(intptr_t)arg, sizeof(block));
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) <= THREADS)
        sched_yield();
    bool good = true;
    for (int i = 0; i < ROUNDS; i++)
        good = append(block, sizeof(block)) == SMALL && good;
    return (void *)(intptr_t)good;
}

/* Each block is whole: a run of one letter as long as a block, or several. */
static bool blocks_whole(size_t skip)
{
    char block[SMALL];
    for (size_t at = skip; pread(fd, block, SMALL, (off_t)at) == SMALL; at += SMALL)
        for (size_t i = 1; i < SMALL; i++)
            if (block[i] != block[0])
                return false;
    return true;
}

static void all_that_is_appended_is_there(void)
{
    pthread_t threads[THREADS];
    fd = open("f", O_RDWR | O_CREAT | O_TRUNC | (how == 0 ? O_APPEND : 0), 0600);
    ready = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(append_often, (void *)i);
    wait_for(&ready, THREADS);
    ready++;
    CHECK_EQ(append(cold_parts[how], cold_size), cold_size);
    for (int i = 0; i < THREADS; i++)
        CHECK(thread_join(threads[i]) != NULL);
    struct stat st;
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_size, cold_size + (size_t)THREADS * ROUNDS * SMALL);
    close(fd);
}

static void appended_blocks_do_not_mix(void)
{
    pthread_t threads[THREADS];
    fd = open("f", O_RDWR | O_CREAT | O_TRUNC | (how == 0 ? O_APPEND : 0), 0600);
    ready = THREADS + 1;
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(append_often, (void *)i);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    CHECK(blocks_whole(0));
    close(fd);
}

/* Whoever makes a file with O_EXCL is the only one. */
static void *make_exclusively(void *arg)
{
    intptr_t made = 0;
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "x%d", i);
        int own = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        made += own >= 0;
        if (own >= 0)
            close(own);
    }
    return (void *)made;
}

static void each_file_is_made_once(void)
{
    pthread_t threads[THREADS];
    intptr_t made = 0;
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(make_exclusively, NULL);
    for (int i = 0; i < THREADS; i++)
        made += (intptr_t)thread_join(threads[i]);
    CHECK_EQ(made, ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "x%d", i);
        unlink(name);
    }
}

/* Numbers go through one pipe into another by splice, while somebody else reads the first: each
 * comes out once, here or there. The second pipe is full most of the time. */
enum { NUMBERS = 40000 };
static int from[2], to[2];
static unsigned char seen[NUMBERS];

static void numbers_seen(const uint32_t *part, ssize_t size)
{
    for (ssize_t i = 0; i < size / 4; i++)
        if (part[i] < NUMBERS)
            __atomic_add_fetch(&seen[part[i]], 1, __ATOMIC_SEQ_CST);
}

static void *read_numbers(void *arg)
{
    uint32_t part[100];
    ssize_t n;
    int fd_in = *(int *)arg;
    while ((n = read(fd_in, part, sizeof(part))) > 0) {
        numbers_seen(part, n);
        sched_yield();
    }
    return NULL;
}

static void *splice_numbers(void *arg)
{
    (void)arg;
    while (splice(from[0], NULL, to[1], NULL, 65536, 0) > 0)
        ;
    close(to[1]);
    return NULL;
}

static void spliced_bytes_come_once(void)
{
    static uint32_t part[NUMBERS];
    unsigned wrong = 0;
    CHECK_OK(pipe(from));
    CHECK_OK(pipe(to));
    CHECK_EQ(fcntl(to[1], F_SETPIPE_SZ, 4096), 4096);
    pthread_t threads[] = {thread_start(splice_numbers, NULL), thread_start(read_numbers, &from[0]),
                           thread_start(read_numbers, &to[0])};
    for (uint32_t i = 0; i < NUMBERS; i++)
        part[i] = i;
    for (uint32_t i = 0; i < NUMBERS; i += 100) /* whole, as they are fewer than PIPE_BUF bytes */
        wrong += write(from[1], part + i, 400) != 400;
    close(from[1]);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    for (unsigned i = 0; i < NUMBERS; i++)
        wrong += seen[i] != 1;
    CHECK_EQ(wrong, 0);
    close(from[0]);
    close(to[0]);
}

/* A seal that forbids writing and a mapping that allows it: one of them is refused. */
static void *map_again(void *arg)
{
    (void)arg;
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void no_seal_goes_with_a_writable_mapping(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        fd = memfd_create("sealed", MFD_ALLOW_SEALING);
        CHECK_OK(ftruncate(fd, PAGE));
        pthread_t thread = thread_start(map_again, NULL);
        bool is_sealed = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
        void *at = thread_join(thread);
        CHECK(!is_sealed || !at);
        if (at)
            munmap(at, PAGE);
        close(fd);
    }
}

/* The same, where mmap has to wait for a munmap of many pages. */
enum { MANY = 16384 };
static char *region;

static void *unmap_region(void *arg)
{
    (void)arg;
    munmap(region, MANY * PAGE);
    return NULL;
}

static void *map_into_region(void *arg)
{
    (void)arg;
    void *at = mmap(region, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void no_seal_comes_between_a_mapping_and_its_check(void)
{
    for (int i = 0; i < 8; i++) {
        fd = memfd_create("sealed", MFD_ALLOW_SEALING);
        CHECK_OK(ftruncate(fd, PAGE));
        region = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_POPULATE, -1, 0);
        CHECK(region != MAP_FAILED);
        pthread_t unmaps = thread_start(unmap_region, NULL);
        sched_yield();
        pthread_t maps = thread_start(map_into_region, NULL);
        sched_yield();
        bool is_sealed = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
        void *at = thread_join(maps);
        thread_join(unmaps);
        CHECK(!is_sealed || !at);
        if (at)
            munmap(at, PAGE);
        close(fd);
    }
}

/* A socket's bytes that are to go into a pipe, which others fill before they come. */
static int from_socket[2], into[2];
static volatile int spliced;

static void *splice_socket(void *arg)
{
    (void)arg;
    ready = 1;
    spliced = (int)splice(from_socket[0], NULL, into[1], NULL, 100, 0);
    return NULL;
}

static void *fill_pipe(void *arg)
{
    static const char zeros[PAGE];
    (void)arg;
    while (write(into[1], zeros, PAGE) > 0)
        ;
    return NULL;
}

static void what_a_socket_gave_is_in_the_pipe(void)
{
    char text[PAGE], last = 0;
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, from_socket));
    CHECK_OK(pipe2(into, O_NONBLOCK));
    CHECK_OK(fcntl(into[1], F_SETPIPE_SZ, PAGE));
    ready = 0;
    pthread_t splices = thread_start(splice_socket, NULL);
    wait_for(&ready, 1);
    sleep_ms(20);
    pthread_t fills =
        thread_start(fill_pipe, NULL); /* on Linux it waits until the splice is done */
    sleep_ms(20);
    CHECK_EQ(write(from_socket[1], "bytes", 5), 5);
    thread_join(splices);
    thread_join(fills);
    CHECK(spliced == 5 || (spliced < 0 && recv(from_socket[0], text, 5, MSG_DONTWAIT) == 5));
    size_t got = 0;
    for (ssize_t n; (n = read(into[0], text, sizeof(text))) > 0; got += (size_t)n)
        last = text[n - 1];
    CHECK(spliced < 0 || got % PAGE == 5);
    CHECK(spliced < 0 || got > PAGE || last == 's');
    for (int i = 0; i < 2; i++) {
        close(from_socket[i]);
        close(into[i]);
    }
}

int main(void)
{
    scratch_enter();
    for (how = 2; how >= 0; how--)
        RUN(all_that_is_appended_is_there);
    for (how = 0; how < 2; how++)
        RUN(appended_blocks_do_not_mix);
    RUN(each_file_is_made_once);
    RUN(spliced_bytes_come_once);
    if (!scratch_is_mounted())
        RUN(no_seal_goes_with_a_writable_mapping);
    RUN(no_seal_comes_between_a_mapping_and_its_check);
    RUN(what_a_socket_gave_is_in_the_pipe);
    unlink("f");
    CHECK(scratch_leave());
    return check_done();
}
