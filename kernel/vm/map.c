/* mmap and its kin: making, changing and removing areas. */
#include <asm/mman.h>
#include <asm/resource.h>
#include <linux/mman.h>

#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/base/random.h"
#include "kernel/fd/file.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/proc/task.h"
#include "kernel/vm/vm_init.h"
#include "kernel/vm/vm_priv.h"

#define MMAP_RANDOM_PAGES (1ul << 28)
#define STACK_RANDOM_PAGES (1ul << 22)
#define AREAS_MAX 65530
#define FIRST_INODE 1024 /* of shared memory without a name */
#define STACK_START_SIZE (33 * PAGE_SIZE)
#define LOW_MAPPINGS_END 0x80000000ul /* MAP_32BIT: below 2 GiB, as on Linux */
#define FLAGS_KNOWN                                                                                \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |          \
     MAP_32BIT)

static const struct filemap_ops shared_memory_ops = {0};

void vm_init(void)
{
    mutex_init(&the_vm.lock, RANK_MM);
    list_init(&the_vm.paused);
    waitq_init(&the_vm.settled);
    the_vm.area_limit = AREAS_MAX;
    vm_reset();
}

static uint64_t random_offset(uint64_t pages)
{
    return the_run.options.flags & ORRIS_OPTION_NO_ASLR ? 0 : random_u64() % pages * PAGE_SIZE;
}

void vm_reset(void)
{
    struct vm_op op;
    vm_begin(&op, 0, VM_END);
    if (unmap_range(&op, 0, VM_END)) {
        panic("no memory to take the address space down");
    }
    pt_reset();
    the_vm.stack_top = VM_END - PAGE_SIZE - random_offset(STACK_RANDOM_PAGES);
    the_vm.mmap_base = the_vm.stack_top - (64ul << 30) - random_offset(MMAP_RANDOM_PAGES);
    the_vm.scan_from = the_vm.mmap_base;
    the_vm.brk_start = the_vm.brk_end = 0;
    the_vm.peak_mapped = the_vm.peak_resident = 0;
    the_vm.lock_future = the_vm.lock_on_fault = false;
    vm_end(&op);
}

void vm_set_brk(uint64_t start)
{
    the_vm.brk_start = the_vm.brk_end = start;
}

bool range_is_free(uint64_t start, uint64_t size)
{
    uint64_t from;
    const struct area *a = area_find_from(start);
    return (!a || a->start >= start + size) &&
           (list_empty(&the_vm.paused) || !vm_paused_at(start, start + size, &from));
}

bool hint_is_free(uint64_t start, uint64_t size)
{
    const struct area *a = area_find_from(start);
    uint64_t room = a && a->grows_down ? GUARD_GAP : 0;
    return range_is_free(start, size) && (!a || a->start - start >= room + size);
}

/* What backs the mapping: checks the file's side. */
static int check_file(const struct vm_map_request *r, bool shared, struct filemap **map)
{
    struct file *f = r->file;
    if (!file_readable(f) || (shared && r->prot & PROT_WRITE && !file_writable(f))) {
        return -EACCES;
    }
    if (!f->ops->mmap) { /* what is on no filesystem is not to be executed */
        return r->prot & PROT_EXEC && !f->dentry ? -EPERM : -ENODEV;
    }
    return f->ops->mmap(f, r->prot, r->flags, map);
}

static struct shared_memory *memory_create(uint64_t size)
{
    struct shared_memory *m = heap_zalloc_object(sizeof(*m));
    if (m) {
        filemap_init(&m->map, &shared_memory_ops);
        static uint32_t last_inode = FIRST_INODE;
        m->map.size = size;
        m->refs = 1;
        m->inode = __atomic_add_fetch(&last_inode, 1, __ATOMIC_RELAXED);
    }
    return m;
}

