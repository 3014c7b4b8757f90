/* Storms on epoll: several threads wait on the same instances, by level, by edge, one-shot and
 * exclusively, nested and not, with time-outs and signals, while descriptors are changed, removed
 * and closed. Every message that was sent is received, and one-shot events are one thread's alone.
 *
 * The model: a queue (a semaphore-like eventfd) holds how many posts were not taken. Who is told
 * that a queue is ready takes posts from it as its kind must: all there are (edge), at least one
 * try (level), and arms it again (one-shot). When posting stops, all posts must be taken, without
 * any help: a wake-up that got lost leaves the rest. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/harness/stress.h"

#define QUEUES 6
#define WORKERS 6
#define BURST 64

enum kind { LEVEL, EDGE, ONESHOT, EXCLUSIVE, KINDS };

static const uint32_t flags_of[KINDS] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
                                         EPOLLIN | EPOLLEXCLUSIVE};

static struct queue {
    int fd;
    volatile int handlers; /* of a one-shot event at the same time */
} queues[QUEUES];

static enum kind kind;
static int ep, outer, max_events, timeout_ms;
static volatile long posted, taken, handled_twice;
static pthread_t workers[WORKERS];

static void take_from(struct queue *q)
{
    eventfd_t value;
    do {
        if (eventfd_read(q->fd, &value) != 0)
            return;
        __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
    } while (kind == EDGE || kind == ONESHOT);
}

static void handle(struct queue *q)
{
    if (kind == ONESHOT && __atomic_add_fetch(&q->handlers, 1, __ATOMIC_SEQ_CST) != 1)
        __atomic_add_fetch(&handled_twice, 1, __ATOMIC_SEQ_CST);
    take_from(q);
    if (kind != ONESHOT)
        return;
    struct epoll_event e = {.events = flags_of[kind], .data.ptr = q};
    __atomic_sub_fetch(&q->handlers, 1, __ATOMIC_SEQ_CST);
    epoll_ctl(ep, EPOLL_CTL_MOD, q->fd, &e);
}

static void wait_once(bool nested)
{
    struct epoll_event got[QUEUES];
    if (nested && epoll_wait(outer, got, 1, timeout_ms) < 1)
        return;
    int n = epoll_wait(ep, got, max_events, nested ? 0 : timeout_ms);
    for (int i = 0; i < n; i++)
        if (got[i].data.ptr)
            handle(got[i].data.ptr);
}

static void *work(void *arg)
{
    while (!stress_stop)
        wait_once((intptr_t)arg % 3 == 2 && outer >= 0);
    return NULL;
}

/* A post for one queue after the other, and now and then what disturbs. */
static void post(unsigned *state, bool disturb)
{
    unsigned random = stress_random(state);
    struct queue *q = &queues[random % QUEUES];
    posted++;
    eventfd_write(q->fd, 1);
    if (!disturb)
        return;
    if (random % 16 == 0)
        pthread_kill(workers[random / 16 % WORKERS], SIGUSR1);
    if (random % 32 == 5) { /* one that comes, is ready and goes */
        int fd = eventfd(1, 0);
        struct epoll_event e = {.events = EPOLLIN};
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        if (random % 64 == 5)
            epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
        close(fd);
    }
    if (random % 32 == 6 && kind == LEVEL) { /* changed, and removed and added anew */
        struct epoll_event e = {.events = flags_of[kind], .data.ptr = q};
        if (random % 64 == 6)
            epoll_ctl(ep, EPOLL_CTL_DEL, q->fd, NULL);
        epoll_ctl(ep, random % 64 == 6 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, q->fd, &e);
    }
}

/* Posts in bursts; after each all must be taken. Returns whether they were. */
static bool post_bursts(bool disturb)
{
    unsigned state = 1;
    int64_t end = now_ns(CLOCK_MONOTONIC) + stress_ms * NS_PER_MS / (KINDS * 4);
    while (now_ns(CLOCK_MONOTONIC) < end) {
        unsigned count = 1 + stress_random(&state) % BURST;
        for (unsigned i = 0; i < count; i++)
            post(&state, disturb);
        int64_t limit = now_ns(CLOCK_MONOTONIC) + 10000 * NS_PER_MS;
        while (taken != posted) {
            if (now_ns(CLOCK_MONOTONIC) > limit)
                return false;
            sched_yield();
        }
    }
    return true;
}

static void ignore(int signo)
{
    (void)signo;
}

static void open_all(bool nested)
{
    posted = taken = handled_twice = 0;
    ep = epoll_create1(0);
    outer = nested ? epoll_create1(0) : -1;
    for (int i = 0; i < QUEUES; i++) {
        struct epoll_event e = {.events = flags_of[kind], .data.ptr = &queues[i]};
        queues[i].fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
        CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, queues[i].fd, &e));
    }
    struct epoll_event e = {.events = EPOLLIN};
    if (nested)
        CHECK_OK(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &e));
}

/* Nobody is left waiting: a queue that stays ready wakes them one after the other. */
static void close_all(bool ok)
{
    int end = eventfd(1, 0);
    struct epoll_event e = {.events = EPOLLIN};
    stress_stop = 1;
    epoll_ctl(ep, EPOLL_CTL_ADD, end, &e);
    for (int i = 0; ok && i < WORKERS; i++)
        thread_join(workers[i]);
    close(end);
    for (int i = 0; i < QUEUES; i++)
        close(queues[i].fd);
    close(ep);
    if (outer >= 0)
        close(outer);
}

static void run(enum kind which, bool nested, bool disturb)
{
    kind = which;
    max_events = disturb ? 1 : QUEUES;
    timeout_ms = disturb ? 1 : -1;
    stress_stop = 0;
    open_all(nested);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = thread_start(work, (void *)(intptr_t)i);
    bool ok = post_bursts(disturb);
    CHECK(ok);
    CHECK_EQ(taken, posted);
    CHECK_EQ(handled_twice, 0);
    close_all(ok);
}

static void run_all(enum kind which)
{
    struct sigaction action = {.sa_handler = ignore};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 4; i++)
        run(which, i & 1, i & 2);
}

static void by_level(void)
{
    run_all(LEVEL);
}

static void by_edge(void)
{
    run_all(EDGE);
}

static void one_shot(void)
{
    run_all(ONESHOT);
}

static void exclusively(void)
{
    run_all(EXCLUSIVE);
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    RUN(by_level);
    RUN(by_edge);
    RUN(one_shot);
    RUN(exclusively);
    return check_done();
}
