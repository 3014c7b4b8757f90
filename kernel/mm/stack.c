/* Kernel stacks. A freed stack is kept mapped for the next thread, up to a few. */
#include "kernel/mm/stack.h"

#include "kernel/arch/pagetable.h"
#include "kernel/base/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"

#define SLOT_SIZE (2 * STACK_SIZE) /* the lower half is never mapped */
#define KEPT_MAX 16

static struct spinlock stack_lock = SPINLOCK_INIT(RANK_HEAP);
static uint64_t *kept; /* tops of mapped free stacks, chained through their first word */
static unsigned kept_count;
static uint64_t next_slot;

/* Slots that were used and unmapped, by number. */
static uint32_t free_slots[4096];
static unsigned free_slot_count;

static uint64_t slot_address(uint64_t slot)
{
    return stack_area_base() + slot * SLOT_SIZE + SLOT_SIZE;
}

static void *kept_take(void)
{
    spin_lock(&stack_lock);
    uint64_t *top = kept;
    if (top) {
        kept = (uint64_t *)top[-1];
        kept_count--;
    }
    spin_unlock(&stack_lock);
    return top;
}

static uint64_t slot_take(void)
{
    spin_lock(&stack_lock);
    uint64_t slot = free_slot_count ? free_slots[--free_slot_count] : next_slot++;
    spin_unlock(&stack_lock);
    return slot;
}

/* A slot that finds no place in the list is lost: only address space. */
static void slot_put(uint64_t slot)
{
    spin_lock(&stack_lock);
    if (free_slot_count < ARRAY_SIZE(free_slots)) {
        free_slots[free_slot_count++] = (uint32_t)slot;
    }
    spin_unlock(&stack_lock);
}

void *stack_alloc(void)
{
    void *top = kept_take();
    if (top) {
        return top;
    }
    uint64_t slot = slot_take();
    uint64_t address = slot_address(slot);
    if (pt_kernel_map(address - STACK_SIZE, STACK_SIZE)) {
        slot_put(slot);
        return NULL;
    }
    __atomic_fetch_add(&page_stats.stack_pages, STACK_SIZE / PAGE_SIZE, __ATOMIC_RELAXED);
    return (void *)address;
}

void stack_free(void *top)
{
    spin_lock(&stack_lock);
    bool keep = kept_count < KEPT_MAX || free_slot_count == ARRAY_SIZE(free_slots);
    if (keep) {
        ((uint64_t *)top)[-1] = (uint64_t)kept;
        kept = top;
        kept_count++;
    }
    spin_unlock(&stack_lock);
    if (keep) {
        return;
    }
    pt_kernel_unmap((uint64_t)top - STACK_SIZE, STACK_SIZE);
    __atomic_fetch_sub(&page_stats.stack_pages, STACK_SIZE / PAGE_SIZE, __ATOMIC_RELAXED);
    slot_put(((uint64_t)top - stack_area_base()) / SLOT_SIZE - 1);
}

bool stack_is_guard(uint64_t addr)
{
    uint64_t offset = addr - stack_area_base();
    return offset < next_slot * SLOT_SIZE && offset % SLOT_SIZE < STACK_SIZE;
}
