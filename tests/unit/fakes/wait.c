/* Wait queues and mutexes for tests with one thread. Sleeping runs the test's next step, once: what
 * another thread would do meanwhile. */
#include "kernel/base/errno.h"
#include "kernel/fd/epoll.h"
#include "kernel/mm/page.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

bool lock_checks_on;
__attribute__((weak)) struct page_stats page_stats = {.total_pages = 1 << 20};
struct proc the_proc;
void (*fake_next_step)(void);
int fake_sleep_error = -EINTR; /* of a sleep without a next step */
int fake_signal;
uint64_t fake_now_ns = 1;
static struct task only_task = {.cred = {.effective = CRED_CAPABILITIES_ALL}};
static int owner;

struct task *task_current(void)
{
    return &only_task;
}

int signal_send_task(struct task *t, int signo, const siginfo_t *info)
{
    (void)t, (void)info;
    fake_signal = signo;
    return 0;
}

int signal_send_process(int signo, const siginfo_t *info)
{
    return signal_send_task(&only_task, signo, info);
}

int64_t clock_realtime_ns(void)
{
    return (int64_t)fake_now_ns;
}

uint64_t clock_monotonic_ns(void)
{
    return fake_now_ns;
}

void panic(const char *fmt, ...)
{
    printf("Bail out! panic: %s\n", fmt);
    __builtin_trap();
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
    m->rank = (uint8_t)rank;
    m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
    if (m->owner)
        panic("deadlock");
    m->owner = (struct thread *)&owner;
}

void mutex_unlock(struct mutex *m)
{
    if (!m->owner)
        panic("unlocking a free mutex");
    m->owner = NULL;
}

void waitq_init_rank(struct waitq *q, enum lock_rank rank)
{
    spin_init(&q->lock, rank);
    list_init(&q->waiters);
}

void waitq_init(struct waitq *q)
{
    waitq_init_rank(q, RANK_WAITQ);
}

static bool wake_default(struct waiter *w, uint32_t events)
{
    (void)events;
    waiter_signal(w);
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

/* The queue's lock is held meanwhile, as in the kernel: a wake-up that comes back here hangs. */
bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    bool taken = false;
    spin_lock(&q->lock);
    list_for_each_safe(node, next, &q->waiters)
    {
        struct waiter *w = list_entry(node, struct waiter, node);
        if ((w->events & events) && w->wake(w, events) && w->exclusive) {
            taken = true;
            break;
        }
    }
    spin_unlock(&q->lock);
    return taken;
}

void waitq_wake_queued_long(struct waitq *q, uint32_t events)
{
    (void)waitq_wake_queued(q, events);
}

bool waitq_wake_one(struct waitq *q)
{
    return waitq_wake(q, EVENTS_ANY);
}

void waiter_signal(struct waiter *w)
{
    w->woken = true;
}

int waiter_sleep(struct waiter *w, uint64_t deadline_ns, bool interruptible)
{
    void (*step)(void) = fake_next_step;
    (void)deadline_ns, (void)interruptible;
    fake_next_step = NULL;
    if (!step)
        return fake_sleep_error;
    step();
    return w->woken ? 0 : fake_sleep_error;
}

/* The program's memory is the test's own. The first page is nobody's. */

size_t copy_to_user_partial(struct uptr dst, const void *src, size_t len)
{
    if (dst.addr < PAGE_SIZE)
        return len;
    memcpy((void *)dst.addr, src, len);
    return 0;
}

size_t copy_from_user_partial(void *dst, struct uptr src, size_t len)
{
    if (src.addr < PAGE_SIZE)
        return len;
    memcpy(dst, (const void *)src.addr, len);
    return 0;
}

size_t clear_user_partial(struct uptr dst, size_t len)
{
    if (dst.addr < PAGE_SIZE)
        return len;
    memset((void *)dst.addr, 0, len);
    return 0;
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    return copy_to_user_partial(dst, src, len) ? -EFAULT : 0;
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    return copy_from_user_partial(dst, src, len) ? -EFAULT : 0;
}
