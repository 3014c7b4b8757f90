/* What the page allocator asks for when memory is short: names beyond some, then clean pages of
 * files, then all names, then the heap's spare blocks. Names go first because a program can look
 * for any number of them, and each would cost it a page of its text. */
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/sched/pressure.h"
#include "kernel/vfs/filemap.h"
#include "kernel/vfs/vfs.h"

#define NAMES_KEPT 2048u
#define NAMES_PER_PAGE 8u

bool page_reclaim(unsigned count, uint64_t keep, bool names)
{
    pressure_begin();
    bool any = (names && vfs_shrink(count * NAMES_PER_PAGE, NAMES_KEPT) > 0) ||
               filemap_reclaim(count, keep) > 0 || (names && vfs_shrink(count, 0) > 0) ||
               heap_reclaim();
    pressure_end();
    return any;
}
