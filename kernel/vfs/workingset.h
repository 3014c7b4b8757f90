/*
 * The working set: pages of programs' text that were given back and are wanted again at once. A
 * program that does little else than wait for them makes no progress, and is ended.
 */
#pragma once

#include "kernel/vfs/filemap.h"

/* A page went, under the page cache's lock. */
void workingset_evicted(const struct filemap *map, uint64_t index);
/* Whether it is text that would still be there if there were twice as many clean pages. */
bool workingset_refault(const struct filemap *map, uint64_t index);
/* Such a page was waited for from start to end (monotonic time). */
void workingset_stalled(uint64_t start_ns, uint64_t end_ns);
