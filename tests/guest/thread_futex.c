/* Futexes: wait, wake, requeue, bitset, wake_op, time-outs, PI, robust lists, bad arguments. */
#include <linux/futex.h>

#include "tests/harness/guest.h"

static long futex(void *word, int op, uint32_t value, const struct timespec *timeout, void *word2,
                  uint32_t value3)
{
    return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static long futex_count(void *word, int op, uint32_t value, long value2, void *word2,
                        uint32_t value3)
{
    return syscall(SYS_futex, word, op, value, value2, word2, value3);
}

static volatile int waiting;

struct waiter {
    uint32_t *word;
    int op;
    uint32_t value, bits;
    pthread_t thread;
    long result;
};

static void *waiter_run(void *arg)
{
    struct waiter *w = arg;
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    long rc = futex(w->word, w->op, w->value, NULL, NULL, w->bits);
    w->result = rc == -1 ? -errno : rc;
    return NULL;
}

static void waiters_start(struct waiter *w, int count, uint32_t *word, int op, uint32_t bits)
{
    waiting = 0;
    for (int i = 0; i < count; i++) {
        w[i] = (struct waiter){word, op, *word, bits, 0, -9999};
        w[i].thread = thread_start(waiter_run, &w[i]);
    }
    wait_for(&waiting, count);
    sleep_ms(20); /* from "about to wait" to "waits" there is no other way to tell */
}

static int waiters_join(struct waiter *w, int count)
{
    int good = 0;
    for (int i = 0; i < count; i++) {
        pthread_join(w[i].thread, NULL);
        good += w[i].result == 0;
    }
    return good;
}

static void wait_compares_first(void)
{
    uint32_t word = 5;
    CHECK_ERR(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
    CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0), EAGAIN);
    CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 4, NULL, NULL, 1), EAGAIN);
    CHECK_EQ(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
}

static void wait_times_out(void)
{
    uint32_t word = 5;
    struct timespec ts = ms_timespec(10);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 5, &ts, NULL, 0), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 10 * NS_PER_MS);
    clock_gettime(CLOCK_MONOTONIC, &ts); /* an absolute time that is over */
    CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, &ts, NULL, ~0u), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &ts);
    CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &ts, NULL, ~0u), ETIMEDOUT);
    ts.tv_nsec = 1000000000;
    CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &ts, NULL, 0), EINVAL);
    ts = (struct timespec){-1, 0};
    CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &ts, NULL, 0), EINVAL);
}

static void wake_wakes_as_many_as_asked(void)
{
    uint32_t word = 1;
    struct waiter w[5];
    waiters_start(w, 5, &word, FUTEX_WAIT_PRIVATE, 0);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 3);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 0);
    CHECK_EQ(waiters_join(w, 5), 5);
}

