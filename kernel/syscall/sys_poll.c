/* poll, ppoll, select, pselect6. */
#include <asm/resource.h>
#include <linux/poll.h>

#include "kernel/base/bitmap.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/pollset.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define POLL_SHORT 8u

/* When a call ends that may take length_ns; 0: at once. */
static uint64_t deadline_of(int64_t length_ns)
{
    return length_ns == 0 ? 0 : deadline_in(length_ns);
}

static int64_t time_left(uint64_t deadline)
{
    return deadline_left(deadline, clock_monotonic_ns());
}

/* Entries for many descriptors, in parts. */

#define PART_ENTRIES 512u

struct part {
    struct poll_part set;
    struct pollfd *fds; /* as many; poll's */
};

static void parts_free(struct part *first)
{
    while (first) {
        struct part *next = (struct part *)first->set.next;
        heap_free(first);
        first = next;
    }
}

/* One block: the part, its entries, its descriptors. */
static struct part *part_make(unsigned count)
{
    struct part *part = heap_alloc_object(
        sizeof(*part) + count * (sizeof(struct poll_entry) + sizeof(struct pollfd)));
    if (part) {
        part->set = (struct poll_part){NULL, count, (struct poll_entry *)(part + 1)};
        part->fds = (struct pollfd *)(part->set.entries + count);
    }
    return part;
}

/* NULL: no memory. */
static struct part *parts_make(unsigned count)
{
    struct part *first = NULL;
    while (count > 0) {
        unsigned some = (unsigned)min_u64(count, PART_ENTRIES);
        struct part *part = part_make(some);
        if (!part) {
            parts_free(first);
            return NULL;
        }
        part->set.next = first ? &first->set : NULL;
        first = part;
        count -= some;
    }
    return first;
}

static inline struct part *next_part(const struct part *part)
{
    return (struct part *)part->set.next;
}

/* poll. */

static void entry_fill(struct poll_entry *e, const struct pollfd *p)
{
    e->file = NULL;
    e->events = 0;
    e->wanted = (uint16_t)p->events;
    if (p->fd >= 0 && fd_get(p->fd, &e->file))
        e->events = POLLNVAL;
}

static void part_end(struct part *part)
{
    for (unsigned i = 0; i < part->set.count; i++) {
        part->fds[i].revents = (short)part->set.entries[i].events;
        file_put(part->set.entries[i].file);
    }
}

static int fds_read(const struct part *part, struct uptr array)
{
    for (; part; part = next_part(part)) {
        size_t size = part->set.count * sizeof(*part->fds);
        if (copy_from_user(part->fds, array, size))
            return -EFAULT;
        array.addr += size;
    }
    return 0;
}

static int fds_write(const struct part *part, struct uptr array)
{
    for (; part; part = next_part(part)) {
        size_t size = part->set.count * sizeof(*part->fds);
        if (copy_to_user(array, part->fds, size))
            return -EFAULT;
        array.addr += size;
    }
    return 0;
}

static int64_t poll_parts(struct uptr array, struct part *first, uint64_t deadline)
{
    if (fds_read(first, array))
        return -EFAULT;
    for (struct part *part = first; part; part = next_part(part)) {
        for (unsigned i = 0; i < part->set.count; i++)
            entry_fill(&part->set.entries[i], &part->fds[i]);
        if (part->set.next)
            cond_resched();
    }
    int64_t n = pollset_wait(first ? &first->set : NULL, deadline);
    for (struct part *part = first; part; part = next_part(part)) {
        part_end(part);
        if (part->set.next)
            cond_resched();
    }
    return n >= 0 && fds_write(first, array) ? -EFAULT : n;
}

/* For more than a few. */
static int64_t poll_many(struct uptr array, unsigned count, uint64_t deadline)
{
    if (count > proc_limit(RLIMIT_NOFILE))
        return -EINVAL;
    struct part *parts = parts_make(count);
    if (!parts)
        return -ENOMEM;
    int64_t n = poll_parts(array, parts, deadline);
    parts_free(parts);
    return n;
}

static int64_t poll_until(struct uptr array, unsigned count, uint64_t deadline)
{
    struct pollfd fds[POLL_SHORT];
    struct poll_entry entries[POLL_SHORT];
    struct part few = {.set = {NULL, count, entries}, .fds = fds};
    return count > POLL_SHORT ? poll_many(array, count, deadline)
                              : poll_parts(array, &few, deadline);
}

static int64_t poll_or_restart(struct uptr array, unsigned count, uint64_t deadline)
{
    int64_t n = poll_until(array, count, deadline);
    return n == -EINTR ? restart_later(RESTART_POLL, array.addr, count, deadline, 0) : n;
}

int64_t sys_poll_restart(const uint64_t data[4])
{
    return poll_or_restart((struct uptr){data[0]}, (unsigned)data[1], data[2]);
}

