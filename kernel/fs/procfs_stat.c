/* /proc/PID/stat and status: a thread, and the process around it, in numbers. */
#include <linux/resource.h>
#include <linux/sched.h>

#include "abi/record.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fs/procfs.h"
#include "kernel/platform/run.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

#define NS_PER_TICK 10000000ul /* sysconf(_SC_CLK_TCK) is 100 */
#define KB(pages) ((pages) * (PAGE_SIZE / 1024))
#define TTY_DEVICE 0x8800 /* 136:0 */
#define PRIORITY_DEFAULT 20

static char task_state(const struct thread *t)
{
    if (the_proc.stopped)
        return 'T';
    if (t->state == THREAD_SLEEPING)
        return t->interruptible ? 'S' : 'D';
    return t->state == THREAD_DEAD ? 'X' : 'R';
}

/* the_proc.task_lock is held. */
static void snapshot(const struct task *task, struct task_snapshot *out)
{
    const struct thread *t = task->thread;
    *out = (struct task_snapshot){
        .tid = task->tid,
        .state = task_state(t),
        .policy = t->policy,
        .nice = t->nice,
        .rt_priority = t->rt_priority,
        .cpu = t->cpu,
        .cpu_ns = thread_cpu_ns(t),
        .user_ns = t->user_ns,
        .start_ns = the_proc.start_ns,
        .blocked = task->blocked,
        .pending = task->pending.set,
        .voluntary_switches = t->voluntary_switches,
        .involuntary_switches = t->involuntary_switches,
        .slack_ns = task->timer_slack_ns,
    };
    memcpy(out->name, task->name, sizeof(out->name));
    out->name[sizeof(out->name) - 1] = 0;
    out->user_ns = min_u64(out->user_ns, out->cpu_ns);
}

bool task_snapshot_next(int tid, struct task_snapshot *out)
{
    struct task *best = NULL;
    spin_lock(&the_proc.task_lock);
    list_for_each(node, &the_proc.tasks)
    {
        struct task *task = list_entry(node, struct task, node);
        if (task->tid >= tid && (!best || task->tid < best->tid))
            best = task;
    }
    if (best)
        snapshot(best, out);
    spin_unlock(&the_proc.task_lock);
    return best != NULL;
}

bool task_snapshot_of(pseudo_key_t key, struct task_snapshot *out)
{
    bool process = pseudo_outer_number(key) == 0;
    int tid = (int)pseudo_number(key);
    if (!task_snapshot_next(tid, out) || (out->tid != tid && !process))
        return false;
    if (process) {
        struct cpu_time all;
        cpu_time_get(NULL, &all);
        out->cpu_ns = all.total_ns;
        out->user_ns = all.user_ns;
    }
    return true;
}

static bool has_terminal(void)
{
    for (int i = 0; i < 3; i++)
        if (the_run.streams.kind[i] == ORRIS_STREAM_TTY ||
            the_run.streams.kind[i] == ORRIS_STREAM_CONSOLE)
            return true;
    return false;
}

static int task_priority(const struct task_snapshot *t)
{
    return t->rt_priority ? -1 - t->rt_priority : PRIORITY_DEFAULT + t->nice;
}

struct signal_sets {
    uint64_t ignored, caught, pending;
};

static struct signal_sets signal_sets_now(void)
{
    struct signal_sets sets = {0};
    spin_lock(&the_proc.signal_lock);
    for (int signo = 1; signo <= SIGNAL_COUNT; signo++) {
        uint64_t handler = the_proc.actions[signo - 1].handler;
        if (handler == (uint64_t)SIG_IGN)
            sets.ignored |= SIGMASK(signo);
        else if (handler != (uint64_t)SIG_DFL)
            sets.caught |= SIGMASK(signo);
    }
    sets.pending = the_proc.pending.set;
    spin_unlock(&the_proc.signal_lock);
    return sets;
}

