// UNIT: kernel/sync/check.c
#include <stdarg.h>

#include <setjmp.h>

#include "kernel/base/panic.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/check.h"
#include "kernel/sync/rank.h"
#include "tests/harness/check.h"

static jmp_buf panicked;
static char message[128];
static unsigned cpu;
static struct thread threads[2], *current = &threads[0];

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    longjmp(panicked, 1);
}

struct thread *thread_current(void)
{
    return current;
}

unsigned sched_cpu_current(void)
{
    return cpu;
}

static char locks[16]; /* only their addresses matter */

static void take(enum lock_kind kind, int lock, uint8_t rank)
{
    lock_checked_take(kind, &locks[lock], rank);
    lock_checked_taken(kind, &locks[lock], rank);
}

static void drop(enum lock_kind kind, int lock)
{
    lock_checked_drop(kind, &locks[lock], 0);
}

/* Whether the statement panics with this in its message; drops all of ours afterwards. */
#define PANICS(statement, what)                                                                    \
    do {                                                                                           \
        message[0] = 0;                                                                            \
        if (setjmp(panicked) == 0) {                                                               \
            statement;                                                                             \
        }                                                                                          \
        CHECK(strstr(message, what) != NULL);                                                      \
        for (int i = 0; i < 16; i++) {                                                             \
            drop(LOCK_SPIN, i);                                                                    \
            drop(LOCK_MUTEX, i);                                                                   \
        }                                                                                          \
    } while (0)

static void ascending_order_is_fine(void)
{
    take(LOCK_MUTEX, 0, RANK_DIR);
    take(LOCK_MUTEX, 1, RANK_DIR); /* ancestor and child */
    take(LOCK_MUTEX, 2, RANK_MM);
    take(LOCK_SPIN, 3, RANK_DENTRY);
    take(LOCK_SPIN, 4, RANK_HEAP);
    drop(LOCK_SPIN, 3); /* in any order */
    take(LOCK_SPIN, 5, RANK_PAGE);
    drop(LOCK_SPIN, 4);
    drop(LOCK_SPIN, 5);
    drop(LOCK_MUTEX, 1);
    drop(LOCK_MUTEX, 0);
    lock_checked_sleep("sleep");
    drop(LOCK_MUTEX, 2);
    CHECK_STR(message, "");
}

static void breaches_panic(void)
{
    PANICS((take(LOCK_SPIN, 0, RANK_HEAP), take(LOCK_SPIN, 1, RANK_DENTRY)), "descending");
    PANICS((take(LOCK_SPIN, 0, RANK_HEAP), take(LOCK_SPIN, 1, RANK_HEAP)), "descending");
    PANICS((take(LOCK_SPIN, 0, RANK_HEAP), take(LOCK_SPIN, 0, RANK_HEAP)), "twice");
    PANICS((take(LOCK_MUTEX, 0, RANK_INODE), take(LOCK_MUTEX, 1, RANK_DIR)), "descending");
    PANICS((take(LOCK_SPIN, 0, RANK_PIPE), take(LOCK_MUTEX, 1, RANK_MM)), "mutex under a spin");
    PANICS((take(LOCK_SPIN, 0, RANK_PIPE), lock_checked_sleep("user memory")), "user memory");
}

static void each_thread_and_cpu_for_itself(void)
{
    take(LOCK_MUTEX, 0, RANK_MM);
    take(LOCK_SPIN, 1, RANK_HEAP);
    current = &threads[1];
    cpu = 1;
    take(LOCK_MUTEX, 2, RANK_DIR);
    take(LOCK_SPIN, 3, RANK_DENTRY);
    drop(LOCK_SPIN, 3);
    drop(LOCK_MUTEX, 2);
    current = &threads[0];
    cpu = 0;
    PANICS(take(LOCK_SPIN, 4, RANK_DENTRY), "descending");
    CHECK_EQ(lock_checks_on, false); /* the panic itself must get through */
}

int main(void)
{
    RUN(ascending_order_is_fine);
    RUN(breaches_panic);
    RUN(each_thread_and_cpu_for_itself);
    return check_done();
}