int64_t sys_poll(struct uptr array, unsigned count, int timeout_ms)
{
    uint64_t deadline = timeout_ms < 0 ? DEADLINE_NONE : deadline_of(time_of_ms(timeout_ms));
    return poll_or_restart(array, count, deadline);
}

/* The end of a call with a mask: back to the old one, unless a handler is to run under this. */
static int64_t masked_result(int64_t n)
{
    signal_mask_end(n == -EINTR);
    return n == -EINTR ? -ERESTARTNOHAND : n;
}

int64_t sys_ppoll(struct uptr array, unsigned count, struct uptr timeout, struct uptr mask,
                  size_t mask_size)
{
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t length;
        int err = timespec_read(timeout, &length);
        if (err)
            return err;
        deadline = deadline_of(length);
    }
    int err = signal_mask_begin(mask, mask_size);
    if (err)
        return err;
    int64_t n = masked_result(poll_until(array, count, deadline));
    bool tell = !uptr_is_null(timeout) && deadline != 0 && deadline != DEADLINE_NONE;
    if (tell && timespec_write(timeout, time_left(deadline)) && n == -ERESTARTNOHAND)
        n = -EINTR; /* can't be started again with the rest of the time */
    return n;
}

/* select. */

#define SELECT_SHORT_BITS 1024u
#define SET_WORDS_SHORT BITMAP_WORDS(SELECT_SHORT_BITS)
#define SET_COUNT 3u

static const uint32_t set_events[SET_COUNT] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    POLLPRI,
};

struct select_call {
    unsigned bits, words; /* of each set */
    uint64_t *sets;       /* SET_COUNT bitmaps of words words */
    struct uptr from[SET_COUNT];
};

static uint64_t *set_of(const struct select_call *c, unsigned which)
{
    return c->sets + which * c->words;
}

static int sets_read(struct select_call *c)
{
    memset(c->sets, 0, SET_COUNT * c->words * sizeof(uint64_t));
    for (unsigned i = 0; i < SET_COUNT; i++)
        if (!uptr_is_null(c->from[i]) &&
            copy_from_user(set_of(c, i), c->from[i], c->words * sizeof(uint64_t)))
            return -EFAULT;
    return 0;
}

static int sets_write(const struct select_call *c)
{
    for (unsigned i = 0; i < SET_COUNT; i++)
        if (!uptr_is_null(c->from[i]) &&
            copy_to_user(c->from[i], set_of(c, i), c->words * sizeof(uint64_t)))
            return -EFAULT;
    return 0;
}

/* For each descriptor of a call that may have a million. */
static inline void give_way_at(unsigned fd)
{
    if (fd % SELECT_SHORT_BITS == SELECT_SHORT_BITS - 1)
        cond_resched();
}

/* The events that the sets want of fd. */
static uint32_t wanted_of(const struct select_call *c, unsigned fd)
{
    uint32_t wanted = 0;
    for (unsigned i = 0; i < SET_COUNT; i++)
        if (bitmap_test(set_of(c, i), fd))
            wanted |= set_events[i];
    return wanted;
}

static unsigned count_wanted(const struct select_call *c)
{
    unsigned count = 0;
    for (unsigned fd = 0; fd < c->bits; fd++)
        count += wanted_of(c, fd) != 0;
    cond_resched();
    return count;
}

/* Where the next entry is. */
struct cursor {
    const struct poll_part *part;
    unsigned at;
};

static struct poll_entry *next_entry(struct cursor *c)
{
    if (c->at == c->part->count)
        *c = (struct cursor){c->part->next, 0};
    return &c->part->entries[c->at++];
}

/* The first count of them. */
static void entries_put(const struct poll_part *parts, unsigned count)
{
    struct cursor cursor = {parts, 0};
    while (count-- > 0) {
        file_put(next_entry(&cursor)->file);
        give_way_at(count);
    }
}

/* An entry for each descriptor in a set. Returns 0 or -EBADF. */
static int entries_make(const struct select_call *c, const struct poll_part *parts)
{
    struct cursor cursor = {parts, 0};
    unsigned count = 0;
    for (unsigned fd = 0; fd < c->bits; fd++) {
        uint32_t wanted = wanted_of(c, fd);
        give_way_at(fd);
        if (!wanted)
            continue;
        struct poll_entry *e = next_entry(&cursor);
        if (fd_get_path((int)fd, &e->file)) { /* with O_PATH it is ready for all */
            entries_put(parts, count);
            return -EBADF;
        }
        e->wanted = wanted;
        count++;
    }
    return 0;
}

