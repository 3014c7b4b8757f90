/* Scheduling calls that tell the truth, rseq and membarrier. */
#include <linux/ioprio.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/rseq.h>

#include "tests/harness/guest.h"

static void affinity_names_the_processors(void)
{
    cpu_set_t set;
    CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
    CHECK_EQ(CPU_COUNT(&set), sysconf(_SC_NPROCESSORS_ONLN));
    long n = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
    CHECK(n > 0 && n % 8 == 0); /* the kernel's own mask size */
    CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 1, &set), EINVAL);
    CHECK_ERR(syscall(SYS_sched_getaffinity, 0, sizeof(set), NULL_PAGE_ADDRESS), EFAULT);
    CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
    cpu_set_t none;
    CPU_ZERO(&none);
    CHECK_ERR(sched_setaffinity(0, sizeof(none), &none), EINVAL);
    CPU_SET(CPU_SETSIZE - 1, &none); /* a processor that is not there */
    CHECK_ERR(sched_setaffinity(0, sizeof(none), &none), EINVAL);
    CHECK_ERR(sched_getaffinity(999999, sizeof(set), &set), ESRCH);
}

static void policies_and_priorities(void)
{
    struct sched_param param = {.sched_priority = 99};
    CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
    CHECK_OK(sched_getparam(0, &param));
    CHECK_EQ(param.sched_priority, 0);
    CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
    CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
    CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
    CHECK_ERR(sched_get_priority_max(77), EINVAL);
    param.sched_priority = 5;
    CHECK_ERR(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
    CHECK_ERR(sched_setscheduler(0, 77, &param), EINVAL);
    param.sched_priority = 0;
    CHECK_OK(sched_setscheduler(0, SCHED_BATCH, &param));
    CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
    CHECK_OK(sched_setscheduler(0, SCHED_OTHER, &param));
    CHECK_ERR(sched_getscheduler(999999), ESRCH);
    CHECK_OK(sched_yield());
    struct timespec slice;
    CHECK_OK(sched_rr_get_interval(0, &slice));
}

static void niceness(void)
{
    errno = 0;
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 0)); /* whoever runs the test may have been nice */
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 0));
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_ERR(getpriority(7, 0), EINVAL);
}

static void restartable_sequences_are_registered(void)
{
    struct rseq area;
    memset(&area, 0, sizeof(area));
    if (__rseq_size) { /* glibc has registered its own for every thread */
        struct rseq *mine = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
        CHECK(mine->cpu_id < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
        CHECK_EQ(mine->cpu_id_start, mine->cpu_id);
        CHECK_ERR(syscall(SYS_rseq, &area, 32, 0, RSEQ_SIG), EINVAL);
        CHECK_ERR(syscall(SYS_rseq, mine, 32, 0, RSEQ_SIG), EBUSY);
        CHECK_ERR(syscall(SYS_rseq, mine, 32, RSEQ_FLAG_UNREGISTER, 1), EPERM);
    } else {
        CHECK_ERR(syscall(SYS_rseq, &area, 3, 0, RSEQ_SIG), EINVAL);
    }
}

/* One critical section that only a pre-empted or signalled thread leaves by its abort handler. */
static struct rseq *rseq_area(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static volatile int usr1_count;

static void on_usr1(int sig)
{
    (void)sig;
    usr1_count++;
}

static void signal_aborts_a_critical_section(void)
{
    if (!__rseq_size)
        return;
    struct sigaction action = {.sa_handler = on_usr1};
    sigaction(SIGUSR1, &action, NULL);
    struct timespec ts = ms_timespec(20);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    CHECK_OK(timer_settime(timer, 0, &(struct itimerspec){.it_value = ts}, NULL));
    int aborted = 0;
    /* Spins inside the section for ever: only the abort handler leaves it. */
    __asm__ volatile("leaq 2f(%%rip), %%rax\n"
                     "movq %%rax, %1\n"
                     "1: pause\n"
                     "jmp 1b\n"
                     "3: nop\n"
                     ".pushsection .data.rel, \"aw\"\n"
                     ".balign 32\n"
                     "2: .long 0, 0\n"
                     ".quad 1b, 3b - 1b, 4f\n"
                     ".popsection\n"
                     ".pushsection .text.rseq_abort, \"ax\"\n"
                     ".byte 0x0f, 0xb9, 0x3d\n"
                     ".long 0x53053053\n"
                     "4: movl $1, %0\n"
                     "jmp 5f\n"
                     ".popsection\n"
                     "5:\n"
                     : "+m"(aborted), "=m"(rseq_area()->rseq_cs)
                     :
                     : "rax", "memory");
    CHECK_EQ(aborted, 1);
    CHECK(wait_for(&usr1_count, 1)); /* pre-emption may have aborted the section before it */
    timer_delete(timer);
}

static void membarrier_commands(void)
{
    long supported = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    CHECK(supported > 0);
    CHECK(supported & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    CHECK_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 77, 0), EINVAL);
}

static volatile int stop;

static void *burn(void *arg)
{
    while (!stop)
        ++*(volatile long *)arg;
    return NULL;
}

/* Threads that only compute share the processor: none starves. */
static void time_is_shared_fairly(void)
{
    long counts[3] = {0};
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        thread[i] = thread_start(burn, &counts[i]);
    sleep_ms(400);
    stop = 1;
    for (int i = 0; i < 3; i++)
        thread_join(thread[i]);
    printf("# counts %ld %ld %ld\n", counts[0], counts[1], counts[2]);
    CHECK(counts[0] > 0 && counts[1] > 0 && counts[2] > 0);
}

static int io_priority(int which, int who)
{
    return (int)syscall(SYS_ioprio_get, which, who);
}

static int set_io_priority(int which, int who, int value)
{
    return (int)syscall(SYS_ioprio_set, which, who, value);
}

static void *inherited(void *arg)
{
    *(int *)arg = io_priority(IOPRIO_WHO_PROCESS, 0);
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 1)));
    return NULL;
}

