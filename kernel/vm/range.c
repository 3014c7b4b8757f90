/*
 * Operations on large ranges give way: every millisecond they give the lock up, others fault, map
 * and unmap elsewhere, and who wants what is worked on waits until it is done. So each operation is
 * still one step for all who look.
 */
#include "kernel/base/errno.h"
#include "kernel/proc/signal.h"
#include "kernel/vm/vm_priv.h"

#define POPULATE_LOCKED 0x100u /* an access: as each area is populated, if it is locked */
#define TABLES_SHARE 256u      /* of memory: fewer tables aren't looked for */
#define SCAN_SIZE (1ul << 30)  /* of tables, between two looks at the clock */

uint64_t vm_paused_at(uint64_t start, uint64_t end, uint64_t *from)
{
    list_for_each(node, &the_vm.paused)
    {
        const struct vm_op *op = list_entry(node, struct vm_op, node);
        for (unsigned i = 0; i < ARRAY_SIZE(op->range); i++) {
            if (start < op->range[i].end && op->range[i].start < end) {
                *from = op->range[i].start;
                return op->range[i].end;
            }
        }
    }
    return 0;
}

bool vm_wait_for_paused(uint64_t start, uint64_t end) NO_LOCK_ANALYSIS
{
    uint64_t from;
    bool waited = false;
    while (vm_paused_at(start, end, &from)) {
        struct waiter w;
        waiter_init(&w, EVENTS_ANY);
        waitq_add(&the_vm.settled, &w);
        vm_unlock_mm();
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
        waitq_remove(&the_vm.settled, &w);
        vm_lock_mm();
        waited = true;
    }
    return waited;
}

void vm_begin(struct vm_op *op, uint64_t start, uint64_t end)
{
    list_init(&op->node);
    op->range[0].start = start;
    op->range[0].end = end;
    op->range[1].start = op->range[1].end = 0;
    op->unshared.end = 0;
    vm_lock_mm();
    (void)vm_wait_settled(start, end);
}

void vm_begin_anywhere(struct vm_op *op)
{
    vm_begin(op, 0, 0);
}

bool vm_also(struct vm_op *op, uint64_t start, uint64_t end)
{
    if (vm_wait_settled(start, end)) {
        return false;
    }
    op->range[1].start = start;
    op->range[1].end = end;
    return true;
}

void vm_leave(struct vm_op *op) NO_LOCK_ANALYSIS
{
    if (list_empty(&op->node)) {
        list_add_tail(&the_vm.paused, &op->node);
    }
    vm_hand_over_mm();
}

void vm_return(struct vm_op *op) NO_LOCK_ANALYSIS
{
    (void)op;
    vm_lock_mm();
}

bool vm_pause(struct vm_op *op)
{
    if (LIKELY(!cond_resched_due())) {
        return false;
    }
    vm_leave(op);
    cond_resched();
    vm_return(op);
    return true;
}

void vm_settle(struct vm_op *op)
{
    if (UNLIKELY(!list_empty(&op->node))) {
        list_remove(&op->node);
        waitq_wake(&the_vm.settled, EVENTS_ANY);
    }
}

void vm_end(struct vm_op *op) NO_LOCK_ANALYSIS
{
    vm_settle(op);
    vm_unlock_mm();
}

uint64_t vm_next_mapped(struct vm_op *op, uint64_t at, uint64_t end)
{
    for (;;) {
        at = pt_next_table(at, end);
        uint64_t stop = min_u64(end, align_down(at, SCAN_SIZE) + SCAN_SIZE);
        at = pt_next(at, stop);
        if (at < stop || at >= end) {
            return at;
        }
        (void)vm_pause(op);
    }
}

int unmap_range_pages(struct vm_op *op, uint64_t start, uint64_t end)
{
    int err = 0;
    bool small = chunk_end(start, end) == end;
    uint64_t at = small ? start : vm_next_mapped(op, start, end);
    while (at < end && !err) {
        uint64_t stop = chunk_end(at, end);
        err = unmap_pages_locked(at, stop);
        at = stop;
        if (at < end) {
            (void)vm_pause(op);
            at = vm_next_mapped(op, at, end);
        }
    }
    return err;
}

struct bounds {
    uint64_t floor, ceiling;
};

/* How far around [start, end), a range of op, nothing is mapped and nobody works. */
static struct bounds bounds_around(const struct vm_op *op, uint64_t start, uint64_t end)
{
    struct area *above = area_find_from(end), *below = above ? area_prev(above) : NULL;
    struct bounds b = {below ? below->end : 0, above ? above->start : end};
    b.floor = above ? b.floor : start;
    list_for_each(node, &the_vm.paused)
    {
        const struct vm_op *other = list_entry(node, struct vm_op, node);
        for (unsigned i = 0; other != op && i < ARRAY_SIZE(other->range); i++) {
            if (other->range[i].end <= start) {
                b.floor = max_u64(b.floor, other->range[i].end);
            } else {
                b.ceiling = min_u64(b.ceiling, max_u64(end, other->range[i].start));
            }
        }
    }
    return b;
}

