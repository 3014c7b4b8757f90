/* Pending signals: what is queued, what merges, what is dropped, who is woken, in what order. */
// UNIT: kernel/proc/signal.c
#include <asm/resource.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/signal.h"
#include "tests/harness/check.h"

struct proc the_proc = {.tasks = LIST_INIT(the_proc.tasks)};
static struct thread threads[2];
static struct task tasks[2];
static struct thread *current = &threads[0];
static long blocks;
static int taken_timer = -1;

void *heap_zalloc_flags(size_t size, unsigned flags)
{
    (void)flags;
    blocks++;
    return __builtin_calloc(1, size);
}

void heap_free(void *block)
{
    blocks -= block != NULL;
    __builtin_free(block);
}

struct thread *thread_current(void)
{
    return current;
}

struct task *task_current(void)
{
    return current->task;
}

struct task *task_find(int tid)
{
    return tid == tasks[0].tid ? &tasks[0] : tid == tasks[1].tid ? &tasks[1] : NULL;
}

void thread_interrupt(struct thread *t)
{
    t->interrupted = true;
}

bool waitq_wake_queued(struct waitq *q, uint32_t events)
{
    (void)q, (void)events;
    return false;
}

void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

void posix_timer_lost(struct posix_timer *t)
{
    (void)t;
}

void posix_timer_taken(siginfo_t *info)
{
    taken_timer = info->si_tid;
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    memcpy(dst, (const void *)src.addr, len);
    return 0;
}

static void begin(void)
{
    pending_flush(&the_proc.pending, ~0ul);
    memset(&the_proc, 0, sizeof(the_proc));
    list_init(&the_proc.tasks);
    pending_init(&the_proc.pending);
    the_proc.limits[RLIMIT_SIGPENDING][0] = 3;
    for (int i = 0; i < 2; i++) {
        if (tasks[i].pending.queue.next)
            pending_flush(&tasks[i].pending, ~0ul);
        memset(&tasks[i], 0, sizeof(tasks[i]));
        tasks[i].thread = &threads[i];
        tasks[i].tid = 2 + i;
        pending_init(&tasks[i].pending);
        threads[i].task = &tasks[i];
        threads[i].interrupted = false;
        list_add_tail(&the_proc.tasks, &tasks[i].node);
    }
    current = &threads[0];
}

static int take(void)
{
    siginfo_t info;
    return signal_take(~0ul, &info);
}

static void block(int i, int signo)
{
    tasks[i].blocked |= SIGMASK(signo);
}

static void test_standard_signals_merge(void)
{
    begin();
    signal_send_process(SIGUSR1, NULL);
    signal_send_process(SIGUSR1, NULL);
    CHECK_EQ(blocks, 1);
    CHECK_EQ(take(), SIGUSR1);
    CHECK_EQ(take(), 0);
    CHECK_EQ(blocks, 0);
}

static void test_realtime_signals_queue_in_order_up_to_the_limit(void)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    begin();
    for (int i = 0; i < 3; i++) {
        info.si_int = i;
        CHECK_EQ(signal_send_process(40, &info), 0);
    }
    CHECK_EQ(signal_send_process(40, &info), -EAGAIN);
    CHECK_EQ(signal_send_process(39, NULL), 0); /* the kernel's own always go */
    CHECK_EQ(take(), 39);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(signal_take(~0ul, &info), 40);
        CHECK_EQ(info.si_int, i);
    }
    CHECK_EQ(take(), 0);
    CHECK_EQ(blocks, 0);
}

static void test_faults_come_first_then_low_numbers(void)
{
    begin();
    signal_send_process(SIGHUP, NULL);
    signal_send_task(&tasks[0], SIGTERM, NULL);
    signal_send_task(&tasks[0], SIGSEGV, NULL);
    CHECK_EQ(take(), SIGSEGV);
    CHECK_EQ(take(), SIGTERM); /* the task's own before the process's */
    CHECK_EQ(take(), SIGHUP);
}

static void test_the_task_that_does_not_block_is_woken(void)
{
    begin();
    block(0, SIGUSR1);
    signal_send_process(SIGUSR1, NULL);
    CHECK(!threads[0].interrupted);
    CHECK(threads[1].interrupted);
    begin();
    block(0, SIGUSR1);
    block(1, SIGUSR1);
    signal_send_process(SIGUSR1, NULL);
    CHECK(!threads[0].interrupted && !threads[1].interrupted);
    CHECK_EQ(signal_pending_set(), SIGMASK(SIGUSR1));
    signal_set_blocked(0);
    CHECK(threads[0].interrupted);
    CHECK_EQ(take(), SIGUSR1);
}

