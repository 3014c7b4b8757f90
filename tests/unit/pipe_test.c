// UNIT: tests/unit/fakes/unnamed.c
// UNIT: kernel/proc/cred.c kernel/fd/pipe.c kernel/fd/file.c kernel/fd/iter.c kernel/fd/pollset.c kernel/base/format.c tests/unit/fakes/heap.c tests/unit/fakes/page.c
/* Pipes under file_read, file_write, and poll. There is one thread; when it would sleep, the test
 * does what the other thread would do. */
#include <asm/fcntl.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/fd/epoll.h"
#include "kernel/fd/pipe.h"
#include "kernel/fd/pollset.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

/* The scheduler: sleeping runs the next step of the test, once. */

bool lock_checks_on;
static struct task only_task;
static void (*next_step)(void);
static int sleep_error = -EINTR; /* when there is no step */
static int last_signal, sleeps;

struct task *task_current(void)
{
    return &only_task;
}

int signal_send_task(struct task *t, int signo, const siginfo_t *info)
{
    (void)t, (void)info;
    last_signal = signo;
    return 0;
}

struct proc the_proc;

int64_t clock_realtime_ns(void)
{
    return 1;
}

uint64_t clock_monotonic_ns(void)
{
    return 1;
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
    m->rank = (uint8_t)rank;
    m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
    if (m->owner)
        CHECK(!"deadlock");
    m->owner = (struct thread *)m;
}

void mutex_unlock(struct mutex *m)
{
    m->owner = NULL;
}

void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

static bool wake_default(struct waiter *w, uint32_t events)
{
    (void)events;
    w->woken = true;
    return true;
}

void waiter_init(struct waiter *w, uint32_t events)
{
    *w = (struct waiter){.events = events, .wake = wake_default};
    list_init(&w->node);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    list_add_tail(&q->waiters, &w->node);
}

void waitq_remove(struct waitq *q, struct waiter *w)
{
    (void)q;
    list_remove(&w->node);
}

bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    list_for_each(node, &q->waiters)
    {
        struct waiter *w = list_entry(node, struct waiter, node);
        if (w->events & events)
            (void)w->wake(w, events);
    }
    return false;
}

void waitq_wake_queued_long(struct waitq *q, uint32_t events)
{
    (void)waitq_wake_queued(q, events);
}

void waiter_signal(struct waiter *w)
{
    w->woken = true;
}

struct thread *thread_current(void)
{
    static struct thread nobody;
    return &nobody;
}

int waiter_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible)
{
    void (*step)(void) = next_step;
    (void)deadline_ns;
    CHECK(interruptible);
    sleeps++;
    next_step = NULL;
    if (!step)
        return sleep_error;
    step();
    CHECK(w->woken);
    return 0;
}

/* What a pipe does not need here. */

void epoll_file_gone(struct file *f)
{
    (void)f;
}

void dentry_put(struct dentry *d)
{
    (void)d;
}

size_t copy_to_user_partial(struct uptr dst, const void *src, size_t len)
{
    (void)dst, (void)src;
    return len; /* every user address is bad */
}

size_t copy_from_user_partial(void *dst, struct uptr src, size_t len)
{
    (void)dst, (void)src;
    return len;
}

size_t clear_user_partial(struct uptr dst, size_t len)
{
    (void)dst;
    return len;
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    memcpy((void *)dst.addr, src, len);
    return 0;
}

/* The tests. */

static struct file *ends[2];
static char data[256 * 1024], got[256 * 1024];

static int64_t put(const void *bytes, size_t size)
{
    struct iter it;
    iter_kernel(&it, (void *)(uintptr_t)bytes, size);
    return file_write(ends[1], &it, NULL);
}

static int64_t take(size_t size)
{
    struct iter it;
    iter_kernel(&it, got, size);
    return file_read(ends[0], &it, NULL);
}

static void start(unsigned flags)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 + (i >> 9));
    memset(got, 0, sizeof(got));
    CHECK_EQ(pipe_create(flags, true, ends), 0);
    last_signal = sleeps = 0;
    next_step = NULL;
}

static void end(void)
{
    file_put(ends[0]);
    file_put(ends[1]);
    CHECK_EQ(fake_heap_blocks, 0);
    CHECK_EQ(fake_pages, 0);
}

static void bytes_come_in_order(void)
{
    start(0);
    CHECK_EQ(put("hello", 5), 5);
    CHECK_EQ(put(" world", 6), 6);
    CHECK_EQ(take(3), 3);
    CHECK_EQ(take(100), 8);
    CHECK(memcmp(got, "lo world", 8) == 0);
    CHECK_EQ(put(data, 65536), 65536);
    CHECK_EQ(take(sizeof(got)), 65536);
    CHECK(memcmp(got, data, 65536) == 0);
    CHECK_EQ(sleeps, 0);
    end();
}

