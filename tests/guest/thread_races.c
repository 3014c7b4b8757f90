/*
 * Threads that do the same thing at the same time: what is promised to happen once, happens once,
 * and what is promised to be whole, is whole.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

enum { THREADS = 4, ROUNDS = 200 };

static pthread_barrier_t barrier;
static volatile int wins, wrong, done;

/* Runs race in THREADS threads, each with its number, until all have ended. */
static void race(void *(*run)(void *))
{
    pthread_t threads[THREADS];
    wins = wrong = done = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        threads[i] = thread_start(run, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static void count(volatile int *counter, bool condition)
{
    if (condition)
        __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

static void *create_files(void *arg)
{
    char name[32];
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof(name), "x%d", i);
        pthread_barrier_wait(&barrier);
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);
        count(&wins, fd >= 0);
        count(&wrong, fd < 0 && errno != EEXIST);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void one_creates_a_file(void)
{
    race(create_files);
    CHECK_EQ(wins, ROUNDS);
    CHECK_EQ(wrong, 0);
}

static void *remove_files(void *arg)
{
    char name[32];
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(name, sizeof(name), "x%d", i);
        pthread_barrier_wait(&barrier);
        int result = unlink(name);
        count(&wins, result == 0);
        count(&wrong, result != 0 && errno != ENOENT);
    }
    return NULL;
}

static void one_removes_a_file(void)
{
    race(remove_files);
    CHECK_EQ(wins, ROUNDS);
    CHECK_EQ(wrong, 0);
}

static void *make_and_remove_folders(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        count(&wins, mkdir("d", 0755) == 0);
        pthread_barrier_wait(&barrier);
        count(&done, rmdir("d") == 0);
    }
    return NULL;
}

static void one_makes_a_folder_and_one_removes_it(void)
{
    race(make_and_remove_folders);
    CHECK_EQ(wins, ROUNDS);
    CHECK_EQ(done, ROUNDS);
}

static void *rename_over(void *arg)
{
    char name[32];
    snprintf(name, sizeof(name), "r%ld", (long)arg);
    for (int i = 0; i < ROUNDS; i++) {
        count(&wrong, !file_put(name, name));
        count(&wrong, rename(name, "target") != 0);
        const int fd = open("target", O_RDONLY); /* always there, always whole */
        char text[8] = "";
        count(&wrong, fd < 0 || read(fd, text, sizeof(text)) != 2 || text[0] != 'r');
        close(fd);
    }
    return NULL;
}

static void a_renamed_file_is_never_missing_or_half(void)
{
    race(rename_over);
    CHECK_EQ(wrong, 0);
    CHECK_OK(unlink("target"));
}

static int shared_fd;

static void *append(void *arg)
{
    char line[64];
    memset(line, 'a' + (int)(long)arg, sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < ROUNDS; i++)
        count(&wrong, write(shared_fd, line, sizeof(line)) != sizeof(line));
    return NULL;
}

static void check_lines(const char *name)
{
    char line[64];
    int lines = 0, torn = 0, fd = open(name, O_RDONLY);
    while (read(fd, line, sizeof(line)) == sizeof(line)) {
        lines++;
        for (unsigned i = 1; i < sizeof(line) - 1; i++)
            torn += line[i] != line[0];
    }
    close(fd);
    CHECK_EQ(lines, THREADS * ROUNDS);
    CHECK_EQ(torn, 0);
}

static void appended_lines_stay_whole(void)
{
    shared_fd = open("lines", O_CREAT | O_WRONLY | O_APPEND, 0644);
    race(append);
    CHECK_EQ(wrong, 0);
    close(shared_fd);
    check_lines("lines");
    CHECK_OK(unlink("lines"));
}

static void a_shared_position_moves_once_a_write(void)
{
    shared_fd = open("lines", O_CREAT | O_WRONLY, 0644);
    race(append);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(lseek(shared_fd, 0, SEEK_CUR), THREADS * ROUNDS * 64);
    close(shared_fd);
    check_lines("lines");
    CHECK_OK(unlink("lines"));
}

static void *lock_and_count(void *arg)
{
    (void)arg;
    int fd = open("lock", O_RDWR);
    for (int i = 0; i < ROUNDS; i++) {
        flock(fd, LOCK_EX);
        int seen = wins;
        sched_yield();
        wins = seen + 1;
        flock(fd, LOCK_UN);
    }
    close(fd);
    return NULL;
}

