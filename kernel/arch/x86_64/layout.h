/* The kernel's half of the address space. Each base is random within its slot. */
#pragma once

#include "kernel/base/types.h"

#define DIRECT_MAP_SLOT 0xffff888000000000ul /* all of physical memory, never executable */
#define STACK_SLOT 0xffffc90000000000ul      /* kernel stacks, a guard page under each */
#define DEVICE_SLOT 0xffffe90000000000ul     /* device registers */
#define KERNEL_SLOT 0xffffffff80000000ul     /* code and data */

extern uint64_t direct_map_base; /* virtual address of physical 0 */
extern uint64_t kernel_slide;    /* added to a link address gives the virtual one */
extern paddr_t kernel_pml4;      /* the one page-table root */

static inline void *phys_to_virt(paddr_t phys)
{
    return (void *)(direct_map_base + phys);
}
static inline paddr_t virt_to_phys(const void *virt)
{
    return (uint64_t)virt - direct_map_base;
}

/* Page-table entry bits. */
#define PTE_PRESENT 0x1ul
#define PTE_WRITE 0x2ul
#define PTE_USER 0x4ul
#define PTE_NO_CACHE 0x18ul
#define PTE_ACCESSED 0x20ul
#define PTE_DIRTY 0x40ul
#define PTE_HUGE 0x80ul
#define PTE_NX (1ul << 63)
#define PTE_ADDRESS 0x000ffffffffff000ul

/* First free physical byte after what boot used. */
extern paddr_t early_end;
