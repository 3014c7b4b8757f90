/* Inside of vm/: areas and the address space. All under the mm mutex. */
#pragma once

#include "kernel/arch/pagetable.h"
#include "kernel/base/rbtree.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/mutex.h"
#include "kernel/vfs/filemap.h"
#include "kernel/vm/vm.h"

struct file;

/* A page cache that belongs to no file: MAP_SHARED | MAP_ANONYMOUS. */
struct shared_memory {
    struct filemap map;
    uint32_t refs;
    uint32_t inode; /* what tells it from others in /proc/self/maps */
};

struct area {
    struct rb_node node;
    uint64_t start, end; /* page aligned */
    uint32_t prot;       /* VM_* */
    bool shared, locked, lock_on_fault, grows_down;
    bool small;                   /* no huge pages: MAP_STACK, of which a thread uses little */
    struct file *file;            /* owned, or NULL */
    struct filemap *map;          /* what backs it, or NULL: zeros */
    struct shared_memory *memory; /* owned, or NULL */
    struct page **pages;          /* kernel-owned pages behind it (vDSO), or NULL */
    uint64_t offset;              /* bytes: start's place in map or pages */
    const char *name;             /* or NULL */
    struct list_node map_node;    /* in map->areas */
};

/* An operation on ranges of the address space, on its caller's stack. While it gives way in its
 * midst, who wants these ranges waits: other operations, and faults. */
struct vm_op {
    struct list_node node; /* in the_vm.paused, once it has given way */
    struct {
        uint64_t start, end;
    } range[2], unshared; /* unshared: of mprotect, what locked private areas are to copy at once */
};

struct address_space {
    struct mutex lock;
    struct list_node paused; /* struct vm_op */
    struct waitq settled;    /* woken when one of them ends */
    struct rb_tree areas;
    struct area *last_found;
    struct area *garbage; /* freed after the lock is released; chained through node */
    uint64_t mmap_base;   /* mappings go below it */
    uint64_t scan_from;   /* there may be a gap below this */
    uint64_t brk_start, brk_end, stack_top;
    uint64_t mapped_pages, resident_pages, shared_pages, locked_pages;
    uint64_t area_count, area_limit; /* /proc/sys/vm/max_map_count */
    bool lock_future, lock_on_fault; /* mlockall */
    uint64_t peak_resident, peak_mapped;
    uint64_t minor_faults, major_faults;
    uint64_t huge_after; /* free pages above which huge pages are used */
};

extern struct address_space the_vm;

#define VM_MIN_ADDR 0x10000ul /* nothing is mapped below but by who may and insists */
#define VM_END 0x7ffffffff000ul
#define GUARD_GAP (256 * PAGE_SIZE) /* below what grows down */

void vm_lock_mm(void) ACQUIRES(the_vm.lock);
/* Releases the lock, then frees what areas left behind. */
void vm_unlock_mm(void) RELEASES(the_vm.lock);

/* Locks the address space when nobody works on [start, end), and begins op on it. */
void vm_begin(struct vm_op *op, uint64_t start, uint64_t end) ACQUIRES(the_vm.lock);
/* The same on nothing in particular. */
void vm_begin_anywhere(struct vm_op *op) ACQUIRES(the_vm.lock);
/* Adds a second range that is nobody's yet, or (false) waits for who has it: then the lock was
 * given up, and what was looked at must be again. */
bool vm_also(struct vm_op *op, uint64_t start, uint64_t end);
/* Where op can be left for a while: lets others in if it is time. True: it did. */
bool vm_pause(struct vm_op *op);
/* Between these the lock is not held, and op's ranges are kept. */
void vm_leave(struct vm_op *op);
void vm_return(struct vm_op *op);
/* Done with the ranges, not yet with the lock. */
void vm_settle(struct vm_op *op);
void vm_end(struct vm_op *op) RELEASES(the_vm.lock);
/* The end of a range of a paused operation that [start, end) touches, and its start; 0: none. */
uint64_t vm_paused_at(uint64_t start, uint64_t end, uint64_t *from);
/* Waits until no paused operation touches [start, end); false: none did, and the lock was held
 * throughout. */
bool vm_wait_for_paused(uint64_t start, uint64_t end);
static inline bool vm_wait_settled(uint64_t start, uint64_t end)
{
    return UNLIKELY(!list_empty(&the_vm.paused)) && vm_wait_for_paused(start, end);
}
/* The first mapped page in [at, end), or end; gives way. */
uint64_t vm_next_mapped(struct vm_op *op, uint64_t at, uint64_t end);
#define CHUNK_SIZE HUGE_SIZE /* what is worked on between two pauses */
static inline uint64_t chunk_end(uint64_t at, uint64_t end)
{
    return min_u64(end, align_down(at, CHUNK_SIZE) + CHUNK_SIZE);
}

