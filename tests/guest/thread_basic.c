/* Threads: creation storms, TLS, identity, exit, pre-emption, stacks; clone and clone3 by hand. */
#include <linux/sched.h>
#include <sched.h>
#include <semaphore.h>

#include "tests/harness/guest.h"

static __thread int tls_value = 41;
static __thread char tls_zero[100];

static void *return_argument(void *arg)
{
    tls_value += (int)(long)arg;
    return (void *)(long)(tls_value + tls_zero[50]);
}

static void storm_of_threads(void)
{
    int wrong = 0;
    for (long round = 0; round < 50; round++) {
        pthread_t thread[16];
        for (long i = 0; i < 16; i++)
            thread[i] = thread_start(return_argument, (void *)i);
        for (long i = 0; i < 16; i++)
            wrong += thread_join(thread[i]) != (void *)(41 + i);
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(tls_value, 41);
}

static sem_t hold;

static void *wait_for_release(void *arg)
{
    sem_wait(&hold);
    return arg;
}

static void many_threads_at_once(void)
{
    enum { COUNT = 200 };
    static pthread_t thread[COUNT];
    pthread_attr_t attr;
    int wrong = 0;
    sem_init(&hold, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    for (long i = 0; i < COUNT; i++)
        wrong += pthread_create(&thread[i], &attr, wait_for_release, (void *)i) != 0;
    CHECK_EQ(wrong, 0);
    const char *status = strstr(file_get("/proc/self/status"), "\nThreads:");
    CHECK(status && atoi(status + 9) == COUNT + 1);
    for (int i = 0; i < COUNT; i++)
        sem_post(&hold);
    for (long i = 0; i < COUNT; i++)
        wrong += thread_join(thread[i]) != (void *)i;
    CHECK_EQ(wrong, 0);
}

static void *identity(void *out)
{
    ((long *)out)[0] = syscall(SYS_gettid);
    ((long *)out)[1] = syscall(SYS_getpid);
    return NULL;
}

static void ids_tell_threads_apart(void)
{
    long a[2], b[2];
    pthread_t first = thread_start(identity, a);
    thread_join(first);
    pthread_t second = thread_start(identity, b);
    thread_join(second);
    CHECK_EQ(a[1], getpid());
    CHECK_EQ(b[1], getpid());
    CHECK(a[0] != getpid() && b[0] != getpid() && a[0] != b[0]);
    CHECK_EQ(syscall(SYS_gettid), getpid());
}

static volatile int spin_stop, spin_started;

static void *spin(void *arg)
{
    (void)arg;
    spin_started = 1;
    while (!spin_stop)
        ;
    return NULL;
}

/* A thread that never calls the kernel must not keep others from running. */
static void spinning_threads_are_preempted(void)
{
    spin_stop = spin_started = 0;
    pthread_t thread = thread_start(spin, NULL);
    CHECK(wait_for(&spin_started, 1));
    pthread_t second = thread_start(spin, NULL);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 10; i++)
        sleep_ms(1);
    CHECK(now_ns(CLOCK_MONOTONIC) - before < 5000 * NS_PER_MS);
    spin_stop = 1;
    thread_join(thread);
    thread_join(second);
}

static int shared_counter;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static void *count_up(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&shared_lock);
        shared_counter++;
        pthread_mutex_unlock(&shared_lock);
    }
    return arg;
}

static void mutexes_exclude(void)
{
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(count_up, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    CHECK_EQ(shared_counter, 80000);
}

static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *take_turns(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&shared_lock);
        while (turn % 2 != me)
            pthread_cond_wait(&turn_changed, &shared_lock);
        turn++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&shared_lock);
    }
    return NULL;
}

static void condition_variables_pass_the_turn(void)
{
    pthread_t a = thread_start(take_turns, (void *)0), b = thread_start(take_turns, (void *)1);
    thread_join(a);
    thread_join(b);
    CHECK_EQ(turn, 1000);
}

static void *meet(void *barrier)
{
    long serial = 0;
    for (int i = 0; i < 50; i++)
        serial += pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    return (void *)serial;
}

static void barriers_rwlocks_and_timeouts(void)
{
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 3);
    pthread_t thread[3];
    long serial = 0;
    for (int i = 0; i < 3; i++)
        thread[i] = thread_start(meet, &barrier);
    for (int i = 0; i < 3; i++)
        serial += (long)thread_join(thread[i]);
    CHECK_EQ(serial, 50);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5 * NS_PER_MS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &until), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_timedlock(&mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    sem_t sem;
    sem_init(&sem, 0, 0);
    CHECK_ERR(sem_timedwait(&sem, &until), ETIMEDOUT);
    CHECK_ERR(sem_trywait(&sem), EAGAIN);
}

