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
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC)
#define LOW_MAPPINGS_END 0x80000000ul /* MAP_32BIT: below 2 GiB, as on Linux */
#define FLAGS_KNOWN                                                                                \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |          \
     MAP_FIXED_NOREPLACE | MAP_32BIT)
#define PROT_IGNORED (PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP)

static const struct filemap_ops shared_memory_ops = {0};

void vm_init(void)
{
    mutex_init(&the_vm.lock, RANK_MM);
    vm_reset();
}

static uint64_t random_offset(uint64_t pages)
{
    return the_run.options.flags & ORRIS_OPTION_NO_ASLR ? 0 : random_u64() % pages * PAGE_SIZE;
}

int unmap_locked(uint64_t start, uint64_t end)
{
    int err = area_split(start);
    err = err ? err : area_split(end);
    err = err ? err : unmap_pages_locked(start, end);
    if (err) {
        return err;
    }
    struct area *a = area_find_from(start);
    while (a && a->start < end) {
        struct area *next = area_next(a);
        the_vm.locked_pages -= a->locked ? (a->end - a->start) / PAGE_SIZE : 0;
        area_remove(a);
        a = next;
    }
    if (end > the_vm.scan_from) {
        the_vm.scan_from = min_u64(end, the_vm.mmap_base);
    }
    return 0;
}

void vm_reset(void)
{
    vm_lock_mm();
    if (unmap_locked(0, VM_END)) {
        panic("no memory to take the address space down");
    }
    pt_reset();
    the_vm.stack_top = VM_END - PAGE_SIZE - random_offset(STACK_RANDOM_PAGES);
    the_vm.mmap_base = the_vm.stack_top - (64ul << 30) - random_offset(MMAP_RANDOM_PAGES);
    the_vm.scan_from = the_vm.mmap_base;
    the_vm.brk_start = the_vm.brk_end = 0;
    the_vm.peak_mapped = the_vm.peak_resident = 0;
    vm_unlock_mm();
}

void vm_set_brk(uint64_t start)
{
    the_vm.brk_start = the_vm.brk_end = start;
}

static uint32_t prot_to_vm(uint32_t prot)
{
    return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
           (prot & PROT_EXEC ? VM_EXEC : 0);
}

static bool range_ok(uint64_t start, uint64_t size)
{
    return size <= VM_END && start <= VM_END - size;
}

static bool range_is_free(uint64_t start, uint64_t size)
{
    struct area *a = area_find_from(start);
    return !a || a->start >= start + size;
}

/* What backs the mapping: checks the file's side. */
static int check_file(const struct vm_map_request *r, bool shared, struct filemap **map)
{
    struct file *f = r->file;
    if (!file_readable(f) || (shared && r->prot & PROT_WRITE && !file_writable(f))) {
        return -EACCES;
    }
    if (!f->ops->mmap) {
        return -ENODEV;
    }
    return f->ops->mmap(f, r->prot, r->flags, map);
}

static struct shared_memory *memory_create(uint64_t size)
{
    struct shared_memory *m = heap_zalloc_object(sizeof(*m));
    if (m) {
        filemap_init(&m->map, &shared_memory_ops);
        m->map.size = size;
        m->refs = 1;
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
        if (r->addr < VM_MIN_ADDR) {
            return -EPERM;
        }
        if (r->flags & MAP_FIXED_NOREPLACE && !range_is_free(r->addr, size)) {
            return -EEXIST;
        }
        return (int64_t)r->addr;
    }
    uint64_t hint = align_down(r->addr, PAGE_SIZE);
    bool low = r->flags & MAP_32BIT;
    bool fits =
        low ? size <= LOW_MAPPINGS_END && hint <= LOW_MAPPINGS_END - size : range_ok(hint, size);
    if (hint >= VM_MIN_ADDR && fits && range_is_free(hint, size)) {
        return (int64_t)hint;
    }
    if (low) {
        uint64_t below = area_find_gap_below(LOW_MAPPINGS_END, size);
        return below ? (int64_t)below : -ENOMEM;
    }
    bool huge = !r->file && size >= HUGE_SIZE;
    uint64_t addr = area_find_gap(size, huge ? HUGE_SIZE : PAGE_SIZE);
    return addr ? (int64_t)addr : -ENOMEM;
}

