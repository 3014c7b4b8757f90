/* madvise, msync and mlock: what is to become of the pages of areas that stay. */
#include <asm/mman.h>
#include <asm/resource.h>
#include <linux/mman.h>

#include "kernel/base/errno.h"
#include "kernel/fd/file.h"
#include "kernel/proc/task.h"
#include "kernel/vm/vm_priv.h"

/* Calls each for the parts of areas in [start, end); each may give way, after which it does not use
 * the area any more. -ENOMEM if there are holes. */
typedef int (*part_fn_t)(struct vm_op *op, struct area *a, uint64_t from, uint64_t to);

static int for_each_part(struct vm_op *op, uint64_t start, uint64_t end, part_fn_t each)
{
    int hole = 0;
    for (uint64_t at = start; at < end;) {
        struct area *a = area_find_from(at);
        if (!a || a->start >= end) {
            return -ENOMEM;
        }
        if (a->start > at) {
            hole = -ENOMEM;
            at = a->start;
        }
        uint64_t to = min_u64(end, a->end);
        int err = each ? each(op, a, at, to) : 0;
        if (err) {
            return err;
        }
        at = to;
        (void)vm_pause(op);
    }
    return hole;
}

static int advise_drop(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    return a->pages || a->locked ? -EINVAL : unmap_range_pages(op, from, to);
}

static int advise_drop_locked(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    return a->pages ? -EINVAL : unmap_range_pages(op, from, to);
}

/* Of private anonymous memory only: a file's pages do not turn into zeros. */
static int advise_free(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    return a->map ? -EINVAL : advise_drop(op, a, from, to);
}

static int advise_evict(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    (void)op, (void)from, (void)to;
    return a->pages || a->locked ? -EINVAL : 0;
}

static int advise_wipe(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    (void)op, (void)from, (void)to;
    return a->map || a->file || a->pages ? -EINVAL : 0;
}

static int check_remove(const struct area *a)
{
    if ((!a->map && !a->file) || a->locked) {
        return -EINVAL;
    }
    if (!a->shared || (a->file && !file_writable(a->file))) {
        return -EACCES;
    }
    /* What is dropped would come back from the layer. */
    return a->map && a->map->ops && a->map->ops->fill ? -EOPNOTSUPP : 0;
}

/* Punching a hole takes the file's locks, so it is done without ours. */
static int advise_remove(struct vm_op *op, struct area *a, uint64_t from, uint64_t to)
{
    uint64_t first = (a->offset + (from - a->start)) >> PAGE_SHIFT;
    int err = check_remove(a);
    if (err) {
        return err;
    }
    struct area *kept = area_clone(a, from, from, to);
    struct filemap *map = a->map;
    if (!kept) {
        return -ENOMEM;
    }
    vm_leave(op);
    filemap_drop(map, first, first + (to - from) / PAGE_SIZE - 1, false);
    area_destroy(kept);
    vm_return(op);
    return 0;
}

static int advise_range(uint64_t start, uint64_t end, part_fn_t each)
{
    struct vm_op op;
    vm_begin(&op, start, end);
    int err = for_each_part(&op, start, end, each);
    vm_end(&op);
    return err;
}

static int advise(uint64_t start, uint64_t end, int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
        return advise_range(start, end, advise_drop);
    case MADV_DONTNEED_LOCKED:
        return advise_range(start, end, advise_drop_locked);
    case MADV_FREE:
        return advise_range(start, end, advise_free);
    case MADV_REMOVE:
        return advise_range(start, end, advise_remove);
    case MADV_POPULATE_READ:
        return populate(start, end, VM_READ);
    case MADV_POPULATE_WRITE:
        return populate(start, end, VM_WRITE);
    case MADV_COLD:
    case MADV_PAGEOUT:
        return advise_range(start, end, advise_evict);
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return advise_range(start, end, advice == MADV_WIPEONFORK ? advise_wipe : NULL);
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return advise_range(start, end, NULL);
    default:
        return -EINVAL;
    }
}

int vm_advise(uint64_t addr, uint64_t size, int advice)
{
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    if (addr & PAGE_MASK || end < addr || (size && end == addr)) {
        return -EINVAL;
    }
    return advise(addr, end, advice);
}

/* What stands behind a mapping is told to write without the lock held. */
static int sync_part(struct vm_op *op, struct area *a, int flags)
{
    if (flags & MS_INVALIDATE && a->locked) {
        return -EBUSY;
    }
    if (!(flags & MS_SYNC) || !a->shared || !a->file || !a->file->ops->fsync) {
        return 0;
    }
    struct file *f = file_get(a->file);
    vm_leave(op);
    int err = f->ops->fsync(f);
    file_put(f);
    vm_return(op);
    return err;
}