static void clean_up(void *arg)
{
    *(int *)arg += 1;
}

static void *cancelled(void *arg)
{
    pthread_cleanup_push(clean_up, arg);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

static void threads_can_be_cancelled_in_a_system_call(void)
{
    int cleaned = 0;
    pthread_t thread = thread_start(cancelled, &cleaned);
    sleep_ms(5);
    CHECK_EQ(pthread_cancel(thread), 0);
    CHECK(thread_join(thread) == PTHREAD_CANCELED);
    CHECK_EQ(cleaned, 1);
}

static void *use_stack(void *arg)
{
    volatile char buffer[200 * 1024];
    for (size_t i = 0; i < sizeof(buffer); i += PAGE)
        buffer[i] = 1;
    return (void *)(long)(buffer[0] + *(int *)arg);
}

static void thread_stacks_have_their_size(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int value = 6;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    CHECK_EQ(pthread_create(&thread, &attr, use_stack, &value), 0);
    CHECK(thread_join(thread) == (void *)7);
}

static int raw_tid_slot = -1;

static int raw_thread(void *arg)
{
    *(volatile int *)arg = 1;
    return 0;
}

/* The system call under pthread_create, without a libc: CLEAR_TID wakes whoever waits. */
static void clone_by_hand(void)
{
    char *stack = pages(16);
    volatile int ran = 0;
    int parent_tid = 0;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    raw_tid_slot = 12345;
    int tid =
        clone(raw_thread, stack + 16 * PAGE, flags, (void *)&ran, &parent_tid, NULL, &raw_tid_slot);
    CHECK(tid > 0);
    CHECK_EQ(parent_tid, tid);
    for (int i = 0; i < 5000 && __atomic_load_n(&raw_tid_slot, __ATOMIC_SEQ_CST); i++)
        sleep_ms(1);
    CHECK_EQ(raw_tid_slot, 0);
    CHECK_EQ(ran, 1);
    munmap(stack, 16 * PAGE);
}

static void clone_refuses_nonsense(void)
{
    char stack[64];
    CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, stack, 0, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, stack, 0, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_clone, CLONE_SIGHAND, stack, 0, 0, 0), EINVAL);
    struct clone_args args = {.flags = CLONE_THREAD | CLONE_SIGHAND};
    CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    CHECK_ERR(syscall(SYS_clone3, &args, 8), EINVAL);
    CHECK_ERR(syscall(SYS_clone3, &args, 100000), E2BIG);
    CHECK_ERR(syscall(SYS_clone3, KERNEL_ADDRESS, sizeof(args)), EFAULT);
    args = (struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
                               .stack = (uintptr_t)stack};
    CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL); /* a stack without a size */
    long flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SETTLS;
    CHECK_ERR(syscall(SYS_clone, flags, stack, 0, 0, KERNEL_ADDRESS), EPERM);
    CHECK_ERR(syscall(SYS_clone, flags, stack, 0, 0, NONCANONICAL_ADDRESS), EPERM);
}

static void *exit_by_system_call(void *arg)
{
    sleep_ms(1);
    syscall(SYS_exit, arg);
    return NULL;
}

static void threads_may_end_by_exit(void)
{
    pthread_t thread = thread_start(exit_by_system_call, NULL);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void thread_names(void)
{
    char name[16] = "";
    CHECK_EQ(pthread_setname_np(pthread_self(), "fifteen letters"), 0);
    CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    CHECK_STR(name, "fifteen letters");
    CHECK_STR(file_get("/proc/self/comm"), "fifteen letters\n");
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", gettid());
    CHECK_STR(file_get(path), "fifteen letters\n");
}

int main(void)
{
    RUN(storm_of_threads);
    RUN(many_threads_at_once);
    RUN(ids_tell_threads_apart);
    RUN(spinning_threads_are_preempted);
    RUN(mutexes_exclude);
    RUN(condition_variables_pass_the_turn);
    RUN(barriers_rwlocks_and_timeouts);
    RUN(threads_can_be_cancelled_in_a_system_call);
    RUN(thread_stacks_have_their_size);
    RUN(clone_by_hand);
    RUN(clone_refuses_nonsense);
    RUN(threads_may_end_by_exit);
    RUN(thread_names);
    return check_done();
}
