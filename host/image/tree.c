/*
 * The image's paths in a tree. Children are found through one hash table keyed by parent and name;
 * links are followed inside the tree only, never on the host.
 */
#include "host/image/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/stamp.h"

#define LINKS_MAX 40
#define NS_PER_SECOND 1000000000ll

struct spec_tree *tree_create(void)
{
    struct spec_tree *tree = mem_alloc(sizeof(*tree));
    tree->bucket_count = 1024;
    tree->buckets = mem_alloc(tree->bucket_count * sizeof(*tree->buckets));
    tree->root = (struct node){.kind = ENTRY_DIR, .entry = -1, .mode = 0755};
    tree->root.name = mem_string("");
    return tree;
}

static void node_destroy(struct node *node)
{
    free(node->name);
    free(node->target);
    free(node);
}

void tree_destroy(struct spec_tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->bucket_count; i++)
        for (struct node *node = tree->buckets[i]; node;) {
            struct node *next = node->chain;
            node_destroy(node);
            node = next;
        }
    free(tree->root.name);
    free(tree->buckets);
    free(tree);
}

static size_t bucket_of(const struct spec_tree *tree, const struct node *parent, const char *name)
{
    uint64_t hash = hash_bytes((uint64_t)(uintptr_t)parent, name, strlen(name));
    return hash & (tree->bucket_count - 1);
}

struct node *tree_child(const struct spec_tree *tree, const struct node *parent, const char *name)
{
    struct node *node = tree->buckets[bucket_of(tree, parent, name)];
    while (node && (node->parent != parent || strcmp(node->name, name)))
        node = node->chain;
    return node;
}

static void tree_grow(struct spec_tree *tree)
{
    struct node **old = tree->buckets;
    size_t old_count = tree->bucket_count;
    tree->bucket_count *= 4;
    tree->buckets = mem_alloc(tree->bucket_count * sizeof(*tree->buckets));
    for (size_t i = 0; i < old_count; i++)
        for (struct node *node = old[i]; node;) {
            struct node *next = node->chain;
            struct node **bucket = &tree->buckets[bucket_of(tree, node->parent, node->name)];
            node->chain = *bucket;
            *bucket = node;
            node = next;
        }
    free(old);
}

static struct node *node_create(struct spec_tree *tree, struct node *parent, const char *name,
                                enum entry_kind kind)
{
    if (tree->node_count++ > tree->bucket_count)
        tree_grow(tree);
    struct node *node = mem_alloc(sizeof(*node));
    *node = (struct node){.parent = parent, .kind = kind, .entry = -1, .mode = 0755};
    node->name = mem_string(name);
    node->next = parent->child;
    parent->child = node;
    struct node **bucket = &tree->buckets[bucket_of(tree, parent, name)];
    node->chain = *bucket;
    *bucket = node;
    return node;
}

/* A walk along a path, whose text changes when a link is met. */
struct walk {
    struct node *at;
    char *text; /* owned */
    char *todo; /* into text */
    int links;
};

/* Takes the next component off the walk: its text, or NULL at the end. */
static char *walk_next(struct walk *walk)
{
    walk->todo += strspn(walk->todo, "/");
    if (!*walk->todo)
        return NULL;
    char *part = walk->todo;
    walk->todo += strcspn(part, "/");
    if (*walk->todo)
        *walk->todo++ = 0;
    return part;
}

static bool walk_is_last(const struct walk *walk)
{
    return walk->todo[strspn(walk->todo, "/")] == 0;
}

static bool walk_link(struct walk *walk, struct spec_tree *tree, const struct node *link)
{
    if (++walk->links > LINKS_MAX) {
        errno = ELOOP;
        return false;
    }
    char *text = mem_printf("%s/%s", link->target, walk->todo);
    walk->at = *link->target == '/' || !link->parent ? &tree->root : link->parent;
    free(walk->text);
    walk->text = walk->todo = text;
    return true;
}

