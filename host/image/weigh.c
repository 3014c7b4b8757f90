/* Weighing an image's tree. */
#include "host/image/weigh.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Inodes that have been counted: (layer, number). */
struct counted {
    unsigned layer;
    uint64_t number;
};

struct scales {
    const struct view *view;
    void *counted;
};

static int by_inode(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int by_weight(const void *left, const void *right)
{
    const struct weight *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return strcmp(a->node->name, b->node->name);
}

static bool is_new(struct scales *scales, const struct node *node)
{
    const struct view_file *file = &scales->view->files[node->entry];
    struct counted *key = mem_alloc(sizeof(*key));
    *key = (struct counted){file->layer, file->file.number};
    struct counted **known = tsearch(key, &scales->counted, by_inode);
    if (*known == key)
        return true;
    free(key);
    return false;
}

static void weigh_parts(struct scales *scales, const struct node *folder, struct weight *out)
{
    for (const struct node *child = folder->child; child; child = child->next)
        out->count++;
    out->parts = mem_alloc((out->count + 1) * sizeof(*out->parts));
    size_t i = 0;
    for (const struct node *child = folder->child; child; child = child->next) {
        struct weight *part = &out->parts[i++];
        *part = (struct weight){.node = child};
        if (child->kind == ENTRY_DIR) {
            weigh_parts(scales, child, part);
        } else {
            part->files = child->kind == ENTRY_FILE;
            if (part->files && child->entry >= 0 && is_new(scales, child))
                part->bytes = view_stat(scales->view, child).size;
        }
        out->bytes += part->bytes;
        out->files += part->files;
    }
    qsort(out->parts, out->count, sizeof(*out->parts), by_weight);
}

struct weight weigh(const struct view *view, const struct node *node)
{
    struct scales scales = {.view = view};
    struct weight all = {.node = node};
    if (node->kind == ENTRY_DIR)
        weigh_parts(&scales, node, &all);
    else
        all = (struct weight){.node = node, .bytes = view_stat(view, node).size, .files = 1};
    tdestroy(scales.counted, free);
    return all;
}

void weight_clear(struct weight *weight)
{
    for (size_t i = 0; i < weight->count; i++)
        weight_clear(&weight->parts[i]);
    free(weight->parts);
    *weight = (struct weight){0};
}
