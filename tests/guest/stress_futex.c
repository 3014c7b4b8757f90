/* Storms on futexes: locks exclude, nobody sleeps through the wake-up meant for him, and every post
 * of a semaphore lets one through. */
#include <semaphore.h>

#include "tests/harness/stress.h"

static pthread_mutex_t mutex;
static long protected_count, tries[16];

static void *lock_and_count(void *arg)
{
    int number = (int)(intptr_t)arg;
    while (!stress_stop) {
        pthread_mutex_lock(&mutex);
        protected_count++;
        pthread_mutex_unlock(&mutex);
        tries[number]++;
    }
    return (void *)tries[number];
}

static void mutex_of_kind(int protocol, int kind)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_settype(&attr, kind);
    pthread_mutex_init(&mutex, &attr);
    protected_count = 0;
    memset(tries, 0, sizeof(tries));
    long sum = stress(8, lock_and_count, 8);
    CHECK_EQ(sum, protected_count);
    CHECK(protected_count > 0);
}

static void plain_locks_exclude(void)
{
    mutex_of_kind(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_NORMAL);
}

static void locks_that_lend_priority_exclude(void)
{
    mutex_of_kind(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_NORMAL);
}

/* A ball goes round: each waits for it and throws it on. A lost wake-up would stop it. */
#define PLAYERS 6
static sem_t turn[PLAYERS];
static long rounds;

static void *play(void *arg)
{
    int number = (int)(intptr_t)arg;
    for (;;) {
        sem_wait(&turn[number]);
        if (number == 0)
            rounds++;
        bool stop = stress_stop;
        sem_post(&turn[(number + 1) % PLAYERS]);
        if (stop)
            return NULL;
    }
}

static void the_ball_goes_round(void)
{
    for (int i = 0; i < PLAYERS; i++)
        sem_init(&turn[i], 0, i == 0);
    CHECK_EQ(stress(PLAYERS, play, 8), 0);
    CHECK(rounds > 1);
    printf("# %ld rounds\n", rounds);
}

static pthread_barrier_t barrier;
static volatile int phase[8];

/* The last round is the one before which thread 0 saw the time to stop. */
static volatile int last_round;

static void *meet(void *arg)
{
    int number = (int)(intptr_t)arg;
    long wrong = 0;
    for (int round = 1;; round++) {
        phase[number] = round;
        if (number == 0 && stress_stop)
            last_round = round;
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < 8; i++)
            wrong += phase[i] != round;
        bool last = last_round == round;
        pthread_barrier_wait(&barrier);
        if (last)
            return (void *)wrong;
    }
}

static void barriers_hold(void)
{
    pthread_barrier_init(&barrier, NULL, 8);
    CHECK_EQ(stress(8, meet, 8), 0);
}

/* Time-outs and wake-ups come together: each post is taken by exactly one, or is left. */
static sem_t goods;
static long posted, taken;

static void *produce(void)
{
    while (!stress_stop) {
        sem_post(&goods);
        __atomic_fetch_add(&posted, 1, __ATOMIC_RELAXED);
        sched_yield();
    }
    return NULL;
}

static void *consume(void)
{
    while (!stress_stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        if (sem_timedwait(&goods, &until) == 0)
            __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *produce_or_consume(void *arg)
{
    return (intptr_t)arg % 4 ? consume() : produce();
}

static void time_outs_take_nothing_away(void)
{
    sem_init(&goods, 0, 0);
    CHECK_EQ(stress(8, produce_or_consume, 8), 0);
    int left = 0;
    sem_getvalue(&goods, &left);
    CHECK_EQ(taken + left, posted);
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    RUN(plain_locks_exclude);
    RUN(locks_that_lend_priority_exclude);
    RUN(the_ball_goes_round);
    RUN(barriers_hold);
    RUN(time_outs_take_nothing_away);
    return check_done();
}
