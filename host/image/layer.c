/*
 * Layers in the store. A layer is written to a file without a name, which gets its name when it is
 * complete: a tool that dies leaves nothing behind. cache/layers/KEY holds the name of the layer
 * that came of a set of sources with these stamps.
 */
#include "host/image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/digest.h"
#include "host/base/fresh.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/store.h"
#include "host/image/bill.h"
#include "host/image/dpkg.h"
#include "host/image/erofs.h"
#include "host/image/tree.h"

/* Bumped when the same sources would give other bytes. */
#define LAYER_FORMAT "orris layer 3\n"
#define NAME_SIZE 41

static const struct spec_entry *entry_at(const struct image_spec *spec, const struct node *node)
{
    return node->entry < 0 ? NULL : &spec->entries[node->entry];
}

/* Marks the nodes that the tier's layer holds, parents included. Returns whether there are any. */
static bool mark(const struct image_spec *spec, struct node *node, enum spec_tier tier)
{
    const struct spec_entry *entry = entry_at(spec, node);
    bool any = entry && entry->tier == tier;
    for (struct node *child = node->child; child; child = child->next)
        any |= mark(spec, child, tier);
    node->tiers = (node->tiers & ~(1u << tier)) | (any ? 1u << tier : 0);
    return any;
}

static void fill_file(struct erofs_node *out, const struct spec_entry *entry)
{
    if (entry->kind == ENTRY_DATA) {
        out->data = entry->source;
        out->size = entry->size;
        return;
    }
    out->source = out->origin = entry->source;
    out->size = (uint64_t)entry->stamp.size;
    if (entry->stamp.links > 1) {
        out->dev = entry->stamp.dev;
        out->ino = entry->stamp.ino;
    }
}

static void fill(const struct image_spec *spec, struct erofs_node *out, const struct node *node)
{
    const struct spec_entry *entry = entry_at(spec, node);
    if (node->kind == ENTRY_DIR) {
        mode_t mode = entry ? entry->mode : node->mode;
        out->mode = S_IFDIR | (mode & 07777);
        out->mtime_ns = entry ? entry->stamp.mtime_ns : node->mtime_ns;
        out->origin = entry && *entry->source ? entry->source : NULL;
    } else if (node->kind == ENTRY_LINK) {
        out->mode = S_IFLNK | 0777;
        out->source = node->target;
    } else if (entry) {
        mode_t mode = entry->mode ? entry->mode : entry->stamp.mode;
        out->mode = S_IFREG | (mode & 07777);
        out->mtime_ns = entry->stamp.mtime_ns;
        fill_file(out, entry);
    }
}

static void grow(const struct image_spec *spec, struct erofs_node *parent, const struct node *node,
                 enum spec_tier tier)
{
    for (const struct node *child = node->child; child; child = child->next) {
        if (!(child->tiers & (1u << tier)))
            continue;
        struct erofs_node *out = erofs_add(parent, child->name, 0, 0);
        fill(spec, out, child);
        if (child->kind == ENTRY_DIR)
            grow(spec, out, child, tier);
    }
}

/* Order doesn't matter to what a layer is, so the parts' hashes are sorted by path before. */
static int by_guest(const void *left, const void *right)
{
    const struct spec_entry *const *a = left, *const *b = right;
    return strcmp((*a)->guest, (*b)->guest);
}

static void key_add(struct digest *hash, const struct spec_entry *entry)
{
    const struct stamp *stamp = &entry->stamp;
    struct buf line = {0};
    buf_printf(&line, "%s\n%d %o %zu %lld", entry->guest, (int)entry->kind, entry->mode,
               entry->size, (long long)stamp->mtime_ns);
    if (entry->kind == ENTRY_FILE)
        buf_printf(&line, " %llu %llu %lld %lld %o", (unsigned long long)stamp->dev,
                   (unsigned long long)stamp->ino, (long long)stamp->size,
                   (long long)stamp->ctime_ns, stamp->mode);
    if (entry->kind == ENTRY_DIR) /* its attributes change no other time */
        buf_printf(&line, " %lld", (long long)stamp->ctime_ns);
    buf_string(&line, "\n");
    digest_update(hash, line.data, line.size);
    if (entry->kind == ENTRY_DATA)
        digest_update(hash, entry->source, entry->size);
    if (entry->kind == ENTRY_LINK)
        digest_update(hash, entry->source, strlen(entry->source) + 1);
    buf_clear(&line);
}

/* Folders that no entry describes take their mode from a lower layer, so they count as well. */
static void key_folders(struct digest *hash, const struct node *node, enum spec_tier tier)
{
    for (const struct node *child = node->child; child; child = child->next) {
        if (child->kind != ENTRY_DIR || !(child->tiers & (1u << tier)))
            continue;
        char text[64];
        int length =
            snprintf(text, sizeof(text), "%o %lld\n", child->mode, (long long)child->mtime_ns);
        if (child->entry < 0)
            digest_update(hash, text, (size_t)length);
        key_folders(hash, child, tier);
    }
}

