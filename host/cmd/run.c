/*
 * `orris run`: a program of the host, in a machine of its own.
 */
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
    "Signals go to the program (HUP, USR1, USR2, QUIT, WINCH …); a second SIGINT, or 10 seconds\n"
    "after a SIGTERM, ends the machine.\n"
    "Default memory: 2 GiB (-m, or RunConfig.Memory).\n";

static int run_run(const struct verb *verb, int argc, char **argv)
{
    struct start_flags flags = {0};
    return start_program(verb, &flags, argc, argv);
}

const struct verb verb_run = {
    .name = "run",
    .usage = "[FLAGS] PROGRAM [ARG…]",
    .summary = "Run a program of this host in a machine of its own.",
    .help = {run_help, app_flags_help, start_flags_help, run_help_end},
    .run = run_run,
};
