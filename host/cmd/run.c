/*
 * `orris run`: a program of the host, in a machine of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"

static const char run_help[] =
    "PROGRAM is a Linux x86-64 executable, or a script with an interpreter line or a known ending\n"
    "(.py). Everything after it belongs to the program; \"--\" may stand before it. What it needs\n"
    "(interpreter, shared libraries, modules) is found and put into an image, which is then "
    "booted.\n"
    "Its standard input, output and error are those of the tool.\n"
    "\n";

static const char run_help_end[] =
    "\n"
    "Exit status: the program's own, 0 to 255; 128+N when signal N ended it; 125 if the tool "
    "could\n"
    "not run it; 124 if orris's own kernel failed; 2 after wrong usage.\n"
    "SIGINT, SIGTERM, SIGHUP and SIGQUIT go to the program; a second SIGINT, or 10 seconds after "
    "a\n"
    "SIGTERM, ends the machine.\n"
    "Default memory: 2 GiB (-m, or RunConfig.Memory).\n";

/* Takes the flags before PROGRAM. Returns the index of PROGRAM, or -1: with err set, or *unknown
 * for a flag nobody knows. */
static int run_take_flags(struct app_request *request, struct start_flags *flags, int argc,
                          char **argv, const char **unknown, struct error *err)
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

static int run_with(const struct verb *verb, struct app_request *request, struct start_flags *flags,
                    int argc, char **argv)
{
    struct error err = {0};
    const char *unknown = NULL;
    int at = run_take_flags(request, flags, argc, argv, &unknown, &err);
    if (unknown)
        return cmd_unknown_flag(verb, unknown);
    if (at < 0)
        return cmd_usage(verb, "%s", err.text);
    if (flags->help)
        return cmd_help(verb);
    if (at >= argc && !request->config_path && !request->locked)
        return cmd_usage(verb, "no program is named");
    if (at < argc)
        request->program = mem_string(argv[at]);
    for (int i = at + 1; i < argc; i++)
        strlist_add(&request->program_args, argv[i]);
    return start_app(request, flags);
}

static int run_run(const struct verb *verb, int argc, char **argv)
{
    struct app_request request;
    struct start_flags flags = {0};
    app_request_init(&request);
    int status = run_with(verb, &request, &flags, argc, argv);
    app_request_clear(&request);
    start_flags_clear(&flags);
    return status;
}

const struct verb verb_run = {
    .name = "run",
    .usage = "[FLAGS] PROGRAM [ARG…]",
    .summary = "Run a program of this host in a machine of its own.",
    .help = {run_help, app_flags_help, start_flags_help, run_help_end},
    .run = run_run,
};