static bool over_limit(uint64_t more)
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

static int64_t map_locked(const struct vm_map_request *r, uint64_t size, struct filemap *map,
                          struct shared_memory *memory)
{
    int64_t addr = choose_address(r, size);
    if (addr < 0) {
        return addr;
    }
    uint64_t start = (uint64_t)addr;
    if (r->flags & MAP_FIXED && !range_is_free(start, size)) {
        int err = unmap_locked(start, start + size);
        if (err) {
            return err;
        }
    }
    struct area *a = area_create(start, start + size);
    if (!a) {
        return -ENOMEM;
    }
    a->prot = prot_to_vm(r->prot);
    a->shared = (r->flags & MAP_TYPE) != MAP_PRIVATE;
    a->file = map && r->file ? file_get(r->file) : NULL;
    a->memory = memory;
    a->offset = map ? r->offset : 0;
    a->name = r->name;
    area_insert(a);
    if (memory) {
        area_attach(a, &memory->map);
    } else if (map) {
        area_attach(a, map);
    }
    area_merge_range(start, start + size);
    return addr;
}

/* -ENOMEM (also if the class may have no more), -EFAULT (beyond the end of a file), -EINVAL (not
 * allowed). */
static int populate_locked(uint64_t start, uint64_t end, uint32_t access, unsigned class)
{
    for (uint64_t at = start; at < end; at += PAGE_SIZE) {
        if (pt_lookup(at).page && access != VM_WRITE) {
            continue;
        }
        enum vm_fault_result result = page_room(class) ? fault_locked(at, access) : VM_FAULT_OOM;
        if (result == VM_FAULT_OOM) {
            return -ENOMEM;
        }
        if (result != VM_FAULT_OK) {
            return result == VM_FAULT_BUS_ADRERR ? -EFAULT : -EINVAL;
        }
    }
    return 0;
}

/* The same for who does not hear of what came of it. */
static void populate_or_end(uint64_t start, uint64_t end, uint32_t access)
{
    if (populate_locked(start, end, access, ALLOC_USER) == -ENOMEM) {
        proc_out_of_memory();
    }
}

/* What an area is populated for: private pages to be written; shared ones would become dirty. */
static uint32_t populate_access(const struct area *a)
{
    return a->prot & VM_WRITE && !a->shared ? VM_WRITE : VM_READ;
}

static int check_request(const struct vm_map_request *r, uint64_t size)
{
    uint32_t type = r->flags & MAP_TYPE;
    if (!r->size || (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)) {
        return -EINVAL;
    }
    if (r->offset & PAGE_MASK) {
        return -EINVAL;
    }
    if (type == MAP_SHARED_VALIDATE && r->flags & ~(uint32_t)FLAGS_KNOWN) {
        return -EOPNOTSUPP;
    }
    if (!size || size > VM_END || r->flags & MAP_HUGETLB) {
        return -ENOMEM;
    }
    return r->file && r->offset + size < r->offset ? -EOVERFLOW : 0;
}

