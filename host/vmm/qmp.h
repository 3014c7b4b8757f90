/* QEMU's monitor protocol: one command at a time over a socket. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "host/base/error.h"

/* A listening socket at folder/NAME, for QEMU to inherit. Returns the descriptor, or -1. */
int qmp_listen(const char *folder, const char *name, struct error *err);

/* Connects, executes command without arguments, and returns what it answers (owned by the caller),
 * or NULL with err set. Waits a few seconds at most. */
json_t *qmp_execute(const char *folder, const char *name, const char *command, struct error *err);
