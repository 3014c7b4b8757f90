/*
 * Radix tree with 64 children a node: a node is 512 bytes, nothing but slots. Which level a node is
 * on follows from the way down to it; whether it is empty is found by looking.
 */
#include "kernel/base/radix.h"

#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"

#define SLOT_BITS 6u
#define SLOTS (1u << SLOT_BITS)
#define HEIGHT_MAX 11u /* 66 bits */

struct radix_node {
    void *slots[SLOTS];
};

static unsigned slot_of(uint64_t index, unsigned level)
{
    return (unsigned)(index >> (level * SLOT_BITS)) & (SLOTS - 1);
}

/* Whether a tree of so many levels has a place for index. */
static bool reaches(unsigned height, uint64_t index)
{
    return height >= HEIGHT_MAX || index >> (height * SLOT_BITS) == 0;
}

void **radix_slot(struct radix *tree, uint64_t index)
{
    if (!reaches(tree->height, index))
        return NULL;
    void **slot = &tree->root;
    for (unsigned level = tree->height; level-- > 0;) {
        struct radix_node *node = *slot;
        if (!node)
            return NULL;
        slot = &node->slots[slot_of(index, level)];
    }
    return slot;
}

void *radix_get(const struct radix *tree, uint64_t index)
{
    if (!reaches(tree->height, index))
        return NULL;
    void *item = tree->root;
    for (unsigned level = tree->height; level-- > 0 && item;)
        item = ((struct radix_node *)item)->slots[slot_of(index, level)];
    return item;
}

static int grow(struct radix *tree, uint64_t index)
{
    while (!reaches(tree->height, index)) {
        if (tree->root) {
            struct radix_node *node = heap_zalloc(sizeof(*node));
            if (!node)
                return -ENOMEM;
            node->slots[0] = tree->root;
            tree->root = node;
        }
        tree->height++;
    }
    return 0;
}

static bool node_empty(const struct radix_node *node)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (node->slots[i])
            return false;
    return true;
}

/* Frees the nodes on the way to index that hold nothing. */
static void prune(struct radix *tree, uint64_t index)
{
    void **way[HEIGHT_MAX];
    void **slot = &tree->root;
    unsigned depth = 0;
    for (; depth < tree->height && *slot; depth++) {
        way[depth] = slot;
        struct radix_node *node = *slot;
        slot = &node->slots[slot_of(index, tree->height - 1 - depth)];
    }
    while (depth-- > 0 && node_empty(*way[depth])) {
        heap_free(*way[depth]);
        *way[depth] = NULL;
    }
    if (!tree->root)
        tree->height = 0;
}

/* The slot of index, with all nodes on the way to it; NULL if there is no memory. */
static void **make_slot(struct radix *tree, uint64_t index)
{
    int err = grow(tree, index);
    void **slot = &tree->root;
    for (unsigned level = tree->height; !err && level-- > 0;) {
        if (!*slot)
            *slot = heap_zalloc(sizeof(struct radix_node));
        struct radix_node *node = *slot;
        if (node)
            slot = &node->slots[slot_of(index, level)];
        else
            err = -ENOMEM;
    }
    if (!err)
        return slot;
    prune(tree, index);
    return NULL;
}

int radix_set(struct radix *tree, uint64_t index, void *item)
{
    void **slot = make_slot(tree, index);
    if (!slot)
        return -ENOMEM;
    *slot = item;
    return 0;
}

/* Indexes from index on that share a node of the lowest level. */
static unsigned run_length(const struct radix *tree, uint64_t index)
{
    return tree->height ? SLOTS - slot_of(index, 0) : 1;
}

void **radix_run(struct radix *tree, uint64_t index, unsigned *count)
{
    *count = run_length(tree, index);
    return radix_slot(tree, index);
}

void **radix_make_run(struct radix *tree, uint64_t index, unsigned *count)
{
    void **slot = make_slot(tree, index);
    *count = run_length(tree, index);
    return slot;
}

void *radix_remove(struct radix *tree, uint64_t index)
{
    void **slot = radix_slot(tree, index);
    void *item = slot ? *slot : NULL;
    if (item) {
        *slot = NULL;
        prune(tree, index);
    }
    return item;
}

/* The first used slot of node at or after from; SLOTS if there is none. */
static unsigned used_slot(const struct radix_node *node, unsigned from)
{
    while (from < SLOTS && !node->slots[from])
        from++;
    return from;
}

/*
 * Goes down as far as index leads; where a slot is empty, moves index to the next used slot of the
 * same node; where there is none, to the first index behind the node, and starts again.
 */
void *radix_next(const struct radix *tree, uint64_t *index)
{
    for (uint64_t at = *index; tree->root && reaches(tree->height, at);) {
        void *item = tree->root;
        unsigned level = tree->height;
        while (level > 0) {
            const struct radix_node *node = item;
            unsigned want = slot_of(at, level - 1), used = used_slot(node, want);
            if (used == SLOTS)
                break;
            level--;
            if (used != want)
                at = ((at >> (level * SLOT_BITS)) + (used - want)) << (level * SLOT_BITS);
            item = node->slots[used];
        }
        if (level == 0) {
            *index = at;
            return item;
        }
        unsigned shift = level * SLOT_BITS;
        uint64_t behind = shift < 64 ? ((at >> shift) + 1) << shift : 0;
        if (behind == 0)
            break;
        at = behind;
    }
    return NULL;
}

/* Frees the lowest node on the leftmost way down again and again, so that no stack is needed. */
void radix_clear(struct radix *tree)
{
    while (tree->height > 0 && tree->root) {
        void **slot = &tree->root;
        for (unsigned level = tree->height; level > 1; level--) {
            struct radix_node *node = *slot;
            unsigned used = used_slot(node, 0);
            if (used == SLOTS)
                break;
            slot = &node->slots[used];
        }
        heap_free(*slot);
        *slot = NULL;
    }
    radix_init(tree);
}