static void test_ignored_signals_are_dropped_unless_blocked(void)
{
    begin();
    the_proc.actions[SIGUSR1 - 1].handler = (uint64_t)SIG_IGN;
    signal_send_process(SIGUSR1, NULL);
    signal_send_process(SIGCHLD, NULL); /* ignored by default */
    CHECK_EQ(take(), 0);
    block(1, SIGUSR1);
    signal_send_process(SIGUSR1, NULL);
    CHECK_EQ(take(), SIGUSR1);
    CHECK_EQ(blocks, 0);
}

static void test_stop_and_continue_cancel_each_other(void)
{
    begin();
    block(0, SIGCONT);
    signal_send_process(SIGTSTP, NULL);
    signal_send_process(SIGCONT, NULL);
    CHECK_EQ(signal_pending_set(), SIGMASK(SIGCONT));
    signal_send_process(SIGTSTP, NULL);
    CHECK_EQ(signal_pending_set(), SIGMASK(SIGTSTP));
    the_proc.stopped = true;
    signal_send_process(SIGKILL, NULL);
    CHECK(!the_proc.stopped);
    pending_flush(&the_proc.pending, ~0ul);
    CHECK_EQ(blocks, 0);
}

static void test_a_fault_cannot_be_blocked_or_ignored(void)
{
    siginfo_t info;
    begin();
    the_proc.actions[SIGSEGV - 1].handler = 0x1234;
    signal_force_fault(SIGSEGV, SEGV_MAPERR, 0x42, 14, 4);
    CHECK_EQ(the_proc.actions[SIGSEGV - 1].handler, 0x1234);
    CHECK_EQ(signal_take(~0ul, &info), SIGSEGV);
    CHECK_EQ(info.si_addr, (void *)0x42);
    CHECK_EQ(tasks[0].fault_trapno, 14);
    block(0, SIGSEGV);
    signal_force_fault(SIGSEGV, SEGV_MAPERR, 0x42, 14, 4);
    CHECK_EQ(the_proc.actions[SIGSEGV - 1].handler, (uint64_t)SIG_DFL);
    CHECK_EQ(tasks[0].blocked, 0);
    CHECK(threads[0].interrupted);
    CHECK_EQ(take(), SIGSEGV);
}

static void test_a_timer_has_one_entry(void)
{
    struct sigqueue_entry entry = {.info.si_signo = SIGALRM, .timer = (struct posix_timer *)1};
    begin();
    list_init(&entry.node);
    entry.info.si_tid = 77;
    the_proc.actions[SIGALRM - 1].handler = 0x1234;
    CHECK(signal_send_timer(&entry, 0));
    CHECK(!signal_send_timer(&entry, 0));
    CHECK_EQ(take(), SIGALRM);
    CHECK_EQ(taken_timer, 77);
    CHECK(signal_send_timer(&entry, 3));
    CHECK(threads[1].interrupted);
    signal_recall_timer(&entry);
    CHECK(!signal_send_timer(&entry, 99));
    the_proc.actions[SIGALRM - 1].handler = (uint64_t)SIG_IGN;
    CHECK(!signal_send_timer(&entry, 0));
}

static void test_temporary_masks(void)
{
    sigmask_t mask = SIGMASK(SIGUSR2);
    begin();
    block(0, SIGUSR1);
    CHECK_EQ(signal_mask_begin((struct uptr){(uint64_t)&mask}, 4), -EINVAL);
    CHECK_EQ(signal_mask_begin((struct uptr){0}, 8), 0);
    signal_mask_end(false);
    CHECK_EQ(tasks[0].blocked, SIGMASK(SIGUSR1));
    CHECK_EQ(signal_mask_begin((struct uptr){(uint64_t)&mask}, 8), 0);
    CHECK_EQ(tasks[0].blocked, SIGMASK(SIGUSR2));
    signal_mask_end(true); /* the handler still runs under it */
    CHECK_EQ(tasks[0].blocked, SIGMASK(SIGUSR2));
    signal_mask_end(false);
    CHECK_EQ(tasks[0].blocked, SIGMASK(SIGUSR1));
}

int main(void)
{
    pending_init(&the_proc.pending);
    RUN(test_standard_signals_merge);
    RUN(test_realtime_signals_queue_in_order_up_to_the_limit);
    RUN(test_faults_come_first_then_low_numbers);
    RUN(test_the_task_that_does_not_block_is_woken);
    RUN(test_ignored_signals_are_dropped_unless_blocked);
    RUN(test_stop_and_continue_cancel_each_other);
    RUN(test_a_fault_cannot_be_blocked_or_ignored);
    RUN(test_a_timer_has_one_entry);
    RUN(test_temporary_masks);
    return check_done();
}
