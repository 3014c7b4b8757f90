/*
 * What the kernel's small operations take, one line each: NAME NANOSECONDS, the quickest of several
 * rounds. `tests/bench/bench micro` runs it here and under Debian's kernel.
 *
 *     micro [-r ROUNDS] [NAME...]
 */
#include <stdint.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGES 256
#define PAGE 4096ul

static const char *self; /* a file of the image, to look at */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

/* Each runs n operations and returns the nanoseconds they took in all. */

static uint64_t run_getpid(unsigned n)
{
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++)
        syscall(SYS_getpid);
    return now_ns() - start;
}

static void on_signal(int number)
{
    (void)number;
}

static uint64_t run_signal(unsigned n)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    pid_t pid = getpid(), tid = gettid();
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++)
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
    return now_ns() - start;
}

static uint64_t run_stat(unsigned n)
{
    struct stat info;
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++)
        must(stat(self, &info) == 0, self);
    return now_ns() - start;
}

static uint64_t run_open_close(unsigned n)
{
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++) {
        int fd = open(self, O_RDONLY);
        must(fd >= 0, self);
        close(fd);
    }
    return now_ns() - start;
}

static uint64_t run_cached_read(unsigned n)
{
    static char block[PAGE];
    int fd = open(self, O_RDONLY);
    must(fd >= 0 && pread(fd, block, sizeof(block), 0) == (ssize_t)PAGE, self);
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++)
        must(pread(fd, block, sizeof(block), 0) == (ssize_t)PAGE, "pread");
    uint64_t took = now_ns() - start;
    close(fd);
    return took;
}

static uint64_t run_mmap_munmap(unsigned n)
{
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++) {
        void *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        munmap(p, 16 * PAGE);
    }
    return now_ns() - start;
}

/* First writes to pages of their own; taking them away again is not counted. */
static uint64_t run_page_fault(unsigned n)
{
    uint64_t took = 0;
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED, "mmap");
    madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
    for (unsigned done = 0; done < n; done += PAGES) {
        uint64_t start = now_ns();
        for (unsigned i = 0; i < PAGES; i++)
            ((volatile char *)p)[i * PAGE] = 1;
        took += now_ns() - start;
        madvise(p, PAGES * PAGE, MADV_DONTNEED);
    }
    munmap(p, PAGES * PAGE);
    return took;
}

static void *nothing(void *argument)
{
    return argument;
}

static uint64_t run_thread(unsigned n)
{
    pthread_t thread;
    uint64_t start = now_ns();
    for (unsigned i = 0; i < n; i++) {
        must(pthread_create(&thread, NULL, nothing, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    return now_ns() - start;
}

/* Two threads that take turns, ours and one that runs partner(n + 1); the first turn, before which
 * it has to start, is not counted. */
static uint64_t with_partner(void *(*partner)(void *), void (*ours)(unsigned), unsigned n)
{
    pthread_t thread;
    unsigned turns = n + 1;
    must(pthread_create(&thread, NULL, partner, &turns) == 0, "pthread_create");
    ours(1);
    uint64_t start = now_ns();
    ours(n);
    uint64_t took = now_ns() - start;
    pthread_join(thread, NULL);
    return took;
}

static void *yield_partner(void *count)
{
    for (unsigned i = 0; i < *(unsigned *)count; i++)
        sched_yield();
    return NULL;
}

static void yield_ours(unsigned n)
{
    yield_partner(&n);
}

/* In a real-time class a yield always gives way to who waits; elsewhere it may go on. */
static uint64_t run_switch(unsigned n)
{
    struct sched_param param = {.sched_priority = 1};
    must(sched_setscheduler(0, SCHED_FIFO, &param) == 0, "sched_setscheduler");
    uint64_t took = with_partner(yield_partner, yield_ours, n / 2);
    param.sched_priority = 0;
    sched_setscheduler(0, SCHED_OTHER, &param);
    return took;
}

static int there[2], back[2];

static void *pipe_partner(void *count)
{
    char byte;
    for (unsigned i = 0; i < *(unsigned *)count; i++)
        must(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1, "pipe");
    return NULL;
}

static void pipe_ours(unsigned n)
{
    char byte = 'x';
    for (unsigned i = 0; i < n; i++)
        must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
}

static uint64_t run_pipe(unsigned n)
{
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    uint64_t took = with_partner(pipe_partner, pipe_ours, n);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
    return took;
}

static uint32_t turn; /* 0: ours, 1: the partner's */

static void futex_pass(uint32_t from)
{
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != from)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 1 - from, NULL, NULL, 0);
    __atomic_store_n(&turn, 1 - from, __ATOMIC_RELEASE);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *futex_partner(void *count)
{
    for (unsigned i = 0; i < *(unsigned *)count; i++)
        futex_pass(1);
    return NULL;
}

static void futex_ours(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        futex_pass(0);
}

static uint64_t run_futex(unsigned n)
{
    turn = 0;
    return with_partner(futex_partner, futex_ours, n);
}

static int event_there, event_back, epoll_there;

/* Waits in epoll for the event, and answers by another. */
static void *epoll_partner(void *count)
{
    struct epoll_event event;
    uint64_t value;
    for (unsigned i = 0; i < *(unsigned *)count; i++) {
        must(epoll_wait(epoll_there, &event, 1, -1) == 1, "epoll_wait");
        must(read(event_there, &value, sizeof(value)) == sizeof(value), "eventfd");
        must(write(event_back, &value, sizeof(value)) == sizeof(value), "eventfd");
    }
    return NULL;
}

static void epoll_ours(unsigned n)
{
    uint64_t value = 1;
    for (unsigned i = 0; i < n; i++) {
        must(write(event_there, &value, sizeof(value)) == sizeof(value), "eventfd");
        must(read(event_back, &value, sizeof(value)) == sizeof(value), "eventfd");
    }
}

static uint64_t run_epoll(unsigned n)
{
    event_there = eventfd(0, 0);
    event_back = eventfd(0, 0);
    epoll_there = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    must(epoll_ctl(epoll_there, EPOLL_CTL_ADD, event_there, &event) == 0, "epoll_ctl");
    uint64_t took = with_partner(epoll_partner, epoll_ours, n);
    close(event_there);
    close(event_back);
    close(epoll_there);
    return took;
}

static const struct {
    const char *name;
    uint64_t (*run)(unsigned n);
    unsigned n; /* operations in a round: a few ms, so that some rounds are not interrupted */
} operations[] = {
    {"getpid", run_getpid, 1000},
    {"signal", run_signal, 30},
    {"stat", run_stat, 100},
    {"open+close", run_open_close, 100},
    {"cached-read", run_cached_read, 100},
    {"mmap+munmap", run_mmap_munmap, 100},
    {"page-fault", run_page_fault, PAGES},
    {"thread", run_thread, 10},
    {"switch", run_switch, 200},
    {"pipe", run_pipe, 30},
    {"futex", run_futex, 30},
    {"epoll", run_epoll, 30},
};

static int wanted(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return count == 0;
}

int main(int argc, char **argv)
{
    int first = 1, rounds = 200;
    self = argv[0];
    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        rounds = atoi(argv[2]);
        first = 3;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        uint64_t best = UINT64_MAX;
        if (!wanted(operations[i].name, argc - first, argv + first))
            continue;
        for (int round = 0; round < rounds; round++) {
            uint64_t took = operations[i].run(operations[i].n);
            best = took < best ? took : best;
        }
        printf("%s %.1f\n", operations[i].name, (double)best / operations[i].n);
    }
    return 0;
}
