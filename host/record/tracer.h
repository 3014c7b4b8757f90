/*
 * Running a command of the host while every path that it and its children name is seen: a seccomp
 * filter stops just the calls of calls.def, and ptrace(2) tells us about them.
 */
#pragma once

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/record/gather.h"

struct tracer_command {
    const char *program;        /* what to execute; looked for in PATH if it has no slash */
    const struct strlist *argv; /* argv[0] first */
    const struct strlist *env;  /* the whole environment; NULL: ours */
    int input, output, errors;  /* its standard streams; -1: ours */
};

/* Runs it, and all that it starts, to the end. Returns its exit status (128+N after signal N), or
 * -1 with err set if it could not be started. SIGINT, SIGTERM, SIGHUP and SIGQUIT are the command's
 * meanwhile; a second SIGINT kills it and what it has started. */
int tracer_run(const struct tracer_command *command, struct gather *gather, struct error *err);
