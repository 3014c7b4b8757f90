/*
 * `orris build`: makes an image without running it, and prints its path.
 */
#include <stdio.h>
#include <string.h>

#include "host/app/app.h"
#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"

static const char build_help[] =
    "Makes the image that `orris run` would, with arguments and environment in it, so that it "
    "needs\n"
    "nothing but QEMU to run. Its path is the only line on standard output.\n"
    "\n"
    "      --base PACKAGE   build on a package, as `orris pkg load PACKAGE` runs one\n";

static const char build_help_end[] = "  -v, --verbose        say more\n"
                                     "  -q, --quiet          say nothing but errors\n"
                                     "  -h, --help           this text\n";

struct build {
    const struct verb *verb;
    struct app_request request;
    bool help;
};

/* --base PACKAGE or --base=PACKAGE. */
static int take_base(struct build *build, int argc, char **argv, int *index, struct error *err)
{
    const char *flag = argv[*index];
    if (strncmp(flag, "--base", 6) || (flag[6] && flag[6] != '='))
        return 0;
    if (!flag[6] && *index + 1 >= argc)
        return error_set(err, "--base needs a value") - 1;
    build->request.package = mem_string(flag[6] ? flag + 7 : argv[++*index]);
    return 1;
}

static bool take_simple(struct build *build, const char *flag)
{
    if (!strcmp(flag, "-h") || !strcmp(flag, "--help"))
        build->help = true;
    else if (!strcmp(flag, "-v") || !strcmp(flag, "--verbose"))
        say_level = SAY_VERBOSE;
    else if (!strcmp(flag, "-q") || !strcmp(flag, "--quiet"))
        say_level = SAY_QUIET;
    else
        return false;
    return true;
}

static int take_flag(void *context, int argc, char **argv, int *index, struct error *err)
{
    struct build *build = context;
    if (take_simple(build, argv[*index]))
        return 1;
    int taken = take_base(build, argc, argv, index, err);
    return taken ? taken : app_take_flag(&build->request, argc, argv, index, err);
}

static int build_image(const struct app_request *request)
{
    struct error err = {0};
    struct app app;
    if (!app_prepare(request, &app, &err)) {
        say_lines(SAY_QUIET, err.text);
        app_clear(&app);
        return CMD_FAILURE;
    }
    say_verbose("%s", app.fresh ? "built" : "nothing has changed");
    print("%s\n", app.image_path);
    int status = fflush(stdout) ? CMD_FAILURE : CMD_OK;
    app_clear(&app);
    return status;
}

static int build_with(struct build *build, int argc, char **argv)
{
    int at = 1;
    int status = cmd_take_flags(build->verb, take_flag, build, argc, argv, &at);
    if (status != CMD_OK)
        return status == CMD_RUN_FAILED ? CMD_FAILURE : status;
    if (build->help)
        return cmd_help(build->verb);
    struct app_request *request = &build->request;
    if (at >= argc && !request->config_path && !request->package && !request->locked)
        return cmd_usage(build->verb, "no program is named");
    if (at < argc && request->package)
        at--; /* all that follows belongs to the package's program */
    else if (at < argc)
        request->program = mem_string(argv[at]);
    for (int i = at + 1; i < argc; i++)
        strlist_add(request->package ? &request->args : &request->program_args, argv[i]);
    return build_image(request);
}

static int build_run(const struct verb *verb, int argc, char **argv)
{
    struct build build = {.verb = verb};
    app_request_init(&build.request);
    build.request.bake = true;
    int status = build_with(&build, argc, argv);
    app_request_clear(&build.request);
    return status;
}

const struct verb verb_build = {
    .name = "build",
    .usage = "[FLAGS] PROGRAM [ARG…]",
    .summary = "Make an image without running it; print its path.",
    .help = {build_help, app_flags_help, build_help_end},
    .run = build_run,
};

const struct verb verb_image_create = {
    .name = "image create",
    .usage = "[FLAGS] PROGRAM [ARG…]",
    .summary = "The same as build.",
    .help = {build_help, app_flags_help, build_help_end},
    .run = build_run,
};
