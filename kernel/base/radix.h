/*
 * Radix tree: from a 64-bit index to a pointer, for indexes that lie close together (pages of a
 * file). Index 0 alone needs no node. The caller locks.
 */
#pragma once

#include "kernel/base/types.h"

struct radix {
    void *root;      /* the item of index 0 if height is 0, else a node */
    unsigned height; /* levels of nodes */
};

static inline void radix_init(struct radix *tree)
{
    *tree = (struct radix){0};
}

/* The item at index, or NULL. */
void *radix_get(const struct radix *tree, uint64_t index);
/* Puts item (not NULL) at index, in place of what was there. Returns 0, or -ENOMEM. Takes the
 * heap's lock. */
MUST_CHECK int radix_set(struct radix *tree, uint64_t index, void *item);
/* Takes out and returns the item at index, or NULL. */
void *radix_remove(struct radix *tree, uint64_t index);
/* The first item at or after *index, which becomes its index; NULL if there is none. */
void *radix_next(const struct radix *tree, uint64_t *index);
/* The slot of index, to read or to overwrite with another item; NULL if there is no node for it.
 * Good until the next radix_set or radix_remove. */
void **radix_slot(struct radix *tree, uint64_t index);
/* The slot of index as radix_slot() finds it, and in *count how many indexes from there on share
 * its node: their slots lie side by side (or, with NULL, there is no node for any of them). */
void **radix_run(struct radix *tree, uint64_t index, unsigned *count);
/* The same, with a node made where there is none; NULL: no memory. A slot must be filled before the
 * next call. */
void **radix_make_run(struct radix *tree, uint64_t index, unsigned *count);
/* Frees all nodes; the items are the caller's. */
void radix_clear(struct radix *tree);
