/* Everything in the store can be made or fetched again, but for packages that were made here. */
#include "host/pkg/prune.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/pkg/shelf.h"

#define BLOCK_BYTES 512u /* the unit of st_blocks */

/* A thing that goes or stays as a whole. */
struct item {
    char *path;
    uint64_t bytes;
    int64_t used; /* last time, seconds since 1970 */
    bool cheap;   /* made again without a network and without being asked for */
    bool stays;
    bool gone;
};

/* The folders of the store: each entry of one is an item. */
static const struct {
    const char *folder;
    bool cheap;
} places[] = {
    {"images", false},    {"layers", true},    {"cache/layers", true},
    {"cache/runs", true}, {"packages", false}, {"packages/apt/debs", true},
};

struct store {
    const struct prune_request *request;
    struct prune_result *result;
    struct item *items;
    size_t count;
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Adds up the blocks of path and all below it, and its latest use. */
static void item_measure(struct item *item)
{
    char *const roots[] = {item->path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; walk && (entry = fts_read(walk));) {
        const struct stat *info = entry->fts_statp;
        if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS)
            continue;
        item->bytes += (uint64_t)info->st_blocks * BLOCK_BYTES;
        if (entry->fts_info == FTS_F)
            item->used = later(item->used, later(info->st_atime, info->st_mtime));
    }
    if (walk)
        fts_close(walk);
}

static int entry_counts(const struct dirent *entry)
{
    static const char *const kept[] = {".", "..", "apt", "partial", "lock"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        if (strcmp(entry->d_name, kept[i]) == 0)
            return 0;
    return 1;
}

/* Whether a package was made here. */
static bool is_own(const char *id)
{
    struct shelf_item item;
    bool own = shelf_open(id, &item, NULL) == 1 && item.origin;
    shelf_item_clear(&item);
    return own;
}

/* What nothing brings back, and what whoever asks wants to keep. */
static bool item_stays(const struct prune_request *request, const struct item *item,
                       const char *folder, const char *name)
{
    return (strcmp(folder, "packages") == 0 && is_own(name)) ||
           (request->unused_since && item->used > request->unused_since) ||
           (request->keep && strcmp(item->path, request->keep) == 0);
}

static bool store_scan_place(struct store *store, const char *folder, bool cheap, struct error *err)
{
    char *path = store_path(folder, true, err);
    if (!path)
        return false;
    struct dirent **files = NULL;
    int count = scandir(path, &files, entry_counts, alphasort);
    for (int i = 0; i < count; i++) {
        store->items = mem_resize(store->items, (store->count + 1) * sizeof(*store->items));
        struct item *item = &store->items[store->count++];
        bool leftover = strncmp(files[i]->d_name, "work-", 5) == 0;
        *item = (struct item){.path = path_join(path, files[i]->d_name), .cheap = cheap | leftover};
        item_measure(item);
        item->stays = item_stays(store->request, item, folder, files[i]->d_name);
        store->result->left += item->bytes;
        free(files[i]);
    }
    free(files);
    free(path);
    return count >= 0 || error_set(err, "can't read the store's folder %s", folder);
}

static void store_clear(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->items[i].path);
    free(store->items);
}

/* Whether a machine that runs, or an orris that builds, holds the file. */
static bool item_in_use(const struct item *item)
{
    int fd = open(item->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool used = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return used;
}

static bool item_remove(struct store *store, struct item *item, struct error *err)
{
    if (item_in_use(item)) {
        if (!store->request->background)
            say("%s is in use", item->path);
        return true;
    }
    bool dry = store->request->dry;
    say_verbose("%s %s", dry ? "would remove" : "removing", item->path);
    if (!dry && !shelf_remove_tree(item->path, err))
        return false;
    item->gone = true;
    store->result->left -= item->bytes;
    store->result->freed += item->bytes;
    return true;
}

static int by_use(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

static bool store_prune(struct store *store, struct error *err)
{
    const struct prune_request *request = store->request;
    bool ok = true;
    if (store->count)
        qsort(store->items, store->count, sizeof(*store->items), by_use);
    /* First what comes back by itself; then, for a limit, the rest from the longest unused on. */
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; ok && i < store->count; i++) {
            struct item *item = &store->items[i];
            bool wanted = request->limited ? store->result->left > request->limit
                                           : request->all || item->cheap;
            if (!item->gone && !item->stays && wanted && (round > 0 || item->cheap))
                ok = item_remove(store, item, err);
        }
    return ok;
}

bool prune_store(const struct prune_request *request, struct prune_result *result,
                 struct error *err)
{
    *result = (struct prune_result){0};
    struct store store = {.request = request, .result = result};
    int (*lock)(const char *, struct error *) = request->background ? store_lock_now : store_lock;
    int builders = lock(STORE_BUILDERS, err);
    int packages = builders < 0 ? -1 : lock("packages", err);
    bool ok = packages >= 0;
    for (size_t i = 0; ok && i < sizeof(places) / sizeof(*places); i++)
        if (!request->background || strcmp(places[i].folder, "packages") != 0)
            ok = store_scan_place(&store, places[i].folder, places[i].cheap, err);
    ok = ok && store_prune(&store, err);
    store_clear(&store);
    if (packages >= 0)
        close(packages);
    if (builders >= 0)
        close(builders);
    return ok;
}
