/*
 * What went last is remembered in a table of its hash and of when it went, counted in pages that
 * went (the refault distance is the difference to now). A place in it is overwritten by another
 * page that hashes there: then a refault is missed, which does no harm.
 */
#include "kernel/vfs/workingset.h"

#include "kernel/base/hash.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"

#define REMEMBERED 4096u
#define WINDOW_NS 2000000000ul
#define WINDOW_NS_MAX 4000000000ul
#define BAD_WINDOWS 5u /* in a row: then it is over */

struct gone {
    uint32_t key, when;
};

static struct gone gone[REMEMBERED];
static uint32_t gone_count;
static struct {
    uint64_t start_ns, stalled_ns;
    unsigned bad;
} window;

static struct gone *place_of(const struct filemap *map, uint64_t index, uint32_t *key)
{
    uint64_t hash = hash_mix((uint64_t)(uintptr_t)map, index);
    *key = (uint32_t)(hash >> 32) | 1;
    return &gone[(hash >> 16) % REMEMBERED];
}

void workingset_evicted(const struct filemap *map, uint64_t index)
{
    uint32_t key;
    struct gone *g = place_of(map, index, &key);
    *g = (struct gone){key, gone_count++};
}

bool workingset_refault(const struct filemap *map, uint64_t index)
{
    uint32_t key;
    const struct gone *g = place_of(map, index, &key);
    if (LIKELY(g->key != key) || !map->executed)
        return false;
    return gone_count - g->when <= page_stats.cache_pages - page_stats.dirty_pages;
}

void workingset_stalled(uint64_t start_ns, uint64_t end_ns)
{
    uint64_t length = ns_sub(end_ns, window.start_ns);
    window.stalled_ns = ns_add(window.stalled_ns, ns_sub(end_ns, start_ns));
    if (length < WINDOW_NS)
        return;
    bool bad = length < WINDOW_NS_MAX && window.stalled_ns > length / 2;
    window.bad = bad ? window.bad + 1 : 0;
    window.start_ns = end_ns;
    window.stalled_ns = 0;
    if (window.bad >= BAD_WINDOWS)
        proc_out_of_memory();
}