static void the_ring_goes_around(void)
{
    start(0);
    size_t written = 0, read_bytes = 0;
    bool same = true;
    for (unsigned i = 1; i < 400; i++) {
        size_t size = i * 37 % 5000 + 1;
        same &= put(data + written % 100000, size) == (int64_t)size;
        same &= take(size) == (int64_t)size && memcmp(got, data + written % 100000, size) == 0;
        written += size;
        read_bytes += size;
    }
    CHECK(same);
    end();
}

static void ends_that_do_not_block(void)
{
    start(O_NONBLOCK);
    CHECK_EQ(take(10), -EAGAIN);
    CHECK_EQ(take(0), 0);
    CHECK_EQ(put(data, sizeof(data)), 65536);
    CHECK_EQ(put(data, 1), -EAGAIN);
    CHECK_EQ(take(100), 100);
    CHECK_EQ(put(data, 10), -EAGAIN); /* no page is free */
    CHECK_EQ(take(3996), 3996);
    CHECK_EQ(put(data, 4097), 4096);
    CHECK_EQ(put(data, 4096), -EAGAIN); /* not in parts */
    end();
}

static void short_writes_are_whole(void)
{
    start(O_NONBLOCK);
    CHECK_EQ(put(data, 65536 - 100), 65536 - 100);
    CHECK_EQ(put(data, 101), -EAGAIN);
    CHECK_EQ(put(data, 100), 100);
    end();
}

static void read_all(void)
{
    CHECK_EQ(take(65536), 65536);
}

static void a_write_waits_for_room(void)
{
    start(0);
    next_step = read_all;
    CHECK_EQ(put(data, 100000), 100000);
    CHECK_EQ(sleeps, 1);
    CHECK(memcmp(got, data, 65536) == 0);
    CHECK_EQ(take(65536), 100000 - 65536);
    CHECK(memcmp(got, data + 65536, 100000 - 65536) == 0);
    CHECK_EQ(put(data, 65536), 65536);
    CHECK_EQ(put(data, 5), -ERESTARTSYS); /* a signal came */
    end();
}

static void write_some(void)
{
    CHECK_EQ(put("later", 5), 5);
}

static void a_read_waits_for_bytes(void)
{
    start(0);
    next_step = write_some;
    CHECK_EQ(take(100), 5);
    CHECK_EQ(sleeps, 1);
    CHECK_EQ(take(100), -ERESTARTSYS);
    end();
}

static void close_writer(void)
{
    file_put(ends[1]);
    ends[1] = NULL;
}

static void close_reader(void)
{
    file_put(ends[0]);
    ends[0] = NULL;
}

static void the_other_end_closes(void)
{
    start(0);
    next_step = close_writer;
    CHECK_EQ(take(100), 0);
    CHECK_EQ(file_poll(ends[0]), EPOLLHUP);
    end();
    start(0);
    CHECK_EQ(put(data, 65536), 65536);
    next_step = close_reader;
    CHECK_EQ(put(data, 10), -EPIPE);
    CHECK_EQ(last_signal, SIGPIPE);
    CHECK_EQ(file_poll(ends[1]) & EPOLLERR, EPOLLERR);
    end();
    start(0);
    next_step = close_reader; /* with a part written */
    CHECK_EQ(put(data, 100000), 65536);
    last_signal = 0;
    CHECK_EQ(put(data, 1), -EPIPE);
    CHECK_EQ(last_signal, SIGPIPE);
    end();
}

static void packets_stay_apart(void)
{
    start(O_DIRECT);
    CHECK_EQ(put("one", 3), 3);
    CHECK_EQ(put("three", 5), 5);
    CHECK_EQ(take(2), 2); /* the rest of the packet is lost */
    CHECK_EQ(take(100), 5);
    CHECK(memcmp(got, "three", 5) == 0);
    end();
}

static void bad_memory(void)
{
    struct iter it;
    start(0);
    iter_user(&it, (struct uptr){0x1000}, 10);
    CHECK_EQ(file_write(ends[1], &it, NULL), -EFAULT);
    CHECK_EQ(put("abc", 3), 3);
    iter_user(&it, (struct uptr){0x1000}, 10);
    CHECK_EQ(file_read(ends[0], &it, NULL), -EFAULT);
    CHECK_EQ(take(10), 3); /* still there */
    fake_pages_left = 0;
    ends[1]->flags |= O_NONBLOCK;
    CHECK_EQ(put(data, 65536), 4096); /* the page that was used before */
    fake_pages_left = -1;
    end();
}

