/*
 * `orris size`: what takes the room in an image, as a tree for a terminal or as a page for a
 * browser.
 */
#include <limits.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/escape.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/table.h"
#include "host/image/annex.h"
#include "host/image/weigh.h"

#define DEPTH_DEFAULT 5u
#define DATA_MARK "<!--DATA-->"

extern const char treemap_page[], treemap_page_end[];

struct size_flags {
    const char *html; /* NULL: the tree on standard output */
    unsigned depth;
    bool all; /* small things, too */
    bool json;
};

/* ---- the tree ---- */

static void print_size(uint64_t bytes, uint64_t total)
{
    double part = total ? 100.0 * (double)bytes / (double)total : 0;
    print("%9.2f MB %5.1f %%  ", (double)bytes / 1e6, part);
}

/* The folder that alone is in a folder is shown with it, as a/b/c. */
static const struct weight *print_names(const struct weight *weight)
{
    print("%s", weight->node->name);
    while (weight->count == 1 && weight->parts[0].node->kind == ENTRY_DIR) {
        weight = &weight->parts[0];
        print("/%s", weight->node->name);
    }
    print(weight->node->kind == ENTRY_DIR ? "/\n" : "\n");
    return weight;
}

static void print_parts(const struct weight *folder, const struct size_flags *flags, uint64_t total,
                        unsigned depth, const char *lines)
{
    size_t shown = 0;
    while (shown < folder->count && (flags->all || folder->parts[shown].bytes * 100 >= total))
        shown++;
    uint64_t rest = folder->bytes;
    for (size_t i = 0; i < shown; i++) {
        bool last = i + 1 == folder->count || (i + 1 == shown && folder->parts[i + 1].bytes == 0);
        const struct weight *part = &folder->parts[i];
        rest -= part->bytes;
        print_size(part->bytes, total);
        print("%s%s", lines, last ? "└─ " : "├─ ");
        part = print_names(part);
        char *below = mem_printf("%s%s", lines, last ? "   " : "│  ");
        if (depth < flags->depth && part->count)
            print_parts(part, flags, total, depth + 1, below);
        free(below);
    }
    if (rest * 1000 >= total) {
        print_size(rest, total);
        print("%s└─ (%zu smaller)\n", lines, folder->count - shown);
    }
}

static void print_tree(const char *name, const struct view *view, const struct weight *all,
                       const struct size_flags *flags)
{
    print("%s: %.2f MB in %zu files; kernel %.2f MB\n", name, (double)all->bytes / 1e6, all->files,
          (double)view->info.header.kernel_size / 1e6);
    print_parts(all, flags, all->bytes, 1, "");
}

/* ---- the table, for programs ---- */

static const struct column columns[] = {
    {"PATH", COLUMN_TEXT}, {"BYTES", COLUMN_BYTES}, {"FILES", COLUMN_NUMBER}, {NULL, COLUMN_TEXT}};

static void add_rows(struct table *table, const struct weight *weight, unsigned depth)
{
    char *path = tree_path(weight->node);
    table_text(table, *path ? path : "/");
    table_number(table, (int64_t)weight->bytes);
    table_number(table, (int64_t)weight->files);
    free(path);
    for (size_t i = 0; depth > 0 && i < weight->count; i++)
        add_rows(table, &weight->parts[i], depth - 1);
}

static bool print_json(const struct weight *all, const struct size_flags *flags)
{
    struct table table = {.columns = columns};
    add_rows(&table, all, flags->depth);
    return table_print(&table, true);
}

/* ---- the page ---- */

/* A JSON string with odd bytes as \xHH to read. */
static void add_string(struct buf *out, const char *text)
{
    escape_json(out, text, "\\\\x%02x");
}

static void add_weight(struct buf *out, const struct weight *weight, const struct buf *why,
                       const char *above)
{
    char *path = tree_path(weight->node);
    const char *reason = why->size ? annex_why(why, path) : NULL;
    free(path);
    buf_string(out, "[");
    add_string(out, weight->node->name);
    buf_printf(out, ",%llu,%zu,", (unsigned long long)weight->bytes, weight->files);
    if (reason && reason != above)
        add_string(out, reason);
    else
        buf_string(out, "0");
    buf_string(out, weight->node->kind == ENTRY_DIR ? ",[" : ",0");
    for (size_t i = 0, count = 0; i < weight->count; i++) {
        if (!weight->parts[i].files)
            continue;
        buf_string(out, count++ ? "," : "");
        add_weight(out, &weight->parts[i], why, reason);
    }
    buf_string(out, weight->node->kind == ENTRY_DIR ? "]]" : "]");
}

