/* A program execs itself, and in the end exits, while its threads compute, sleep, map memory, and
 * make more threads on all processors. */
#include <sched.h>

#include "tests/harness/guest.h"

#define LIVES 12

static void *compute(void *arg)
{
    for (volatile long n = 0;; n++)
        ;
    return arg;
}

static void *sleep_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *map_and_unmap(void *arg)
{
    for (;;) {
        char *p = pages(8);
        p[0] = p[7 * PAGE] = 1;
        munmap(p, 8 * PAGE);
    }
    return arg;
}

static void *nothing(void *arg)
{
    return arg;
}

static void *make_threads(void *arg)
{
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            pthread_join(thread, NULL);
        sched_yield();
    }
    return arg;
}

static char *program;

/* Any thread may exec, and several may try at once: one of them wins. */
static void *next_life(void *life)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", (int)(intptr_t)life + 1);
    char *argv[] = {program, number, NULL}, *env[] = {NULL};
    execve("/proc/self/exe", argv, env);
    return NULL;
}

static void *leave(void *arg)
{
    (void)arg;
    CHECK_EQ(getpid() > 0, 1);
    exit(check_done());
}

int main(int argc, char **argv)
{
    static void *(*const work[])(void *) = {compute, compute, sleep_for_ever, map_and_unmap,
                                            make_threads};
    int life = argc > 1 ? atoi(argv[1]) : 0;
    program = argv[0];
    for (int i = 0; i < 5; i++)
        thread_start(work[i], NULL);
    sleep_ms(20);
    if (life == LIVES)
        thread_start(leave, NULL);
    else
        for (int i = 0; i < 3; i++) { /* EAGAIN: one is in the middle of it */
            pthread_t thread;
            int error = pthread_create(&thread, NULL, next_life, (void *)(intptr_t)life);
            if (error && (error != EAGAIN || i == 0))
                return 2;
        }
    sleep_for_ever(NULL);
}
