/*
 * Red-black tree: no red node has a red child, and every way from the root down passes the same
 * number of black nodes, so the tree is at most twice as deep as it need be.
 */
#include "kernel/base/rbtree.h"

#define BLACK ((uintptr_t)1)

static bool is_red(const struct rb_node *node)
{
    return node && !(node->parent_colour & BLACK);
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
    node->parent_colour = (uintptr_t)parent | (node->parent_colour & BLACK);
}

static void set_black(struct rb_node *node)
{
    node->parent_colour |= BLACK;
}

static void set_red(struct rb_node *node)
{
    node->parent_colour &= ~BLACK;
}

/* Makes fresh (may be NULL) the child of old's parent in old's stead. */
static void change_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old,
                         struct rb_node *fresh)
{
    if (!parent)
        tree->root = fresh;
    else if (parent->left == old)
        parent->left = fresh;
    else
        parent->right = fresh;
    if (fresh)
        set_parent(fresh, parent);
}

static void rotate_left(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *up = node->right, *parent = rb_parent(node);
    node->right = up->left;
    if (up->left)
        set_parent(up->left, node);
    change_child(tree, parent, node, up);
    up->left = node;
    set_parent(node, up);
}

static void rotate_right(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *up = node->left, *parent = rb_parent(node);
    node->left = up->right;
    if (up->right)
        set_parent(up->right, node);
    change_child(tree, parent, node, up);
    up->right = node;
    set_parent(node, up);
}

/* node and its parent are red, its uncle is black: two rotations at most end that. */
static void insert_rotate(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
                          struct rb_node *grandparent)
{
    bool parent_is_left = parent == grandparent->left;
    if (parent_is_left && node == parent->right) {
        rotate_left(tree, parent);
        parent = node;
    } else if (!parent_is_left && node == parent->left) {
        rotate_right(tree, parent);
        parent = node;
    }
    set_black(parent);
    set_red(grandparent);
    if (parent_is_left)
        rotate_right(tree, grandparent);
    else
        rotate_left(tree, grandparent);
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link)
{
    node->parent_colour = (uintptr_t)parent; /* red */
    node->left = node->right = NULL;
    *link = node;
    while (is_red(parent = rb_parent(node))) {
        struct rb_node *grandparent = rb_parent(parent);
        struct rb_node *uncle =
            parent == grandparent->left ? grandparent->right : grandparent->left;
        if (!is_red(uncle)) {
            insert_rotate(tree, node, parent, grandparent);
            break;
        }
        set_black(parent);
        set_black(uncle);
        set_red(grandparent);
        node = grandparent;
    }
    set_black(tree->root);
}

/* Below parent, one way (through node, perhaps NULL) has lost a black node, and the sibling is on
 * the right. Returns where the loss went on to: its child slot is that of *node; NULL: mended. */
static struct rb_node *mend_left(struct rb_tree *tree, struct rb_node *parent)
{
    struct rb_node *sibling = parent->right;
    if (is_red(sibling)) {
        set_black(sibling);
        set_red(parent);
        rotate_left(tree, parent);
        sibling = parent->right;
    }
    if (!is_red(sibling->left) && !is_red(sibling->right)) {
        set_red(sibling);
        return parent;
    }
    if (!is_red(sibling->right)) {
        set_black(sibling->left);
        set_red(sibling);
        rotate_right(tree, sibling);
        sibling = parent->right;
    }
    sibling->parent_colour = (sibling->parent_colour & ~BLACK) | (parent->parent_colour & BLACK);
    set_black(parent);
    set_black(sibling->right);
    rotate_left(tree, parent);
    return NULL;
}

static struct rb_node *mend_right(struct rb_tree *tree, struct rb_node *parent)
{
    struct rb_node *sibling = parent->left;
    if (is_red(sibling)) {
        set_black(sibling);
        set_red(parent);
        rotate_right(tree, parent);
        sibling = parent->left;
    }
    if (!is_red(sibling->left) && !is_red(sibling->right)) {
        set_red(sibling);
        return parent;
    }
    if (!is_red(sibling->left)) {
        set_black(sibling->right);
        set_red(sibling);
        rotate_left(tree, sibling);
        sibling = parent->left;
    }
    sibling->parent_colour = (sibling->parent_colour & ~BLACK) | (parent->parent_colour & BLACK);
    set_black(parent);
    set_black(sibling->left);
    rotate_right(tree, parent);
    return NULL;
}

/* A black node has gone from between parent and node (which may be NULL). */
static void erase_fixup(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent)
{
    while (parent && !is_red(node)) {
        node = node == parent->left ? mend_left(tree, parent) : mend_right(tree, parent);
        if (!node)
            return;
        parent = rb_parent(node);
    }
    if (node)
        set_black(node);
}

/* node has two children: its successor, which has no left one, takes its place. Returns the parent
 * of the hole that leaves; *child fills it. */
static struct rb_node *erase_inner(struct rb_tree *tree, struct rb_node *node,
                                   struct rb_node **child, bool *lost_black)
{
    struct rb_node *next = node->right;
    while (next->left)
        next = next->left;
    struct rb_node *parent = rb_parent(next);
    *child = next->right;
    *lost_black = !is_red(next);
    change_child(tree, parent, next, next->right);
    if (parent == node)
        parent = next;
    rb_replace(tree, node, next);
    return parent;
}

void rb_erase(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *child, *parent;
    bool lost_black;
    if (node->left && node->right) {
        parent = erase_inner(tree, node, &child, &lost_black);
    } else {
        child = node->left ? node->left : node->right;
        parent = rb_parent(node);
        lost_black = !is_red(node);
        change_child(tree, parent, node, child);
    }
    if (lost_black)
        erase_fixup(tree, child, parent);
}

void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *fresh)
{
    *fresh = *old;
    change_child(tree, rb_parent(old), old, fresh);
    if (fresh->left)
        set_parent(fresh->left, fresh);
    if (fresh->right)
        set_parent(fresh->right, fresh);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;
    while (node && node->right)
        node = node->right;
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    if (node->right) {
        struct rb_node *next = node->right;
        while (next->left)
            next = next->left;
        return next;
    }
    struct rb_node *parent = rb_parent(node);
    for (; parent && node == parent->right; parent = rb_parent(parent))
        node = parent;
    return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    if (node->left) {
        struct rb_node *prev = node->left;
        while (prev->right)
            prev = prev->right;
        return prev;
    }
    struct rb_node *parent = rb_parent(node);
    for (; parent && node == parent->left; parent = rb_parent(parent))
        node = parent;
    return parent;
}
