/* RLIMIT_CPU: a signal each second of CPU time from the soft limit on. */
#include <sys/resource.h>

#include "tests/harness/guest.h"

static volatile int signals;

static void on_limit(int sig)
{
    (void)sig;
    signals++;
}

static void a_signal_each_second(void)
{
    struct rlimit old, limit;
    struct sigaction action = {.sa_handler = on_limit};
    sigaction(SIGXCPU, &action, NULL);
    CHECK_OK(getrlimit(RLIMIT_CPU, &old));
    rlim_t soft = (rlim_t)(now_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000000) + 1;
    limit = (struct rlimit){soft, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_CPU, &limit));
    while (signals < 2 && now_ns(CLOCK_PROCESS_CPUTIME_ID) < 20000000000)
        ;
    int64_t used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    CHECK_EQ(signals, 2);
    CHECK(used >= ((int64_t)soft + 1) * 1000000000 - 100 * NS_PER_MS);
    CHECK_OK(getrlimit(RLIMIT_CPU, &limit));
    CHECK_EQ(limit.rlim_cur, soft + 2); /* it moves with them */
    CHECK_OK(setrlimit(RLIMIT_CPU, &old));
}

int main(void)
{
    RUN(a_signal_each_second);
    return check_done();
}