static void resizing(void)
{
    start(O_NONBLOCK);
    CHECK_EQ(pipe_size(ends[0]), 65536);
    CHECK_EQ(pipe_resize(ends[0], 1, false), 4096);
    CHECK_EQ(put(data, 10000), 4096);
    CHECK_EQ(pipe_resize(ends[1], 5000, false), 8192);
    CHECK_EQ(put(data + 4096, 10000), 4096);
    CHECK_EQ(pipe_resize(ends[1], 4096, false), -EBUSY);
    CHECK_EQ(pipe_resize(ends[1], (1ul << 31) + 1, false), -EINVAL);
    CHECK_EQ(pipe_resize(ends[1], UINT64_MAX, true), -EINVAL);
    CHECK_EQ(pipe_resize(ends[1], 2u << 20, false), -EPERM);
    CHECK_EQ(pipe_resize(ends[1], 2u << 20, true), 2 << 20);
    CHECK_EQ(pipe_resize(ends[1], 1u << 20, false), 1 << 20);
    CHECK_EQ(pipe_limit_set(0), 0);
    CHECK_EQ(pipe_limit(), 4096);
    CHECK_EQ(pipe_limit_set((1ul << 31) + 1), -EINVAL);
    CHECK_EQ(pipe_resize(ends[1], 16384, false), 16384);
    CHECK_EQ(pipe_resize(ends[1], 32768, false), -EPERM);
    CHECK_EQ(pipe_limit_set((1u << 20) - 5), 0);
    CHECK_EQ(pipe_limit(), 1 << 20);
    CHECK_EQ(pipe_resize(ends[1], 1u << 20, false), 1 << 20);
    CHECK_EQ(put(data + 8192, 200000), 200000);
    CHECK_EQ(take(sizeof(got)), 208192);
    CHECK(memcmp(got, data, 208192) == 0);
    end();
}

static void peeking_and_dropping(void)
{
    struct pipe_place from_start = {0}, place = {.skip = 4000};
    start(0);
    CHECK_EQ(pipe_peek(ends[0], got, 10, &from_start), -EAGAIN);
    CHECK_EQ(put(data, 10000), 10000);
    CHECK_EQ(pipe_peek(ends[0], got, 2000, &place), 2000);
    CHECK_EQ(pipe_peek(ends[0], got + 2000, 3000, &place), 3000);
    CHECK(memcmp(got, data + 4000, 5000) == 0);
    CHECK_EQ(place.passed, 5000);
    pipe_drop(ends[0], 9000);
    CHECK_EQ(take(5000), 1000);
    CHECK(memcmp(got, data + 9000, 1000) == 0);
    close_writer();
    CHECK_EQ(pipe_peek(ends[0], got, 10, &from_start), 0);
    end();
}

static void several_are_waited_for(void)
{
    start(0);
    struct poll_entry entries[3] = {
        {.file = ends[0], .wanted = EPOLLIN}, {.file = NULL}, {.file = ends[1], .wanted = EPOLLIN}};
    struct poll_part second = {NULL, 1, entries + 2}, parts = {&second, 2, entries};
    CHECK_EQ(pollset_wait(&parts, 0), 0);
    next_step = write_some;
    CHECK_EQ(pollset_wait(&parts, DEADLINE_NONE), 1);
    CHECK_EQ(entries[0].events, EPOLLIN);
    CHECK_EQ(entries[2].events, 0);
    CHECK_EQ(sleeps, 1);
    CHECK_EQ(take(5), 5);
    CHECK_EQ(pollset_wait(&parts, DEADLINE_NONE), -EINTR);
    sleep_error = -ETIMEDOUT;
    CHECK_EQ(pollset_wait(&parts, 1000), 0);
    sleep_error = -EINTR;
    entries[2].wanted = EPOLLOUT;
    CHECK_EQ(pollset_wait(&parts, DEADLINE_NONE), 1);
    end();
}

static void no_memory(void)
{
    for (long left = 0; left < 3; left++) {
        fake_heap_left = left;
        CHECK_EQ(pipe_create(0, true, ends), -ENOMEM);
        CHECK_EQ(fake_heap_blocks, 0);
    }
    fake_heap_left = -1;
}

int main(void)
{
    RUN(bytes_come_in_order);
    RUN(the_ring_goes_around);
    RUN(ends_that_do_not_block);
    RUN(short_writes_are_whole);
    RUN(a_write_waits_for_room);
    RUN(a_read_waits_for_bytes);
    RUN(the_other_end_closes);
    RUN(packets_stay_apart);
    RUN(bad_memory);
    RUN(resizing);
    RUN(peeking_and_dropping);
    RUN(several_are_waited_for);
    RUN(no_memory);
    return check_done();
}