/* Where the mapping goes. Returns the address, or -EEXIST, -EPERM, -ENOMEM, -EINVAL. */
static int64_t choose_address(const struct vm_map_request *r, uint64_t size)
{
    if (r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (r->addr & PAGE_MASK) {
            return -EINVAL;
        }
        if (!range_ok(r->addr, size)) {
            return -ENOMEM;
        }
        if (r->addr < VM_MIN_ADDR && !capable(CAP_SYS_RAWIO)) {
            return -EPERM;
        }
        if (r->flags & MAP_FIXED_NOREPLACE && !range_is_free(r->addr, size)) {
            return -EEXIST;
        }
        return (int64_t)r->addr;
    }
    uint64_t hint = align_down(r->addr, PAGE_SIZE);
    hint = hint ? max_u64(hint, VM_MIN_ADDR) : 0;
    bool low = r->flags & MAP_32BIT;
    bool fits =
        low ? size <= LOW_MAPPINGS_END && hint <= LOW_MAPPINGS_END - size : range_ok(hint, size);
    if (hint && fits && hint_is_free(hint, size)) {
        return (int64_t)hint;
    }
    if (low) {
        uint64_t below = area_find_gap_below(LOW_MAPPINGS_END, size);
        return below ? (int64_t)below : -ENOMEM;
    }
    bool huge = !r->file && size >= HUGE_SIZE && !(r->flags & MAP_STACK);
    uint64_t addr = area_find_gap(size, huge ? HUGE_SIZE : PAGE_SIZE);
    return addr ? (int64_t)addr : -ENOMEM;
}

bool over_limit(uint64_t more)
{
    uint64_t limit = proc_limit(RLIMIT_AS);
    return limit != RLIM_INFINITY && (the_vm.mapped_pages << PAGE_SHIFT) + more > limit;
}

/* More than there is could never be used: as Linux refuses obvious overcommitment. */
static bool too_much(const struct vm_map_request *r, uint64_t size)
{
    bool writable = r->prot & PROT_WRITE && !(r->flags & MAP_NORESERVE);
    bool ours = !r->file || r->flags & MAP_PRIVATE;
    return over_limit(size) || (writable && ours && size / PAGE_SIZE > page_stats.total_pages);
}

/* Whether more may be locked in memory. */
bool may_lock(uint64_t more)
{
    uint64_t limit = proc_limit(RLIMIT_MEMLOCK);
    return capable(CAP_IPC_LOCK) ||
           the_vm.locked_pages + (more >> PAGE_SHIFT) <= limit >> PAGE_SHIFT;
}

/* 0, or why what is to be locked can't be. */
static int check_lock(const struct vm_map_request *r, uint64_t size)
{
    bool asked = r->flags & MAP_LOCKED;
    if (asked && !capable(CAP_IPC_LOCK) && proc_limit(RLIMIT_MEMLOCK) == 0) {
        return -EPERM;
    }
    return (asked || the_vm.lock_future) && !may_lock(size) ? -EAGAIN : 0;
}

struct backing {
    struct filemap *map;          /* of a file, or NULL */
    struct shared_memory *memory; /* or this, or NULL */
    int err;                      /* why there can't be any */
};

static void area_set_up(struct area *a, const struct vm_map_request *r, const struct backing *b)
{
    a->prot = prot_to_vm(r->prot);
    a->shared = (r->flags & MAP_TYPE) != MAP_PRIVATE;
    a->grows_down = r->flags & MAP_GROWSDOWN;
    a->small = r->flags & MAP_STACK;
    a->file = !b->memory && r->file ? file_get(r->file) : NULL;
    a->memory = b->memory;
    a->offset = r->file ? r->offset : 0;
    a->name = r->name;
    area_insert(a);
    area_set_locked(a, r->flags & MAP_LOCKED || the_vm.lock_future, the_vm.lock_on_fault);
    if (b->memory) {
        area_attach(a, &b->memory->map);
    } else if (b->map) {
        area_attach(a, b->map);
    }
}

/* A seal may have come while we waited for the lock. */
static bool sealed(const struct vm_map_request *r)
{
    return (r->flags & MAP_TYPE) != MAP_PRIVATE && r->prot & PROT_WRITE;
}

static int64_t map_locked(struct vm_op *op, const struct vm_map_request *r, uint64_t size,
                          const struct backing *b)
{
    if (too_many_areas(0)) {
        return -ENOMEM;
    }
    int64_t addr = choose_address(r, size);
    int err = addr < 0 ? (int)addr : check_lock(r, size);
    err = err ? err : b->err;
    err = err ? err : too_much(r, size) ? -ENOMEM : 0;
    if (err) {
        return err;
    }
    uint64_t start = (uint64_t)addr;
    if (r->flags & MAP_FIXED && !range_is_free(start, size)) {
        err = unmap_range(op, start, start + size);
        if (err) {
            return err;
        }
    }
    struct area *a = area_create(start, start + size);
    if (!a) {
        return -ENOMEM;
    }
    if (UNLIKELY(b->map && b->map->writable_maps_denied) && sealed(r)) {
        heap_free(a);
        return -EPERM;
    }
    area_set_up(a, r, b);
    area_merge_range(start, start + size);
    return addr;
}

