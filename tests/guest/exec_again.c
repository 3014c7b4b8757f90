/* A program may take its own place by exec; argv says which life this is. */
#include "tests/harness/guest.h"

extern char **environ;

static int second_life(char **argv)
{
    CHECK_STR(argv[2], "an argument");
    CHECK_STR(getenv("SECOND"), "yes");
    CHECK(getenv("PATH") == NULL);
    CHECK_ERR(fcntl(100, F_GETFD), EBADF); /* close-on-exec did */
    CHECK_EQ(fcntl(101, F_GETFD), 0);
    struct sigaction action;
    CHECK_OK(sigaction(SIGUSR1, NULL, &action));
    CHECK(action.sa_handler == SIG_DFL); /* handlers are gone, */
    CHECK_OK(sigaction(SIGUSR2, NULL, &action));
    CHECK(action.sa_handler == SIG_IGN); /* what was ignored is so still, */
    sigset_t mask;
    CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &mask));
    CHECK_EQ(sigismember(&mask, SIGHUP), 1); /* and so is the mask */
    CHECK_EQ(gettid(), getpid());
    return check_done();
}

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void ignore(int sig)
{
    (void)sig;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return second_life(argv);
    int fd = open("/dev/null", O_RDONLY);
    dup3(fd, 100, O_CLOEXEC);
    dup2(fd, 101);
    signal(SIGUSR1, ignore);
    signal(SIGUSR2, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    thread_start(idle, NULL); /* other threads end with the old program */
    char *again[] = {argv[0], "second", "an argument", NULL}, *env[] = {"SECOND=yes", NULL};
    execve("/proc/self/exe", again, env);
    CHECK(!"execve of the program itself returned");
    return check_done();
}
