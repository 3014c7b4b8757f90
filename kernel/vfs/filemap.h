/*
 * A page cache: the pages of one file, by page number. Root files, tmpfs files and memfds all keep
 * their data in one, and mmap shares its pages.
 */
#pragma once

#include "kernel/base/radix.h"
#include "kernel/mm/page.h"
#include "kernel/sync/mutex.h"

struct filemap;

struct filemap_ops {
    /* Fills up to count consecutive pages starting at index with data (zeros beyond the end of
     * what there is). May sleep. Pages are new, exclusively ours. Returns 0, -EIO, -ENOMEM.
     * NULL: new pages are zero (tmpfs). */
    int (*fill)(struct filemap *map, uint64_t index, struct page **pages, unsigned count);
    /* Accounts for one more page that can't be evicted, before it is dirtied for the first time:
     * 0 or -ENOSPC. NULL: no limit. Must not sleep. */
    int (*charge)(struct filemap *map);
    void (*uncharge)(struct filemap *map, uint64_t pages); /* must not sleep */
};

struct filemap {
    struct mutex lock;  /* filling, truncating */
    struct radix pages; /* struct page by index; it and the pages' flags under the cache's lock */
    uint64_t page_count, dirty_count;
    uint64_t read_next;     /* the index behind what was read last: a miss there is sequential */
    uint32_t read_window;   /* pages to read at once */
    uint32_t read_around;   /* pages to read at once when access is random; a power of two */
    struct list_node areas; /* vm areas that map it: vm's business, under the mm mutex */
    const struct filemap_ops *ops;
    uint64_t size;             /* bytes: the file's size; beyond its last page: SIGBUS */
    uint32_t seals;            /* F_SEAL_*, of a memfd */
    bool writable_maps_denied; /* by a seal */
    bool executed;             /* has been mapped to be executed */
    uint32_t writable_maps;    /* shared areas through which it can be written: vm's count */
};

void filemap_init(struct filemap *map, const struct filemap_ops *ops);
/* Drops all pages; nobody may have the file mapped. */
void filemap_fini(struct filemap *map);

#define FILEMAP_READ 0x0u
#define FILEMAP_WRITE 0x1u     /* the caller will change the page: it becomes dirty */
#define FILEMAP_NOWAIT 0x2u    /* only if it is there already: else -EAGAIN */
#define FILEMAP_OVERWRITE 0x4u /* with WRITE: all of the page will be overwritten: no fill */

/* The page with a reference. Returns 0, -EIO, -ENOMEM, -ENOSPC, -EAGAIN. Does not look at size.
 * Reads ahead when access looks sequential. */
int filemap_get_page(struct filemap *map, uint64_t index, unsigned flags, struct page **out);
/* The page, if cached and filled, with a reference; else NULL. Never sleeps. */
struct page *filemap_find_page(struct filemap *map, uint64_t index);
/* The same for count pages from index on: pages[i] is NULL where there is none. They do not count
 * as used. Returns how many there are. */
unsigned filemap_find_pages(struct filemap *map, uint64_t index, unsigned count,
                            struct page **pages);
/* Drops pages [first, last] from the cache; unmaps them first, and private copies too if the file
 * ends before them (truncate), not for a hole. */
void filemap_drop(struct filemap *map, uint64_t first, uint64_t last, bool even_private);
/* Adds a page that holds all data of index already, dirty; takes a reference of its own. Returns 0,
 * -EEXIST if there is one, -ENOMEM, -ENOSPC. */
MUST_CHECK int filemap_add_page(struct filemap *map, uint64_t index, struct page *page);
/* The index of the first page at or after index that holds data (cached), or UINT64_MAX. */
uint64_t filemap_next_page(struct filemap *map, uint64_t index, bool dirty_only);
/* Gives back up to count clean pages, least recently used first, of all caches, but leaves keep of
 * them. Never sleeps. Returns how many. page_alloc calls it when memory is short. */
unsigned filemap_reclaim(unsigned count, uint64_t keep);
/* Whether nobody is inside the page cache now: else memory was asked for from there, and caches
 * must not be ended. */
bool filemap_idle(void);
