/* Names of error numbers and signals. */
#include "kernel/base/names.h"

#include <stddef.h>

#include "kernel/base/string.h"

static const char errno_list[] =
#include "kernel/gen/errno_names.h"
    ;

static const char signal_list[] =
    "\0SIGHUP\0SIGINT\0SIGQUIT\0SIGILL\0SIGTRAP\0SIGABRT\0SIGBUS\0SIGFPE\0SIGKILL\0SIGUSR1\0"
    "SIGSEGV\0SIGUSR2\0SIGPIPE\0SIGALRM\0SIGTERM\0SIGSTKFLT\0SIGCHLD\0SIGCONT\0SIGSTOP\0SIGTSTP\0"
    "SIGTTIN\0SIGTTOU\0SIGURG\0SIGXCPU\0SIGXFSZ\0SIGVTALRM\0SIGPROF\0SIGWINCH\0SIGIO\0SIGPWR\0"
    "SIGSYS\0SIGRTMIN\0SIGRT_1\0SIGRT_2\0SIGRT_3\0SIGRT_4\0SIGRT_5\0SIGRT_6\0SIGRT_7\0SIGRT_8\0"
    "SIGRT_9\0SIGRT_10\0SIGRT_11\0SIGRT_12\0SIGRT_13\0SIGRT_14\0SIGRT_15\0SIGRT_16\0SIGRT_17\0"
    "SIGRT_18\0SIGRT_19\0SIGRT_20\0SIGRT_21\0SIGRT_22\0SIGRT_23\0SIGRT_24\0SIGRT_25\0SIGRT_26\0"
    "SIGRT_27\0SIGRT_28\0SIGRT_29\0SIGRT_30\0SIGRT_31\0SIGRTMAX";

const char *names_get(const char *list, unsigned long size, unsigned long index)
{
    const char *name = list, *end = list + size - 1;
    while (index-- > 0) {
        name += strlen(name) + 1;
        if (name >= end)
            return NULL;
    }
    return *name ? name : NULL;
}

const char *errno_name(unsigned long number)
{
    return names_get(errno_list, sizeof(errno_list), number);
}

const char *signal_name(int signo)
{
    return signo < 0 ? NULL : names_get(signal_list, sizeof(signal_list), (unsigned long)signo);
}
