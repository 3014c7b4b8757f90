/* mprotect and mremap: changing areas that are there. */
#include <asm/mman.h>
#include <linux/mman.h>

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/fd/file.h"
#include "kernel/proc/task.h"
#include "kernel/vm/vm_priv.h"

#define PROT_ACCESS (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_GROWS (PROT_GROWSDOWN | PROT_GROWSUP)
#define MOVE_AREAS 3 /* that must be free for a move: it may split what it takes from */

/* May the area get this protection? */
static int check_protect(const struct area *a, uint32_t prot)
{
    if (!(prot & PROT_WRITE)) {
        return 0;
    }
    if (a->pages || (a->file && a->shared && !file_writable(a->file))) {
        return -EACCES;
    }
    return a->shared && a->map && a->map->writable_maps_denied ? -EACCES : 0;
}

static void set_prot(struct area *a, uint32_t prot)
{
    bool counted = a->shared && a->map && a->prot & VM_WRITE;
    a->prot = prot;
    if (a->shared && a->map) {
        a->map->writable_maps += (uint32_t)((prot & VM_WRITE) != 0) - (uint32_t)counted;
    }
}

static int protect_pages(struct vm_op *op, uint64_t start, uint64_t end, uint32_t prot)
{
    int err = 0;
    for (uint64_t at = vm_next_mapped(op, start, end); at < end && !err;) {
        uint64_t stop = chunk_end(at, end);
        err = pt_protect(at, stop, prot, page_may_write);
        (void)vm_pause(op);
        at = vm_next_mapped(op, stop, end);
    }
    return err;
}

/* One area, or the part of it in [start, end). */
static int protect_area(struct vm_op *op, struct area *a, uint64_t start, uint64_t end,
                        uint32_t prot)
{
    int err = check_protect(a, prot);
    if (err || a->prot == prot_to_vm(prot)) {
        return err;
    }
    err = area_split(start);
    err = err ? err : area_split(end);
    a = err ? NULL : area_find(start);
    if (!a) {
        return err ? err : -ENOMEM;
    }
    if (UNLIKELY(a->locked) && prot & PROT_WRITE && !(a->prot & VM_WRITE) && !a->shared) {
        op->unshared.start = op->unshared.end ? op->unshared.start : start;
        op->unshared.end = end;
    }
    set_prot(a, prot_to_vm(prot));
    return protect_pages(op, start, end, area_pt_prot(a));
}

/* As on Linux, what lies before an area that refuses, or before a hole, is changed. */
static int protect_range(struct vm_op *op, uint64_t start, uint64_t end, uint32_t prot)
{
    int err = 0;
    for (uint64_t at = start; at < end && !err;) {
        struct area *a = area_find(at);
        if (!a) {
            return -ENOMEM;
        }
        uint64_t to = min_u64(end, a->end);
        err = protect_area(op, a, at, to, prot);
        at = to;
        (void)vm_pause(op);
    }
    return err;
}

/* With PROT_GROWSDOWN the change goes down to where the area begins. Returns 0 or -errno. */
static int protect_start(uint64_t *start, uint64_t end, uint32_t prot)
{
    const struct area *a = area_find_from(*start);
    bool down = prot & PROT_GROWSDOWN;
    if (!a || a->start >= end || (!down && a->start > *start)) {
        return -ENOMEM;
    }
    *start = down ? a->start : *start;
    return prot & PROT_GROWSUP || (down && !a->grows_down) ? -EINVAL : 0;
}

int vm_protect(uint64_t addr, uint64_t size, uint32_t prot)
{
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    uint32_t grows = prot & PROT_GROWS;
    if (addr & PAGE_MASK || grows == PROT_GROWS) {
        return -EINVAL;
    }
    if (!size) {
        return 0;
    }
    if (end <= addr) {
        return -ENOMEM;
    }
    if (prot & ~(uint32_t)(PROT_ACCESS | PROT_SEM | PROT_GROWS)) {
        return -EINVAL;
    }
    struct vm_op op;
    vm_begin(&op, addr, end);
    int err = protect_start(&addr, end, prot);
    op.range[0].start = addr;
    if (!err) {
        err = protect_range(&op, addr, end, prot);
    }
    vm_settle(&op);
    area_merge_range(addr, end);
    vm_end(&op);
    if (UNLIKELY(op.unshared.end)) {
        populate_locked_areas(op.unshared.start, op.unshared.end);
    }
    return err;
}