int64_t vm_map(const struct vm_map_request *r)
{
    uint64_t size = align_up(r->size, PAGE_SIZE);
    bool shared = (r->flags & MAP_TYPE) != MAP_PRIVATE;
    struct filemap *map = NULL;
    struct shared_memory *memory = NULL;
    int err = check_request(r, size);
    if (!err && r->file) {
        err = check_file(r, shared, &map);
    }
    if (err) {
        return err;
    }
    if (too_much(r, size)) {
        return -ENOMEM;
    }
    if (shared && !map) {
        memory = memory_create(size);
        if (!memory) {
            return -ENOMEM;
        }
    }
    vm_lock_mm();
    int64_t addr = map_locked(r, size, map, memory);
    bool at_once = r->flags & (MAP_POPULATE | MAP_LOCKED) && !(r->flags & MAP_NONBLOCK);
    if (addr >= 0 && (at_once || vm_debugged(r))) {
        populate_or_end((uint64_t)addr, (uint64_t)addr + size,
                        r->prot & PROT_WRITE && !shared ? VM_WRITE : VM_READ);
    }
    vm_unlock_mm();
    if (UNLIKELY(the_run.options.flags & ORRIS_OPTION_MAPS)) {
        vm_tell_mapping(r, addr);
    }
    if (addr < 0 && memory) {
        filemap_fini(&memory->map);
        heap_free(memory);
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
    vm_lock_mm();
    int err = unmap_locked(addr, end);
    vm_unlock_mm();
    return err;
}

/* Whether a is a part of a mapping that began at addr: of file, or of any with these operations. */
static bool part_of(const struct area *a, uint64_t addr, const struct file *file,
                    const struct file_ops *ops)
{
    return a->file && a->file->ops == ops && (!file || a->file == file) &&
           a->start - addr == a->offset;
}

static int unmap_file_locked(uint64_t addr, const struct file_ops *ops)
{
    struct area *a = area_find_from(addr);
    while (a && !part_of(a, addr, NULL, ops)) {
        a = area_next(a);
    }
    if (!a) {
        return -EINVAL;
    }
    const struct file *file = a->file;
    uint64_t end = addr + align_up(a->map->size, PAGE_SIZE);
    while (a && a->start < end) {
        struct area *next = area_next(a);
        int err = part_of(a, addr, file, ops) ? unmap_locked(a->start, a->end) : 0;
        if (err) {
            return err;
        }
        a = next;
    }
    return 0;
}

int vm_unmap_file(uint64_t addr, const struct file_ops *ops)
{
    vm_lock_mm();
    int err = unmap_file_locked(addr, ops);
    vm_unlock_mm();
    return err;
}

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

/* One area, or the part of it in [start, end). */
static int protect_area(struct area *a, uint64_t start, uint64_t end, uint32_t prot)
{
    int err = check_protect(a, prot);
    err = err ? err : area_split(start);
    err = err ? err : area_split(end);
    a = err ? NULL : area_find(start);
    if (!a) {
        return err ? err : -ENOMEM;
    }
    set_prot(a, prot_to_vm(prot));
    return pt_protect(a->start, a->end, area_pt_prot(a), page_may_write);
}

/* As on Linux, what lies before an area that refuses, or before a hole, is changed. */
static int protect_locked(uint64_t start, uint64_t end, uint32_t prot)
{
    int err = 0;
    uint64_t at = start;
    while (at < end && !err) {
        struct area *a = area_find(at);
        if (!a) {
            err = -ENOMEM;
            break;
        }
        uint64_t to = min_u64(end, a->end);
        err = protect_area(a, at, to, prot);
        at = to;
    }
    area_merge_range(start, end);
    return err;
}

int vm_protect(uint64_t addr, uint64_t size, uint32_t prot)
{
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    bool both_ways = (prot & PROT_GROWSDOWN) && (prot & PROT_GROWSUP);
    if (addr & PAGE_MASK || prot & ~(uint32_t)(PROT_KNOWN | PROT_IGNORED) || both_ways) {
        return -EINVAL;
    }
    if (!size) {
        return 0;
    }
    if (!range_ok(addr, size) || end <= addr) {
        return -ENOMEM;
    }
    vm_lock_mm();
    int err = protect_locked(addr, end, prot);
    vm_unlock_mm();
    return err;
}

/* Moves [start, start + old_size), which lies in one area; keep_old: only its pages. */
static int64_t move_locked(uint64_t start, uint64_t old_size, uint64_t new_size, uint64_t target,
                           bool keep_old)
{
    /* Splitting may fail, so it comes before anything is moved. */
    int err = keep_old ? 0 : area_split(start);
    err = err || keep_old ? err : area_split(start + old_size);
    const struct area *old = area_find(start);
    if (err || !old) {
        return err ? err : -EFAULT;
    }
    if (!target) {
        target = area_find_gap(new_size, old->map || new_size < HUGE_SIZE ? PAGE_SIZE : HUGE_SIZE);
    }
    struct area *a = target ? area_clone(old, start, target, target + new_size) : NULL;
    if (!a) {
        return -ENOMEM;
    }
    area_insert(a);
    the_vm.locked_pages += a->locked ? new_size / PAGE_SIZE : 0;
    if (old->map) {
        area_attach(a, old->map);
    }
    err = pt_move(start, target, min_u64(old_size, new_size));
    if (err || !keep_old) { /* whichever is empty goes: that needs no memory */
        int unmap_err =
            err ? unmap_locked(target, target + new_size) : unmap_locked(start, start + old_size);
        err = err ? err : unmap_err;
    }
    return err ? err : (int64_t)target;
}

/* Room to grow where it stands? */
static bool grow_in_place(struct area *a, uint64_t end, uint64_t new_end)
{
    if (a->end != end || !range_ok(a->start, new_end - a->start) ||
        !range_is_free(end, new_end - end)) {
        return false;
    }
    uint64_t pages = (new_end - end) / PAGE_SIZE;
    the_vm.mapped_pages += pages;
    the_vm.peak_mapped = max_u64(the_vm.peak_mapped, the_vm.mapped_pages);
    the_vm.locked_pages += a->locked ? pages : 0;
    a->end = new_end;
    return true;
}

static int64_t grow_locked(struct area *a, uint64_t addr, uint64_t old_size, uint64_t new_size,
                           uint32_t flags)
{
    uint64_t more = new_size - old_size;
    if (more > page_stats.total_pages * PAGE_SIZE || over_limit(more)) {
        return -ENOMEM;
    }
    if (old_size && grow_in_place(a, addr + old_size, addr + new_size)) {
        return (int64_t)addr;
    }
    return flags & MREMAP_MAYMOVE ? move_locked(addr, old_size, new_size, 0, !old_size) : -ENOMEM;
}

static int64_t remap_locked(uint64_t old_addr, uint64_t old_size, uint64_t new_size, uint32_t flags,
                            uint64_t new_addr)
{
    struct area *a = area_find(old_addr);
    if (!a || old_addr + old_size > a->end || (a->pages && new_size > old_size)) {
        return -EFAULT;
    }
    if (!old_size && !a->shared) {
        return -EINVAL;
    }
    if (flags & MREMAP_FIXED) {
        int err = unmap_locked(new_addr, new_addr + new_size);
        bool keep = flags & MREMAP_DONTUNMAP || !old_size;
        return err ? err : move_locked(old_addr, old_size, new_size, new_addr, keep);
    }
    if (flags & MREMAP_DONTUNMAP) {
        return move_locked(old_addr, old_size, new_size, 0, true);
    }
    if (new_size > old_size) {
        return grow_locked(a, old_addr, old_size, new_size, flags);
    }
    int err = new_size < old_size ? unmap_locked(old_addr + new_size, old_addr + old_size) : 0;
    return err ? err : (int64_t)old_addr;
}

/* What is locked is there: also what the area grew by. */
static void populate_grown(uint64_t addr, uint64_t size)
{
    const struct area *a = area_find(addr);
    if (a && a->locked && a->prot) {
        populate_or_end(addr, addr + size, populate_access(a));
    }
}

int64_t vm_remap(uint64_t old_addr, uint64_t old_size, uint64_t new_size, uint32_t flags,
                 uint64_t new_addr)
{
    uint32_t known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    old_size = align_up(old_size, PAGE_SIZE);
    new_size = align_up(new_size, PAGE_SIZE);
    if (old_addr & PAGE_MASK || flags & ~known || !new_size || !range_ok(old_addr, old_size) ||
        new_size > VM_END) {
        return -EINVAL;
    }
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) {
        return -EINVAL;
    }
    if (flags & MREMAP_DONTUNMAP && old_size != new_size) {
        return -EINVAL;
    }
    if (flags & MREMAP_FIXED &&
        (new_addr & PAGE_MASK || new_addr < VM_MIN_ADDR || !range_ok(new_addr, new_size) ||
         (new_addr < old_addr + old_size && old_addr < new_addr + new_size))) {
        return -EINVAL;
    }
    vm_lock_mm();
    int64_t result = remap_locked(old_addr, old_size, new_size, flags, new_addr);
    if (result >= 0) {
        populate_grown((uint64_t)result, new_size);
        area_merge_range((uint64_t)result, (uint64_t)result + new_size);
    }
    vm_unlock_mm();
    return result;
}

