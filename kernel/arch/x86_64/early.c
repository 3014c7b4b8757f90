/*
 * Before the kernel stands at its final address: chooses random bases, applies the relocations,
 * and maps the kernel high, each part with its own protection, beside the direct map.
 *
 * Runs one-to-one mapped and unrelocated: only this file's own data and code may be used, no
 * pointers in tables, no stack protector.
 */
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/stages.h"
#include "kernel/platform/pvh.h"

uint64_t direct_map_base, kernel_slide;
paddr_t kernel_pml4, early_end;

extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];
extern char boot_stack_guard[];
extern uint64_t boot_pml4[512];

/* The pointers in the kernel's data, packed (ELF's RELR): an even word is the address of one, an
 * odd word has a bit for each of the 63 words that follow. */
extern uint64_t relr_start[], relr_end[];

/* What the compiler's stack protector compares with. */
extern uint64_t __stack_chk_guard;
uint64_t __stack_chk_guard;

#define EARLY __attribute__((no_stack_protector))

uint64_t boot_early(paddr_t start_info);

EARLY static uint64_t early_random(void)
{
    uint32_t id[4];
    uint64_t value = cpu_read_tsc() * 0x9e3779b97f4a7c15ul;
    cpu_id(1, 0, id);
    if (id[2] & 1u << 30) {
        uint64_t hard;
        __asm__ volatile("rdrand %0" : "=r"(hard) : : "cc");
        value ^= hard;
    }
    return value ^ value >> 29;
}

EARLY static uint64_t *early_table(void)
{
    uint64_t *table = (uint64_t *)early_end;
    early_end += PAGE_SIZE;
    uint64_t *at = table, count = 512;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(count) : "a"(0ul) : "memory");
    return table;
}

/* The entry's next table, made if there is none. */
EARLY static uint64_t *early_descend(uint64_t *entry)
{
    if (!*entry) {
        *entry = (uint64_t)early_table() | PTE_PRESENT | PTE_WRITE;
    }
    return (uint64_t *)(*entry & PTE_ADDRESS);
}

/* The table of pages for virt. */
EARLY static uint64_t *early_pages(uint64_t virt)
{
    uint64_t *pdpt = early_descend(&boot_pml4[virt >> 39 & 511]);
    uint64_t *pd = early_descend(&pdpt[virt >> 30 & 511]);
    return early_descend(&pd[virt >> 21 & 511]);
}

EARLY static uint64_t kernel_flags(paddr_t phys)
{
    if (phys == (paddr_t)boot_stack_guard) {
        return 0;
    }
    if (phys < (paddr_t)kernel_text_end) {
        return PTE_PRESENT;
    }
    if (phys < (paddr_t)kernel_rodata_end) {
        return PTE_PRESENT | PTE_NX;
    }
    return PTE_PRESENT | PTE_WRITE | PTE_NX;
}

EARLY static void map_kernel(void)
{
    uint64_t *pt = NULL;
    for (paddr_t p = (paddr_t)kernel_start; p < (paddr_t)kernel_end; p += PAGE_SIZE) {
        if (!pt || !(p & (HUGE_SIZE - 1))) {
            pt = early_pages(p + kernel_slide);
        }
        pt[p >> 12 & 511] = p | kernel_flags(p);
    }
}

/* The part of the direct map around the kernel, page by page: what is read-only there is so in
 * this second mapping too. */
EARLY static void map_direct_low(paddr_t phys)
{
    uint64_t *pt = early_pages(direct_map_base + phys);
    for (paddr_t p = phys; p < phys + HUGE_SIZE; p += PAGE_SIZE) {
        bool ours = p >= (paddr_t)kernel_start && p < (paddr_t)kernel_end;
        uint64_t flags = ours ? kernel_flags(p) : PTE_PRESENT | PTE_WRITE;
        pt[p >> 12 & 511] = flags ? p | flags | PTE_NX : 0;
    }
}

EARLY static void map_direct(paddr_t end)
{
    uint32_t id[4];
    cpu_id(0x80000001, 0, id);
    bool gib_pages = id[3] & 1u << 26;
    for (paddr_t gib = 0; gib < end; gib += 1ul << 30) {
        uint64_t virt = direct_map_base + gib;
        uint64_t *pdpt = early_descend(&boot_pml4[virt >> 39 & 511]);
        uint64_t *entry = &pdpt[virt >> 30 & 511];
        if (gib && gib_pages) {
            *entry = gib | PTE_PRESENT | PTE_WRITE | PTE_HUGE | PTE_NX;
            continue;
        }
        uint64_t *pd = early_descend(entry);
        for (uint64_t i = 0; i < 512 && gib + i * HUGE_SIZE < end; i++) {
            paddr_t p = gib + i * HUGE_SIZE;
            if (p < align_up((paddr_t)kernel_end, HUGE_SIZE)) {
                map_direct_low(p);
            } else {
                pd[i] = p | PTE_PRESENT | PTE_WRITE | PTE_HUGE | PTE_NX;
            }
        }
    }
}

EARLY static paddr_t memory_end(const struct pvh_start_info *info)
{
    const struct pvh_memory_range *range = (const struct pvh_memory_range *)info->memory_map;
    paddr_t end = 0;
    for (uint32_t i = 0; i < info->memory_map_entries; i++) {
        if (range[i].type == PVH_MEMORY_RAM && range[i].address + range[i].size > end) {
            end = range[i].address + range[i].size;
        }
    }
    return end;
}

EARLY static void relocate(void)
{
    uint64_t *next = relr_start; /* the first word is an address */
    for (uint64_t *entry = relr_start; entry < relr_end; entry++) {
        if (!(*entry & 1)) {
            next = (uint64_t *)*entry;
            *next++ += kernel_slide;
            continue;
        }
        for (uint64_t bits = *entry >> 1; bits; bits &= bits - 1) {
            next[__builtin_ctzl(bits)] += kernel_slide;
        }
        next += 63;
    }
}

/* start_info: physical address of the PVH start information. Returns the slide. */
EARLY uint64_t boot_early(paddr_t start_info)
{
    stage_reached(ORRIS_STAGE_FIRMWARE);
    uint64_t random = early_random();
    __stack_chk_guard = random * 0x9e3779b97f4a7c15ul & ~0xfful; /* a NUL stops string copies */
    early_end = (paddr_t)kernel_end;
    kernel_pml4 = (paddr_t)boot_pml4;
    kernel_slide = KERNEL_SLOT + (random & 255) * HUGE_SIZE;
    direct_map_base = DIRECT_MAP_SLOT + (random >> 8 & 127) * (1ul << 30);
    pvh_start_info_phys = start_info;
    relocate();
    map_kernel();
    map_direct(memory_end((const struct pvh_start_info *)start_info));
    cpu_write_cr3(kernel_pml4);
    return kernel_slide;
}
