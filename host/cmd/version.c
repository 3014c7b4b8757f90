/*
 * `orris version`: of the tool, and of the kernel it puts into images.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/image/kernel.h"

static int version_run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    print("orris %s\n", ORRIS_VERSION);
    struct error err;
    char *kernel = kernel_version(&err);
    if (!kernel) {
        fflush(stdout);
        say_error("no kernel: %s", err.text);
        return CMD_FAILURE;
    }
    print("kernel %s\n", kernel);
    free(kernel);
    return CMD_OK;
}

const struct verb verb_version = {
    .name = "version",
    .usage = "",
    .summary = "Print the versions of tool and kernel.",
    .run = version_run,
};
