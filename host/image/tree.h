/*
 * The image's paths so far, packages' layers and the application's entries in one tree: what makes
 * folders merge and links be followed while an image is put together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "host/image/spec.h"

struct node {
    struct node *parent, *child, *next; /* next: in the parent, newest first */
    struct node *chain;                 /* next with the same hash */
    char *name;
    enum entry_kind kind; /* FILE, DIR or LINK */
    char *target;         /* LINK */
    long entry;  /* index of the entry that made it, or -1: a layer's, or made on the way */
    mode_t mode; /* of a DIR without an entry */
    int64_t mtime_ns;
    unsigned tiers; /* bits: tiers whose layer needs it (while layers are made) */
};

struct spec_tree {
    struct node **buckets;
    size_t bucket_count, node_count;
    struct node root;
};

struct spec_tree *tree_create(void);
void tree_destroy(struct spec_tree *tree);

/* The child of that name, or NULL. */
struct node *tree_child(const struct spec_tree *tree, const struct node *parent, const char *name);

/* The node at path, links in its middle followed, its last component too if follow. NULL with errno
 * ENOENT, ENOTDIR or ELOOP. */
struct node *tree_find(struct spec_tree *tree, const char *path, bool follow);

/* The same, but what is missing is made: parents as folders, the last as a node of kind. A node
 * that was there before is returned as it is. *made says which. */
struct node *tree_make(struct spec_tree *tree, const char *path, enum entry_kind kind, bool *made);

/* A node's path; owned by the caller. */
char *tree_path(const struct node *node);

/* Loads the listing of a layer (spec.h): what is there already stays. */
__attribute__((nonnull(1, 2))) bool tree_load(struct spec_tree *tree, const char *listing,
                                              struct error *err);
