/*
 * `orris boot`: an image that `orris build` made, once more.
 */
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"

static const char boot_help[] =
    "Runs the image as it is: with the arguments and the environment it was built with, or with\n"
    "PROGRAM's arguments ARG… instead (argv[0] first).\n"
    "\n"
    "  -m, --memory SIZE    memory of the machine: 512M, 2G (default 2G)\n";

/* -m SIZE. Returns as start_take_flag(). */
static int boot_take_memory(struct run_options *options, int argc, char **argv, int *index,
                            struct error *err)
{
    struct app_request request;
    app_request_init(&request);
    int taken = 0;
    if (strncmp(argv[*index], "-m", 2) == 0 || strncmp(argv[*index], "--memory", 8) == 0)
        taken = app_take_flag(&request, argc, argv, index, err);
    if (taken == 1)
        options->memory_bytes = request.memory_bytes;
    app_request_clear(&request);
    return taken;
}

static int boot_image(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    struct error err = {0};
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        const char *flag = argv[i];
        int taken = start_take_flag(flags, argc, argv, &i, &err);
        if (taken == 0)
            taken = boot_take_memory(&flags->options, argc, argv, &i, &err);
        if (taken == 0)
            return cmd_unknown_flag(verb, flag);
        if (taken < 0)
            return cmd_usage(verb, "%s", err.text);
    }
    if (flags->help)
        return cmd_help(verb);
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    if (i >= argc)
        return cmd_usage(verb, "no image is named");
    const char *image = argv[i];
    for (i++; i < argc; i++)
        strlist_add(&flags->options.args, argv[i]);
    flags->options.ports = &flags->ports;
    return start_image(image, &flags->options);
}

static int boot_run(const struct verb *verb, int argc, char **argv)
{
    struct start_flags flags = {.options.image_fd = -1};
    int status = boot_image(verb, &flags, argc, argv);
    strlist_clear(&flags.options.args);
    start_flags_clear(&flags);
    return status;
}

const struct verb verb_boot = {
    .name = "boot",
    .usage = "[FLAGS] IMAGE [ARG…]",
    .summary = "Run an image that `orris build` made.",
    .help = {boot_help, start_flags_help},
    .run = boot_run,
};
