/* What the page allocator asks for when memory is short: clean pages of files first, then names,
 * then the heap's spare blocks. */
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/vfs/filemap.h"
#include "kernel/vfs/vfs.h"

bool page_reclaim(unsigned count)
{
    return filemap_reclaim(count) > 0 || vfs_shrink(count) > 0 || heap_reclaim();
}
