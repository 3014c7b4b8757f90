/*
 * `orris image`: the images in the store, and what is in them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"
#include "host/cmd/table.h"
#include "host/image/view.h"

#define COPY_SIZE 65536u
#define BLOCK_BYTES 512 /* the unit of st_blocks */

static int failure(const struct error *err)
{
    say_lines(SAY_QUIET, err->text);
    return CMD_FAILURE;
}

static int entry_is_image(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && entry->d_name[0] != '.' && !strcmp(entry->d_name + length - 4, ".img");
}

static void add_image(struct table *table, const char *folder, const char *file)
{
    struct stat info;
    char *path = path_join(folder, file), *name = mem_printf("%.*s", (int)strlen(file) - 4, file);
    if (stat(path, &info) == 0) {
        table_text(table, name);
        table_number(table, (int64_t)info.st_blocks * BLOCK_BYTES);
        table_number(table, info.st_mtime);
        table_text(table, path);
    }
    free(name);
    free(path);
}

static int list_run(const struct verb *verb, int argc, char **argv)
{
    static const struct column columns[] = {{"NAME", COLUMN_TEXT},
                                            {"SIZE", COLUMN_BYTES},
                                            {"CREATED", COLUMN_TIME},
                                            {"PATH", COLUMN_TEXT},
                                            {NULL, COLUMN_TEXT}};
    struct table table = {.columns = columns};
    struct error err;
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    if (argc > 1)
        return cmd_usage(verb, "takes no arguments");
    char *folder = store_path("images", true, &err);
    if (!folder)
        return failure(&err);
    struct dirent **entries;
    int count = scandir(folder, &entries, entry_is_image, alphasort);
    for (int i = 0; i < count; i++) {
        add_image(&table, folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    free(folder);
    return table_print(&table, json) ? CMD_OK : CMD_FAILURE;
}

static int delete_run(const struct verb *verb, int argc, char **argv)
{
    int status = CMD_OK;
    if (argc < 2)
        return cmd_usage(verb, "no image is named");
    for (int i = 1; i < argc; i++) {
        struct error err;
        char *path = image_file(argv[i], &err);
        if (!path)
            return failure(&err);
        if (unlink(path)) {
            error_errno(&err, "%s", path);
            status = failure(&err);
        }
        free(path);
    }
    return status;
}

static void print_node(const struct view *view, const struct node *node, const char *name)
{
    struct erofs_file file = view_stat(view, node);
    char type = node->kind == ENTRY_DIR ? 'd' : node->kind == ENTRY_LINK ? 'l' : '-';
    char when[32];
    time_t seconds = (time_t)file.mtime;
    struct tm time;
    localtime_r(&seconds, &time);
    strftime(when, sizeof(when), "%F %R", &time);
    print("%c%04o %11llu %s %s", type, file.mode & 07777, (unsigned long long)file.size, when,
          name);
    if (node->target)
        print(" -> %s", node->target);
    putchar('\n');
}

static int node_order(const void *left, const void *right)
{
    const struct node *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* The children of a folder by name; owned by the caller. */
static const struct node **children_of(const struct node *folder, size_t *count)
{
    *count = 0;
    for (const struct node *child = folder->child; child; child = child->next)
        ++*count;
    const struct node **list = mem_alloc((*count + 1) * sizeof(struct node *));
    size_t i = 0;
    for (const struct node *child = folder->child; child; child = child->next)
        list[i++] = child;
    if (*count)
        qsort(list, *count, sizeof(*list), node_order);
    return list;
}

static void print_folder(const struct view *view, const struct node *folder)
{
    size_t count;
    const struct node **list = children_of(folder, &count);
    for (size_t i = 0; i < count; i++)
        print_node(view, list[i], list[i]->name);
    free(list);
}

static void print_tree(const struct node *folder, unsigned depth)
{
    size_t count;
    const struct node **list = children_of(folder, &count);
    for (size_t i = 0; i < count; i++) {
        const char *end = list[i]->kind == ENTRY_DIR ? "/" : list[i]->target ? " -> " : "";
        print("%*s%s%s%s\n", (int)(2 * depth), "", list[i]->name, end,
              list[i]->target ? list[i]->target : "");
        if (list[i]->kind == ENTRY_DIR)
            print_tree(list[i], depth + 1);
    }
    free(list);
}

static bool print_bytes(const struct view *view, const struct node *node, const char *name)
{
    char *data = mem_alloc(COPY_SIZE);
    uint64_t at = 0;
    ssize_t got;
    while ((got = view_read(view, node, data, COPY_SIZE, at)) > 0) {
        if (fwrite(data, 1, (size_t)got, stdout) != (size_t)got)
            break;
        at += (uint64_t)got;
    }
    free(data);
    if (got < 0)
        say_error("%s: the image is damaged", name);
    return got == 0;
}

/* What a verb does with one path of an image. */
typedef bool (*view_action_t)(const struct view *view, const struct node *node, const char *name);

static bool action_ls(const struct view *view, const struct node *node, const char *name)
{
    if (node->kind == ENTRY_DIR)
        print_folder(view, node);
    else
        print_node(view, node, name);
    return true;
}

static const struct column ls_columns[] = {{"NAME", COLUMN_TEXT},     {"TYPE", COLUMN_TEXT},
                                           {"MODE", COLUMN_TEXT},     {"SIZE", COLUMN_BYTES},
                                           {"MODIFIED", COLUMN_TIME}, {"TARGET", COLUMN_TEXT},
                                           {NULL, COLUMN_TEXT}};
static struct table ls_table = {.columns = ls_columns};

static void add_node(const struct view *view, const struct node *node, const char *name)
{
    struct erofs_file file = view_stat(view, node);
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", file.mode & 07777u);
    table_text(&ls_table, name);
    table_text(&ls_table, node->kind == ENTRY_DIR    ? "folder"
                          : node->kind == ENTRY_LINK ? "link"
                                                     : "file");
    table_text(&ls_table, mode);
    table_number(&ls_table, (int64_t)file.size);
    table_number(&ls_table, file.mtime);
    table_text(&ls_table, node->target);
}

static bool action_ls_json(const struct view *view, const struct node *node, const char *name)
{
    size_t count;
    if (node->kind != ENTRY_DIR) {
        add_node(view, node, name);
        return true;
    }
    const struct node **list = children_of(node, &count);
    for (size_t i = 0; i < count; i++)
        add_node(view, list[i], list[i]->name);
    free(list);
    return true;
}

static bool action_tree(const struct view *view, const struct node *node, const char *name)
{
    (void)view;
    print("%s\n", name);
    print_tree(node, 1);
    return true;
}

static bool action_cat(const struct view *view, const struct node *node, const char *name)
{
    if (node->kind == ENTRY_FILE)
        return print_bytes(view, node, name);
    say_error("%s: is not a file", name);
    return false;
}

static bool view_path(struct view *view, const char *path, view_action_t action)
{
    const struct node *node = tree_find(view->tree, path, true);
    if (node)
        return action(view, node, path);
    say_error("%s: not in the image", path);
    return false;
}

static int view_run(const struct verb *verb, int argc, char **argv, view_action_t action)
{
    struct error err;
    struct view view;
    if (argc < 2 || argv[1][0] == '-')
        return cmd_usage(verb, "no image is named");
    char *path = image_file(argv[1], &err);
    if (!path)
        return failure(&err);
    bool done = view_open(&view, path, &err);
    free(path);
    if (!done) {
        view_close(&view);
        return failure(&err);
    }
    if (argc == 2)
        done = view_path(&view, "/", action);
    for (int i = 2; i < argc; i++)
        done &= view_path(&view, argv[i], action);
    view_close(&view);
    return done && !fflush(stdout) ? CMD_OK : CMD_FAILURE;
}

static int ls_run(const struct verb *verb, int argc, char **argv)
{
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    int status = view_run(verb, argc, argv, json ? action_ls_json : action_ls);
    if (json && status == CMD_OK && !table_print(&ls_table, true))
        status = CMD_FAILURE;
    return status;
}

static int tree_run(const struct verb *verb, int argc, char **argv)
{
    return view_run(verb, argc, argv, action_tree);
}

static int cat_run(const struct verb *verb, int argc, char **argv)
{
    if (argc < 3)
        return cmd_usage(verb, "an image and a file in it are needed");
    return view_run(verb, argc, argv, action_cat);
}

static const char image_help[] = "IMAGE is a name that `orris image list` shows, or a file.\n";

const struct verb verb_image_list = {
    .name = "image list",
    .usage = "[--json]",
    .summary = "List the images in the store.",
    .help = {"Shows name, size on disk, time and path of each.\n"
             "\n"
             "      --json           an array of objects\n"},
    .run = list_run,
};

const struct verb verb_image_delete = {
    .name = "image delete",
    .usage = "IMAGE…",
    .summary = "Remove images. A machine that runs one keeps it.",
    .help = {image_help},
    .run = delete_run,
};

const struct verb verb_image_ls = {
    .name = "image ls",
    .usage = "[--json] IMAGE [PATH…]",
    .summary = "List folders and files of an image.",
    .help = {image_help, "\n      --json           an array of objects\n"},
    .run = ls_run,
};

const struct verb verb_image_tree = {
    .name = "image tree",
    .usage = "IMAGE [PATH…]",
    .summary = "Show the folders of an image as a tree.",
    .help = {image_help},
    .run = tree_run,
};

const struct verb verb_image_cat = {
    .name = "image cat",
    .usage = "IMAGE PATH…",
    .summary = "Print files of an image.",
    .help = {image_help},
    .run = cat_run,
};
