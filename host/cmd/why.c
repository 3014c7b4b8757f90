/*
 * `orris why`: the chain of reasons that brought a file into an image.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/table.h"
#include "host/image/annex.h"
#include "host/image/bill.h"
#include "host/image/view.h"

#define CHAIN_MAX 20u
#define NEEDED_BY "needed by "

static const struct column columns[] = {
    {"ASKED", COLUMN_TEXT}, {"PATH", COLUMN_TEXT}, {"WHY", COLUMN_TEXT}, {NULL, COLUMN_TEXT}};

struct asking {
    struct view view;
    struct buf why;
    struct bill bills[ORRIS_IMAGE_LAYERS_MAX];
    const char *asked;   /* the path */
    struct table *table; /* NULL: for people */
};

/* "libc6 2.36-9" for a file of that Debian package, by the bills of the layers, of which the last
 * that has a path counts; owned by the caller. NULL: of none. */
static char *debian_package(struct asking *asking, const char *path)
{
    const struct image_info *info = &asking->view.info;
    const struct bill_package *found = NULL;
    for (unsigned i = 0; i < info->layer_count; i++)
        for (size_t k = 0; k < asking->bills[i].file_count; k++) {
            const struct bill *bill = &asking->bills[i];
            const struct bill_file *file = &bill->files[k];
            if (!strcmp(file->path, path))
                found = file->package ? &bill->packages[file->package - 1] : NULL;
        }
    return found ? mem_printf("%s %s", found->name, found->version) : NULL;
}

/* A layer without a bill, of an older tool, tells nothing. */
static void bills_read(struct asking *asking)
{
    const struct image_info *info = &asking->view.info;
    struct error old;
    uint64_t size;
    for (unsigned i = 0; i < info->layer_count; i++)
        if (!bill_read(asking->view.fd, info->layers[i].offset, info->layers[i].size,
                       &asking->bills[i], &size, &old))
            asking->bills[i] = (struct bill){0};
}

/* A step of the chain: for people, path was printed before where depth is 1. */
static void tell(struct asking *asking, const char *path, const char *reason, unsigned depth)
{
    if (asking->table) {
        table_text(asking->table, asking->asked);
        table_text(asking->table, path);
        table_text(asking->table, reason);
        return;
    }
    if (depth > 1)
        print("%*s%s\n", (int)(2 * depth - 2), "", path);
    print("%*s%s\n", (int)(2 * depth), "", reason);
}

/* The path that a reason names as what needs the file; owned by the caller, or NULL. */
static char *needed_by(const char *reason)
{
    if (strncmp(reason, NEEDED_BY, strlen(NEEDED_BY)) != 0)
        return NULL;
    const char *path = reason + strlen(NEEDED_BY), *end = strstr(path, ", found by ");
    return mem_printf("%.*s", (int)(end ? (size_t)(end - path) : strlen(path)), path);
}

/* Prints who needs what, up to what was asked for itself. */
static void print_chain(struct asking *asking, const char *path)
{
    char *at = mem_string(path);
    for (unsigned depth = 1; at && depth <= CHAIN_MAX; depth++) {
        const struct node *node = tree_find(asking->view.tree, at, true);
        char *real = node ? tree_path(node) : mem_string(at);
        const char *reason = annex_why(&asking->why, real);
        char *debian = debian_package(asking, real);
        char *whole = mem_printf("%s%s%s", reason ? reason : "not told",
                                 debian ? "; of Debian's " : "", debian ? debian : "");
        tell(asking, at, whole, depth);
        free(whole);
        free(debian);
        free(at);
        at = reason ? needed_by(reason) : NULL;
        free(real);
    }
    free(at);
}

static bool why_path(struct asking *asking, const char *path)
{
    char *clean = path_clean(path);
    const struct node *node = tree_find(asking->view.tree, clean, false);
    if (!node) {
        say_error("%s: not in the image", path);
        free(clean);
        return false;
    }
    char *real = tree_path(node);
    bool nowhere = node->target && !tree_find(asking->view.tree, real, true);
    const char *reason = node->target ? annex_why(&asking->why, real) : NULL;
    asking->asked = path;
    if (!asking->table)
        print("%s%s%s\n", real, node->target ? " -> " : "", node->target ? node->target : "");
    if (reason && asking->table)
        tell(asking, real, reason, 1);
    else if (reason)
        print("  the link: %s\n", reason);
    if (nowhere)
        tell(asking, node->target, "leads nowhere in the image", 1);
    else
        print_chain(asking, real);
    free(real);
    free(clean);
    return true;
}

static int why_run(const struct verb *verb, int argc, char **argv)
{
    struct error err;
    bool json = false;
    struct table table = {.columns = columns};
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    struct asking asking = {.view.fd = -1, .table = json ? &table : NULL};
    if (argc < 3)
        return cmd_usage(verb, "an image and a path in it are needed");
    char *file = image_file(argv[1], &err);
    bool good = file && view_open(&asking.view, file, &err) &&
                view_annex(&asking.view, ANNEX_WHY, &asking.why, &err);
    if (!good)
        say_lines(SAY_QUIET, err.text);
    bool all = good;
    if (good)
        bills_read(&asking);
    for (int i = 2; good && i < argc; i++)
        all &= why_path(&asking, argv[i]);
    if (file)
        view_close(&asking.view);
    buf_clear(&asking.why);
    for (size_t i = 0; i < ORRIS_IMAGE_LAYERS_MAX; i++)
        bill_clear(&asking.bills[i]);
    free(file);
    if (json)
        all &= table_print(&table, true);
    return all && !fflush(stdout) ? CMD_OK : CMD_FAILURE;
}

const struct verb verb_why = {
    .name = "why",
    .usage = "[--json] IMAGE PATH…",
    .summary = "Say why a file is in an image: what needs it, and how it was found.",
    .help =
        {"IMAGE is a name that `orris image list` shows, or a file. The chain goes from PATH to\n"
         "what was asked for: the program, a key of config.json, a recording.\n"
         "\n"
         "      --json           an array of objects, one for each step of the chain\n"},
    .run = why_run,
};