static int64_t brk_locked(uint64_t brk)
{
    uint64_t old_end = align_up(the_vm.brk_end, PAGE_SIZE), new_end = align_up(brk, PAGE_SIZE);
    if (new_end < old_end) {
        if (unmap_locked(new_end, old_end)) {
            return (int64_t)the_vm.brk_end;
        }
    } else if (new_end > old_end) {
        uint64_t limit = proc_limit(RLIMIT_DATA);
        struct vm_map_request r = {
            .addr = old_end,
            .size = new_end - old_end,
            .prot = PROT_READ | PROT_WRITE,
            .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
            .name = "[heap]",
        };
        if ((limit != RLIM_INFINITY && brk - the_vm.brk_start > limit) ||
            too_much(&r, brk - the_vm.brk_start) || map_locked(&r, r.size, NULL, NULL) < 0) {
            return (int64_t)the_vm.brk_end;
        }
    }
    the_vm.brk_end = brk;
    return (int64_t)brk;
}

int64_t vm_brk(uint64_t brk)
{
    if (brk < the_vm.brk_start || brk >= VM_END) {
        return (int64_t)the_vm.brk_end;
    }
    vm_lock_mm();
    int64_t result = brk_locked(brk);
    vm_unlock_mm();
    return result;
}

int64_t vm_map_stack(uint64_t limit_bytes)
{
    uint64_t size = align_up(min_u64(max_u64(limit_bytes, 32 * PAGE_SIZE), 1ul << 30), PAGE_SIZE);
    vm_lock_mm();
    struct area *a = area_create(the_vm.stack_top - size, the_vm.stack_top);
    if (a) {
        a->prot = VM_READ | VM_WRITE;
        a->stack = true;
        a->name = "[stack]";
        area_insert(a);
    }
    vm_unlock_mm();
    return a ? (int64_t)the_vm.stack_top : -ENOMEM;
}

