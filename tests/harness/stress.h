/* What the stress tests share: several threads that do something until the time is over. A run
 * lasts two seconds, or as many as its first argument says. */
#pragma once

#include "tests/harness/guest.h"

#define STRESS_THREADS_MAX 64

static volatile int stress_stop;
static long stress_ms = 2000;

static inline void stress_begin(int argc, char **argv)
{
    if (argc > 1)
        stress_ms = atol(argv[1]) * 1000;
}

/* Runs count threads of run(argument number) for a share of the time, ended by stress_stop.
 * Returns the sum of what they return. */
static inline long stress(int count, void *(*run)(void *), int share)
{
    pthread_t thread[STRESS_THREADS_MAX];
    long sum = 0;
    stress_stop = 0;
    for (int i = 0; i < count; i++)
        thread[i] = thread_start(run, (void *)(intptr_t)i);
    sleep_ms(stress_ms / share);
    stress_stop = 1;
    for (int i = 0; i < count; i++)
        sum += (long)(intptr_t)thread_join(thread[i]);
    return sum;
}

static inline unsigned stress_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}
