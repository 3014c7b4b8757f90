// What inplace.c can't do: a worker's child runs beside it, as a thread that begins as a copy of
// the stack of who forked. Memory is shared, and so is the descriptors' table, but what is open at
// fork() is closed only when both have closed it. kill() of a child by SIGKILL, or by what nobody
// handles, ends the thread; waitpid() tells its status. The first fork() returns 0, as in place.
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

enum { CHILDREN = 4096, STACK = 65536, FILES = 256 };
enum { MEBI = 1 << 20 };
#define KILLED (SIGRTMAX - 1)

struct child {
    struct place place; // of fork() in who forked
    jmp_buf end;
    pthread_t thread;
    struct child *parent; // NULL: the worker
    uint64_t size;        // of what is copied of its parent's stack
    char *top;            // of its copy
    pid_t tid;
    int status;
    atomic_int began, ended, waited_for, killed;
    bool holds[FILES];
};

static struct child children[CHILDREN];
static atomic_int begun, changes;
static atomic_int others[FILES]; // how many hold a descriptor besides one
static char *top;                // of the stack, where the worker began
static __thread struct child *self;

static int wait_while(atomic_int *word, int value)
{
    return (int)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wake(atomic_int *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

__attribute__((visibility("hidden"))) void inthread_go(const struct place *place, int pid);

// A pointer into the stack that was copied points into the copy.
static uint64_t moved(uint64_t word, const struct child *child, uint64_t distance)
{
    return word - child->place.rsp < child->size ? word + distance : word;
}

__attribute__((noinline)) static void begin(struct child *child)
{
    const struct place *old = &child->place;
    char copy[STACK + 4096];
    uint64_t base = (((uint64_t)copy + 2048) & -64ull) + (old->rsp & 63);
    uint64_t distance = base - old->rsp;
    for (uint64_t at = 0; at + 8 <= child->size; at += 8) {
        uint64_t word;
        memcpy(&word, (char *)old->rsp + at, 8);
        word = moved(word, child, distance);
        memcpy((char *)base + at, &word, 8);
    }
    struct place place = {moved(old->rbx, child, distance),
                          moved(old->rbp, child, distance),
                          moved(old->r12, child, distance),
                          moved(old->r13, child, distance),
                          moved(old->r14, child, distance),
                          moved(old->r15, child, distance),
                          base,
                          old->rip};
    child->top = (char *)base + child->size;
    child->began = 1;
    wake(&child->began);
    inthread_go(&place, 0);
}

static int close_one(int fd)
{
    if (fd < 0 || fd >= FILES)
        return (int)syscall(SYS_close, fd);
    int more = others[fd];
    while (more > 0)
        if (atomic_compare_exchange_weak(&others[fd], &more, more - 1))
            return 0;
    return (int)syscall(SYS_close, fd);
}

static void *run(void *argument)
{
    struct child *child = argument;
    self = child;
    child->tid = (pid_t)syscall(SYS_gettid);
    if (!setjmp(child->end))
        begin(child);
    for (int fd = 0; fd < FILES; fd++)
        if (child->holds[fd])
            close_one(fd);
    child->ended = 1;
    changes++;
    wake(&changes);
    return NULL;
}

__attribute__((noreturn)) static void child_ends(int status)
{
    self->status = status;
    longjmp(self->end, 1);
}

static void child_is_killed(int signal)
{
    (void)signal;
    if (self && !self->ended)
        child_ends(self->killed);
}

// What fork() returns, called with its caller's place.
__attribute__((used, visibility("hidden"))) int inthread_fork(const struct place *place)
{
    if (!top) {
        struct sigaction act = {.sa_handler = child_is_killed, .sa_flags = SA_NODEFER};
        sigaction(KILLED, &act, NULL);
        top = (char *)place->rsp;
        return 0;
    }
    if (syscall(SYS_gettid) != (self ? self->tid : getpid()))
        needs("fork in a thread");
    uint64_t size = (uint64_t)(self ? self->top : top) - place->rsp;
    int number = begun++;
    if (!number)
        dprintf(STDERR_FILENO, "a child begins\n");
    if (number >= CHILDREN || size > STACK)
        needs("too many");
    struct child *child = &children[number];
    child->place = *place;
    child->size = size;
    child->parent = self;
    for (int fd = 0; fd < FILES; fd++) {
        child->holds[fd] = syscall(SYS_fcntl, fd, 1 /* F_GETFD */) >= 0;
        others[fd] += child->holds[fd];
    }
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, MEBI);
    if (pthread_create(&child->thread, &attr, run, child)) {
        errno = EAGAIN;
        return -1;
    }
    while (!child->began)
        wait_while(&child->began, 0);
    return FIRST_PID + number;
}

__asm__(".globl fork\n"
        ".type fork, @function\n"
        "fork:\n"
        "    sub $72, %rsp\n"
        "    mov %rbx, 0(%rsp)\n"
        "    mov %rbp, 8(%rsp)\n"
        "    mov %r12, 16(%rsp)\n"
        "    mov %r13, 24(%rsp)\n"
        "    mov %r14, 32(%rsp)\n"
        "    mov %r15, 40(%rsp)\n"
        "    lea 80(%rsp), %rdx\n"
        "    mov %rdx, 48(%rsp)\n"
        "    mov 72(%rsp), %rdx\n"
        "    mov %rdx, 56(%rsp)\n"
        "    mov %rsp, %rdi\n"
        "    call inthread_fork\n"
        "    add $72, %rsp\n"
        "    ret\n"
        ".hidden inthread_go\n"
        "inthread_go:\n"
        "    mov 0(%rdi), %rbx\n"
        "    mov 8(%rdi), %rbp\n"
        "    mov 16(%rdi), %r12\n"
        "    mov 24(%rdi), %r13\n"
        "    mov 32(%rdi), %r14\n"
        "    mov 40(%rdi), %r15\n"
        "    mov 48(%rdi), %rsp\n"
        "    mov %esi, %eax\n"
        "    jmp *56(%rdi)\n");

int close(int fd)
{
    if (self && fd >= 0 && fd < FILES)
        self->holds[fd] = false;
    return close_one(fd);
}

void _exit(int status)
{
    if (!self)
        leave(status);
    child_ends((status & 0xff) << 8);
}

void _Exit(int status)
{
    _exit(status);
}

static struct child *child_of(pid_t pid)
{
    return pid >= FIRST_PID && pid < FIRST_PID + begun ? &children[pid - FIRST_PID] : NULL;
}

int kill(pid_t pid, int signal)
{
    struct child *child = child_of(pid);
    if (!child)
        return (int)syscall(SYS_kill, pid, signal);
    if (child->waited_for) {
        errno = ESRCH;
        return -1;
    }
    struct sigaction act = {0};
    if (signal != SIGKILL && sigaction(signal, NULL, &act) < 0)
        return signal ? -1 : 0;
    if (child->ended || act.sa_handler == SIG_IGN)
        return 0;
    if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGCONT)
        needs("to stop a child");
    bool ends = signal == SIGKILL || act.sa_handler == SIG_DFL;
    if (ends)
        child->killed = signal;
    syscall(SYS_tgkill, getpid(), child->tid, ends ? KILLED : signal);
    return 0;
}

static pid_t waited(struct child *child, int *status)
{
    if (child->waited_for || !child->ended)
        return 0;
    child->waited_for = 1;
    pthread_join(child->thread, NULL);
    if (status)
        *status = child->status;
    return FIRST_PID + (pid_t)(child - children);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    for (;;) {
        int seen = changes, left = 0;
        for (int number = 0; number < begun; number++) {
            if (children[number].parent != self || (pid > 0 && pid != FIRST_PID + number))
                continue;
            pid_t it = waited(&children[number], status);
            if (it)
                return it;
            left += !children[number].waited_for;
        }
        if (!left) {
            errno = ECHILD;
            return -1;
        }
        if (options & WNOHANG)
            return 0;
        if (wait_while(&changes, seen) < 0 && errno == EINTR)
            return -1;
    }
}