/* Calls each for the parts of areas in [start, end). -ENOMEM if there are holes. */
static int for_each_part(uint64_t start, uint64_t end,
                         int (*each)(struct area *a, uint64_t from, uint64_t to))
{
    int hole = 0;
    uint64_t at = start;
    while (at < end) {
        struct area *a = area_find_from(at);
        if (!a || a->start >= end) {
            return -ENOMEM;
        }
        if (a->start > at) {
            hole = -ENOMEM;
            at = a->start;
        }
        uint64_t to = min_u64(end, a->end);
        int err = each ? each(a, at, to) : 0;
        if (err) {
            return err;
        }
        at = to;
    }
    return hole;
}

static int advise_drop(struct area *a, uint64_t from, uint64_t to)
{
    return a->pages || a->locked ? -EINVAL : unmap_pages_locked(from, to);
}

/* Of private anonymous memory only: a file's pages do not turn into zeros. */
static int advise_free(struct area *a, uint64_t from, uint64_t to)
{
    return a->map ? -EINVAL : advise_drop(a, from, to);
}

static int advise_remove(struct area *a, uint64_t from, uint64_t to)
{
    if (!a->map || a->locked) {
        return -EINVAL;
    }
    if (!a->shared || !(a->prot & VM_WRITE)) {
        return -EACCES;
    }
    if (a->map->ops && a->map->ops->fill) {
        return -EOPNOTSUPP; /* what is dropped would come back from the layer */
    }
    uint64_t first = (a->offset + (from - a->start)) >> PAGE_SHIFT;
    filemap_drop(a->map, first, first + (to - from) / PAGE_SIZE - 1);
    return 0;
}

