/*
 * What `run` and `instance create` share: a program (or an image), its flags before it and its
 * arguments behind it.
 */
#include <string.h>

#include "host/base/buf.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"

/* Whether name means an image, not a program. */
static bool is_image(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".img") == 0;
}

static int take_and_start(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    struct app_request *request = flags->request;
    int at = 1;
    int status = cmd_take_flags(verb, start_take_any, flags, argc, argv, &at);
    if (status != CMD_OK)
        return status;
    if (flags->help)
        return cmd_help(verb);
    if (at >= argc && !request->config_path && !request->locked)
        return cmd_usage(verb, "no program is named");
    if (at < argc && flags->launch && is_image(argv[at]))
        return start_built(flags, argc - at, argv + at);
    if (at < argc)
        request->program = mem_string(argv[at]);
    for (int i = at + 1; i < argc; i++)
        strlist_add(&request->program_args, argv[i]);
    return start_app(flags);
}

int start_program(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    struct app_request request;
    app_request_init(&request);
    flags->request = &request;
    int status = take_and_start(verb, flags, argc, argv);
    app_request_clear(&request);
    start_flags_clear(flags);
    return status;
}
