/* Several processors: threads stay where they may, take their state along, and see one time. */
#include <sched.h>
#include <sys/rseq.h>

#include "tests/harness/guest.h"

static int cpu_count(void)
{
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static int go_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

static int stay_anywhere(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu = 0; cpu < cpu_count(); cpu++)
        CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

static void a_thread_runs_where_it_must(void)
{
    bool there = true, told = true, registered = true;
    for (int round = 0; round < 20; round++) {
        int cpu = round % cpu_count();
        if (go_to(cpu) != 0)
            there = false;
        unsigned number = 99, node = 99;
        syscall(SYS_getcpu, &number, &node, NULL);
        there = there && (int)number == cpu && node == 0;
        told = told && sched_getcpu() == cpu;
        if (__rseq_size) {
            const struct rseq *area =
                (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
            registered = registered && (int)area->cpu_id == cpu;
        }
    }
    CHECK(there);
    CHECK(told);
    CHECK(registered);
    CHECK_OK(stay_anywhere());
}

static void *report_mask(void *arg)
{
    sched_getaffinity(0, sizeof(cpu_set_t), arg);
    return (void *)(intptr_t)sched_getcpu();
}

static void a_thread_inherits_where_it_may_run(void)
{
    int last = cpu_count() - 1;
    cpu_set_t mask;
    CHECK_OK(go_to(last));
    CHECK_EQ((intptr_t)thread_join(thread_start(report_mask, &mask)), last);
    CHECK_EQ(CPU_COUNT(&mask), 1);
    CHECK(CPU_ISSET(last, &mask));
    CHECK_OK(stay_anywhere());
}

static pthread_barrier_t moved, looked;
static int wrong_place, wrong_number;

static void *sleep_and_look(void *arg)
{
    (void)arg;
    for (int round = 0; round < 40; round++) {
        pthread_barrier_wait(&moved); /* it is told where to go while it sleeps here */
        int cpu = round % cpu_count();
        unsigned number = 99;
        syscall(SYS_getcpu, &number, NULL, NULL);
        wrong_place += (int)number != cpu;
        if (__rseq_size) {
            const struct rseq *area =
                (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
            wrong_number += (int)*(volatile uint32_t *)&area->cpu_id != cpu;
        }
        pthread_barrier_wait(&looked);
    }
    return NULL;
}

/* Restartable sequences count on the number that the kernel keeps for them. */
static void a_sleeper_wakes_where_it_must(void)
{
    pthread_barrier_init(&moved, NULL, 2);
    pthread_barrier_init(&looked, NULL, 2);
    pthread_t thread = thread_start(sleep_and_look, NULL);
    for (int round = 0; round < 40; round++) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(round % cpu_count(), &set);
        sched_yield();
        pthread_setaffinity_np(thread, sizeof(set), &set);
        pthread_barrier_wait(&moved);
        pthread_barrier_wait(&looked);
    }
    thread_join(thread);
    CHECK_EQ(wrong_place, 0);
    CHECK_EQ(wrong_number, 0);
}

static double spin_sum(int from, int rounds)
{
    double a = from, b = 1.0 / (from + 1), c = 0.5, d = from * 0.25;
    for (int i = 0; i < rounds; i++) {
        a = a * 0.999 + b;
        b = b + c * 0.001;
        c = c * 1.0001 - d * 1e-6;
        d = d + a * 1e-7;
    }
    return a + b + c + d;
}

struct sums {
    int from;
    volatile int *stop;
    bool same;
};

static void *compute_and_move(void *arg)
{
    struct sums *s = arg;
    double want = spin_sum(s->from, 20000);
    s->same = true;
    for (int i = 0; !*s->stop; i++) {
        go_to((i + s->from) % cpu_count());
        if (spin_sum(s->from, 20000) != want)
            s->same = false;
    }
    return NULL;
}

/* Floating-point registers and the thread pointer are those of the thread, wherever it goes on. */
static void registers_go_along(void)
{
    volatile int stop = 0;
    struct sums sums[4];
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) {
        sums[i] = (struct sums){.from = i + 1, .stop = &stop};
        thread[i] = thread_start(compute_and_move, &sums[i]);
    }
    sleep_ms(500);
    stop = 1;
    for (int i = 0; i < 4; i++) {
        thread_join(thread[i]);
        CHECK(sums[i].same);
    }
}

static volatile int64_t latest;
static volatile int clock_stop;

static void *watch_clock(void *arg)
{
    clockid_t clock = (clockid_t)(intptr_t)arg;
    intptr_t backwards = 0;
    for (int i = 0; !clock_stop; i++) {
        int64_t seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
        int64_t now = now_ns(clock);
        backwards += now < seen;
        while (now > seen && !__atomic_compare_exchange_n(&latest, &seen, now, false,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
    }
    return (void *)backwards;
}

static void time_is_the_same_everywhere(void)
{
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(watch_clock, (void *)(intptr_t)CLOCK_MONOTONIC);
    sleep_ms(300);
    clock_stop = 1;
    for (int i = 0; i < 4; i++)
        CHECK_EQ((intptr_t)thread_join(thread[i]), 0);
}

static volatile int turn;
#define TURNS 2000

static void *take_turns(void *arg)
{
    int mine = (int)(intptr_t)arg;
    go_to(mine);
    for (int i = 0; i < TURNS; i++) {
        while (turn % 2 != mine)
            ;
        turn++;
    }
    return NULL;
}

/* Neither gives its processor away: only two that run at once get this far in that time. */
static void threads_run_at_the_same_time(void)
{
    if (cpu_count() < 2)
        return;
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    pthread_t a = thread_start(take_turns, (void *)0), b = thread_start(take_turns, (void *)1);
    thread_join(a);
    thread_join(b);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    CHECK_EQ(turn, 2 * TURNS);
    /* On one processor each turn would take a slice of some milliseconds. */
    int64_t ns = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    printf("# %d turns in %lld us of processor time\n", turn, (long long)ns / 1000);
}

/* A thread that never enters the kernel is moved, and ended, all the same. */
static void *burn(void *arg)
{
    for (;;)
        ++*(volatile long *)arg;
    return NULL;
}

static void a_busy_thread_is_moved(void)
{
    static long count;
    pthread_t thread = thread_start(burn, &count);
    for (int i = 0; i < 20; i++) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(i % cpu_count(), &set);
        if (pthread_setaffinity_np(thread, sizeof(set), &set) != 0)
            CHECK(!"pthread_setaffinity_np");
        sleep_ms(2);
    }
    CHECK(count > 0);
    /* It is left running: the end of the process ends it. */
}

int main(void)
{
    RUN(a_thread_runs_where_it_must);
    RUN(a_thread_inherits_where_it_may_run);
    RUN(a_sleeper_wakes_where_it_must);
    RUN(registers_go_along);
    RUN(time_is_the_same_everywhere);
    RUN(threads_run_at_the_same_time);
    RUN(a_busy_thread_is_moved);
    return check_done();
}
