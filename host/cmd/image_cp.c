/*
 * `orris image cp`: files and folders of an image, copied to the host, with their modes and links.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/fresh.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/image/image.h"
#include "host/image/view.h"

#define COPY_SIZE 65536u

static bool copy_bytes(const struct view *view, const struct node *node, int fd, const char *to,
                       struct error *err)
{
    char *data = mem_alloc(COPY_SIZE);
    uint64_t at = 0;
    ssize_t got;
    bool good = true;
    while (good && (got = view_read(view, node, data, COPY_SIZE, at)) > 0) {
        good = io_write(fd, data, (size_t)got) || error_errno(err, "can't write %s", to);
        at += (uint64_t)got;
    }
    free(data);
    return good && (got == 0 || error_set(err, "%s: the image is damaged", to));
}

static bool copy_file(const struct view *view, const struct node *node, const char *to,
                      struct error *err)
{
    struct fresh_file file;
    struct erofs_file info = view_stat(view, node);
    char *folder = path_parent(to);
    bool good = fresh_open(&file, folder, err);
    free(folder);
    if (!good)
        return false;
    good = copy_bytes(view, node, file.fd, to, err) &&
           (fchmod(file.fd, info.mode & 0777) == 0 || error_errno(err, "%s", to)) &&
           fresh_keep(&file, to, err);
    if (!good)
        fresh_drop(&file);
    return good;
}

static bool copy_link(const struct node *node, const char *to, struct error *err)
{
    if (symlink(node->target, to) == 0)
        return true;
    if (errno == EEXIST && unlink(to) == 0 && symlink(node->target, to) == 0)
        return true;
    return error_errno(err, "can't make %s", to);
}

/* A folder that is there already is gone into, but by no link: that may be an image's, and lead
 * anywhere. */
static bool make_folder(const char *to, bool may_be_link, struct error *err)
{
    struct stat info;
    if (mkdir(to, 0777) == 0)
        return true;
    if (errno != EEXIST)
        return error_errno(err, "can't make %s", to);
    if ((may_be_link ? stat(to, &info) : lstat(to, &info)) == 0 && S_ISDIR(info.st_mode))
        return true;
    return error_set(err, "can't make %s: what is there already is no folder; remove it first", to);
}

/* may_be_link: to is what the user named. */
static bool copy_node(const struct view *view, const struct node *node, const char *to,
                      bool may_be_link, struct error *err)
{
    if (node->kind == ENTRY_LINK)
        return copy_link(node, to, err);
    if (node->kind != ENTRY_DIR)
        return copy_file(view, node, to, err);
    bool good = make_folder(to, may_be_link, err);
    for (const struct node *child = node->child; good && child; child = child->next) {
        char *path = path_join(to, child->name);
        good = copy_node(view, child, path, false, err);
        free(path);
    }
    return good;
}

/* Copies path to to, or into it if that is a folder. */
static bool copy_path(const struct view *view, const char *path, const char *to, bool many,
                      struct error *err)
{
    struct stat info;
    const struct node *node = tree_find(view->tree, path, true);
    if (!node)
        return error_set(err, "%s: not in the image", path);
    bool folder = stat(to, &info) == 0 && S_ISDIR(info.st_mode);
    if (many && !folder)
        return error_set(err, "%s: several files need a folder to go into", to);
    const char *name = path_base(path);
    bool into = folder && *name;
    char *place = into ? path_join(to, name) : mem_string(to);
    bool good = copy_node(view, node, place, !into, err);
    free(place);
    return good;
}

static int cp_run(const struct verb *verb, int argc, char **argv)
{
    struct error err = {0};
    struct view view;
    if (argc > 1 && argv[1][0] == '-' && argv[1][1])
        return cmd_unknown_flag(verb, argv[1]);
    if (argc < 4)
        return cmd_usage(verb, "an image, a file in it and a place for it are needed");
    char *path = image_file(argv[1], &err);
    if (!path) {
        say_lines(SAY_QUIET, err.text);
        return CMD_FAILURE;
    }
    bool good = view_open(&view, path, &err);
    free(path);
    for (int i = 2; good && i + 1 < argc; i++)
        good = copy_path(&view, argv[i], argv[argc - 1], argc > 4, &err);
    view_close(&view);
    if (!good)
        say_lines(SAY_QUIET, err.text);
    return good ? CMD_OK : CMD_FAILURE;
}

const struct verb verb_image_cp = {
    .name = "image cp",
    .usage = "IMAGE PATH… DEST",
    .summary = "Copy files and folders of an image to the host.",
    .help =
        {"IMAGE is a name that `orris image list` shows, or a file. A DEST that is a folder gets\n"
         "what is copied into it.\n"},
    .run = cp_run,
};
