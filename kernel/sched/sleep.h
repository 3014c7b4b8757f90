/* The scheduler's side of sleeping; waitq.h is what the rest of the kernel uses. */
#pragma once

#include "kernel/base/types.h"

/* Sleeps until *woken, the deadline (-ETIMEDOUT) or, if interruptible, an interruption (-EINTR). */
int thread_sleep_unless(const bool *woken, uint64_t deadline_ns, bool interruptible);
/* Boot: makes what runs now the idle thread. */
void sched_init(void);
/* The idle loop; does not return. */
NORETURN void sched_idle(void);
