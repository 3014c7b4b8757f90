/* Threads that write to one file at the same time: what each of them appends is there, and nothing
 * else. What is decided about a size or a place holds when the bytes are moved. */
#include <sys/uio.h>

#include "tests/harness/guest.h"

enum { THREADS = 3, ROUNDS = 40, SMALL = 5000 };

static int fd, how; /* 0: O_APPEND, 1: RWF_APPEND, 2: RWF_APPEND at a place that does not count */
static char *cold;  /* this program's file, mapped anew: pages that may have to be read */
static size_t cold_size;
static volatile int ready;

static ssize_t append(char *from, size_t size)
{
    struct iovec v = {from, size};
    return how == 0   ? write(fd, from, size)
           : how == 1 ? pwritev2(fd, &v, 1, -1, RWF_APPEND)
                      : pwritev2(fd, &v, 1, 7, RWF_APPEND);
}

static void *append_often(void *arg)
{
    char block[SMALL];
    memset(block, 'a' + (int)(intptr_t)arg, sizeof(block));
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    wait_for(&ready, THREADS + 1);
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
    CHECK_EQ(append(cold, cold_size), cold_size);
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
    ready = 1;
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

/* A pipe's bytes go to one of two who splice from it, each once. */
static int pipe_fds[2], out_fds[2];

static void *splice_out(void *arg)
{
    int out = out_fds[(intptr_t)arg];
    ssize_t n, all = 0;
    while ((n = splice(pipe_fds[0], NULL, out, NULL, 4096, 0)) > 0)
        all += n;
    return (void *)(intptr_t)all;
}

static void spliced_bytes_come_once(void)
{
    enum { NUMBERS = 60000 };
    static unsigned char seen[NUMBERS];
    static uint32_t part[NUMBERS];
    pthread_t threads[2];
    CHECK_OK(pipe(pipe_fds));
    for (intptr_t i = 0; i < 2; i++) {
        out_fds[i] = memfd_create("out", 0);
        threads[i] = thread_start(splice_out, (void *)i);
    }
    for (uint32_t i = 0; i < NUMBERS; i++)
        part[i] = i;
    for (uint32_t i = 0; i < NUMBERS; i += 1000)
        CHECK_EQ(write(pipe_fds[1], part + i, 4000), 4000);
    close(pipe_fds[1]);
    unsigned twice = 0, missing = 0;
    for (int i = 0; i < 2; i++) {
        intptr_t all = (intptr_t)thread_join(threads[i]);
        CHECK_EQ(pread(out_fds[i], part, (size_t)all, 0), all);
        for (intptr_t k = 0; k < all / 4; k++)
            twice += part[k] < NUMBERS && seen[part[k]]++ > 0;
        close(out_fds[i]);
    }
    for (unsigned i = 0; i < NUMBERS; i++)
        missing += !seen[i];
    CHECK(twice == 0 && missing == 0);
    close(pipe_fds[0]);
}

int main(void)
{
    struct stat st;
    int own = open("/proc/self/exe", O_RDONLY);
    if (fstat(own, &st) == 0)
        cold_size = (size_t)st.st_size;
    cold = mmap(NULL, cold_size, PROT_READ, MAP_PRIVATE, own, 0);
    scratch_enter();
    for (how = 0; how < 3; how++)
        RUN(all_that_is_appended_is_there);
    for (how = 0; how < 2; how++)
        RUN(appended_blocks_do_not_mix);
    RUN(each_file_is_made_once);
    RUN(spliced_bytes_come_once);
    unlink("f");
    CHECK(scratch_leave());
    return check_done();
}
