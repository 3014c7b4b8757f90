/*
 * `orris version`: of the tool, and of the kernel it puts into images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"

/* The kernel names itself in what uname(2) answers (kernel/proc/uts.h). */
#define KERNEL_VERSION_MARK "#1 SMP Orris "

/* The kernel's version, owned by the caller, or NULL with err set. */
static char *kernel_version(struct error *err)
{
    char *path = store_kernel_path(err);
    if (!path)
        return NULL;
    struct buf kernel = {0};
    char *version = NULL;
    if (io_read_file(path, &kernel, err)) {
        const char *mark = kernel.size ? memmem(kernel.data, kernel.size, KERNEL_VERSION_MARK,
                                                strlen(KERNEL_VERSION_MARK))
                                       : NULL;
        version = mem_string(mark ? mark + strlen(KERNEL_VERSION_MARK) : "unknown");
    }
    buf_clear(&kernel);
    free(path);
    return version;
}

static int version_run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    printf("orris %s\n", ORRIS_VERSION);
    struct error err;
    char *kernel = kernel_version(&err);
    if (!kernel) {
        fflush(stdout);
        say_error("no kernel: %s", err.text);
        return CMD_FAILURE;
    }
    printf("kernel %s\n", kernel);
    free(kernel);
    return CMD_OK;
}

const struct verb verb_version = {
    .name = "version",
    .usage = "",
    .summary = "Print the versions of tool and kernel.",
    .run = version_run,
};
