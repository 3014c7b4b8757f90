/* `orris prune`: the store made smaller. */
#include "host/pkg/prune.h"

#include <stdio.h>
#include <string.h>

#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/config/config.h"

static int prune_with(const struct prune_request *request)
{
    struct error err = {0};
    struct prune_result result;
    if (!prune_store(request, &result, &err)) {
        say_lines(SAY_QUIET, err.text);
        return CMD_FAILURE;
    }
    print("%s %.1f MB, the store holds %.1f MB\n", request->dry ? "would free" : "freed",
          (double)result.freed / 1e6, (double)result.left / 1e6);
    return CMD_OK;
}

static int prune_run(const struct verb *verb, int argc, char **argv)
{
    struct prune_request flags = {0};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *size = NULL;
        if (strcmp(word, "--all") == 0)
            flags.all = true;
        else if (strcmp(word, "-n") == 0 || strcmp(word, "--dry-run") == 0)
            flags.dry = true;
        else if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
            say_level = SAY_QUIET;
        else if (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)
            say_level = SAY_VERBOSE;
        else if (strncmp(word, "--max=", 6) == 0)
            size = word + 6;
        else if (strcmp(word, "--max") == 0)
            size = i + 1 < argc ? argv[++i] : "";
        else if (word[0] == '-')
            return cmd_unknown_flag(verb, word);
        else
            return cmd_usage(verb, "unexpected argument %s", word);
        if (size && !config_parse_size(size, &flags.limit))
            return cmd_usage(verb, "--max needs a size such as 500M or 2G, not \"%s\"", size);
        flags.limited |= size != NULL;
    }
    return prune_with(&flags);
}

static const char prune_usage[] = "[--all | --max SIZE] [-n] [-q] [-v]";
static const char prune_help[] =
    "Without flags, removes what comes back by itself: layers that images were built from,\n"
    "and downloaded package files. What a running machine uses stays, and packages that were\n"
    "made here (`orris pkg add`, `from-run`); `orris pkg delete` removes those.\n"
    "After each build images and layers beyond 20 GB go by themselves, those that were not used\n"
    "for the longest time first; ORRIS_STORE_MAX is another limit (5G; 0: none).\n"
    "\n"
    "      --all        images and packages, too\n"
    "      --max SIZE   only until the store holds no more than SIZE (500M, 2G), images and\n"
    "                   packages that were not used for the longest time included\n"
    "  -n, --dry-run    remove nothing, say how much it would be\n"
    "  -v, --verbose    name everything that is removed\n"
    "  -q, --quiet      say nothing but errors\n";

const struct verb verb_prune = {
    .name = "prune",
    .usage = prune_usage,
    .summary = "Make the store smaller.",
    .help = {prune_help},
    .run = prune_run,
};

const struct verb verb_image_prune = {
    .name = "image prune",
    .usage = prune_usage,
    .summary = "The same as `orris prune`.",
    .help = {prune_help},
    .run = prune_run,
};
