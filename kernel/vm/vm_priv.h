/* Inside of vm/: areas and the address space. All under the mm mutex. */
#pragma once

#include "kernel/arch/pagetable.h"
#include "kernel/base/rbtree.h"
#include "kernel/mm/page.h"
#include "kernel/sync/mutex.h"
#include "kernel/vfs/filemap.h"
#include "kernel/vm/vm.h"

struct file;

/* A page cache that belongs to no file: MAP_SHARED | MAP_ANONYMOUS. */
struct shared_memory {
    struct filemap map;
    uint32_t refs;
};

struct area {
    struct rb_node node;
    uint64_t start, end; /* page aligned */
    uint32_t prot;       /* VM_* */
    bool shared, locked, stack;
    struct file *file;            /* owned, or NULL */
    struct filemap *map;          /* what backs it, or NULL: zeros */
    struct shared_memory *memory; /* owned, or NULL */
    struct page **pages;          /* kernel-owned pages behind it (vDSO), or NULL */
    uint64_t offset;              /* bytes: start's place in map or pages */
    const char *name;             /* or NULL */
    struct list_node map_node;    /* in map->areas */
};

struct address_space {
    struct mutex lock;
    struct rb_tree areas;
    struct area *last_found;
    struct area *garbage; /* freed after the lock is released; chained through node */
    uint64_t mmap_base;   /* mappings go below it */
    uint64_t scan_from;   /* there may be a gap below this */
    uint64_t brk_start, brk_end, stack_top;
    uint64_t mapped_pages, resident_pages, shared_pages, locked_pages;
    uint64_t peak_resident, peak_mapped;
    uint64_t minor_faults, major_faults;
    uint64_t huge_after; /* free pages above which huge pages are used */
};

extern struct address_space the_vm;

#define VM_MIN_ADDR 0x10000ul /* nothing is ever mapped below */
#define VM_END 0x7ffffffff000ul
#define GUARD_GAP (256 * PAGE_SIZE) /* below the stack */

void vm_lock_mm(void) ACQUIRES(the_vm.lock);
/* Releases the lock, then frees what areas left behind. */
void vm_unlock_mm(void) RELEASES(the_vm.lock);

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
/* Links a to map's list. */
void area_attach(struct area *a, struct filemap *map);

/* Removes pages and areas of [start, end). */
MUST_CHECK int unmap_locked(uint64_t start, uint64_t end);
/* Removes the pages only. */
MUST_CHECK int unmap_pages_locked(uint64_t start, uint64_t end);
enum vm_fault_result fault_locked(uint64_t addr, uint32_t access);
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
