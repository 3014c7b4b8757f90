/* What is in an image. Layers are read from the top: what is there already hides what is below. */
#include "host/image/view.h"

#include <limits.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/path.h"

#define DEPTH_MAX 200u
#define DIRENT_SIZE 12u

/* A folder being read. */
struct reading {
    struct view *view;
    unsigned layer, depth;
    const char *path;
};

static bool read_folder(struct view *view, unsigned layer, unsigned depth, const char *path,
                        const struct erofs_file *folder);

/* False if there are more files than the volumes have room for: a damaged folder holds itself. */
static bool add_file(struct view *view, struct node *node, const struct erofs_file *file,
                     unsigned layer)
{
    if (view->file_count >= view->file_limit)
        return false;
    if ((view->file_count & (view->file_count + 1)) == 0)
        view->files = mem_resize(view->files, (2 * view->file_count + 2) * sizeof(*view->files));
    node->entry = (long)view->file_count;
    view->files[view->file_count++] = (struct view_file){*file, layer};
    return true;
}

static bool read_link(struct view *view, struct node *node, const struct erofs_file *file,
                      unsigned layer)
{
    char target[PATH_MAX];
    ssize_t size = erofs_read(&view->volumes[layer], file, target, sizeof(target) - 1, 0);
    if (size < 0)
        return false;
    node->target = mem_printf("%.*s", (int)size, target);
    return true;
}

static bool read_entry(void *context, const char *name, uint64_t number)
{
    const struct reading *reading = context;
    struct view *view = reading->view;
    struct erofs_file file;
    if (!erofs_stat(&view->volumes[reading->layer], number, &file))
        return false;
    enum entry_kind kind = S_ISDIR(file.mode)   ? ENTRY_DIR
                           : S_ISLNK(file.mode) ? ENTRY_LINK
                                                : ENTRY_FILE;
    char *path = path_join(reading->path, name);
    /* Not tree_make(): a link of an upper layer hides the folder below it, and isn't followed. */
    struct node *parent = tree_find(view->tree, reading->path, false);
    bool made = false;
    struct node *node = parent ? tree_child(view->tree, parent, name) : NULL;
    if (parent && parent->kind == ENTRY_DIR && !node)
        node = tree_make(view->tree, path, kind, &made);
    bool good = true;
    if (node && node->entry < 0)
        good = add_file(view, node, &file, reading->layer);
    if (good && node && made && kind == ENTRY_LINK)
        good = read_link(view, node, &file, reading->layer);
    if (good && node && node->kind == ENTRY_DIR && kind == ENTRY_DIR)
        good = read_folder(view, reading->layer, reading->depth + 1, path, &file);
    free(path);
    return good;
}

static bool read_folder(struct view *view, unsigned layer, unsigned depth, const char *path,
                        const struct erofs_file *folder)
{
    struct reading reading = {view, layer, depth, path};
    return depth < DEPTH_MAX && erofs_list(&view->volumes[layer], folder, read_entry, &reading);
}

static bool read_layers(struct view *view, const char *path, struct error *err)
{
    for (unsigned i = view->info.layer_count; i-- > 0;) {
        const struct orris_layer *layer = &view->info.layers[i];
        struct erofs_volume *volume = &view->volumes[i];
        struct erofs_file root;
        view->file_limit += layer->size / DIRENT_SIZE;
        if (!erofs_open(volume, view->fd, layer->offset, layer->size, err))
            return error_prefix(err, "%s, layer %u", path, i);
        if (!erofs_stat(volume, volume->root, &root) || !read_folder(view, i, 0, "/", &root))
            return error_set(err, "%s is damaged: layer %u can't be read", path, i);
    }
    return true;
}

bool view_open(struct view *view, const char *path, struct error *err)
{
    *view = (struct view){.fd = open(path, O_RDONLY | O_CLOEXEC), .tree = tree_create()};
    if (view->fd < 0)
        return error_errno(err, "%s", path);
    return image_read(view->fd, path, &view->info, err) && read_layers(view, path, err);
}

/* Looks for one name in a folder. */
bool view_annex(const struct view *view, const char *name, struct buf *out, struct error *err)
{
    const struct orris_image_header *header = &view->info.header;
    struct erofs_volume volume;
    struct erofs_file file;
    if (!header->annex_offset)
        return error_set(err, "the image is of an older orris and doesn't say that: build it anew");
    if (!erofs_open(&volume, view->fd, header->annex_offset, header->annex_size, err))
        return error_prefix(err, "the image's annex");
    if (!erofs_find(&volume, name, &file) || file.size > header->annex_size)
        return error_set(err, "the image's annex is damaged");
    buf_reserve(out, file.size);
    out->size = file.size;
    out->data[out->size] = 0;
    return erofs_read(&volume, &file, out->data, file.size, 0) == (ssize_t)file.size ||
           error_set(err, "the image's annex is damaged");
}

void view_close(struct view *view)
{
    if (view->fd >= 0)
        close(view->fd);
    image_info_clear(&view->info);
    tree_destroy(view->tree);
    free(view->files);
    *view = (struct view){.fd = -1};
}

struct erofs_file view_stat(const struct view *view, const struct node *node)
{
    if (node->entry < 0)
        return (struct erofs_file){.mode = S_IFDIR | 0755};
    return view->files[node->entry].file;
}

ssize_t view_read(const struct view *view, const struct node *node, void *data, size_t size,
                  uint64_t offset)
{
    if (node->entry < 0)
        return -1;
    const struct view_file *file = &view->files[node->entry];
    return erofs_read(&view->volumes[file->layer], &file->file, data, size, offset);
}
