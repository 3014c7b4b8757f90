/*
 * Lock order at run time. Spin locks are noted per CPU, as their holder stays on it (the
 * scheduler's own is given back by another thread of the same CPU); mutexes per thread, in a small
 * table by thread, so that release kernels carry nothing of this.
 */
#include "kernel/sync/check.h"

#include "kernel/base/panic.h"
#include "kernel/base/types.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/rank.h"

#define DEPTH_MAX 12u
#define CPUS_MAX 64u
#define THREADS_MAX 512u

struct lock_note {
    const void *lock;
    uint8_t rank;
};

/* What one CPU or thread holds, in the order taken. */
struct lock_stack {
    const struct thread *owner; /* of mutexes; NULL: the entry is free (or boot's) */
    unsigned count;
    struct lock_note notes[DEPTH_MAX];
};

bool lock_checks_on;
static struct lock_stack spins[CPUS_MAX];
static struct lock_stack mutexes[THREADS_MAX];
static uint8_t mutexes_busy; /* a raw lock, as this is what checks the others */

static NORETURN void breach(const char *what, unsigned held, unsigned wanted)
{
    lock_checks_on = false;
    panic("lock order: %s (rank %u held, rank %u wanted)", what, held, wanted);
}

static void table_lock(void)
{
    while (__atomic_exchange_n(&mutexes_busy, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

static void table_unlock(void)
{
    __atomic_store_n(&mutexes_busy, 0, __ATOMIC_RELEASE);
}

/* The current thread's entry; a free one if it has none. */
static struct lock_stack *mutex_stack(void)
{
    const struct thread *self = thread_current();
    struct lock_stack *free = NULL;
    table_lock();
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct lock_stack *s = &mutexes[i];
        if (s->count > 0 && s->owner == self) {
            table_unlock();
            return s;
        }
        if (s->count == 0 && (!free || s->owner == self))
            free = s;
    }
    if (free)
        free->owner = self;
    table_unlock();
    if (!free)
        breach("too many threads hold mutexes", 0, 0);
    return free;
}

static struct lock_stack *stack_of(enum lock_kind kind)
{
    return kind == LOCK_MUTEX ? mutex_stack() : &spins[sched_cpu_current() % CPUS_MAX];
}

static unsigned highest(const struct lock_stack *s)
{
    unsigned rank = RANK_NONE;
    for (unsigned i = 0; i < s->count; i++)
        if (s->notes[i].rank > rank)
            rank = s->notes[i].rank;
    return rank;
}

/* Directories nest: ancestor first, under the rename lock where two branches are concerned. */
static bool may_nest(uint8_t rank)
{
    return rank == RANK_DIR;
}

void lock_checked_take(enum lock_kind kind, const void *lock, uint8_t rank)
{
    const struct lock_stack *spin = &spins[sched_cpu_current() % CPUS_MAX];
    if (kind == LOCK_MUTEX && spin->count > 0)
        breach("mutex under a spin lock", highest(spin), rank);
    if (rank == RANK_NONE)
        return;
    const struct lock_stack *s = stack_of(kind);
    for (unsigned i = 0; i < s->count; i++)
        if (s->notes[i].lock == lock)
            breach("taken twice", rank, rank);
    unsigned held = highest(s);
    if (held > rank || (held == rank && !may_nest(rank)))
        breach("descending", held, rank);
}

void lock_checked_taken(enum lock_kind kind, const void *lock, uint8_t rank)
{
    struct lock_stack *s = stack_of(kind);
    if (s->count == DEPTH_MAX)
        breach("too deep", highest(s), rank);
    s->notes[s->count++] = (struct lock_note){lock, rank};
}

/* What was taken before checking began is not known here. */
void lock_checked_drop(enum lock_kind kind, const void *lock, uint8_t rank)
{
    struct lock_stack *s = stack_of(kind);
    (void)rank;
    for (unsigned i = s->count; i-- > 0;) {
        if (s->notes[i].lock != lock)
            continue;
        for (unsigned j = i + 1; j < s->count; j++)
            s->notes[j - 1] = s->notes[j];
        s->count--;
        return;
    }
}

void lock_checked_sleep(const char *what)
{
    const struct lock_stack *spin = &spins[sched_cpu_current() % CPUS_MAX];
    if (spin->count > 0)
        breach(what, highest(spin), 0);
}