/* Moves the mappings of [from, from + size) to to; all or, with -ENOMEM, none. */
static int move_pages(struct vm_op *op, uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t end = from + size;
    for (uint64_t at = vm_next_mapped(op, from, end); at < end;) {
        uint64_t stop = chunk_end(at, end);
        if (pt_move(at, to + (at - from), stop - at)) {
            /* The tables that they came from are still there: this needs no memory. */
            int err = at > from ? pt_move(to, from, at - from) : 0;
            ASSERT(!err);
            return -ENOMEM;
        }
        (void)vm_pause(op);
        at = vm_next_mapped(op, stop, end);
    }
    return 0;
}

struct remap {
    struct vm_op op;
    uint64_t from, old_size, new_size, to;
    uint32_t flags;
};

/* Moves [from, from + old_size), which lies in one area, to r->to. keep: only its pages go. */
static int64_t move_area(struct remap *r, bool keep)
{
    /* Splitting may fail, so it comes before anything is moved. */
    int err = keep ? 0 : area_split(r->from);
    err = err || keep ? err : area_split(r->from + r->old_size);
    struct area *old = area_find(r->from);
    struct area *a = old && !err ? area_clone(old, r->from, r->to, r->to + r->new_size) : NULL;
    if (!a) {
        return err || old ? -ENOMEM : -EFAULT;
    }
    area_insert(a);
    if (old->map) {
        area_attach(a, old->map);
    }
    err = move_pages(&r->op, r->from, r->to, min_u64(r->old_size, r->new_size));
    if (!err && keep && r->old_size) { /* what was locked is elsewhere; as on Linux, of all of it */
        area_set_locked(area_find(r->from), false, false);
    }
    if (err || !keep) { /* whichever is empty goes: that needs no memory */
        int unmap_err = err ? unmap_range(&r->op, r->to, r->to + r->new_size)
                            : unmap_range(&r->op, r->from, r->from + r->old_size);
        err = err ? err : unmap_err;
    }
    return err ? err : (int64_t)r->to;
}

/* To where there is room. */
static int64_t move_anywhere(struct remap *r, const struct area *a, bool keep)
{
    uint64_t hint = r->flags & MREMAP_DONTUNMAP ? max_u64(r->to, r->to ? VM_MIN_ADDR : 0) : 0;
    bool huge = !a->map && r->new_size >= HUGE_SIZE;
    if (!hint || !hint_is_free(hint, r->new_size)) {
        hint = area_find_gap(r->new_size, huge ? HUGE_SIZE : PAGE_SIZE);
    }
    r->to = hint;
    r->op.range[1].start = hint;
    r->op.range[1].end = hint + r->new_size;
    return hint ? move_area(r, keep) : -ENOMEM;
}

/* Room to grow where it stands? */
static bool grow_in_place(struct remap *r, struct area *a)
{
    uint64_t end = r->from + r->old_size, more = r->new_size - r->old_size;
    if (a->end != end || !range_ok(r->from, r->new_size) || !range_is_free(end, more)) {
        return false;
    }
    area_set_bounds(a, a->start, end + more);
    return true;
}

static int64_t grow(struct remap *r, struct area *a)
{
    if (r->old_size && grow_in_place(r, a)) {
        return (int64_t)r->from;
    }
    return r->flags & MREMAP_MAYMOVE ? move_anywhere(r, a, !r->old_size) : -ENOMEM;
}

/* What is asked of the area at r->from, before anything is done. */
static int check_area(const struct remap *r, const struct area *a)
{
    bool moves = r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
    if (!range_ok(r->from, r->old_size) && !(moves && r->new_size < r->old_size)) {
        return r->new_size < r->old_size ? -EINVAL : -EFAULT;
    }
    if (r->new_size <= r->old_size && !moves) {
        return 0;
    }
    if (!r->old_size && !a->shared) {
        return -EINVAL;
    }
    if (r->flags & MREMAP_DONTUNMAP && a->pages) {
        return -EINVAL;
    }
    if (min_u64(r->old_size, r->new_size) > a->end - r->from) {
        return -EFAULT;
    }
    if (r->new_size <= r->old_size) {
        return 0;
    }
    uint64_t more = r->new_size - r->old_size;
    if (a->pages) {
        return -EFAULT;
    }
    if (a->locked && !may_lock(more)) {
        return -EAGAIN;
    }
    return more > page_stats.total_pages * PAGE_SIZE || over_limit(more) ? -ENOMEM : 0;
}

