/* 64 threads that are created, signal each other, wait and die, again and again, leave nothing
 * behind. */
#include <semaphore.h>
#include <sys/sysinfo.h>

#include "tests/harness/stress.h"

static volatile long handled;

static void on_signal(int sig)
{
    (void)sig;
    __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

static sem_t gate;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long born, died;

/* A short life: it waits for one thing or another, and counts itself. */
static void *live(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    pthread_mutex_lock(&lock);
    born++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    switch (seed % 4) {
    case 0:
        sem_wait(&gate);
        break;
    case 1:
        sched_yield();
        break;
    case 2:
        usleep(seed % 100);
        break;
    default:
        for (volatile unsigned i = 0; i < seed % 1000; i++)
            ;
    }
    __atomic_fetch_add(&died, 1, __ATOMIC_RELAXED);
    return arg;
}

/* Makes threads, sends them signals (they may be gone by then: they are not joined yet), lets them
 * go, and joins them. */
static void *parent(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg + 1;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    long wrong = 0;
    while (!stress_stop) {
        pthread_t child[3];
        void *sent[3];
        for (int i = 0; i < 3; i++) {
            sent[i] = (void *)(uintptr_t)stress_random(&seed);
            if (pthread_create(&child[i], &attr, live, sent[i]) != 0)
                return (void *)1;
        }
        for (int i = 0; i < 3; i++)
            pthread_kill(child[i], SIGUSR1);
        for (int i = 0; i < 3; i++)
            sem_post(&gate);
        for (int i = 0; i < 3; i++)
            wrong += thread_join(child[i]) != sent[i];
    }
    return (void *)wrong;
}

static long status_value(const char *name)
{
    const char *line = strstr(file_get("/proc/self/status"), name);
    return line ? atol(line + strlen(name)) : -1;
}

static unsigned long used_memory(void)
{
    struct sysinfo info;
    sysinfo(&info);
    return info.totalram - info.freeram;
}

static bool alone_in_the_machine(void)
{
    return strstr(file_get("/proc/version"), "Orris") != NULL;
}

static void threads_leave_nothing_behind(void)
{
    sem_init(&gate, 0, 0);
    stress_ms /= 4;
    CHECK_EQ(stress(16, parent, 1), 0); /* what is kept for reuse is there after this */
    stress_ms *= 3;
    unsigned long before = used_memory();
    CHECK_EQ(stress(16, parent, 1), 0);
    printf("# %ld threads, %ld signals\n", born, handled);
    CHECK_EQ(born, died);
    CHECK(handled > 0);
    CHECK_EQ(status_value("Threads:"), 1);
    if (alone_in_the_machine())
        CHECK(used_memory() <= before + (2ul << 20));
}

static long waits;

static void *wait_for_change(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    while (!stress_stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 1000000;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        pthread_cond_timedwait(&changed, &lock, &until);
        waits++;
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *change(void *arg)
{
    (void)arg;
    while (!stress_stop) {
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *wait_or_change(void *arg)
{
    return (intptr_t)arg % 2 ? change(arg) : wait_for_change(arg);
}

static void sixty_four_threads_wait_and_wake(void)
{
    CHECK_EQ(stress(64, wait_or_change, 8), 0);
    CHECK(waits > 0);
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    RUN(threads_leave_nothing_behind);
    RUN(sixty_four_threads_wait_and_wake);
    return check_done();
}
