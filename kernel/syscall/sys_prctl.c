/* prctl(2): what a thread or the process can set on itself. */
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>

#include "kernel/base/string.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/prctl.h"
#include "kernel/syscall/syscall.h"

static struct {
    int death_signal;
    bool subreaper, thp_disabled;
} state;

static int64_t set_name(uint64_t from)
{
    struct task *task = task_current();
    char name[sizeof(task->name)];
    int64_t length = copy_string_from_user(name, (struct uptr){from}, sizeof(name));
    if (length == -EFAULT)
        return -EFAULT;
    size_t end = strnlen(name, sizeof(name) - 1);
    memset(name + end, 0, sizeof(name) - end); /* what comes back is all of it */
    memcpy(task->name, name, sizeof(name));
    if (task->tid == PROC_PID)
        memcpy(the_proc.comm, name, sizeof(the_proc.comm));
    return 0;
}

static int64_t get_int(uint64_t to, int value)
{
    return copy_to_user((struct uptr){to}, &value, sizeof(value));
}

static int64_t set_slack(uint64_t slack)
{
    task_current()->timer_slack_ns = slack ? slack : DEFAULT_SLACK_NS;
    return 0;
}

static int64_t set_death_signal(uint64_t signo)
{
    if (signo > SIGNAL_COUNT)
        return -EINVAL;
    state.death_signal = (int)signo; /* our parent never dies before us */
    return 0;
}

static int64_t set_bool(bool *flag, uint64_t value)
{
    if (value > 1)
        return -EINVAL;
    *flag = value;
    return 0;
}

static int64_t set_dumpable(uint64_t value)
{
    return set_bool(&the_proc.dumpable, value);
}

static int64_t no_new_privileges(uint64_t value, uint64_t a, uint64_t b, uint64_t c)
{
    if (value != 1 || a || b || c)
        return -EINVAL;
    cred_current()->no_new_privs = true;
    return 0;
}

/* The rest (speculation, shadow stacks, core scheduling, scopes, …): -EINVAL, as on a kernel or a
 * processor without it. */
int64_t sys_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct task *task = task_current();
    switch (option) {
    case PR_SET_NAME:
        return set_name(a);
    case PR_GET_NAME:
        return copy_to_user((struct uptr){a}, task->name, sizeof(task->name));
    case PR_SET_PDEATHSIG:
        return set_death_signal(a);
    case PR_GET_PDEATHSIG:
        return get_int(a, state.death_signal);
    case PR_SET_DUMPABLE:
        return set_dumpable(a);
    case PR_GET_DUMPABLE:
        return the_proc.dumpable;
    case PR_SET_KEEPCAPS:
        return prctl_keep_capabilities(a);
    case PR_GET_KEEPCAPS:
        return (cred_current()->securebits & SECBIT_KEEP_CAPS) != 0;
    case PR_SET_NO_NEW_PRIVS:
        return no_new_privileges(a, b, c, d);
    case PR_GET_NO_NEW_PRIVS:
        return a || b || c || d ? -EINVAL : cred_current()->no_new_privs;
    case PR_SET_TIMERSLACK:
        return set_slack(a);
    case PR_GET_TIMERSLACK:
        return (int64_t)task->timer_slack_ns;
    case PR_SET_CHILD_SUBREAPER:
        state.subreaper = a != 0;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        return get_int(a, state.subreaper);
    case PR_SET_THP_DISABLE:
        state.thp_disabled = a != 0;
        return b || c || d ? -EINVAL : 0;
    case PR_GET_THP_DISABLE:
        return a || b || c || d ? -EINVAL : state.thp_disabled;
    case PR_GET_SECCOMP:
        return SECCOMP_MODE_DISABLED;
    case PR_CAPBSET_READ:
        return prctl_bounding_read(a);
    case PR_CAPBSET_DROP:
        return prctl_bounding_drop(a);
    case PR_CAP_AMBIENT:
        return prctl_ambient(a, b, c, d);
    case PR_GET_SECUREBITS:
        return cred_current()->securebits;
    case PR_SET_SECUREBITS:
        return prctl_set_securebits(a);
    case PR_GET_TID_ADDRESS:
        return copy_to_user((struct uptr){a}, &task->clear_tid.addr, sizeof(uint64_t));
    case PR_SET_PTRACER:
    case PR_SET_VMA: /* names of anonymous areas: not kept */
        return option == PR_SET_PTRACER ? 0 : -EINVAL;
    case PR_GET_TSC:
        return get_int(a, PR_TSC_ENABLE);
    case PR_SET_TSC:
        return a == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    default:
        return -EINVAL;
    }
}