static void layer_key(const struct image_spec *spec, enum spec_tier tier, char name[NAME_SIZE])
{
    const struct spec_entry **sorted = mem_alloc((spec->entry_count + 1) * sizeof(*sorted));
    size_t count = 0;
    for (size_t i = 0; i < spec->entry_count; i++)
        if (spec->entries[i].tier == tier)
            sorted[count++] = &spec->entries[i];
    if (count)
        qsort(sorted, count, sizeof(*sorted), by_guest);
    struct digest hash;
    digest_init(&hash);
    digest_update(&hash, LAYER_FORMAT, strlen(LAYER_FORMAT));
    for (size_t i = 0; i < count; i++)
        key_add(&hash, sorted[i]);
    if (spec->layer_count)
        key_folders(&hash, &spec->tree->root, tier);
    uint8_t digest[DIGEST_SIZE];
    digest_final(&hash, digest);
    digest_name(digest, name);
    free(sorted);
}

/* The layer that key gave last time, or NULL. */
static char *layer_known(const char *key_path)
{
    struct buf name = {0};
    char *path = NULL;
    if (io_read_file(key_path, &name, NULL) && name.size == NAME_SIZE - 1) {
        char *sub = mem_printf("layers/%s.erofs", name.data);
        path = store_path(sub, false, NULL);
        free(sub);
    }
    buf_clear(&name);
    if (path && access(path, R_OK)) {
        free(path);
        path = NULL;
    }
    return path;
}

static char *layer_write(struct erofs_node *root, const struct bill_origin *origin,
                         char name[NAME_SIZE], struct error *err)
{
    char *folder = store_path("layers", true, err);
    if (!folder)
        return NULL;
    char *path = NULL;
    struct fresh_file file;
    uint8_t digest[DIGEST_SIZE];
    if (fresh_open(&file, folder, err)) {
        bool done = erofs_write(root, file.fd, digest, err) && bill_append(file.fd, origin, err);
        digest_name(digest, name);
        path = mem_printf("%s/%s.erofs", folder, name);
        if (!done || !fresh_keep(&file, path, err)) {
            fresh_drop(&file);
            free(path);
            path = NULL;
        }
    }
    free(folder);
    return path;
}

static const struct bill_origin no_origin;

char *layer_of(struct erofs_node *root, struct error *err)
{
    char name[NAME_SIZE];
    return layer_write(root, &no_origin, name, err);
}

static size_t owner_by_dpkg(const struct bill_origin *origin, const char *path)
{
    return dpkg_owner(origin->context, path);
}

/* Finds the host's packages of the tier's files. The application's own layer has none: it is made
 * again without looking for anything. */
static void find_origin(const struct image_spec *spec, enum spec_tier tier, struct dpkg *dpkg)
{
    struct strlist paths = {0};
    for (size_t i = 0; i < spec->entry_count && tier != TIER_APP; i++) {
        const struct spec_entry *entry = &spec->entries[i];
        if (entry->tier == tier && entry->kind == ENTRY_FILE &&
            strcmp(entry->guest, entry->source) == 0)
            strlist_add(&paths, entry->guest);
    }
    dpkg_find(dpkg, &paths);
    strlist_clear(&paths);
}

