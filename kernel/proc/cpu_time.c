/*
 * Adds up the CPU time of tasks. How much of it was spent in ring 3 is sampled (kernel/sched),
 * because counting it at each system call would make every call slower; a task never sampled counts
 * as if it had been there all the time.
 */
#include "kernel/proc/cpu_time.h"

#include "kernel/base/string.h"
#include "kernel/proc/task.h"

static void add(const struct task *task, struct cpu_time *sum)
{
    const struct thread *t = task->thread;
    uint64_t total = thread_cpu_ns(t);
    sum->total_ns = ns_add(sum->total_ns, total);
    sum->user_ns = ns_add(sum->user_ns, t->user_ns ? t->user_ns : total);
    sum->voluntary += t->voluntary_switches;
    sum->involuntary += t->involuntary_switches;
}

void cpu_time_get(const struct task *task, struct cpu_time *out)
{
    memset(out, 0, sizeof(*out));
    if (task) {
        add(task, out);
    } else {
        spin_lock(&the_proc.task_lock);
        list_for_each(node, &the_proc.tasks) add(list_entry(node, struct task, node), out);
        out->total_ns = ns_add(out->total_ns, the_proc.dead_ns);
        out->user_ns = ns_add(out->user_ns, the_proc.dead_user_ns);
        out->voluntary += the_proc.dead_switches[0];
        out->involuntary += the_proc.dead_switches[1];
        spin_unlock(&the_proc.task_lock);
    }
    if (out->user_ns > out->total_ns)
        out->user_ns = out->total_ns;
    out->system_ns = ns_sub(out->total_ns, out->user_ns);
}

uint64_t cpu_time_process_ns(void)
{
    struct cpu_time t;
    cpu_time_get(NULL, &t);
    return t.total_ns;
}
