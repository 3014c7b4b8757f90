/*
 * In the guest alone, where the kernel is not pre-empted: a copy of gigabytes inside the kernel
 * lets other threads run, and a signal ends it. Linux pre-empts, and need not stop for the signal.
 */
#include <sys/sendfile.h>

#include "tests/harness/guest.h"

static volatile int ticks, stop;

static void *tick(void *arg)
{
    while (!stop) {
        ticks++;
        sleep_ms(1);
    }
    return arg;
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void a_long_copy_leaves_others_running(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    pthread_t thread = thread_start(tick, NULL);
    wait_for(&ticks, 1);
    int before = ticks;
    alarm(1);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    ssize_t n = 0;
    while (now_ns(CLOCK_MONOTONIC) - start < 900 * NS_PER_MS && n >= 0)
        n = sendfile(null, zero, NULL, 1ul << 40);
    CHECK(n > 0 || errno == EINTR);
    CHECK(now_ns(CLOCK_MONOTONIC) - start < 3000 * NS_PER_MS);
    CHECK(ticks - before > 50);
    stop = 1;
    thread_join(thread);
    close(zero);
    close(null);
}

int main(void)
{
    RUN(a_long_copy_leaves_others_running);
    return check_done();
}
