#include "host/vmm/inherited.h"

#include <signal.h>

static struct orris_signals inherited;

void inherited_look(void)
{
    sigset_t held;
    sigprocmask(SIG_SETMASK, NULL, &held);
    for (int signo = 1; signo <= SIGRTMAX; signo++) {
        struct sigaction action;
        uint64_t bit = 1ull << (signo - 1);
        if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
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
