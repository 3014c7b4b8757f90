/* The page-table tree: what ranges of the address space map. The caller (vm/) holds the mm mutex,
 * so nobody changes the program's half at the same time. */
#pragma once

#include "kernel/base/types.h"

struct page;

#define PT_READ 0x1u
#define PT_WRITE 0x2u
#define PT_EXEC 0x4u

struct pt_entry {
    struct page *page; /* of the small or huge page; NULL: nothing mapped */
    bool huge, writable, dirty, accessed;
};

/* Maps one page (or one 2 MiB block) in the program's half over nothing or over another page;
 * takes no reference. Returns 0 or -ENOMEM. */
MUST_CHECK int pt_map(uint64_t addr, struct page *page, uint32_t prot, bool huge);
/* What is mapped at addr. */
struct pt_entry pt_lookup(uint64_t addr);
/* Gives back tables that nothing is in, of [start, end) and around it down to floor and up to
 * ceiling, between which nothing is mapped or about to be. */
void pt_free_tables(uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);
/* The first page in [addr, end) that is mapped (inside of a huge page: addr itself), or end. Steps
 * over what has no tables, so that a large empty range costs little. */
uint64_t pt_next(uint64_t addr, uint64_t end);
/* The first address from addr on, below end, that has page tables of the lower levels: a look at a
 * GiB each, or at 512 where not even those are. end if none has. */
uint64_t pt_next_table(uint64_t addr, uint64_t end);
/* Splits the huge page around addr, if there is one that addr is not the border of. */
MUST_CHECK int pt_split(uint64_t addr);
/* Whether nothing is mapped in the 2 MiB block at addr (aligned), so that it could be mapped huge.
 */
bool pt_huge_possible(uint64_t addr);
/* Removes the mappings in [start, end) and calls each for every page that was mapped. A huge page
 * that is only partly in the range is split first; returns -ENOMEM if it can't be. */
MUST_CHECK int pt_unmap(uint64_t start, uint64_t end, void (*each)(struct page *page, bool huge));
/* Sets the protection of what is mapped in [start, end). A page for which may_write says no is
 * not made writable even if prot has PT_WRITE (copy on write). */
MUST_CHECK int pt_protect(uint64_t start, uint64_t end, uint32_t prot,
                          bool (*may_write)(struct page *page));
/* Moves the mappings of [from, from + size) to to, where nothing is mapped. All or, with -ENOMEM,
 * none. */
MUST_CHECK int pt_move(uint64_t from, uint64_t to, uint64_t size);
/* Frees all tables of the program's half; nothing is mapped there any more. */
void pt_reset(void);

/* The kernel's own mappings, outside the direct map: stacks. Each page of [addr, addr + size) gets
 * a fresh page. Returns 0 or -ENOMEM. */
MUST_CHECK int pt_kernel_map(uint64_t addr, size_t size);
void pt_kernel_unmap(uint64_t addr, size_t size);
/* Where kernel stacks go (random). */
uint64_t stack_area_base(void);
