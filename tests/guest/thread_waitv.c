/* futex_waitv, and what is left of a wait that a signal interrupted. */
#include <linux/futex.h>
#include <sys/time.h>

#include "tests/harness/guest.h"

static uint32_t words[4];

static long waitv(struct futex_waitv *list, unsigned count, long ms)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += ms * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return syscall(SYS_futex_waitv, list, count, 0, &end, CLOCK_MONOTONIC);
}

static void fill(struct futex_waitv list[4])
{
    memset(words, 0, sizeof(words));
    for (int i = 0; i < 4; i++)
        list[i] = (struct futex_waitv){.uaddr = (uint64_t)&words[i],
                                       .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
}

static void a_changed_word_is_not_waited_for(void)
{
    struct futex_waitv list[4];
    fill(list);
    words[2] = 1;
    CHECK_ERR(waitv(list, 4, 10000), EAGAIN);
}

static void waiting_ends_in_time(void)
{
    struct futex_waitv list[4];
    fill(list);
    CHECK_ERR(waitv(list, 4, 20), ETIMEDOUT);
}

static void *wake_third(void *arg)
{
    (void)arg;
    while (syscall(SYS_futex, &words[2], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) == 0)
        sleep_ms(1);
    return NULL;
}

static void the_woken_word_is_named(void)
{
    struct futex_waitv list[4];
    fill(list);
    pthread_t thread = thread_start(wake_third, NULL);
    CHECK_EQ(waitv(list, 4, 10000), 2);
    pthread_join(thread, NULL);
}

static void lists_are_checked(void)
{
    struct futex_waitv list[4];
    fill(list);
    CHECK_ERR(waitv(list, 0, 1), EINVAL);
    CHECK_ERR(waitv(list, 129, 1), EINVAL);
    CHECK_ERR(waitv(NULL, 1, 1), EINVAL);
    CHECK_ERR(waitv(KERNEL_ADDRESS, 1, 1), EFAULT);
    CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 1, NULL, CLOCK_MONOTONIC), EINVAL);
    CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, &(struct timespec){1, 0}, 77), EINVAL);
    CHECK_ERR(syscall(SYS_futex_waitv, list, 4, 0, KERNEL_ADDRESS, CLOCK_MONOTONIC), EFAULT);
}

static void words_are_checked(void)
{
    struct futex_waitv list[4];
    fill(list);
    list[1].flags = 0x40000000;
    CHECK_ERR(waitv(list, 4, 1), EINVAL);
    fill(list);
    list[1].flags = FUTEX_PRIVATE_FLAG; /* no size */
    CHECK_ERR(waitv(list, 4, 1), EINVAL);
    fill(list);
    list[1].__reserved = 1;
    CHECK_ERR(waitv(list, 4, 1), EINVAL);
    fill(list);
    list[1].uaddr++;
    CHECK_ERR(waitv(list, 4, 1), EINVAL);
    fill(list);
    list[1].uaddr = (uint64_t)KERNEL_ADDRESS;
    CHECK_ERR(waitv(list, 4, 1), EFAULT);
}

static void count_signal(int sig)
{
    (void)sig;
}

static void alarm_in(long ms)
{
    struct itimerval timer = {.it_value = {0, ms * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void a_signal_interrupts_the_wait(void)
{
    struct futex_waitv list[4];
    struct sigaction action = {.sa_handler = count_signal};
    sigaction(SIGALRM, &action, NULL);
    fill(list);
    alarm_in(20);
    CHECK_ERR(waitv(list, 4, 30000), EINTR);
}

static void there_is_nothing_to_restart(void)
{
    CHECK_ERR(syscall(SYS_restart_syscall), EINTR);
}

static void interrupted_sleep_tells_what_is_left(void)
{
    struct timespec ask = {20, 0}, left = {0};
    alarm_in(20);
    CHECK_ERR(nanosleep(&ask, &left), EINTR);
    CHECK(left.tv_sec >= 1 && left.tv_sec < 20);
}

int main(void)
{
    RUN(a_changed_word_is_not_waited_for);
    RUN(waiting_ends_in_time);
    RUN(the_woken_word_is_named);
    RUN(lists_are_checked);
    RUN(words_are_checked);
    RUN(a_signal_interrupts_the_wait);
    RUN(there_is_nothing_to_restart);
    RUN(interrupted_sleep_tells_what_is_left);
    return check_done();
}