/* One step down to part. make: create what is missing, of kind if it is the last. */
static bool walk_step(struct walk *walk, struct spec_tree *tree, const char *part, bool follow,
                      const enum entry_kind *make, bool *made)
{
    if (!strcmp(part, "."))
        return true;
    if (!strcmp(part, "..")) {
        struct node *up = walk->at->parent;
        walk->at = up ? up : &tree->root;
        return true;
    }
    if (walk->at->kind != ENTRY_DIR) {
        errno = ENOTDIR;
        return false;
    }
    bool last = walk_is_last(walk);
    struct node *child = tree_child(tree, walk->at, part);
    if (!child && !make) {
        errno = ENOENT;
        return false;
    }
    if (!child) {
        child = node_create(tree, walk->at, part, last ? *make : ENTRY_DIR);
        *made = last;
    }
    if (child->kind == ENTRY_LINK && child->target && (!last || follow))
        return walk_link(walk, tree, child);
    walk->at = child;
    return true;
}

static struct node *walk_all(struct spec_tree *tree, const char *path, bool follow,
                             const enum entry_kind *make, bool *made)
{
    struct walk walk = {.at = &tree->root, .text = mem_string(path)};
    walk.todo = walk.text;
    bool good = true;
    for (char *part; good && (part = walk_next(&walk));)
        good = walk_step(&walk, tree, part, follow, make, made);
    free(walk.text);
    return good ? walk.at : NULL;
}

struct node *tree_find(struct spec_tree *tree, const char *path, bool follow)
{
    return walk_all(tree, path, follow, NULL, NULL);
}

struct node *tree_make(struct spec_tree *tree, const char *path, enum entry_kind kind, bool *made)
{
    *made = false;
    return walk_all(tree, path, kind == ENTRY_DIR, &kind, made);
}

char *tree_path(const struct node *node)
{
    if (!node->parent)
        return mem_string("/");
    size_t length = 0;
    for (const struct node *at = node; at->parent; at = at->parent)
        length += strlen(at->name) + 1;
    char *path = mem_alloc(length + 1);
    for (const struct node *at = node; at->parent; at = at->parent) {
        size_t part = strlen(at->name);
        length -= part + 1;
        path[length] = '/';
        memcpy(path + length + 1, at->name, part);
    }
    return path;
}

/* "TYPE MODE SIZE MTIME PATH[ -> TARGET]" */
static bool line_load(struct spec_tree *tree, char *line)
{
    char type;
    unsigned mode;
    long long size, mtime;
    int length = 0;
    if (sscanf(line, "%c %o %lld %lld %n", &type, &mode, &size, &mtime, &length) != 4 || !length)
        return false;
    char *path = line + length;
    char *target = type == 'l' ? strstr(path, " -> ") : NULL;
    if (*path != '/' || (type == 'l') != (target != NULL))
        return false;
    if (target) {
        *target = 0;
        target += strlen(" -> ");
    }
    bool made;
    enum entry_kind kind = type == 'd' ? ENTRY_DIR : type == 'l' ? ENTRY_LINK : ENTRY_FILE;
    struct node *node = tree_make(tree, path, kind, &made);
    if (!node)
        return true; /* hidden by what lies above it */
    if (node->entry < 0 && node->kind == kind) {
        node->mode = (mode_t)(mode & 07777);
        node->mtime_ns = mtime * NS_PER_SECOND;
    }
    if (made && target)
        node->target = mem_string(target);
    return true;
}

bool tree_load(struct spec_tree *tree, const char *listing, struct error *err)
{
    struct buf text = {0};
    if (!io_read_file(listing, &text, err))
        return false;
    bool good = true;
    size_t number = 0;
    char *rest = text.data;
    for (char *line; good && (line = strsep(&rest, "\n")) && *line;) {
        number++;
        good = line_load(tree, line);
    }
    buf_clear(&text);
    return good || error_set(err, "%s:%zu: not a line of a layer's listing", listing, number);
}