static void priorities_of_io(void)
{
    const int best = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 2);
    const int usual = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 3);
    const int idle = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0);
    int seen = -1;
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, 0, 0));
    CHECK_EQ(io_priority(IOPRIO_WHO_PROCESS, 0), 0);
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, gettid(), best));
    CHECK_EQ(io_priority(IOPRIO_WHO_PROCESS, gettid()), best);
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, 0, idle));
    CHECK_EQ(io_priority(IOPRIO_WHO_PROCESS, 0), idle);
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, 0, usual));
    thread_join(thread_start(inherited, &seen));
    CHECK_EQ(seen, usual);
    CHECK_EQ(io_priority(IOPRIO_WHO_PROCESS, 0), usual);
    CHECK_OK(set_io_priority(IOPRIO_WHO_PROCESS, 0, 0));
}

static void priorities_of_io_refused(void)
{
    const int usual = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 3);
    CHECK_ERR(set_io_priority(IOPRIO_WHO_PROCESS, 0, 1), EINVAL); /* a level of no class */
    CHECK_ERR(set_io_priority(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(4, 0)), EINVAL);
    CHECK_ERR(set_io_priority(IOPRIO_WHO_PROCESS, 0, -1), EINVAL);
    CHECK_ERR(set_io_priority(0, 0, usual), EINVAL);
    CHECK_ERR(set_io_priority(4, 0, usual), EINVAL);
    CHECK_ERR(io_priority(0, 0), EINVAL);
    CHECK_ERR(io_priority(4, 0), EINVAL);
    for (int which = IOPRIO_WHO_PROCESS; which <= IOPRIO_WHO_USER; which++) {
        CHECK_ERR(set_io_priority(which, 9999999, usual), ESRCH);
        CHECK_ERR(io_priority(which, 9999999), ESRCH);
    }
}

int main(void)
{
    RUN(affinity_names_the_processors);
    RUN(policies_and_priorities);
    RUN(niceness);
    RUN(priorities_of_io);
    RUN(priorities_of_io_refused);
    RUN(restartable_sequences_are_registered);
    RUN(signal_aborts_a_critical_section);
    RUN(membarrier_commands);
    RUN(time_is_shared_fairly);
    return check_done();
}