static char *layer_make(const struct image_spec *spec, enum spec_tier tier, const char *key_path,
                        struct error *err)
{
    const struct node *root = &spec->tree->root;
    struct erofs_node *out = erofs_create(0755, 0);
    fill(spec, out, root);
    grow(spec, out, root, tier);
    char name[NAME_SIZE];
    struct dpkg dpkg;
    find_origin(spec, tier, &dpkg);
    struct bill_origin origin = {dpkg.packages, dpkg.count, owner_by_dpkg, &dpkg};
    char *path = layer_write(out, &origin, name, err);
    dpkg_clear(&dpkg);
    erofs_destroy(out);
    if (path && !io_write_file(key_path, name, NAME_SIZE - 1, 0666, err)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* The same, but if another orris is making this layer, waits for it. */
static char *layer_make_once(const struct image_spec *spec, enum spec_tier tier, const char *key,
                             const char *key_path, bool *fresh, struct error *err)
{
    char *name = mem_printf("layer-%.2s", key);
    int lock = store_lock(name, err);
    free(name);
    if (lock < 0)
        return NULL;
    char *path = layer_known(key_path);
    if (!path) {
        path = layer_make(spec, tier, key_path, err);
        *fresh = true;
    }
    close(lock);
    return path;
}

bool layer_get(const struct image_spec *spec, enum spec_tier tier, char **path, bool *fresh,
               struct error *err)
{
    *path = NULL;
    if (!mark(spec, &spec->tree->root, tier))
        return true;
    char key[NAME_SIZE];
    layer_key(spec, tier, key);
    char *sub = mem_printf("cache/layers/%s", key);
    char *key_path = store_path(sub, false, err);
    free(sub);
    if (!key_path)
        return false;
    *path = layer_known(key_path);
    if (!*path)
        *path = layer_make_once(spec, tier, key, key_path, fresh, err);
    free(key_path);
    return *path != NULL;
}

/* One node of a recipe, followed by its path and its source, link target or bytes. */
struct recipe_item {
    uint32_t kind, mode; /* FILE: 0 is "as the host's" */
    int64_t mtime_ns;
    uint32_t path_size, data_size;
};

static void recipe_node(const struct image_spec *spec, const struct node *node, struct buf *out)
{
    const struct spec_entry *entry = entry_at(spec, node);
    struct erofs_node filled = {0};
    fill(spec, &filled, node);
    struct recipe_item item = {
        .kind = node->kind, .mode = filled.mode & 07777, .mtime_ns = filled.mtime_ns};
    const void *data = node->kind == ENTRY_DIR ? filled.origin : filled.source;
    item.data_size = data ? (uint32_t)strlen(data) : 0;
    if (node->kind == ENTRY_FILE && entry) {
        item.kind = entry->kind;
        item.mode = entry->mode;
        if (entry->kind == ENTRY_DATA) {
            data = entry->source;
            item.data_size = (uint32_t)entry->size;
        }
    }
    char *path = tree_path(node);
    item.path_size = (uint32_t)strlen(path);
    buf_add(out, &item, sizeof(item));
    buf_add(out, path, item.path_size + 1);
    buf_add(out, data ? data : "", item.data_size);
    buf_add(out, "", 1);
    free(path);
}

static void recipe_nodes(const struct image_spec *spec, const struct node *node,
                         enum spec_tier tier, struct buf *out)
{
    if (!(node->tiers & (1u << tier)))
        return;
    recipe_node(spec, node, out);
    for (const struct node *child = node->child; child; child = child->next)
        recipe_nodes(spec, child, tier, out);
}

void layer_recipe(const struct image_spec *spec, enum spec_tier tier, struct buf *out)
{
    recipe_nodes(spec, &spec->tree->root, tier, out);
}

/* Whether a file that may be executed is an ELF file: then its libraries must be found. */
static bool is_program(const char *path, const struct stat *info)
{
    char magic[4];
    if (!(info->st_mode & 0111))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && io_pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
              !memcmp(magic, "\177ELF", sizeof(magic));
    if (fd >= 0)
        close(fd);
    return is;
}

/* The node for path below root, and its last component. */
static struct erofs_node *recipe_place(struct erofs_node *root, const char *path, const char **name)
{
    struct erofs_node *at = root;
    for (path++;; path += strcspn(path, "/") + 1) {
        size_t length = strcspn(path, "/");
        if (!path[length]) {
            *name = path;
            return at;
        }
        struct erofs_node *child = at->child;
        while (child && (strncmp(child->name, path, length) || child->name[length]))
            child = child->next;
        if (!child)
            return NULL;
        at = child;
    }
}

static bool recipe_file(struct erofs_node *node, const struct recipe_item *item, const char *source)
{
    struct stat info;
    if (lstat(source, &info) || !S_ISREG(info.st_mode) || is_program(source, &info))
        return false;
    struct stamp stamp = stamp_of(&info);
    struct spec_entry entry = {.kind = ENTRY_FILE, .stamp = stamp};
    node->mode = S_IFREG | (item->mode ? item->mode : info.st_mode & 07777);
    node->mtime_ns = stamp.mtime_ns;
    fill_file(node, &entry);
    node->source = node->origin = source;
    return true;
}

static bool recipe_take(struct erofs_node *root, const struct recipe_item *item, const char *path,
                        const char *data)
{
    struct erofs_node *node = root;
    if (strcmp(path, "/")) {
        const char *name;
        struct erofs_node *parent = recipe_place(root, path, &name);
        if (!parent)
            return false;
        node = erofs_add(parent, name, 0, item->mtime_ns);
    }
    switch ((enum entry_kind)item->kind) {
    case ENTRY_FILE:
        return recipe_file(node, item, data);
    case ENTRY_DATA:
        node->mode = S_IFREG | item->mode;
        node->data = data;
        node->size = item->data_size;
        return true;
    case ENTRY_LINK:
        node->mode = S_IFLNK | 0777;
        node->source = data;
        return true;
    case ENTRY_DIR:
        node->mode = S_IFDIR | item->mode;
        node->mtime_ns = item->mtime_ns;
        node->origin = *data ? data : NULL;
        return true;
    }
    return false;
}

bool layer_remake(const char *recipe, size_t size, char **path, bool *stale, struct error *err)
{
    struct erofs_node *root = erofs_create(0755, 0);
    size_t at = 0;
    bool good = true;
    while (good && at < size) {
        struct recipe_item item;
        good = size - at > sizeof(item);
        if (!good)
            break;
        memcpy(&item, recipe + at, sizeof(item));
        at += sizeof(item);
        size_t need = (size_t)item.path_size + item.data_size + 2;
        good = size - at >= need &&
               recipe_take(root, &item, recipe + at, recipe + at + item.path_size + 1);
        at += need;
    }
    *stale = !good;
    char name[NAME_SIZE];
    *path = good ? layer_write(root, &no_origin, name, err) : NULL;
    erofs_destroy(root);
    return *path != NULL;
}
