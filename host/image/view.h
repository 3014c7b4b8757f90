/*
 * What is in an image: its layers merged into one tree, as the machine sees them.
 */
#pragma once

#include <stdbool.h>

#include "host/image/erofs_read.h"
#include "host/image/image.h"
#include "host/image/tree.h"

struct view {
    int fd;
    struct image_info info;
    struct erofs_volume volumes[ORRIS_IMAGE_LAYERS_MAX];
    struct spec_tree *tree; /* a node's entry is an index of files */
    struct view_file {
        struct erofs_file file;
        unsigned layer;
    } * files;
    size_t file_count, file_limit;
};

/* Opens an image and reads its folders. */
bool view_open(struct view *view, const char *path, struct error *err);
void view_close(struct view *view);

/* A file of the annex. False with err set if there is none, or it is damaged. */
bool view_annex(const struct view *view, const char *name, struct buf *out, struct error *err);

/* Mode, size and the like of a node; a folder that nothing describes is all 0. */
struct erofs_file view_stat(const struct view *view, const struct node *node);

/* Bytes of a file; as erofs_read(). */
ssize_t view_read(const struct view *view, const struct node *node, void *data, size_t size,
                  uint64_t offset);