static bool write_page(const char *name, const struct view *view, const struct weight *all,
                       const char *path, struct error *err)
{
    struct buf out = {0}, why = {0};
    struct error old;
    const char *mark = strstr(treemap_page, DATA_MARK);
    if (!view_annex(view, ANNEX_WHY, &why, &old))
        buf_clear(&why); /* an older image: without reasons */
    buf_add(&out, treemap_page, (size_t)(mark - treemap_page));
    buf_string(&out, "{\"name\":");
    add_string(&out, name);
    buf_printf(&out,
               ",\"kernel\":%llu,\"root\":", (unsigned long long)view->info.header.kernel_size);
    add_weight(&out, all, &why, NULL);
    buf_string(&out, "}");
    mark += strlen(DATA_MARK);
    buf_add(&out, mark, (size_t)(treemap_page_end - mark));
    bool done = io_write_file(path, out.data, out.size, 0666, err);
    buf_clear(&why);
    buf_clear(&out);
    return done;
}

/* ---- the verb ---- */

static bool take_depth(const char *value, unsigned *depth)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    *depth = (unsigned)number;
    return isdigit((unsigned char)*value) && !*end && number && number <= INT_MAX;
}

/* Takes the flags, before and after the image; *image is what else there is. */
static int take_flags(const struct verb *verb, int argc, char **argv, struct size_flags *flags,
                      const char **image)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = strchr(word, '=');
        size_t length = value ? (size_t)(value++ - word) : strlen(word);
        bool html = !strncmp(word, "--html", length) && length == strlen("--html");
        bool depth = !strncmp(word, "--depth", length) && length == strlen("--depth");
        if ((html || depth) && !value && i + 1 >= argc)
            return cmd_usage(verb, "%s needs a value", word);
        if (html || depth)
            value = value ? value : argv[++i];
        if (html)
            flags->html = value;
        else if (depth && !take_depth(value, &flags->depth))
            return cmd_usage(verb, "--depth %s: must be a number from 1 up", value);
        else if (!strcmp(word, "--all"))
            flags->all = true;
        else if (!strcmp(word, "--json"))
            flags->json = true;
        else if (!depth && word[0] == '-')
            return cmd_unknown_flag(verb, word);
        else if (!depth && *image)
            return cmd_usage(verb, "unexpected argument %s", word);
        else if (!depth)
            *image = word;
    }
    return *image ? CMD_OK : cmd_usage(verb, "no image is named");
}

static bool size_image(const char *file, const struct size_flags *flags, struct error *err)
{
    struct view view;
    bool good = view_open(&view, file, err);
    if (good) {
        struct weight all = weigh(&view, &view.tree->root);
        if (flags->json)
            good = print_json(&all, flags) || error_errno(err, "can't write the table");
        else if (flags->html)
            good = write_page(path_base(file), &view, &all, flags->html, err);
        else
            print_tree(path_base(file), &view, &all, flags);
        weight_clear(&all);
    }
    view_close(&view);
    return good;
}

static int size_run(const struct verb *verb, int argc, char **argv)
{
    struct size_flags flags = {.depth = DEPTH_DEFAULT};
    struct error err = {0};
    const char *image = NULL;
    int status = take_flags(verb, argc, argv, &flags, &image);
    if (status != CMD_OK)
        return status;
    char *file = image_file(image, &err);
    bool good = file && size_image(file, &flags, &err);
    if (!good)
        say_lines(SAY_QUIET, err.text);
    free(file);
    return good && !fflush(stdout) ? CMD_OK : CMD_FAILURE;
}

static const char size_usage[] = "[FLAGS] IMAGE";
static const char size_help[] =
    "IMAGE is a name that `orris image list` shows, or a file. Folders count with all below\n"
    "them, a file with several names counts once. What is under 1 % is summed up.\n"
    "\n"
    "      --depth N        so many levels of folders (default 5)\n"
    "      --all            small things, too\n"
    "      --json           an array of objects, all that is within so many levels\n"
    "      --html FILE      write a page with a treemap, which needs nothing else, instead\n"
    "  -h, --help           this text\n";

const struct verb verb_size = {
    .name = "size",
    .usage = size_usage,
    .summary = "Show what takes the room in an image, largest first.",
    .help = {size_help},
    .run = size_run,
};

const struct verb verb_image_size = {
    .name = "image size",
    .usage = size_usage,
    .summary = "The same as `orris size`.",
    .help = {size_help},
    .run = size_run,
};
