/*
 * Running the host's own programs (apt-get, mkfs.erofs, …): output captured, nothing shown, and an
 * interrupt of the user ends them too.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"

struct command {
    const char *name;        /* for messages; NULL: argv[0] */
    const char *const *argv; /* argv[0] is looked up in PATH; ended by NULL */
    const char *const *env;  /* the whole environment, ended by NULL; NULL: ours */
    const char *input;       /* its standard input; NULL: nothing */
    struct buf *out;         /* its standard output is appended here; NULL: thrown away */
    struct buf *problems;    /* its standard error is appended here; NULL: thrown away */
    /* Called with each line that it writes to descriptor 3; NULL: none is open. */
    void (*line)(void *context, const char *line);
    void *context;
};

/* Runs it to its end. Returns its exit status (128+N after signal N), or -1 with err set when it
 * could not be started or the user interrupted us. */
int command_run(const struct command *command, struct error *err);

/* The same for a program whose failure is an error: false, with the end of what it said on its
 * standard error in err. */
bool command_must(struct command *command, struct error *err);

/* From _begin to _end, SIGINT, SIGTERM and SIGHUP don't end the process: command_run() fails
 * instead, so that the caller can clean up. */
void command_guard_begin(void);
void command_guard_end(void);

/* The signal that came since command_guard_begin(), or 0. */
int command_interrupted(void);
