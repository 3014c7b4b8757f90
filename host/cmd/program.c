/*
 * What `run` and `instance create` share: a program (or an image), its flags before it and its
 * arguments behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"
#include "host/image/image.h"

/* Whether name means an image, not a program. */
static bool is_image(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".img") == 0;
}

/* An image as it is, with further arguments in place of its own. */
static int start_built(const char *name, struct start_flags *flags,
                       const struct app_request *request, int argc, char **argv)
{
    struct error err = {0};
    char *path = image_file(name, &err);
    if (!path) {
        say_error("%s", err.text);
        return CMD_RUN_FAILED;
    }
    struct run_options *options = &flags->options;
    options->image_fd = -1;
    options->memory_bytes = request->memory_bytes;
    options->cpus = request->cpus;
    for (int i = 1; i < argc; i++)
        strlist_add(&options->args, argv[i]);
    int status = flags->launch(path, options, flags->name);
    strlist_clear(&options->args);
    free(path);
    return status;
}

/* Takes the flags before PROGRAM. Returns the index of PROGRAM, or -1: with err set, or *unknown
 * for a flag nobody knows. */
static int take_flags(struct app_request *request, struct start_flags *flags, int argc, char **argv,
                      const char **unknown, struct error *err)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        const char *flag = argv[i];
        int taken = start_take_flag(flags, argc, argv, &i, err);
        if (taken == 0)
            taken = app_take_flag(request, argc, argv, &i, err);
        if (taken == 0)
            *unknown = flag;
        if (taken <= 0)
            return -1;
    }
    return i;
}

static int take_and_start(const struct verb *verb, struct app_request *request,
                          struct start_flags *flags, int argc, char **argv)
{
    struct error err = {0};
    const char *unknown = NULL;
    int at = take_flags(request, flags, argc, argv, &unknown, &err);
    if (unknown)
        return cmd_unknown_flag(verb, unknown);
    if (at < 0)
        return cmd_usage(verb, "%s", err.text);
    if (flags->help)
        return cmd_help(verb);
    if (at >= argc && !request->config_path && !request->locked)
        return cmd_usage(verb, "no program is named");
    if (at < argc && flags->launch && is_image(argv[at]))
        return start_built(argv[at], flags, request, argc - at, argv + at);
    if (at < argc)
        request->program = mem_string(argv[at]);
    for (int i = at + 1; i < argc; i++)
        strlist_add(&request->program_args, argv[i]);
    return start_app(request, flags);
}

int start_program(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    struct app_request request;
    app_request_init(&request);
    int status = take_and_start(verb, &request, flags, argc, argv);
    app_request_clear(&request);
    start_flags_clear(flags);
    return status;
}
