/* In the guest alone: Linux keeps huge pages out of stacks (MAP_STACK) since 6.7. Threads use
 * little of their stacks, so many of them, of any policy, need little memory and no time to clear
 * it. */
#include "tests/harness/guest.h"

#define THREADS 400

static volatile int begun, stop;

static void *wait_for_the_end(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        sleep_ms(50);
    return NULL;
}

static long resident_kb(void)
{
    const char *line = strstr(file_get("/proc/self/status"), "VmRSS:");
    return line ? atol(line + 6) : 0;
}

static void many_stacks_take_little_memory(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attr;
    struct sched_param param = {.sched_priority = 1};
    pthread_attr_init(&attr);
    pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
    pthread_attr_setschedparam(&attr, &param);
    long before = resident_kb();
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], &attr, wait_for_the_end, NULL), 0);
    CHECK(wait_for(&begun, THREADS));
    CHECK(before > 0 && resident_kb() - before < THREADS * 128);
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
}

int main(void)
{
    RUN(many_stacks_take_little_memory);
    return check_done();
}
