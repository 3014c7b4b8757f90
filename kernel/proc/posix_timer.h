/* Interval timers and POSIX timers, as far as signals need them. */
#pragma once

#include <linux/signal.h>

/* A timer's signal was taken from its queue: fills in the overruns and sets the timer anew. */
void posix_timer_taken(siginfo_t *info);
/* Deletes all POSIX timers (exec). */
void posix_timer_delete_all(void);
