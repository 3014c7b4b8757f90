/* Areas: ranges of the address space with one backing and one protection, in a tree by address. */
#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/fd/file.h"
#include "kernel/mm/heap.h"
#include "kernel/vm/vm_priv.h"

struct address_space the_vm;

static struct area *area_of(struct rb_node *n)
{
    return n ? rb_entry(n, struct area, node) : NULL;
}

void vm_lock_mm(void) NO_LOCK_ANALYSIS
{
    mutex_lock(&the_vm.lock);
}

static void memory_put(struct shared_memory *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        filemap_fini(&m->map);
        heap_free(m);
    }
}

void area_destroy(struct area *a)
{
    if (a->memory) {
        memory_put(a->memory);
    }
    if (a->file) {
        file_put(a->file);
    }
    heap_free(a);
}

static void garbage_free(struct area *garbage)
{
    while (UNLIKELY(garbage != NULL)) {
        struct area *next = area_of(garbage->node.left);
        area_destroy(garbage);
        garbage = next;
        cond_resched();
    }
}

void vm_unlock_mm(void) NO_LOCK_ANALYSIS
{
    struct area *garbage = the_vm.garbage;
    the_vm.garbage = NULL;
    mutex_unlock(&the_vm.lock);
    garbage_free(garbage);
}

void vm_hand_over_mm(void) NO_LOCK_ANALYSIS
{
    struct area *garbage = the_vm.garbage;
    the_vm.garbage = NULL;
    mutex_hand_over(&the_vm.lock);
    garbage_free(garbage);
}