static void bitsets_choose_whom_to_wake(void)
{
    uint32_t word = 1;
    struct waiter a[2], b[2];
    waiters_start(a, 2, &word, FUTEX_WAIT_BITSET_PRIVATE, 1);
    waiters_start(b, 2, &word, FUTEX_WAIT_BITSET_PRIVATE, 6);
    CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 8), 0);
    CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 2), 2);
    CHECK_EQ(waiters_join(b, 2), 2);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 2);
    CHECK_EQ(waiters_join(a, 2), 2);
    CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERR(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

static void requeue_moves_waiters(void)
{
    uint32_t from = 1, to = 2;
    struct waiter w[4];
    waiters_start(w, 4, &from, FUTEX_WAIT_PRIVATE, 0);
    CHECK_ERR(futex_count(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, 10, &to, 77), EAGAIN);
    CHECK_EQ(futex_count(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &to, 1), 3);
    CHECK_EQ(futex(&to, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 2);
    CHECK_EQ(futex_count(&from, FUTEX_REQUEUE_PRIVATE, 0, 10, &to, 0), 1);
    CHECK_EQ(futex(&from, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&to, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 1);
    CHECK_EQ(waiters_join(w, 4), 4);
}

static void wake_op_changes_the_second_word(void)
{
    uint32_t a = 1, b = 10;
    struct waiter wa[1], wb[1];
    waiters_start(wa, 1, &a, FUTEX_WAIT_PRIVATE, 0);
    waiters_start(wb, 1, &b, FUTEX_WAIT_PRIVATE, 0);
    uint32_t op = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10);
    CHECK_EQ(futex_count(&a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, op), 2);
    CHECK_EQ(b, 15);
    CHECK_EQ(waiters_join(wa, 1) + waiters_join(wb, 1), 2);
    op = FUTEX_OP(FUTEX_OP_SET, 3, FUTEX_OP_CMP_GT, 100);
    CHECK_EQ(futex_count(&a, FUTEX_WAKE_OP_PRIVATE, 1, 1, &b, op), 0);
    CHECK_EQ(b, 3);
}

static void bad_words_are_refused(void)
{
    char *p = pages(1);
    uint32_t word = 0;
    CHECK_ERR(futex(p + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERR(futex(KERNEL_ADDRESS, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERR(futex(KERNEL_ADDRESS, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERR(futex(KERNEL_ADDRESS, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERR(futex(&word, 125, 0, NULL, NULL, 0), ENOSYS);
    munmap(p, PAGE);
    CHECK_ERR(futex(p, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERR(futex(&word, FUTEX_WAIT, 0, NULL_PAGE_ADDRESS, NULL, 0), EFAULT);
}

static void shared_words_are_told_by_the_page_not_the_address(void)
{
    int fd = memfd_create("futex", 0);
    CHECK_OK(ftruncate(fd, PAGE));
    uint32_t *one = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct waiter w[1];
    waiters_start(w, 1, one + 3, FUTEX_WAIT, 0);
    CHECK_EQ(futex(two + 2, FUTEX_WAKE, 9, NULL, NULL, 0), 0);
    CHECK_EQ(futex(two + 3, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    CHECK_EQ(waiters_join(w, 1), 1);
    munmap(one, PAGE);
    munmap(two, PAGE);
    close(fd);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void signals_interrupt_a_wait(void)
{
    uint32_t word = 1;
    struct waiter w[1];
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    waiters_start(w, 1, &word, FUTEX_WAIT_PRIVATE, 0);
    pthread_kill(w[0].thread, SIGUSR1);
    waiters_join(w, 1);
    CHECK_EQ(w[0].result, -EINTR);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    waiters_start(w, 1, &word, FUTEX_WAIT_PRIVATE, 0);
    pthread_kill(w[0].thread, SIGUSR1);
    sleep_ms(10);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    waiters_join(w, 1);
    CHECK_EQ(w[0].result, 0);
}

static pthread_mutex_t pi_mutex;
static volatile int pi_owned;

static void *pi_contend(void *arg)
{
    (void)arg;
    long sum = 0;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&pi_mutex);
        sum += pi_owned++ == 0;
        pi_owned--;
        pthread_mutex_unlock(&pi_mutex);
    }
    return (void *)sum;
}

static void priority_inheritance_locks(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    CHECK_EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
    CHECK_EQ(pthread_mutex_init(&pi_mutex, &attr), 0);
    pthread_t thread[4];
    long sum = 0;
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(pi_contend, NULL);
    for (int i = 0; i < 4; i++)
        sum += (long)thread_join(thread[i]);
    CHECK_EQ(sum, 8000);
    uint32_t word = 0;
    CHECK_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    CHECK_EQ(word & FUTEX_TID_MASK, gettid());
    CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    CHECK_EQ(word, 0);
    CHECK_ERR(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    word = 999999; /* a thread that there is not */
    CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
}

static void *die_holding(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static void robust_locks_outlive_their_owner(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attr);
    thread_join(thread_start(die_holding, &mutex));
    CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
    CHECK_EQ(pthread_mutex_lock(&mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
    thread_join(thread_start(die_holding, &mutex));
    CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_unlock(&mutex), 0); /* not made consistent */
    CHECK_EQ(pthread_mutex_lock(&mutex), ENOTRECOVERABLE);
}

static void robust_list_registration(void)
{
    struct robust_list_head *head = NULL;
    size_t size = 0;
    CHECK_OK(syscall(SYS_get_robust_list, 0, &head, &size));
    CHECK_EQ(size, sizeof(struct robust_list_head));
    CHECK(head != NULL);
    CHECK_ERR(syscall(SYS_set_robust_list, head, 3), EINVAL);
    CHECK_OK(syscall(SYS_set_robust_list, head, sizeof(*head)));
    CHECK_ERR(syscall(SYS_get_robust_list, 0, KERNEL_ADDRESS, &size), EFAULT);
}

/* A robust list with broken pointers must not bring the kernel down when the thread ends. */
static void *die_with_broken_list(void *arg)
{
    struct robust_list_head *head = arg;
    syscall(SYS_set_robust_list, head, sizeof(*head));
    syscall(SYS_exit, 0);
    return NULL;
}

static void broken_robust_lists_are_survived(void)
{
    static struct robust_list_head heads[4];
    heads[0].list.next = KERNEL_ADDRESS;
    heads[1].list.next = NULL_PAGE_ADDRESS;
    heads[2].list.next = NONCANONICAL_ADDRESS;
    static struct robust_list loop;
    loop.next = &loop; /* never comes back to its head */
    heads[3].list.next = &loop;
    for (int i = 0; i < 4; i++) {
        thread_join(thread_start(die_with_broken_list, &heads[i]));
        CHECK(getpid() > 0);
    }
    thread_join(thread_start(die_with_broken_list, KERNEL_ADDRESS));
    CHECK(getpid() > 0);
}

/* Real-time threads come first, by priority; the others in order of arrival. */
#define RANKED 5
static volatile int order[RANKED], woken_count;
static const int priorities[RANKED] = {0, 10, 30, 10, 20};

struct ranked {
    uint32_t *word;
    int number;
};

static void *wait_ranked(void *arg)
{
    struct ranked *r = arg;
    struct sched_param param = {.sched_priority = priorities[r->number]};
    CHECK_EQ(pthread_setschedparam(pthread_self(), param.sched_priority ? SCHED_FIFO : SCHED_OTHER,
                                   &param),
             0);
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(futex(r->word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
    order[woken_count] = r->number;
    __atomic_add_fetch(&woken_count, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void wake_ranked(bool requeued)
{
    static const int expected[RANKED] = {2, 4, 1, 3, 0};
    uint32_t word = 0, word2 = 0;
    struct ranked ranked[RANKED];
    pthread_t threads[RANKED];
    waiting = woken_count = 0;
    for (int i = 0; i < RANKED; i++) {
        ranked[i] = (struct ranked){&word, i};
        threads[i] = thread_start(wait_ranked, &ranked[i]);
        wait_for(&waiting, i + 1);
        sleep_ms(10);
    }
    if (requeued)
        CHECK_EQ(futex_count(&word, FUTEX_REQUEUE, 0, RANKED, &word2, 0), RANKED);
    for (int i = 0; i < RANKED; i++) {
        CHECK_EQ(futex(requeued ? &word2 : &word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
        wait_for(&woken_count, i + 1);
        CHECK_EQ(order[i], expected[i]);
    }
    for (int i = 0; i < RANKED; i++)
        thread_join(threads[i]);
}

static void waiters_are_served_by_priority(void)
{
    wake_ranked(false);
    wake_ranked(true);
}

int main(void)
{
    RUN(wait_compares_first);
    RUN(wait_times_out);
    RUN(wake_wakes_as_many_as_asked);
    RUN(bitsets_choose_whom_to_wake);
    RUN(requeue_moves_waiters);
    RUN(wake_op_changes_the_second_word);
    RUN(bad_words_are_refused);
    RUN(shared_words_are_told_by_the_page_not_the_address);
    RUN(signals_interrupt_a_wait);
    RUN(waiters_are_served_by_priority);
    RUN(priority_inheritance_locks);
    RUN(robust_locks_outlive_their_owner);
    RUN(robust_list_registration);
    RUN(broken_robust_lists_are_survived);
    return check_done();
}
