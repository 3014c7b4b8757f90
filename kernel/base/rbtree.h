/*
 * Red-black tree, intrusive: the user finds the place, the tree keeps its balance.
 *
 *     struct rb_node **link = &tree->root, *parent = NULL;
 *     while (*link) {
 *         parent = *link;
 *         link = key < key_of(parent) ? &parent->left : &parent->right;
 *     }
 *     rb_insert(tree, &item->node, parent, link);
 *
 * The caller locks.
 */
#pragma once

#include "kernel/base/types.h"

struct rb_node {
    uintptr_t parent_colour; /* parent's address; lowest bit: 1 black, 0 red */
    struct rb_node *left, *right;
};

struct rb_tree {
    struct rb_node *root; /* NULL: empty */
};

/* Puts node at *link, which is NULL and a child slot of parent (NULL: the root's), and balances. */
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link);
void rb_erase(struct rb_tree *tree, struct rb_node *node);
/* Puts fresh in the very place of old. */
void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *fresh);

/* In order; NULL at the end. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
    return (struct rb_node *)(node->parent_colour & ~(uintptr_t)1);
}

#define rb_entry(node, type, member) container_of(node, type, member)
