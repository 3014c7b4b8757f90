/* Another libc makes other system calls: musl, static, with threads, locks and signals. */
// CC: musl-gcc
// CFLAGS: -static
#include <semaphore.h>

#include "tests/harness/guest.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static volatile int handled;

static void *count(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void on_signal(int sig)
{
    handled = sig;
}

int main(void)
{
    pthread_t thread[4];
    for (long i = 0; i < 4; i++)
        thread[i] = thread_start(count, (void *)i);
    for (long i = 0; i < 4; i++)
        CHECK(thread_join(thread[i]) == (void *)i);
    CHECK_EQ(counter, 4000);
    signal(SIGUSR1, on_signal);
    CHECK_OK(raise(SIGUSR1));
    CHECK_EQ(handled, SIGUSR1);
    char *p = malloc(1 << 20);
    CHECK(p != NULL);
    memset(p, 1, 1 << 20);
    p = realloc(p, 4 << 20);
    CHECK(p != NULL && p[(1 << 20) - 1] == 1);
    free(p);
    FILE *f = tmpfile();
    CHECK(f != NULL && fputs("text", f) >= 0);
    CHECK(now_ns(CLOCK_REALTIME) > 1600000000000000000);
    struct fault fault = fault_of(probe_write, NULL_PAGE_ADDRESS);
    CHECK_EQ(fault.sig, SIGSEGV);
    return check_done();
}