struct area *area_find_from(uint64_t addr)
{
    struct rb_node *n = the_vm.areas.root;
    struct area *best = NULL;
    while (n) {
        struct area *a = area_of(n);
        if (addr < a->end) {
            best = a;
            if (addr >= a->start) {
                break;
            }
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

struct area *area_find(uint64_t addr)
{
    struct area *a = the_vm.last_found;
    if (a && addr >= a->start && addr < a->end) {
        return a;
    }
    a = area_find_from(addr);
    if (!a || addr < a->start) {
        return NULL;
    }
    the_vm.last_found = a;
    return a;
}

struct area *area_next(struct area *a)
{
    return area_of(rb_next(&a->node));
}

struct area *area_prev(struct area *a)
{
    return area_of(rb_prev(&a->node));
}

struct area *area_create(uint64_t start, uint64_t end)
{
    struct area *a = heap_zalloc_object(sizeof(*a));
    if (a) {
        a->start = start;
        a->end = end;
        list_init(&a->map_node);
    }
    return a;
}

void area_insert(struct area *a)
{
    struct rb_node **link = &the_vm.areas.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = a->start < area_of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert(&the_vm.areas, &a->node, parent, link);
    the_vm.area_count++;
    uint64_t end = a->end;
    a->end = a->start;
    area_set_bounds(a, a->start, end);
}

void area_set_locked(struct area *a, bool locked, bool on_fault)
{
    if (locked != a->locked) {
        uint64_t pages = (a->end - a->start) / PAGE_SIZE;
        the_vm.locked_pages += locked ? pages : -pages;
    }
    a->locked = locked;
    a->lock_on_fault = locked && on_fault;
}

static bool counts_as_writer(const struct area *a)
{
    return a->shared && a->map && a->prot & VM_WRITE;
}

void area_attach(struct area *a, struct filemap *map)
{
    a->map = map;
    list_add_tail(&map->areas, &a->map_node);
    map->executed |= (a->prot & VM_EXEC) != 0;
    map->writable_maps += counts_as_writer(a);
}

void area_remove(struct area *a)
{
    rb_erase(&the_vm.areas, &a->node);
    the_vm.area_count--;
    uint64_t pages = (a->end - a->start) / PAGE_SIZE;
    the_vm.mapped_pages -= pages;
    the_vm.locked_pages -= a->locked ? pages : 0;
    if (the_vm.last_found == a) {
        the_vm.last_found = NULL;
    }
    if (a->map) {
        a->map->writable_maps -= counts_as_writer(a);
        list_remove(&a->map_node);
    }
    a->node.left = the_vm.garbage ? &the_vm.garbage->node : NULL;
    the_vm.garbage = a;
}

struct area *area_clone(const struct area *a, uint64_t addr, uint64_t start, uint64_t end)
{
    struct area *clone = area_create(start, end);
    if (!clone) {
        return NULL;
    }
    clone->prot = a->prot;
    clone->shared = a->shared;
    clone->locked = a->locked;
    clone->lock_on_fault = a->lock_on_fault;
    clone->grows_down = a->grows_down;
    clone->small = a->small;
    clone->file = a->file ? file_get(a->file) : NULL;
    clone->memory = a->memory;
    if (clone->memory) {
        __atomic_fetch_add(&clone->memory->refs, 1, __ATOMIC_RELAXED);
    }
    clone->pages = a->pages;
    clone->offset = a->offset + (addr - a->start);
    clone->name = a->name;
    return clone;
}

int area_split(uint64_t addr)
{
    struct area *low = area_find(addr);
    if (!low || low->start == addr) {
        return 0;
    }
    if (too_many_areas(1)) {
        return -ENOMEM;
    }
    /* A huge page lies in one area: what removes or protects whole areas needs no memory then. */
    struct area *high = pt_split(addr) ? NULL : area_clone(low, addr, addr, low->end);
    if (!high) {
        return -ENOMEM;
    }
    area_set_bounds(low, low->start, addr);
    area_insert(high);
    if (low->map) {
        area_attach(high, low->map);
    }
    return 0;
}

/* What a paused operation works on keeps its borders. */
static bool at_paused(uint64_t addr)
{
    uint64_t from;
    return UNLIKELY(!list_empty(&the_vm.paused)) && vm_paused_at(addr - 1, addr + 1, &from);
}

/* Whether b, right behind a, is its continuation. */
static bool mergeable(const struct area *a, const struct area *b)
{
    return a && b && a->end == b->start && !at_paused(b->start) && a->prot == b->prot &&
           a->shared == b->shared && a->locked == b->locked &&
           a->lock_on_fault == b->lock_on_fault && a->grows_down == b->grows_down &&
           a->small == b->small && a->file == b->file && a->map == b->map &&
           a->memory == b->memory && !a->pages && !b->pages && a->name == b->name &&
           ((!a->map && !a->file) || a->offset + (a->end - a->start) == b->offset);
}

static struct area *merge_pair(struct area *a, struct area *b)
{
    if (!mergeable(a, b)) {
        return b;
    }
    uint64_t end = b->end;
    area_remove(b);
    area_set_bounds(a, a->start, end);
    return a;
}

static struct area *merge(struct area *a)
{
    struct area *prev = area_prev(a);
    if (prev) {
        a = merge_pair(prev, a);
    }
    struct area *next = area_next(a);
    if (next) {
        (void)merge_pair(a, next);
    }
    return a;
}

void area_merge_range(uint64_t start, uint64_t end)
{
    for (struct area *a = area_find_from(start); a && a->start <= end; a = area_next(a)) {
        a = merge(a);
    }
}

/* The last area that starts below addr, or NULL. */
static struct area *find_below(uint64_t addr)
{
    struct rb_node *n = the_vm.areas.root;
    struct area *best = NULL;
    while (n) {
        struct area *a = area_of(n);
        if (a->start < addr) {
            best = a;
            n = n->right;
        } else {
            n = n->left;
        }
    }
    return best;
}

/* Where a mapping below a ends: what grows down keeps room to. */
static uint64_t start_with_room(const struct area *a)
{
    return !a->grows_down ? a->start : a->start > GUARD_GAP ? a->start - GUARD_GAP : 0;
}

/* Where the search goes on below top, if a paused operation has [addr, addr + size). */
static bool is_paused(uint64_t addr, uint64_t size, uint64_t *top)
{
    return UNLIKELY(!list_empty(&the_vm.paused)) && vm_paused_at(addr, addr + size, top);
}

static uint64_t scan_gap(uint64_t top, uint64_t size, uint64_t alignment)
{
    struct area *below = find_below(top);
    const struct area *above = below ? area_next(below) : area_find_from(top);
    if (above && above->start >= top) {
        top = min_u64(top, start_with_room(above));
    }
    for (;;) {
        while (below && below->end > top) {
            top = min_u64(top, start_with_room(below));
            below = area_prev(below);
        }
        uint64_t floor = below ? max_u64(below->end, VM_MIN_ADDR) : VM_MIN_ADDR;
        uint64_t addr = top >= floor + size ? align_down(top - size, alignment) : 0;
        if (addr >= floor) {
            if (!is_paused(addr, size, &top)) {
                return addr;
            }
            continue;
        }
        if (!below) {
            return 0;
        }
        top = start_with_room(below);
        below = area_prev(below);
    }
}

uint64_t area_find_gap(uint64_t size, uint64_t alignment)
{
    uint64_t addr = scan_gap(the_vm.scan_from, size, alignment);
    if (!addr && the_vm.scan_from < the_vm.mmap_base) {
        addr = scan_gap(the_vm.mmap_base, size, alignment);
    }
    if (addr) {
        the_vm.scan_from = addr + size;
    }
    return addr;
}

uint64_t area_find_gap_below(uint64_t top, uint64_t size)
{
    return scan_gap(top, size, PAGE_SIZE);
}
