/*
 * `orris record`: a command of the host is run once, and what it used is written to a lock file.
 */
#pragma once

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/record/tracer.h"

struct record_request {
    struct tracer_command command;
    const struct strlist *shown; /* the command as it stands in the lock file */
    const struct strlist *keep;  /* patterns of names that go in besides */
    const char *lock_path;
    bool anew; /* what was recorded before is dropped */
};

/* Says that the command runs for real, runs it, writes the lock file and says what is in it.
 * Returns the command's exit status, or -1 with err set: nothing was written then. */
int record_run(const struct record_request *request, struct error *err);