/* Fields as proc(5) counts them. */
void proc_stat(struct text *out, pseudo_key_t key)
{
    struct task_snapshot t;
    if (!task_snapshot_of(key, &t))
        return;
    struct signal_sets sets = signal_sets_now();
    struct vm_stats vm;
    vm_get_stats(&vm);
    bool tty = has_terminal();
    text_format(out, "%d (%s) %c 0 %d %d %d %d 4194304 %lu 0 %lu 0 ", t.tid, t.name, t.state,
                the_proc.pgrp, the_proc.session, tty ? TTY_DEVICE : 0, tty ? the_proc.pgrp : -1,
                vm.minor_faults, vm.major_faults);
    text_format(out, "%lu %lu 0 0 %d %d %u 0 %lu ", t.user_ns / NS_PER_TICK,
                ns_sub(t.cpu_ns, t.user_ns) / NS_PER_TICK, task_priority(&t), t.nice,
                the_proc.task_count, t.start_ns / NS_PER_TICK);
    text_format(out, "%lu %lu %lu 0 0 %lu 0 0 ", vm.mapped_pages * PAGE_SIZE, vm.resident_pages,
                proc_limit(RLIMIT_RSS), vm.stack_top);
    text_format(out, "%lu %lu %lu %lu 0 0 0 17 %u %d %d 0 0 0 ", t.pending & 0x7fffffff,
                t.blocked & 0x7fffffff, sets.ignored & 0x7fffffff, sets.caught & 0x7fffffff, t.cpu,
                t.rt_priority, t.policy);
    text_format(out, "0 0 %lu %lu %lu %lu %lu 0\n", vm.brk_start, the_proc.arg_start,
                the_proc.arg_end, the_proc.env_start, the_proc.env_end);
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (disk sleep)";
    case 'T':
        return "T (stopped)";
    default:
        return "X (dead)";
    }
}

static void status_identity(struct text *out, const struct task_snapshot *t,
                            const struct cred *cred)
{
    text_string(out, "Name:\t");
    text_escaped(out, t->name, "\n");
    text_format(out, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t0\n",
                the_proc.umask, state_name(t->state), PROC_PID, t->tid);
    const uint32_t *uid = cred->uid, *gid = cred->gid;
    text_format(out, "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", uid[0], uid[1],
                uid[2], uid[3], gid[0], gid[1], gid[2], gid[3]);
    text_format(out, "FDSize:\t256\nGroups:\t");
    for (uint32_t i = 0; cred->groups && i < cred->groups->count; i++)
        text_format(out, "%u ", cred->groups->gid[i]);
    text_format(out, "%s\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n",
                cred->groups && cred->groups->count ? "" : " ", PROC_PID, t->tid, the_proc.pgrp,
                the_proc.session);
}

/* A copy of the credentials of thread tid. False: it is gone. */
static bool cred_of_task(int tid, struct cred *out)
{
    spin_lock(&the_proc.task_lock);
    const struct task *task = task_find(tid);
    if (task)
        cred_copy(out, &task->cred);
    spin_unlock(&the_proc.task_lock);
    return task != NULL;
}

static void status_memory(struct text *out)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    uint64_t anonymous =
        vm.resident_pages > vm.shared_pages ? vm.resident_pages - vm.shared_pages : 0;
    text_format(out, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8u kB\n",
                KB(max_u64(vm.peak_mapped_pages, vm.mapped_pages)), KB(vm.mapped_pages),
                KB(vm.locked_pages), 0u);
    text_format(out, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n",
                KB(max_u64(vm.peak_resident_pages, vm.resident_pages)), KB(vm.resident_pages),
                KB(anonymous), KB(vm.resident_pages - anonymous));
    text_format(out, "RssShmem:\t%8u kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n", 0u,
                KB(vm.data_pages), KB(vm.stack_pages), KB(vm.text_pages));
    text_format(out,
                "VmLib:\t%8u kB\nVmPTE:\t%8lu kB\nVmSwap:\t%8u kB\nHugetlbPages:\t%8u kB\n"
                "CoreDumping:\t0\nTHP_enabled:\t1\n",
                0u, KB(page_stats.table_pages), 0u, 0u);
}

static void status_signals(struct text *out, const struct task_snapshot *t)
{
    struct signal_sets sets = signal_sets_now();
    text_format(out, "Threads:\t%u\nSigQ:\t0/%lu\n", the_proc.task_count,
                proc_limit(RLIMIT_SIGPENDING));
    text_format(out, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", t->pending,
                sets.pending, t->blocked);
    text_format(out, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", sets.ignored, sets.caught);
}

static void status_rights(struct text *out, const struct cred *cred)
{
    text_format(out, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
                cred->inheritable, cred->permitted, cred->effective, cred->bounding);
    text_format(out, "CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
                cred->ambient, cred->no_new_privs);
}

static void status_places(struct text *out, const struct task_snapshot *t)
{
    unsigned cpus = sched_cpu_count();
    text_format(out, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t0", ~0ul >> (64 - cpus));
    if (cpus > 1)
        text_format(out, "-%u", cpus - 1);
    text_format(out, "\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\n");
    text_format(out, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
                t->voluntary_switches, t->involuntary_switches);
}

void proc_status(struct text *out, pseudo_key_t key)
{
    struct task_snapshot t;
    if (!task_snapshot_of(key, &t))
        return;
    struct cred cred;
    if (!cred_of_task(t.tid, &cred))
        return;
    status_identity(out, &t, &cred);
    status_memory(out);
    status_signals(out, &t);
    status_rights(out, &cred);
    cred_fini(&cred);
    status_places(out, &t);
}
