/*
 * Interval timers and POSIX timers: a clock, when to go off, and a signal.
 *
 * Timers on CPU time have no hardware behind them: one is looked at when its CPU time could have
 * been used up at the earliest, and set again for what is left.
 */
#pragma once

#include <linux/signal.h>

#include "kernel/base/types.h"

struct posix_timer;

struct interval {
    uint64_t value_ns, period_ns; /* time left (0: not set) and period (0: once) */
};

/* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF; old may be NULL. */
void itimer_set(int which, const struct interval *new, struct interval *old);
void itimer_get(int which, struct interval *out);

/* What a POSIX timer does when it goes off. */
struct posix_timer_spec {
    int clock;  /* CLOCK_* */
    int notify; /* SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID */
    int signo, tid;
    bool value_is_id; /* no sigevent was given: si_value is the timer's id */
    sigval_t value;
};
/* Returns its id, -EAGAIN (too many), -ENOMEM. */
MUST_CHECK int posix_timer_create(const struct posix_timer_spec *spec);
/* absolute: value_ns is a time of the timer's clock. Returns 0 or -EINVAL. */
MUST_CHECK int posix_timer_set(int id, bool absolute, const struct interval *new,
                               struct interval *old);
MUST_CHECK int posix_timer_get(int id, struct interval *out);
MUST_CHECK int posix_timer_overrun(int id);
MUST_CHECK int posix_timer_delete(int id);

/* A timer's signal was taken from its queue: fills in the overruns and sets the timer anew. */
void posix_timer_taken(siginfo_t *info);
/* Its signal was dropped from its queue unseen. Only sets a timer: any lock may be held. */
void posix_timer_lost(struct posix_timer *t);
/* Deletes all POSIX timers (exec). */
void posix_timer_delete_all(void);

/* The time of any clock, as clock_gettime(2): 0 or -EINVAL. */
MUST_CHECK int clock_read(int clock, int64_t *ns);
/* Re-evaluates the timers on the real-time clock, which was set. */
void posix_timer_clock_set(void);
/* Whether it is the calling thread's CPU clock by name, not CLOCK_THREAD_CPUTIME_ID. */
bool clock_is_own_thread(int clock);
/* Whether it counts CPU time. */
bool clock_is_cpu(int clock);
