/*
 * What a profile is counted in: a tree of calls, from the outermost function on.
 */
#pragma once

#include <stdint.h>

#include "host/base/buf.h"

struct call {
    char *name;
    uint64_t own, all; /* samples: here, and here or below */
    struct call *child, *next, *parent;
};

/* The child of that name, made if need be. */
struct call *call_child(struct call *parent, const char *name);

/* One sample that ended in leaf. */
void call_count(struct call *leaf);

/* Everything below root and its name. */
void call_clear(struct call *root);

/* Calls each for every call below root, parents first. */
void call_walk(const struct call *root,
               void (*each)(void *context, const struct call *call, unsigned depth), void *context);

/* A function wherever it was called. all counts a sample once, however often it is in the stack. */
struct function {
    const char *name; /* the tree's */
    uint64_t own, all;
};

/* By own samples, most first. Owned by the caller. */
struct function *call_functions(const struct call *root, size_t *count);

/* A flame graph as an SVG file of its own. */
void flame_graph(const struct call *root, const char *title, struct buf *out);
