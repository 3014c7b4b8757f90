/*
 * `orris boot`: an image that `orris build` made, once more.
 */
#include <string.h>

#include "host/cmd/cmd.h"
#include "host/cmd/start.h"

static const char boot_help[] =
    "IMAGE is a name that `orris image list` shows, or a file. It runs as it is: with the\n"
    "arguments and the environment it was built with, or with PROGRAM's arguments ARG… instead\n"
    "(argv[0] first).\n"
    "\n"
    "  -m, --memory SIZE    memory of the machine: 512M, 2G (default 2G)\n"
    "      --cpus N         the machine's processors, 1 to 32; also as --smp\n";

/* -m and --cpus, too. */
static int boot_take_flag(void *context, int argc, char **argv, int *index, struct error *err)
{
    static const char *const known[] = {"-m", "--memory", "--cpus", "--smp"};
    struct start_flags *flags = context;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strncmp(argv[*index], known[i], strlen(known[i])) == 0)
            return app_take_flag(flags->request, argc, argv, index, err);
    return start_take_flag(flags, argc, argv, index, err);
}

static int boot_image(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    int at = 1;
    int status = cmd_take_flags(verb, boot_take_flag, flags, argc, argv, &at);
    if (status != CMD_OK)
        return status;
    if (flags->help)
        return cmd_help(verb);
    if (at >= argc)
        return cmd_usage(verb, "no image is named");
    return start_built(flags, argc - at, argv + at);
}

static int boot_run(const struct verb *verb, int argc, char **argv)
{
    struct app_request request;
    struct start_flags flags = {.request = &request};
    app_request_init(&request);
    int status = boot_image(verb, &flags, argc, argv);
    start_flags_clear(&flags);
    app_request_clear(&request);
    return status;
}

const struct verb verb_boot = {
    .name = "boot",
    .usage = "[FLAGS] IMAGE [ARG…]",
    .summary = "Run an image that `orris build` made.",
    .help = {boot_help, start_flags_help},
    .run = boot_run,
};