/* Leaves in the sets only what is ready. Returns how many bits are left. */
static int64_t sets_result(const struct select_call *c, const struct poll_part *parts)
{
    struct cursor cursor = {parts, 0};
    int64_t left = 0;
    for (unsigned fd = 0; fd < c->bits; fd++) {
        give_way_at(fd);
        if (!wanted_of(c, fd))
            continue;
        uint32_t events = next_entry(&cursor)->events;
        for (unsigned i = 0; i < SET_COUNT; i++) {
            if (!bitmap_test(set_of(c, i), fd))
                continue;
            if (events & set_events[i])
                left++;
            else
                bitmap_clear(set_of(c, i), fd);
        }
    }
    return left;
}

static int64_t select_entries(const struct select_call *c, const struct poll_part *parts,
                              unsigned count, uint64_t deadline)
{
    int64_t n = entries_make(c, parts);
    if (n)
        return n;
    n = pollset_wait(parts, deadline);
    if (n >= 0) {
        n = sets_result(c, parts);
        if (sets_write(c))
            n = -EFAULT;
    }
    entries_put(parts, count);
    return n;
}

static int64_t select_sets(struct select_call *c, uint64_t deadline)
{
    struct poll_entry few[POLL_SHORT];
    int err = sets_read(c);
    if (err)
        return err;
    for (unsigned i = 0; c->bits % 64 && i < SET_COUNT; i++)
        set_of(c, i)[c->words - 1] &= (1ul << c->bits % 64) - 1;
    unsigned count = count_wanted(c);
    if (count <= POLL_SHORT) {
        const struct poll_part part = {NULL, count, few};
        return select_entries(c, &part, count, deadline);
    }
    struct part *parts = parts_make(count);
    if (!parts)
        return -ENOMEM;
    int64_t n = select_entries(c, &parts->set, count, deadline);
    parts_free(parts);
    return n;
}

static int64_t select_until(int bits, const struct uptr from[SET_COUNT], uint64_t deadline)
{
    uint64_t few[SET_COUNT * SET_WORDS_SHORT];
    if (bits < 0)
        return -EINVAL;
    struct select_call c = {.bits = (unsigned)min_u64((unsigned)bits, FD_MAX)};
    memcpy(c.from, from, sizeof(c.from));
    c.words = BITMAP_WORDS(c.bits);
    if (c.words <= SET_WORDS_SHORT) {
        c.sets = few;
        return select_sets(&c, deadline);
    }
    c.sets = heap_alloc(SET_COUNT * c.words * sizeof(uint64_t));
    if (!c.sets)
        return -ENOMEM;
    int64_t n = select_sets(&c, deadline);
    heap_free(c.sets);
    return n;
}

static int timeval_read(struct uptr from, int64_t *ns)
{
    struct timeval_kernel tv;
    int64_t sec;
    if (copy_from_user(&tv, from, sizeof(tv)))
        return -EFAULT;
    /* Microseconds of a second and more are carried over, before either is judged. */
    if (__builtin_add_overflow(tv.sec, tv.usec / US_PER_SECOND, &sec) || sec < 0 ||
        tv.usec % US_PER_SECOND < 0)
        return -EINVAL;
    *ns = time_of_us(sec, tv.usec % US_PER_SECOND);
    return 0;
}

int64_t sys_select(int bits, struct uptr in, struct uptr out, struct uptr except,
                   struct uptr timeout)
{
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t length;
        int err = timeval_read(timeout, &length);
        if (err)
            return err;
        deadline = deadline_of(length);
    }
    int64_t n = select_until(bits, (struct uptr[]){in, out, except}, deadline);
    if (n == -EINTR)
        n = -ERESTARTNOHAND;
    if (!uptr_is_null(timeout) && deadline != 0 && deadline != DEADLINE_NONE) {
        struct timeval_kernel left = timeval_of(time_left(deadline));
        if (copy_to_user(timeout, &left, sizeof(left)) && n == -ERESTARTNOHAND)
            n = -EINTR;
    }
    return n;
}

/* The last argument: a mask and its size, in memory. */
static int mask_argument(struct uptr argument)
{
    uint64_t fields[2] = {0};
    if (!uptr_is_null(argument) && copy_from_user(fields, argument, sizeof(fields)))
        return -EFAULT;
    return signal_mask_begin((struct uptr){fields[0]}, fields[1]);
}

int64_t sys_pselect6(int bits, struct uptr in, struct uptr out, struct uptr except,
                     struct uptr timeout, struct uptr mask)
{
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t length;
        int err = timespec_read(timeout, &length);
        if (err)
            return err;
        deadline = deadline_of(length);
    }
    int err = mask_argument(mask);
    if (err)
        return err;
    int64_t n = masked_result(select_until(bits, (struct uptr[]){in, out, except}, deadline));
    bool tell = !uptr_is_null(timeout) && deadline != 0 && deadline != DEADLINE_NONE;
    if (tell && timespec_write(timeout, time_left(deadline)) && n == -ERESTARTNOHAND)
        n = -EINTR;
    return n;
}
