/* `orris completion`: what a shell needs to complete orris's command lines. */
#include <stdio.h>

#include "host/cmd/cmd.h"
#include "host/cmd/describe.h"

static int completion_run(const struct verb *verb, int argc, char **argv)
{
    if (argc != 2)
        return cmd_usage(verb, "one shell is needed: bash, zsh or fish");
    if (!describe_completion(argv[1]))
        return cmd_usage(verb, "%s: the shells are bash, zsh and fish", argv[1]);
    return fflush(stdout) ? CMD_FAILURE : CMD_OK;
}

const struct verb verb_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "Print a completion script for a shell.",
    .help =
        {"In bash: source <(orris completion bash); in fish: orris completion fish | source; for\n"
         "zsh, put it into a file _orris in a folder of $fpath.\n"},
    .run = completion_run,
};