/* What concerns the size alone. */
static int check_size(const struct vm_map_request *r, uint64_t size)
{
    if (!r->size || r->offset & PAGE_MASK) {
        return -EINVAL;
    }
    if (!size || size > VM_END || r->flags & MAP_HUGETLB) {
        return -ENOMEM;
    }
    return r->file && r->offset + size < r->offset ? -EOVERFLOW : 0;
}

/* What backs the mapping, or why it can't be: told after what is wrong with the address. */
static int check_backing(const struct vm_map_request *r, struct filemap **map)
{
    uint32_t type = r->flags & MAP_TYPE;
    bool validate = r->file && type == MAP_SHARED_VALIDATE;
    if (type != MAP_SHARED && type != MAP_PRIVATE && !validate) {
        return -EINVAL;
    }
    if (validate && r->flags & ~(uint32_t)FLAGS_KNOWN) {
        return -EOPNOTSUPP;
    }
    int err = r->file ? check_file(r, type != MAP_PRIVATE, map) : 0;
    bool may_grow = !r->file && type == MAP_PRIVATE;
    return err ? err : r->flags & MAP_GROWSDOWN && !may_grow ? -EINVAL : 0;
}

static int64_t map(struct backing *b, const struct vm_map_request *r, uint64_t size)
{
    bool fixed = r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && range_ok(r->addr, size);
    struct vm_op op;
    vm_begin(&op, fixed ? r->addr : 0, fixed ? r->addr + size : 0);
    int64_t addr = map_locked(&op, r, size, b);
    bool locked = r->flags & MAP_LOCKED || (the_vm.lock_future && !the_vm.lock_on_fault);
    vm_end(&op);
    bool at_once = locked || (r->flags & MAP_POPULATE && !(r->flags & MAP_NONBLOCK));
    if (addr >= 0 && (at_once || vm_debugged(r))) {
        populate_ignoring((uint64_t)addr, (uint64_t)addr + size);
    }
    return addr;
}

int64_t vm_map(const struct vm_map_request *r)
{
    uint64_t size = align_up(r->size, PAGE_SIZE);
    struct backing b = {0};
    int err = check_size(r, size);
    if (err) {
        return err;
    }
    b.err = check_backing(r, &b.map);
    if (!b.err && (r->flags & MAP_TYPE) != MAP_PRIVATE && !b.map) {
        b.memory = memory_create(size);
        b.err = b.memory ? 0 : -ENOMEM;
    }
    int64_t addr = map(&b, r, size);
    if (UNLIKELY(the_run.options.flags & ORRIS_OPTION_MAPS)) {
        vm_tell_mapping(r, addr);
    }
    if (addr < 0 && b.memory) {
        filemap_fini(&b.memory->map);
        heap_free(b.memory);
    }
    return addr;
}

int64_t vm_map_pages(struct page **pages, size_t count, uint32_t prot, const char *name)
{
    uint64_t size = count * PAGE_SIZE;
    vm_lock_mm();
    uint64_t addr = area_find_gap(size, PAGE_SIZE);
    struct area *a = addr ? area_create(addr, addr + size) : NULL;
    if (a) {
        for (size_t i = 0; i < count; i++) {
            pages[i]->flags |= PAGE_FLAG_FOREIGN;
        }
        a->prot = prot_to_vm(prot);
        a->pages = pages;
        a->name = name;
        area_insert(a);
    }
    vm_unlock_mm();
    return a ? (int64_t)addr : -ENOMEM;
}

int vm_unmap(uint64_t addr, uint64_t size)
{
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    if (addr & PAGE_MASK || !size || !range_ok(addr, size) || end < addr) {
        return -EINVAL;
    }
    struct vm_op op;
    vm_begin(&op, addr, end);
    int err = unmap_range(&op, addr, end);
    vm_end(&op);
    return err;
}

