/* CPU time of a task or of the whole process. */
#pragma once

#include "kernel/base/types.h"

struct task;

struct cpu_time {
    uint64_t total_ns, user_ns, system_ns;
    uint64_t voluntary, involuntary; /* switches */
};

/* task NULL: the process, with the tasks that ended. */
void cpu_time_get(const struct task *task, struct cpu_time *out);
uint64_t cpu_time_process_ns(void);
/* RLIMIT_CPU is another now, or the program begins. */
void cpu_limit_changed(void);
