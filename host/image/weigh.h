/*
 * What takes the room in an image: every folder's and file's bytes, folders with all below them. A
 * file with several names counts once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "host/image/view.h"

struct weight {
    const struct node *node;
    uint64_t bytes;
    size_t files;
    struct weight *parts; /* of a folder, largest first; owned */
    size_t count;
};

/* The weight of all below node; to be cleared. */
struct weight weigh(const struct view *view, const struct node *node);
void weight_clear(struct weight *weight);
