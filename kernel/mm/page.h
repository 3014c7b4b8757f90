/*
 * Physical pages: a buddy allocator whose free memory is taken in lazily, 4 MiB at a time, so that
 * boot does not depend on how much memory there is. Memory never used since power-on is zero, and
 * known to be.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct filemap;

struct page {
    uint32_t refs; /* 0: free */
    uint8_t order; /* of the block this page heads */
    uint8_t flags; /* PAGE_* */
    uint16_t reserved;
    int32_t mapcount; /* page-table entries that map it */
    uint32_t pad;
    struct filemap *map;  /* page cache it belongs to, or NULL */
    uint64_t index;       /* page number in map */
    struct list_node lru; /* free list, or the cache's least-recently-used list */
    uint64_t private;     /* for map's owner */
};

#define PAGE_FLAG_ZERO 0x01u     /* free and known to be all zeros */
#define PAGE_FLAG_BUDDY 0x02u    /* heads a free block */
#define PAGE_FLAG_UPTODATE 0x04u /* cache: holds the data */
#define PAGE_FLAG_DIRTY 0x08u    /* cache: differs from what it came from; not to be evicted */
#define PAGE_FLAG_ACTIVE 0x10u   /* cache: used since the clock hand passed */
#define PAGE_FLAG_SLAB 0x20u     /* the kernel heap's */
#define PAGE_FLAG_LOCKED 0x40u   /* cache: being filled */
#define PAGE_FLAG_FOREIGN 0x80u  /* memory the allocator does not own */

/* page_alloc flags */
#define ALLOC_ZERO 0x1u      /* all zeros */
#define ALLOC_NORECLAIM 0x2u /* fail rather than evict page-cache pages (callers under locks) */
#define ALLOC_USER 0x4u      /* the program's own memory and its page tables */
#define ALLOC_OBJECT 0x8u    /* an object of the kernel that a call makes and that stays */
#define ALLOC_LOCKED                                                                               \
    0x10u /* a spin lock of a rank above DENTRY is held: names are not given back */

/*
 * Who may take the last memory. Every page that is taken for long makes the page cache smaller; a
 * program whose text no longer fits does nothing but read it back. So three classes of allocations
 * stop at different marks:
 *
 * - ALLOC_OBJECT first: objects that have a quarter of memory leave an eighth to clean file pages
 * and something free, and they take at most half of memory altogether. The call that wanted one
 * fails with the error that Linux has for it (ENOMEM, ENOSPC, EAGAIN, ENOLCK, ENOBUFS), and the
 * program lives. Whatever a program can make as many of as it likes is one: use heap_alloc_object()
 * and heap_zalloc_object(), or this flag for whole pages; nothing has to be accounted for when it
 * goes. Files' data and names are file storage, which the filesystem limits (-ENOSPC).
 * - ALLOC_USER next: it leaves a thirty-second part. Behind it the program is ended with a line
 * that says why (proc_out_of_memory()).
 * - All others, which are needed to go on, are short-lived or limited in number (struct file,
 * threads, buffers of one call, cached names, file pages), get what there is. Of them, several
 * pages in one piece leave file pages alone as objects do.
 */

/* Gives back memory that holds what can be read or made again, about count pages of it, but leaves
 * keep clean pages of files, and names unless names is set; the caches above implement it
 * (vfs/reclaim.c). False: there was none. Never sleeps. */
bool page_reclaim(unsigned count, uint64_t keep, bool names);
/* Whether a page of this class (ALLOC_USER, ALLOC_OBJECT) could still be had, by giving back others
 * if need be. The half that objects may take is not looked at. */
bool page_room(unsigned class);

/* 2^order pages, physically contiguous and aligned, one reference. NULL if there is no memory of
 * that class even after giving back clean cache pages (which may take locks up to RANK_FILEMAP, but
 * does not sleep on I/O). */
struct page *page_alloc(unsigned order, unsigned flags);
struct page *page_get(struct page *p);
void page_put(struct page *p); /* frees at 0 */

/* Makes a block of several pages, each with the block's references, into single ones. */
void page_split(struct page *p);

void *page_virt(const struct page *p); /* in the direct map */
paddr_t page_phys(const struct page *p);
struct page *page_of_phys(paddr_t phys);
struct page *page_of_virt(const void *virt); /* of the direct map */
void page_zero(struct page *p);              /* one page */

struct page_stats {
    uint64_t total_pages, free_pages, cache_pages, dirty_pages, anon_pages, slab_pages, table_pages,
        stack_pages;
};
extern struct page_stats page_stats; /* kept by their owners with plain atomics */
