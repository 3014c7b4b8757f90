/*
 * `orris why`: the chain of reasons that brought a file into an image.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/image/annex.h"
#include "host/image/view.h"

#define CHAIN_MAX 20u
#define NEEDED_BY "needed by "

struct asking {
    struct view view;
    struct buf why;
};

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
        if (depth > 1)
            printf("%*s%s\n", (int)(2 * depth - 2), "", at);
        printf("%*s%s\n", (int)(2 * depth), "", reason ? reason : "not told");
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
    printf("%s%s%s\n", real, node->target ? " -> " : "", node->target ? node->target : "");
    const char *reason = node->target ? annex_why(&asking->why, real) : NULL;
    if (reason)
        printf("  the link: %s\n", reason);
    if (node->target && !tree_find(asking->view.tree, real, true))
        puts("  leads nowhere in the image");
    else
        print_chain(asking, real);
    free(real);
    free(clean);
    return true;
}

static int why_run(const struct verb *verb, int argc, char **argv)
{
    struct error err;
    struct asking asking = {.view.fd = -1};
    if (argc > 1 && argv[1][0] == '-')
        return cmd_unknown_flag(verb, argv[1]);
    if (argc < 3)
        return cmd_usage(verb, "an image and a path in it are needed");
    char *file = image_file(argv[1], &err);
    bool good = file && view_open(&asking.view, file, &err) &&
                view_annex(&asking.view, ANNEX_WHY, &asking.why, &err);
    if (!good)
        say_error("%s", err.text);
    bool all = good;
    for (int i = 2; good && i < argc; i++)
        all &= why_path(&asking, argv[i]);
    if (file)
        view_close(&asking.view);
    buf_clear(&asking.why);
    free(file);
    return all && !fflush(stdout) ? CMD_OK : CMD_FAILURE;
}

const struct verb verb_why = {
    .name = "why",
    .usage = "IMAGE PATH…",
    .summary = "Say why a file is in an image: what needs it, and how it was found.",
    .help =
        {"IMAGE is a name that `orris image list` shows, or a file. The chain goes from PATH to\n"
         "what was asked for: the program, a key of config.json, a recording.\n"},
    .run = why_run,
};