/* Tables that small mappings leave behind are kept for the next ones, as long as they are few. */
static void free_tables(struct vm_op *op, uint64_t start, uint64_t end)
{
    for (uint64_t at = pt_next_table(start, end); at < end;) {
        uint64_t stop = min_u64(end, align_down(at, SCAN_SIZE) + SCAN_SIZE);
        struct bounds b = bounds_around(op, start, end);
        pt_free_tables(at, stop, b.floor, b.ceiling);
        (void)vm_pause(op);
        at = pt_next_table(stop, end);
    }
}

int unmap_range(struct vm_op *op, uint64_t start, uint64_t end)
{
    struct area *a = area_find_from(start);
    if (!a || a->start >= end) {
        return 0;
    }
    bool within = a->start < start;
    int err = within ? area_split(start) : 0;
    err = err ? err : area_split(end);
    err = err ? err : unmap_range_pages(op, max_u64(start, a->start), end);
    if (err) {
        return err;
    }
    a = within ? area_find_from(start) : a;
    while (a && a->start < end) {
        struct area *next = area_next(a);
        area_set_locked(a, false, false);
        area_remove(a);
        a = vm_pause(op) ? area_find_from(start) : next;
    }
    if (UNLIKELY(page_stats.table_pages > page_stats.total_pages / TABLES_SHARE)) {
        free_tables(op, start, end);
    }
    if (end > the_vm.scan_from) {
        the_vm.scan_from = min_u64(end, the_vm.mmap_base);
    }
    return 0;
}

/* What an area is populated for: private pages to be written; shared ones would become dirty. */
static uint32_t populate_access(const struct area *a)
{
    return a->prot & VM_WRITE && !a->shared ? VM_WRITE : a->prot & VM_READ ? VM_READ : a->prot;
}

static int populate_error(enum vm_fault_result result)
{
    switch (result) {
    case VM_FAULT_OK:
        return 0;
    case VM_FAULT_OOM:
        return -ENOMEM;
    case VM_FAULT_SEGV_ACCERR:
        return -EINVAL;
    default:
        return -EFAULT;
    }
}

/* The page at *at; moves *at behind it, or behind what needs nothing. */
static int populate_page(const struct area *a, uint64_t *at, uint64_t end, uint32_t access,
                         unsigned class)
{
    struct pt_entry entry = pt_lookup(*at);
    uint64_t next = entry.huge ? align_down(*at, HUGE_SIZE) + HUGE_SIZE : *at + PAGE_SIZE;
    if (!(a->prot & access)) {
        return -EINVAL;
    }
    bool there = entry.page && (entry.writable || access != VM_WRITE);
    bool room = there || page_room(class);
    int err = there ? 0 : populate_error(room ? fault_locked(*at, access) : VM_FAULT_OOM);
    *at = err ? *at : min_u64(end, next);
    return err;
}

/* In a, which holds *at or is the first above it. */
static int populate_step(const struct area *a, uint64_t *at, uint64_t end, uint32_t access,
                         unsigned class)
{
    if (access && access != POPULATE_LOCKED) {
        return a->start > *at ? -ENOMEM : populate_page(a, at, end, access, class);
    }
    bool unwanted =
        a->lock_on_fault || a->pages || (access == POPULATE_LOCKED && (!a->locked || a->shared));
    if (a->start > *at || unwanted) {
        *at = a->start > *at ? a->start : a->end;
        return 0;
    }
    return populate_page(a, at, end, populate_access(a), class);
}

/* skip: what fails is passed over, to the next area. */
static int populate_all(uint64_t start, uint64_t end, uint32_t access, bool skip)
{
    struct vm_op op;
    int err = 0;
    vm_begin_anywhere(&op);
    for (uint64_t at = start; at < end && !err;) {
        (void)vm_wait_settled(at, at + PAGE_SIZE);
        const struct area *a = area_find_from(at);
        if (!a) {
            err = access && !skip ? -ENOMEM : 0;
            break;
        }
        uint64_t area_end = a->end;
        err = populate_step(a, &at, end, access, skip ? ALLOC_USER : ALLOC_OBJECT);
        if (err && err != -ENOMEM && skip) {
            err = 0;
            at = area_end;
        }
        if (!err && vm_pause(&op) && signal_fatal_pending()) {
            err = -EINTR;
        }
    }
    vm_end(&op);
    return err;
}

int populate(uint64_t start, uint64_t end, uint32_t access)
{
    return populate_all(start, end, access, false);
}

/* For who does not hear of what came of it. */
static void populate_or_end(uint64_t start, uint64_t end, uint32_t access)
{
    if (populate_all(start, end, access, true) == -ENOMEM) {
        proc_out_of_memory();
    }
}

void populate_ignoring(uint64_t start, uint64_t end)
{
    populate_or_end(start, end, 0);
}

void populate_locked_areas(uint64_t start, uint64_t end)
{
    populate_or_end(start, end, POPULATE_LOCKED);
}
