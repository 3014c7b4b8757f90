#include "host/vmm/inherited.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct orris_signals inherited;

/* By the system call itself: the C library's sigaction() hides the two signals that it keeps for
 * itself. */
static bool ignored(int signo)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
    } action;
    return syscall(SYS_rt_sigaction, signo, NULL, &action, sizeof(action.mask)) == 0 &&
           action.handler == SIG_IGN;
}

void inherited_look(void)
{
    sigset_t held;
    sigprocmask(SIG_SETMASK, NULL, &held);
    for (int signo = 1; signo <= SIGRTMAX; signo++) {
        uint64_t bit = 1ull << (signo - 1);
        if (ignored(signo))
            inherited.ignored |= bit;
        if (sigismember(&held, signo) == 1)
            inherited.blocked |= bit;
    }
    signal(SIGCHLD, SIG_DFL); /* ignored, it would take children's statuses away */
}

struct orris_signals inherited_signals(void)
{
    return inherited;
}

bool inherited_default(int signo)
{
    return !((inherited.ignored | inherited.blocked) >> (signo - 1) & 1);
}
