// Preloaded into stress-ng, on Linux and in the guest: its workers run in place, in the one process
// there is. The first fork() returns 0: the process becomes the worker, and ends with the worker's
// status. A worker's own fork() is what vfork() is, in one process: the child runs first, its
// _exit() returns to that fork() a second time, with the number of a process that is no more, and
// waitpid() tells the status. What was on the stack is as it was before, for a compiler reuses it
// where it knows that _exit() doesn't return. A child that goes on for a second and a half is
// killed, for that is what the parent of such a one would do. Whoever asks for a process in another
// way, or in a thread, ends with NEEDS_PROCESS.
#include <stdint.h>

#include <errno.h>
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

enum { DEPTH = 8, CHILDREN = 65536, STACK = 65536 };
#define LATE (SIGRTMAX - 1)
#define CHILD_NS 1500000000l

static struct place places[DEPTH];
static char stacks[DEPTH][STACK];
static size_t sizes[DEPTH];
static sigset_t masks[DEPTH];
static timer_t patience;
static char *top; // of the stack, where the worker began
static int depth, ended, reaped;
static int status_of[CHILDREN];
static unsigned char waited_for[CHILDREN];

// Nothing ends a child later than this; 0: there is none.
static void limit_child(long ns)
{
    struct itimerspec when = {.it_value = {ns / 1000000000, ns % 1000000000}};
    timer_settime(patience, 0, &when, NULL);
}

static void child_is_late(int signal);

static void set_up(void)
{
    struct sigaction act = {.sa_handler = child_is_late, .sa_flags = SA_NODEFER};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = LATE};
    event._sigev_un._tid = getpid(); // the thread that forks
    sigaction(LATE, &act, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &patience);
}

// Where fork() is to keep its caller's place; the stack from `stack` on is kept here.
__attribute__((used, visibility("hidden"))) struct place *inplace_next(char *stack)
{
    static struct place worker;
    if (!top) {
        top = stack;
        set_up();
        return &worker;
    }
    if (syscall(SYS_gettid) != getpid())
        needs("fork in a thread");
    if (depth == DEPTH || ended + depth + 1 >= CHILDREN || stack > top || top - stack > STACK)
        needs("too many");
    sizes[depth] = (size_t)(top - stack);
    memcpy(stacks[depth], stack, sizes[depth]);
    sigprocmask(SIG_SETMASK, NULL, &masks[depth]);
    limit_child(CHILD_NS);
    return &places[depth++];
}

__attribute__((noreturn, visibility("hidden"))) void inplace_return(const struct place *place,
                                                                    int pid);
__asm__(".globl fork\n"
        ".type fork, @function\n"
        "fork:\n"
        "    push %rbx\n"
        "    lea 16(%rsp), %rdi\n"
        "    call inplace_next\n"
        "    pop %rbx\n"
        "    mov %rbx, 0(%rax)\n"
        "    mov %rbp, 8(%rax)\n"
        "    mov %r12, 16(%rax)\n"
        "    mov %r13, 24(%rax)\n"
        "    mov %r14, 32(%rax)\n"
        "    mov %r15, 40(%rax)\n"
        "    lea 8(%rsp), %rdx\n"
        "    mov %rdx, 48(%rax)\n"
        "    mov (%rsp), %rdx\n"
        "    mov %rdx, 56(%rax)\n"
        "    xor %eax, %eax\n"
        "    ret\n"
        ".hidden inplace_return\n"
        "inplace_return:\n"
        "    mov 0(%rdi), %rbx\n"
        "    mov 8(%rdi), %rbp\n"
        "    mov 16(%rdi), %r12\n"
        "    mov 24(%rdi), %r13\n"
        "    mov 32(%rdi), %r14\n"
        "    mov 40(%rdi), %r15\n"
        "    mov 48(%rdi), %rsp\n"
        "    mov %esi, %eax\n"
        "    jmp *56(%rdi)\n");

// The child is no more: fork() returns to its parent.
__attribute__((noreturn)) static void child_ends(int status)
{
    depth--;
    limit_child(depth ? CHILD_NS : 0);
    status_of[ended] = status;
    sigprocmask(SIG_SETMASK, &masks[depth], NULL);
    memcpy((char *)places[depth].rsp, stacks[depth], sizes[depth]);
    inplace_return(&places[depth], FIRST_PID + ended++);
}

static void child_is_late(int signal)
{
    (void)signal;
    if (depth)
        child_ends(SIGKILL);
}

void _exit(int status)
{
    if (!depth || syscall(SYS_gettid) != getpid())
        leave(status);
    child_ends((status & 0xff) << 8);
}

void _Exit(int status)
{
    _exit(status);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    (void)options; // all that there were have ended
    for (int child = pid > 0 ? pid - FIRST_PID : reaped; child >= 0 && child < ended; child++) {
        if (waited_for[child]) {
            if (pid > 0)
                break;
            continue;
        }
        waited_for[child] = 1;
        if (child == reaped)
            reaped++;
        if (status)
            *status = status_of[child];
        return FIRST_PID + child;
    }
    errno = ECHILD;
    return -1;
}
