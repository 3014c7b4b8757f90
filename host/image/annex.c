/* What is known about an image's files: why they are there. */
#include "host/image/annex.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/path.h"
#include "host/image/erofs.h"
#include "host/image/layer.h"
#include "host/image/tree.h"

static void add_reason(struct buf *out, const struct node *node, const char *why)
{
    char *path = tree_path(node);
    buf_add(out, path, strlen(path) + 1);
    buf_add(out, why, strlen(why) + 1);
    free(path);
}

/* The packages' layers have one reason each, which their folders' names tell. */
static char *packages_reason(const struct image_spec *spec)
{
    struct buf out = {0};
    for (size_t i = 0; i < spec->layer_count; i++) {
        char *folder = path_parent(spec->layers[i].path);
        buf_printf(&out, "%s%s", i ? " or " : "in the package ", path_base(folder));
        free(folder);
    }
    return out.data;
}

static const char *reason_of(const struct image_spec *spec, const struct node *node,
                             const char *packages)
{
    const char *why = node->entry >= 0 ? spec->entries[node->entry].why : NULL;
    if (why && *why)
        return why;
    return node->kind == ENTRY_DIR ? "a folder on the way to what is needed" : packages;
}

static void add_below(const struct image_spec *spec, const struct node *folder, const char *above,
                      const char *packages, struct buf *out)
{
    for (const struct node *node = folder->child; node; node = node->next) {
        const char *why = reason_of(spec, node, packages);
        if (why && (!above || strcmp(why, above) != 0))
            add_reason(out, node, why);
        add_below(spec, node, why ? why : above, packages, out);
    }
}

char *annex_make(const struct image_spec *spec, struct error *err)
{
    struct buf why = {0};
    char *packages = packages_reason(spec);
    buf_string(&why, "");
    add_below(spec, &spec->tree->root, NULL, packages, &why);
    struct erofs_node *root = erofs_create(0755, 0);
    struct erofs_node *file = erofs_add(root, ANNEX_WHY, 0100644, 0);
    file->data = why.data;
    file->size = why.size;
    char *path = layer_of(root, err);
    erofs_destroy(root);
    free(packages);
    buf_clear(&why);
    return path;
}

static const char *own_reason(const struct buf *why, const char *path)
{
    const char *end = why->data + why->size;
    for (const char *at = why->data; at && at < end;) {
        const char *reason = memchr(at, 0, (size_t)(end - at));
        reason = reason ? reason + 1 : end;
        const char *next = reason < end ? memchr(reason, 0, (size_t)(end - reason)) : NULL;
        if (!next)
            return NULL;
        if (!strcmp(at, path))
            return reason;
        at = next + 1;
    }
    return NULL;
}

const char *annex_why(const struct buf *why, const char *path)
{
    char *at = mem_string(path);
    const char *reason = own_reason(why, at);
    while (!reason && strcmp(at, "/") != 0) {
        char *parent = path_parent(at);
        free(at);
        at = parent;
        reason = own_reason(why, at);
    }
    free(at);
    return reason;
}