static int advise_populate_read(struct area *a, uint64_t from, uint64_t to)
{
    (void)a;
    return populate_locked(from, to, VM_READ, ALLOC_OBJECT);
}

static int advise_populate_write(struct area *a, uint64_t from, uint64_t to)
{
    (void)a;
    return populate_locked(from, to, VM_WRITE, ALLOC_OBJECT);
}

static int advise_locked(uint64_t start, uint64_t end, int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
        return for_each_part(start, end, advise_drop);
    case MADV_FREE:
        return for_each_part(start, end, advise_free);
    case MADV_REMOVE:
        return for_each_part(start, end, advise_remove);
    case MADV_POPULATE_READ:
        return for_each_part(start, end, advise_populate_read);
    case MADV_POPULATE_WRITE:
        return for_each_part(start, end, advise_populate_write);
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
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return for_each_part(start, end, NULL);
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
    vm_lock_mm();
    int err = advise_locked(addr, end, advice);
    vm_unlock_mm();
    return err;
}

static int invalidate_part(struct area *a, uint64_t from, uint64_t to)
{
    (void)from, (void)to;
    return a->locked ? -EBUSY : 0;
}

static int sync_part(struct area *a, uint64_t from, uint64_t to)
{
    (void)from, (void)to;
    bool kept = a->shared && a->file && a->file->ops->fsync;
    return kept ? a->file->ops->fsync(a->file) : 0;
}

int vm_sync(uint64_t addr, uint64_t size, int flags)
{
    int known = MS_ASYNC | MS_INVALIDATE | MS_SYNC;
    if (addr & PAGE_MASK || flags & ~known ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
        return -EINVAL;
    }
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    if (end < addr || (size && end == addr)) {
        return -ENOMEM;
    }
    vm_lock_mm();
    int err = for_each_part(addr, end, flags & MS_INVALIDATE ? invalidate_part : NULL);
    if (!err && flags & MS_SYNC)
        err = for_each_part(addr, end, sync_part);
    vm_unlock_mm();
    return err;
}

static int set_locked(struct area *a, bool locked)
{
    if (a->locked != locked) {
        a->locked = locked;
        uint64_t pages = (a->end - a->start) / PAGE_SIZE;
        the_vm.locked_pages += locked ? pages : -pages;
    }
    return 0;
}

static int lock_part(struct area *a, uint64_t from, uint64_t to)
{
    set_locked(a, true);
    int err = a->prot ? populate_locked(from, to, populate_access(a), ALLOC_OBJECT) : 0;
    return err == -ENOMEM ? -EAGAIN : err ? -ENOMEM : 0; /* as mlock(2) names them */
}

static int unlock_part(struct area *a, uint64_t from, uint64_t to)
{
    (void)from;
    (void)to;
    return set_locked(a, false);
}

static int lock_range(uint64_t addr, uint64_t size,
                      int (*each)(struct area *a, uint64_t from, uint64_t to))
{
    uint64_t start = align_down(addr, PAGE_SIZE), end = align_up(addr + size, PAGE_SIZE);
    if (end < start || (size && end == start)) {
        return -EINVAL;
    }
    if (!size) {
        return 0;
    }
    vm_lock_mm();
    int err = area_split(start);
    err = err ? err : area_split(end);
    err = err ? err : for_each_part(start, end, each);
    area_merge_range(start, end);
    vm_unlock_mm();
    return err;
}

int vm_lock(uint64_t addr, uint64_t size)
{
    return lock_range(addr, size, lock_part);
}

int vm_unlock(uint64_t addr, uint64_t size)
{
    return lock_range(addr, size, unlock_part);
}
