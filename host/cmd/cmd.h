/*
 * Verbs of the command line: each is one file in host/cmd and one line in main.c.
 */
#pragma once

#include "host/base/error.h"

/* Exit statuses of the tool itself (run gives the program's own otherwise). */
enum cmd_status {
    CMD_OK = 0,
    CMD_FAILURE = 1,
    CMD_USAGE = 2,
    CMD_KERNEL_FAILED = 124,
    CMD_RUN_FAILED = 125,
};

#define CMD_FLAG_FAILED (-2) /* as APP_FLAG_FAILED */

struct verb {
    const char *name;    /* "run", "pkg load" */
    const char *usage;   /* what follows the name: "[FLAGS] PROGRAM [ARG…]" */
    const char *summary; /* one line for `orris --help` */
    const char *help[5]; /* what `orris NAME -h` prints under the summary: pieces, to NULL */
    /* argv[0] is the last word of the verb's name. Returns the exit status. -h as argv[1] never
     * arrives here. */
    int (*run)(const struct verb *verb, int argc, char **argv);
};

/* Prints verb's help to standard output; returns CMD_OK. */
int cmd_help(const struct verb *verb);

/* Says what is wrong and where the help is; returns CMD_USAGE. */
int cmd_usage(const struct verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the flag argv[*index], with its value if it has one; *index becomes the last argument used.
 * Returns 1, 0 if it is no flag of these, -1 with err set, CMD_FLAG_FAILED with err set if a file
 * that it names can't be read. */
typedef int cmd_flag_taker_t(void *context, int argc, char **argv, int *index, struct error *err);

/* Takes flags from argv[*at] on; *at becomes the first word that is none. "--" ends them and is
 * skipped. Returns CMD_OK; or CMD_USAGE, or CMD_RUN_FAILED for a file that can't be read, and has
 * said what is wrong. */
int cmd_take_flags(const struct verb *verb, cmd_flag_taker_t *take, void *context, int argc,
                   char **argv, int *at);

/* cmd_usage() for a flag that verb doesn't know, with the nearest flag that its help text names. */
int cmd_unknown_flag(const struct verb *verb, const char *flag);