/* Whether a is a part of a mapping that began at addr: of file, or of any with these operations. */
static bool part_of(const struct area *a, uint64_t addr, const struct file *file,
                    const struct file_ops *ops)
{
    return a->file && a->file->ops == ops && (!file || a->file == file) &&
           a->start - addr == a->offset;
}

/* The first part of such a mapping, or NULL. */
static struct area *first_part(uint64_t addr, const struct file_ops *ops)
{
    struct area *a = area_find_from(addr);
    while (a && !part_of(a, addr, NULL, ops)) {
        a = area_next(a);
    }
    return a;
}

static int unmap_file_range(struct vm_op *op, uint64_t addr, const struct file_ops *ops)
{
    const struct area *first = first_part(addr, ops);
    const struct file *file = first ? first->file : NULL;
    int err = first ? 0 : -EINVAL;
    uint64_t at = addr;
    while (at < op->range[0].end && !err) {
        const struct area *a = area_find_from(at);
        if (!a) {
            break;
        }
        at = a->end;
        err = part_of(a, addr, file, ops) ? unmap_range(op, a->start, a->end) : 0;
    }
    return err;
}

int vm_unmap_file(uint64_t addr, const struct file_ops *ops)
{
    struct vm_op op;
    vm_lock_mm();
    const struct area *a = first_part(addr, ops);
    uint64_t size = a ? align_up(a->map->size, PAGE_SIZE) : 0;
    vm_unlock_mm();
    vm_begin(&op, addr, addr + size);
    int err = unmap_file_range(&op, addr, ops);
    vm_end(&op);
    return err;
}

static int64_t brk_grow(struct vm_op *op, uint64_t brk, uint64_t old_end, uint64_t new_end)
{
    uint64_t limit = proc_limit(RLIMIT_DATA);
    const struct backing none = {0};
    struct vm_map_request r = {
        .addr = old_end,
        .size = new_end - old_end,
        .prot = PROT_READ | PROT_WRITE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
        .name = "[heap]",
    };
    if ((limit != RLIM_INFINITY && brk - the_vm.brk_start > limit) ||
        too_much(&r, brk - the_vm.brk_start) || map_locked(op, &r, r.size, &none) < 0) {
        return (int64_t)the_vm.brk_end;
    }
    the_vm.brk_end = brk;
    return (int64_t)brk;
}

static int64_t brk_locked(struct vm_op *op, uint64_t brk)
{
    uint64_t old = the_vm.brk_end, old_end = align_up(old, PAGE_SIZE);
    uint64_t new_end = align_up(brk, PAGE_SIZE);
    if (new_end > old_end) {
        return brk_grow(op, brk, old_end, new_end);
    }
    the_vm.brk_end = brk; /* first: while the pages go, others may ask */
    if (new_end < old_end && unmap_range(op, new_end, old_end)) {
        the_vm.brk_end = old;
    }
    return (int64_t)the_vm.brk_end;
}

int64_t vm_brk(uint64_t brk)
{
    if (brk < the_vm.brk_start || brk >= VM_END) {
        return (int64_t)the_vm.brk_end;
    }
    struct vm_op op;
    uint64_t start = align_down(the_vm.brk_start, PAGE_SIZE);
    vm_begin(&op, start, align_up(max_u64(brk, the_vm.brk_end), PAGE_SIZE));
    uint64_t old = the_vm.brk_end;
    int64_t result = brk_locked(&op, brk);
    bool locked = the_vm.lock_future && !the_vm.lock_on_fault;
    vm_end(&op);
    if (UNLIKELY(locked) && (uint64_t)result > old) {
        populate_ignoring(align_up(old, PAGE_SIZE), align_up((uint64_t)result, PAGE_SIZE));
    }
    return result;
}

int64_t vm_map_stack(void)
{
    struct vm_op op;
    vm_begin_anywhere(&op);
    struct area *a = area_create(the_vm.stack_top - STACK_START_SIZE, the_vm.stack_top);
    if (a) {
        a->prot = VM_READ | VM_WRITE;
        a->grows_down = true;
        a->name = "[stack]";
        area_insert(a);
    }
    vm_end(&op);
    return a ? (int64_t)the_vm.stack_top : -ENOMEM;
}
