/*
 * `orris prune`: the store made smaller. Everything in it can be made or fetched again, so the only
 * question is what is worth keeping; what a running machine holds is never touched.
 */
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"
#include "host/config/config.h"
#include "host/pkg/shelf.h"

#define BLOCK_BYTES 512u /* the unit of st_blocks */

/* A thing that goes or stays as a whole. */
struct item {
    char *path;
    uint64_t bytes;
    int64_t used; /* last time, seconds since 1970 */
    bool cheap;   /* made again without a network and without being asked for */
    bool stays;   /* nothing brings it back */
    bool gone;
};

struct store {
    struct item *items;
    size_t count;
    uint64_t bytes; /* of all items that are not gone */
};

struct prune_flags {
    bool all, dry, limited;
    uint64_t limit; /* bytes, if limited */
};

/* The folders of the store: each entry of one is an item. */
static const struct {
    const char *folder;
    bool cheap;
} places[] = {
    {"images", false},    {"layers", true},    {"cache/layers", true},
    {"cache/runs", true}, {"packages", false}, {"packages/apt/debs", true},
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
        item->stays = strcmp(folder, "packages") == 0 && is_own(files[i]->d_name);
        item_measure(item);
        store->bytes += item->bytes;
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

static bool item_remove(struct store *store, struct item *item, bool dry, struct error *err)
{
    if (item_in_use(item)) {
        say("%s is in use", item->path);
        return true;
    }
    say_verbose("%s %s", dry ? "would remove" : "removing", item->path);
    if (!dry && !shelf_remove_tree(item->path, err))
        return false;
    item->gone = true;
    store->bytes -= item->bytes;
    return true;
}

static int by_use(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->used > y->used) - (x->used < y->used);
}

static bool store_prune(struct store *store, const struct prune_flags *flags, struct error *err)
{
    bool ok = true;
    if (store->count)
        qsort(store->items, store->count, sizeof(*store->items), by_use);
    /* First what comes back by itself; then, for a limit, the rest from the longest unused on. */
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; ok && i < store->count; i++) {
            struct item *item = &store->items[i];
            bool wanted = flags->limited ? store->bytes > flags->limit : flags->all || item->cheap;
            if (!item->gone && !item->stays && wanted && (round > 0 || item->cheap))
                ok = item_remove(store, item, flags->dry, err);
        }
    return ok;
}

static int prune_with(const struct prune_flags *flags)
{
    struct error err = {0};
    struct store store = {0};
    int lock = store_lock("packages", &err);
    bool ok = lock >= 0;
    for (size_t i = 0; ok && i < sizeof(places) / sizeof(*places); i++)
        ok = store_scan_place(&store, places[i].folder, places[i].cheap, &err);
    uint64_t before = store.bytes;
    ok = ok && store_prune(&store, flags, &err);
    if (ok)
        printf("%s %.1f MB, the store holds %.1f MB\n", flags->dry ? "would free" : "freed",
               (double)(before - store.bytes) / 1e6, (double)store.bytes / 1e6);
    else
        say_error("%s", err.text);
    store_clear(&store);
    if (lock >= 0)
        close(lock);
    return ok ? CMD_OK : CMD_FAILURE;
}

static int prune_run(const struct verb *verb, int argc, char **argv)
{
    struct prune_flags flags = {0};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *size = NULL;
        if (strcmp(word, "--all") == 0)
            flags.all = true;
        else if (strcmp(word, "-n") == 0 || strcmp(word, "--dry-run") == 0)
            flags.dry = true;
        else if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
            say_level = SAY_QUIET;
        else if (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)
            say_level = SAY_VERBOSE;
        else if (strncmp(word, "--max=", 6) == 0)
            size = word + 6;
        else if (strcmp(word, "--max") == 0)
            size = i + 1 < argc ? argv[++i] : "";
        else if (word[0] == '-')
            return cmd_unknown_flag(verb, word);
        else
            return cmd_usage(verb, "unexpected argument %s", word);
        if (size && !config_parse_size(size, &flags.limit))
            return cmd_usage(verb, "--max needs a size such as 500M or 2G, not \"%s\"", size);
        flags.limited |= size != NULL;
    }
    return prune_with(&flags);
}

static const char prune_usage[] = "[--all | --max SIZE] [-n] [-q] [-v]";
static const char prune_help[] =
    "Without flags, removes what comes back by itself: layers that images were built from,\n"
    "and downloaded package files. What a running machine uses stays, and packages that were\n"
    "made here (`orris pkg add`, `from-run`); `orris pkg delete` removes those.\n"
    "\n"
    "      --all        images and packages, too\n"
    "      --max SIZE   only until the store holds no more than SIZE (500M, 2G), images and\n"
    "                   packages that were not used for the longest time included\n"
    "  -n, --dry-run    remove nothing, say how much it would be\n"
    "  -v, --verbose    name everything that is removed\n"
    "  -q, --quiet      say nothing but errors\n";

const struct verb verb_prune = {
    .name = "prune",
    .usage = prune_usage,
    .summary = "Make the store smaller.",
    .help = {prune_help},
    .run = prune_run,
};

const struct verb verb_image_prune = {
    .name = "image prune",
    .usage = prune_usage,
    .summary = "The same as `orris prune`.",
    .help = {prune_help},
    .run = prune_run,
};
