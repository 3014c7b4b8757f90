/* /proc/pressure: how long threads stood still, in all and lately. The averages are worked out when
 * somebody looks, as if the time since the last look had been all alike. */
#include "kernel/drivers/block.h"
#include "kernel/fs/procfs.h"
#include "kernel/sched/pressure.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"
#include "kernel/time/ns.h"

#define PERIOD_NS 2000000000ul
#define PERIODS_MAX 2000u /* after which nothing is left of older ones */
#define SPANS 3u
#define SHIFT 16u

/* exp(-PERIOD / span) of 10, 60 and 300 seconds. */
static const uint64_t decay[SPANS] = {53656, 63387, 65101};

enum pressure_kind { PRESSURE_CPU, PRESSURE_IO, PRESSURE_MEMORY, PRESSURE_KINDS };

struct average {
    uint64_t at_ns, total_ns;
    uint64_t share[SPANS]; /* in hundredths of a per cent, with SHIFT bits behind the point */
};

static struct spinlock lock = SPINLOCK_INIT(RANK_DEVICE);
static struct average averages[PRESSURE_KINDS][2];

static void average_move(struct average *a, uint64_t total_ns)
{
    uint64_t now = clock_monotonic_ns(), took = ns_sub(now, a->at_ns), periods = took / PERIOD_NS;
    if (!periods)
        return;
    uint64_t stalled = ns_sub(total_ns, a->total_ns) / 1000;
    uint64_t share = (stalled << SHIFT) / (took / 1000) * 10000;
    for (unsigned span = 0; span < SPANS; span++)
        for (uint64_t i = min_u64(periods, PERIODS_MAX); i > 0; i--)
            a->share[span] =
                (a->share[span] * decay[span] + share * ((1u << SHIFT) - decay[span])) >> SHIFT;
    a->at_ns = now;
    a->total_ns = total_ns;
}

static void put_line(struct text *out, const char *name, const struct average *a, uint64_t total_ns)
{
    text_string(out, name);
    for (unsigned span = 0; span < SPANS; span++) {
        static const unsigned seconds[SPANS] = {10, 60, 300};
        unsigned share = (unsigned)(a->share[span] >> SHIFT);
        text_format(out, " avg%u=%u.%02u", seconds[span], share / 100, share % 100);
    }
    text_format(out, " total=%lu\n", total_ns / 1000);
}

/* Of the disk: nobody works while all CPUs are idle. */
static struct pressure pressure_of(enum pressure_kind kind)
{
    if (kind == PRESSURE_CPU)
        return (struct pressure){.some_ns = sched_waited_ns()};
    if (kind == PRESSURE_MEMORY)
        return pressure_get();
    struct block_stats disk = block_stats();
    return (struct pressure){.some_ns = disk.busy_ns, .full_ns = disk.stalled_ns};
}

static void put_pressure(struct text *out, enum pressure_kind kind)
{
    struct pressure sum = pressure_of(kind);
    struct average now[2];
    spin_lock(&lock);
    average_move(&averages[kind][0], sum.some_ns);
    average_move(&averages[kind][1], sum.full_ns);
    now[0] = averages[kind][0];
    now[1] = averages[kind][1];
    spin_unlock(&lock);
    put_line(out, "some", &now[0], sum.some_ns);
    put_line(out, "full", &now[1], sum.full_ns);
}

static void cpu_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_pressure(out, PRESSURE_CPU);
}

static void io_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_pressure(out, PRESSURE_IO);
}

static void memory_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    put_pressure(out, PRESSURE_MEMORY);
}

static const struct pseudo_entry entries[] = {PSEUDO_FILE("cpu", cpu_text),
                                              PSEUDO_FILE("io", io_text),
                                              PSEUDO_FILE("memory", memory_text), PSEUDO_END};
const struct pseudo_dir proc_pressure_dir = {.entries = entries};