static int64_t move_fixed(struct remap *r)
{
    int err = unmap_range(&r->op, r->to, r->to + r->new_size);
    if (!err && r->new_size < r->old_size) {
        if (!range_ok(r->from, r->old_size)) { /* only now, as on Linux */
            return -EINVAL;
        }
        err = unmap_range(&r->op, r->from + r->new_size, r->from + r->old_size);
        r->old_size = r->new_size;
    }
    bool keep = r->flags & MREMAP_DONTUNMAP || !r->old_size;
    return err ? err : move_area(r, keep);
}

/* MREMAP_FIXED of several areas: each to its place, with the holes between. */
static int64_t move_each(const struct remap *all, struct remap *r)
{
    uint64_t end = all->from + all->old_size;
    for (uint64_t at = all->from; at < end;) {
        const struct area *a = area_find_from(at);
        if (!a || a->start >= end) {
            break;
        }
        r->from = max_u64(at, a->start);
        r->to = all->to + (r->from - all->from);
        r->old_size = r->new_size = min_u64(end, a->end) - r->from;
        if (a->file && !a->map && r->old_size != all->old_size) {
            return -EFAULT; /* a device's mapping moves alone */
        }
        at = r->from + r->old_size;
        int64_t moved = check_area(r, a);
        moved = moved ? moved : move_fixed(r);
        if (moved < 0) {
            return moved;
        }
    }
    return (int64_t)all->to;
}

static int64_t remap_locked(struct remap *r)
{
    struct area *a = area_find(r->from);
    if (the_vm.area_count + MOVE_AREAS >= the_vm.area_limit) {
        return -ENOMEM;
    }
    if (a && r->flags & MREMAP_FIXED && r->old_size == r->new_size) {
        struct remap all = *r;
        return move_each(&all, r);
    }
    if (!a) {
        return -EFAULT;
    }
    int err = check_area(r, a);
    if (err) {
        return err;
    }
    if (r->flags & MREMAP_FIXED) {
        return move_fixed(r);
    }
    if (r->flags & MREMAP_DONTUNMAP) {
        return over_limit(r->new_size) ? -ENOMEM : move_anywhere(r, a, true);
    }
    if (r->new_size > r->old_size) {
        return grow(r, a);
    }
    if (r->new_size < r->old_size) {
        err = unmap_range(&r->op, r->from + r->new_size, r->from + r->old_size);
    }
    return err ? err : (int64_t)r->from;
}

static int check_request(const struct remap *r)
{
    uint32_t known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    if (r->from & PAGE_MASK || r->flags & ~known || !r->new_size || r->new_size > VM_END) {
        return -EINVAL;
    }
    if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        return 0;
    }
    bool apart = r->to >= r->from + r->old_size || r->from >= r->to + r->new_size;
    if (!(r->flags & MREMAP_MAYMOVE) ||
        (r->flags & MREMAP_DONTUNMAP && r->old_size != r->new_size) ||
        !range_ok(r->to, r->new_size) || r->to & PAGE_MASK || !apart) {
        return -EINVAL;
    }
    return r->flags & MREMAP_FIXED && r->to < VM_MIN_ADDR && !capable(CAP_SYS_RAWIO) ? -EPERM : 0;
}

int64_t vm_remap(uint64_t old_addr, uint64_t old_size, uint64_t new_size, uint32_t flags,
                 uint64_t new_addr)
{
    struct remap r = {
        .from = old_addr,
        .old_size = align_up(old_size, PAGE_SIZE),
        .new_size = align_up(new_size, PAGE_SIZE),
        .to = new_addr,
        .flags = flags,
    };
    int err = check_request(&r);
    if (err) {
        return err;
    }
    bool grows = r.new_size > r.old_size;
    uint64_t old = r.old_size, size = r.new_size;
    bool fixed = flags & MREMAP_FIXED;
    for (;;) {
        vm_begin(&r.op, old_addr, range_ok(old_addr, old) ? old_addr + old : VM_END);
        if (!fixed || vm_also(&r.op, new_addr, new_addr + size)) {
            break;
        }
        vm_end(&r.op);
    }
    int64_t result = remap_locked(&r);
    vm_settle(&r.op);
    const struct area *a = result >= 0 ? area_find((uint64_t)result) : NULL;
    bool locked = a && a->locked && grows;
    if (result >= 0) {
        area_merge_range((uint64_t)result, (uint64_t)result + size);
    }
    vm_end(&r.op);
    if (locked) { /* what is locked is there: also what the area grew by */
        populate_ignoring((uint64_t)result + old, (uint64_t)result + size);
    }
    return result;
}