/* As vm_unlock_mm(), and who waits first has the lock next. */
void vm_hand_over_mm(void) RELEASES(the_vm.lock);

/* The area that holds addr, or the first one above it. */
struct area *area_find_from(uint64_t addr);
struct area *area_find(uint64_t addr); /* holds addr, or NULL */
struct area *area_next(struct area *a);
struct area *area_prev(struct area *a);
struct area *area_create(uint64_t start, uint64_t end);
void area_insert(struct area *a);
/* Takes a out of the tree and puts it on the garbage list. */
void area_remove(struct area *a);
/* Makes addr a border between areas. Returns 0 or -ENOMEM. */
MUST_CHECK int area_split(uint64_t addr);
/* Joins the areas of [start, end] with their neighbours where they are alike. */
void area_merge_range(uint64_t start, uint64_t end);
/* A new area for [start, end) that shows what a shows from addr on; not yet in the tree. */
struct area *area_clone(const struct area *a, uint64_t addr, uint64_t start, uint64_t end);
/* A gap of size bytes, aligned; 0: none. */
uint64_t area_find_gap(uint64_t size, uint64_t alignment);
/* The same, wholly below top. */
uint64_t area_find_gap_below(uint64_t top, uint64_t size);
/* Frees an area that is in no tree. Without the lock. */
void area_destroy(struct area *a);
/* Links a to map's list. */
void area_attach(struct area *a, struct filemap *map);

/* Removes pages and areas of [start, end), a range of op. Gives way in its midst, but at its end
 * the range is empty and the lock held. -ENOMEM: nothing done. */
MUST_CHECK int unmap_range(struct vm_op *op, uint64_t start, uint64_t end);
/* Removes the pages only; may give way. */
MUST_CHECK int unmap_range_pages(struct vm_op *op, uint64_t start, uint64_t end);
/* The same for a few pages, without giving way. */
MUST_CHECK int unmap_pages_locked(uint64_t start, uint64_t end);
/* May give the lock up to wait for an operation. */
enum vm_fault_result fault_locked(uint64_t addr, uint32_t access);
/* Faults [start, end) in, without the lock held; a signal that ends the program ends it. Returns 0,
 * -ENOMEM (a hole, no memory), -EFAULT (beyond the end of a file), -EINVAL (not allowed), -EINTR.
 * access 0: as each area is populated; holes are none's. */
MUST_CHECK int populate(uint64_t start, uint64_t end, uint32_t access);
/* The same as each area is populated, as far as it can be. */
void populate_ignoring(uint64_t start, uint64_t end);
/* The same, of private areas that are locked. */
void populate_locked_areas(uint64_t start, uint64_t end);
static inline uint32_t prot_to_vm(uint32_t prot) /* PROT_* */
{
    return (prot & 0x1 ? VM_READ : 0) | (prot & 0x2 ? VM_WRITE : 0) | (prot & 0x4 ? VM_EXEC : 0);
}
/* Whether more bytes are beyond RLIMIT_AS. */
bool over_limit(uint64_t more);
/* Whether bytes more may be locked in memory (RLIMIT_MEMLOCK). */
bool may_lock(uint64_t more);
static inline bool range_ok(uint64_t start, uint64_t size)
{
    return size <= VM_END && start <= VM_END - size;
}
bool range_is_free(uint64_t start, uint64_t size);
/* The same, leaving what grows down its room. */
bool hint_is_free(uint64_t start, uint64_t size);
/* Counts the area's change of size or of being locked: add it anew after taking it away. */
static inline void area_set_bounds(struct area *a, uint64_t start, uint64_t end)
{
    uint64_t more = (end - start) / PAGE_SIZE - (a->end - a->start) / PAGE_SIZE;
    the_vm.mapped_pages += more;
    the_vm.locked_pages += a->locked ? more : 0;
    the_vm.peak_mapped = max_u64(the_vm.peak_mapped, the_vm.mapped_pages);
    a->start = start;
    a->end = end;
}
void area_set_locked(struct area *a, bool locked, bool on_fault);
/* mmap's own needs a number of areas more. */
static inline bool too_many_areas(uint64_t more)
{
    return the_vm.area_count + more > the_vm.area_limit;
}
/* Whether a page may become writable in place: it is the program's alone. */
bool page_may_write(struct page *page);
static inline uint32_t area_pt_prot(const struct area *a)
{
    /* On this kind of page table what can be written or executed can be read. */
    return (a->prot ? PT_READ : 0) | (a->prot & VM_WRITE ? PT_WRITE : 0) |
           (a->prot & VM_EXEC ? PT_EXEC : 0);
}
/* With ORRIS_OPTION_MAPS: tells the tool of code that was mapped at addr (or an error). */
void vm_tell_mapping(const struct vm_map_request *r, int64_t addr);
/* Whether a debugger is to see all of this mapping. */
bool vm_debugged(const struct vm_map_request *r);