static void file_locks_exclude_threads_with_their_own_files(void)
{
    CHECK(file_put("lock", ""));
    race(lock_and_count);
    CHECK_EQ(wins, THREADS * ROUNDS);
    CHECK_OK(unlink("lock"));
}

static void *take_numbers(void *arg)
{
    uint64_t one;
    (void)arg;
    while (read(shared_fd, &one, sizeof(one)) == sizeof(one))
        count(&wins, one == 1);
    count(&wrong, errno != EAGAIN);
    return NULL;
}

static void a_semaphore_gives_each_unit_once(void)
{
    shared_fd = eventfd(1000, EFD_SEMAPHORE | EFD_NONBLOCK);
    race(take_numbers);
    CHECK_EQ(wins, 1000);
    CHECK_EQ(wrong, 0);
    close(shared_fd);
}

static int ends[2];

static void *take_bytes(void *arg)
{
    unsigned char byte;
    (void)arg;
    while (read(ends[0], &byte, 1) == 1)
        __atomic_fetch_add(&wins, byte, __ATOMIC_SEQ_CST);
    return NULL;
}

static void bytes_of_a_pipe_are_read_once(void)
{
    unsigned char bytes[4096];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i % 7);
    int sum = 0;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        sum += bytes[i];
    CHECK_OK(pipe2(ends, O_NONBLOCK));
    CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
    race(take_bytes);
    CHECK_EQ(wins, sum);
    close(ends[0]);
    close(ends[1]);
}

static void *duplicate(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        int fd = dup(shared_fd);
        count(&wrong, fd < 0 || fcntl(fd, F_GETFD) != 0);
        count(&wrong, close(fd) != 0); /* EBADF if two had the same number */
    }
    return NULL;
}

static void no_two_threads_get_one_descriptor(void)
{
    shared_fd = open(".", O_RDONLY);
    race(duplicate);
    CHECK_EQ(wrong, 0);
    close(shared_fd);
}

static void *map_and_unmap(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        count(&wrong, p == MAP_FAILED || p[PAGE] != 0);
        memset(p, (int)(long)arg + 1, 4 * PAGE);
        sched_yield();
        count(&wrong, p[0] != (long)arg + 1 || p[4 * PAGE - 1] != (long)arg + 1);
        munmap(p, 4 * PAGE);
    }
    return NULL;
}

static void mappings_do_not_overlap(void)
{
    race(map_and_unmap);
    CHECK_EQ(wrong, 0);
}

static char *shared_page;

static void *touch(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        __atomic_fetch_add((int *)(shared_page + (size_t)i * PAGE), 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void a_page_that_all_touch_first_is_one_page(void)
{
    shared_page = pages(ROUNDS);
    race(touch);
    for (int i = 0; i < ROUNDS; i++)
        wrong += *(int *)(shared_page + (size_t)i * PAGE) != THREADS;
    CHECK_EQ(wrong, 0);
    munmap(shared_page, ROUNDS * PAGE);
}

static int epoll;

static void *watch_and_forget(void *arg)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)arg};
    for (int i = 0; i < ROUNDS; i++) {
        int fd = eventfd(1, 0);
        count(&wrong, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0);
        struct epoll_event got[THREADS];
        int n = epoll_wait(epoll, got, THREADS, 0); /* at least one's own is ready */
        count(&wrong, n < 1 || n > THREADS);
        count(&wrong, i % 2 && epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) != 0);
        close(fd);
    }
    return NULL;
}

static void watching_while_others_close(void)
{
    epoll = epoll_create1(0);
    race(watch_and_forget);
    CHECK_EQ(wrong, 0);
    struct epoll_event event;
    CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
    close(epoll);
}

int main(void)
{
    scratch_enter();
    RUN(one_creates_a_file);
    RUN(one_removes_a_file);
    RUN(one_makes_a_folder_and_one_removes_it);
    RUN(a_renamed_file_is_never_missing_or_half);
    RUN(appended_lines_stay_whole);
    RUN(a_shared_position_moves_once_a_write);
    RUN(file_locks_exclude_threads_with_their_own_files);
    RUN(a_semaphore_gives_each_unit_once);
    RUN(bytes_of_a_pipe_are_read_once);
    RUN(no_two_threads_get_one_descriptor);
    RUN(mappings_do_not_overlap);
    RUN(a_page_that_all_touch_first_is_one_page);
    RUN(watching_while_others_close);
    CHECK(scratch_leave());
    return check_done();
}
