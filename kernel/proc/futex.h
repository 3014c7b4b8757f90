/* Futexes, for the kernel's own use: thread end, robust lists. */
#pragma once

#include "kernel/arch/uaccess.h"

struct task;

/* Wakes up to count waiters on the private or shared futex at addr. Returns how many. */
int futex_wake(struct uptr addr, int count);
/* Walks the robust list of a dying thread and gives back its PI futexes. */
void futex_task_exit(struct task *t);
