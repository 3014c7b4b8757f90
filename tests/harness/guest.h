/*
 * What the guest tests share: caught faults, clocks, a scratch folder, small files. All of them are
 * one-process programs that run as root on Linux and in the guest.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/check.h"

#define PAGE 4096ul
#define NS_PER_MS 1000000ll

/* Addresses that no program may read or write. */
#define KERNEL_ADDRESS ((void *)0xffffffff80000000ul)
#define NONCANONICAL_ADDRESS ((void *)0x8000000000000000ul)
#define NULL_PAGE_ADDRESS ((void *)8ul)

static inline int64_t now_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static inline void sleep_ms(long ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
        ;
}

static inline struct timespec ms_timespec(long ms)
{
    return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* Waits until *flag (set by another thread) is at least value; false after ten seconds. */
static inline bool wait_for(volatile int *flag, int value)
{
    for (int i = 0; i < 10000; i++) {
        if (__atomic_load_n(flag, __ATOMIC_SEQ_CST) >= value)
            return true;
        sleep_ms(1);
    }
    return false;
}

/* A fault that a function provoked: sig is 0 if it provoked none. */
struct fault {
    int sig, code;
    uintptr_t addr;
};

static sigjmp_buf fault_jump;
static volatile struct fault fault_seen;

static inline void fault_handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    fault_seen.sig = sig;
    fault_seen.code = info->si_code;
    fault_seen.addr = (uintptr_t)info->si_addr;
    siglongjmp(fault_jump, 1);
}

/* Calls probe(arg) and returns the SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGTRAP it died of. */
static inline struct fault fault_of(void (*probe)(void *), void *arg)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    enum { COUNT = sizeof(signals) / sizeof(signals[0]) };
    struct sigaction action = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO};
    struct sigaction old[COUNT];
    for (int i = 0; i < COUNT; i++)
        sigaction(signals[i], &action, &old[i]);
    fault_seen.sig = fault_seen.code = 0;
    fault_seen.addr = 0;
    if (sigsetjmp(fault_jump, 1) == 0)
        probe(arg);
    for (int i = 0; i < COUNT; i++)
        sigaction(signals[i], &old[i], NULL);
    return (struct fault){fault_seen.sig, fault_seen.code, fault_seen.addr};
}

static inline void probe_read(void *address)
{
    (void)*(volatile char *)address;
}

static inline void probe_write(void *address)
{
    *(volatile char *)address = 1;
}

static inline void probe_call(void *address)
{
    ((void (*)(void))address)();
}

static inline bool readable(void *address)
{
    return fault_of(probe_read, address).sig == 0;
}

static inline bool writable(void *address)
{
    return fault_of(probe_write, address).sig == 0;
}

/* Private anonymous pages, readable and writable; dies if there are none. */
static inline char *pages(size_t count)
{
    void *p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        printf("Bail out! mmap: %s\n", strerror(errno));
        exit(2);
    }
    return p;
}

/* Makes a new folder under /tmp and goes there. scratch_leave() removes it if it is empty. */
static char scratch_path[] = "/tmp/orris-test-XXXXXX";

static inline void scratch_enter(void)
{
    umask(022);
    if (!mkdtemp(scratch_path) || chdir(scratch_path) != 0) {
        printf("Bail out! %s: %s\n", scratch_path, strerror(errno));
        exit(2);
    }
    chmod(scratch_path, 0755);
}

static inline bool scratch_leave(void)
{
    return chdir("/") == 0 && rmdir(scratch_path) == 0;
}

/* Whether the scratch folder is one of the host's (--mount): what the file server there can't do
 * (docs/limits.md) is left out then. */
static inline bool scratch_is_mounted(void)
{
    struct statfs info;
    return statfs(".", &info) == 0 && info.f_type == 0x01021997 /* V9FS_MAGIC */;
}

/* Writes a small file anew; false on any error. */
static inline bool file_put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, text, strlen(text));
    return close(fd) == 0 && n == (ssize_t)strlen(text);
}

/* The first bytes of a file as a string in a static buffer; "" if it cannot be read. */
static inline const char *file_get(const char *path)
{
    static char text[65536];
    size_t size = 0;
    int fd = open(path, O_RDONLY);
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && size < sizeof(text) - 1) {
        n = read(fd, text + size, sizeof(text) - 1 - size);
        size += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    text[size] = 0;
    return text;
}

static inline pthread_t thread_start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run, arg);
    if (error) {
        printf("Bail out! pthread_create: %s\n", strerror(error));
        exit(2);
    }
    return thread;
}

static inline void *thread_join(pthread_t thread)
{
    void *result = NULL;
    pthread_join(thread, &result);
    return result;
}