static int sync_range(uint64_t start, uint64_t end, int flags)
{
    struct vm_op op;
    int err = 0, hole = 0;
    vm_begin_anywhere(&op);
    for (uint64_t at = start; at < end && !err;) {
        struct area *a = area_find_from(at);
        if (!a || a->start > at) {
            hole = -ENOMEM;
        }
        if (!a || a->start >= end || (hole && flags == MS_ASYNC)) {
            break;
        }
        at = a->end;
        err = sync_part(&op, a, flags);
        (void)vm_pause(&op);
    }
    vm_end(&op);
    return err ? err : hole;
}

int vm_sync(uint64_t addr, uint64_t size, int flags)
{
    int known = MS_ASYNC | MS_INVALIDATE | MS_SYNC;
    if (addr & PAGE_MASK || flags & ~known ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
        return -EINVAL;
    }
    uint64_t end = addr + align_up(size, PAGE_SIZE);
    if (end < addr) {
        return -ENOMEM;
    }
    return sync_range(addr, end, flags);
}

/* Locked or not, from start to the first hole. The kernel's own pages are never locked. */
static int mark_range(struct vm_op *op, uint64_t start, uint64_t end, bool locked, bool on_fault)
{
    int err = 0;
    for (uint64_t at = start; at < end && !err;) {
        struct area *a = area_find(at);
        if (!a) {
            return -ENOMEM;
        }
        uint64_t to = min_u64(end, a->end);
        if (!a->pages && (a->locked != locked || a->lock_on_fault != on_fault)) {
            err = area_split(at);
            err = err ? err : area_split(to);
            a = err ? NULL : area_find(at);
        }
        if (a && !a->pages) {
            area_set_locked(a, locked, on_fault);
        }
        at = to;
        (void)vm_pause(op);
    }
    return err;
}

/* The pages of [start, end) that are locked already. */
static uint64_t locked_in(uint64_t start, uint64_t end)
{
    uint64_t bytes = 0;
    for (const struct area *a = area_find_from(start); a && a->start < end;
         a = area_next((struct area *)a)) {
        bytes += a->locked ? min_u64(a->end, end) - max_u64(a->start, start) : 0;
    }
    return bytes;
}

static int lock_range(uint64_t start, uint64_t end, bool locked, bool on_fault)
{
    struct vm_op op;
    if (end < start) { /* more than any limit comes first */
        return locked && !may_lock(end - start) ? -ENOMEM : -EINVAL;
    }
    vm_begin(&op, start, end);
    int err = -ENOMEM;
    if (!locked || may_lock(end - start) || may_lock(end - start - locked_in(start, end))) {
        err = mark_range(&op, start, end, locked, on_fault);
        vm_settle(&op);
        area_merge_range(start, end);
    }
    vm_end(&op);
    return err;
}

int vm_lock(uint64_t addr, uint64_t size, bool on_fault)
{
    int err = lock_range(addr, addr + size, true, on_fault);
    if (err) {
        return err;
    }
    err = populate(addr, addr + size, 0);
    return err == -ENOMEM ? -EAGAIN : err && err != -EINTR ? -ENOMEM : err;
}

int vm_unlock(uint64_t addr, uint64_t size)
{
    return lock_range(addr, addr + size, false, false);
}

int vm_lock_all(int flags)
{
    bool locked = flags & MCL_CURRENT, on_fault = flags & MCL_ONFAULT;
    struct vm_op op;
    vm_begin(&op, 0, VM_END);
    uint64_t limit = proc_limit(RLIMIT_MEMLOCK);
    if (locked && !capable(CAP_IPC_LOCK) && the_vm.mapped_pages > limit >> PAGE_SHIFT) {
        vm_end(&op);
        return -ENOMEM;
    }
    the_vm.lock_future = flags & MCL_FUTURE;
    the_vm.lock_on_fault = the_vm.lock_future && on_fault;
    for (struct area *a = area_find_from(0); a && (locked || !flags); a = area_next(a)) {
        if (!a->pages) {
            area_set_locked(a, locked, on_fault);
        }
    }
    area_merge_range(0, VM_END);
    vm_end(&op);
    if (locked && !on_fault) {
        populate_ignoring(0, VM_END);
    }
    return 0;
}
