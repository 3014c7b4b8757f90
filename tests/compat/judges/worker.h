// What both ways of running a stressor in one process share (inplace.c, inthread.c): its limits,
// and the calls that ask for a process in another way than fork().
#pragma once

#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NEEDS_PROCESS = 77 };
enum { FIRST_PID = 5000000 }; // of children: above Linux's highest

// What a function's caller expects to find again, and where it goes on.
struct place {
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

// stress-ng's own process would end the worker's loop after $JUDGE_SECONDS; as it is the worker, a
// timer does: its handler of SIGTERM.
__attribute__((constructor)) static void limit_time(void)
{
    const char *seconds = getenv("JUDGE_SECONDS");
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    struct itimerspec when = {{1, 0}, {seconds ? atol(seconds) : 5, 0}};
    timer_t timer;
    if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
        timer_settime(timer, 0, &when, NULL);
}

// The same number of descriptors everywhere: some stressors open as many as they may.
__attribute__((constructor)) static void limit(void)
{
    struct rlimit files = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &files);
}

__attribute__((noreturn)) static void leave(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((noreturn)) static void needs(const char *what)
{
    dprintf(STDERR_FILENO, "needs a process: %s\n", what);
    leave(NEEDS_PROCESS);
}

pid_t waitpid(pid_t pid, int *status, int options);

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    (void)usage;
    return waitpid(pid, status, options);
}

pid_t vfork(void)
{
    needs("vfork");
}

int posix_spawn(void)
{
    needs("posix_spawn");
}

int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
    (void)function, (void)stack, (void)flags, (void)argument;
    needs("clone");
}

int execve(const char *path, char *const arguments[], char *const variables[])
{
    (void)path, (void)arguments, (void)variables;
    needs("execve");
}
