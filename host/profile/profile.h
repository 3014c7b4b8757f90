/*
 * `--profile`: where the time goes in program and kernel. A thread of the tool stops the machine
 * through QEMU's gdb stub, looks at each processor's stack and lets it go on, up to 100 times a
 * second; the machine's clock stands still meanwhile, and a machine without a profile knows nothing
 * of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/base/error.h"

struct profile;

/* stub: our end of the stub's channel; image_fd: of the image. NULL with err set. */
struct profile *profile_create(int stub, int image_fd, struct error *err);

/* The machine has been started, stopped before its first instruction: from here on it runs. */
void profile_start(struct profile *profile);

/* ORRIS_MSG_MAPPED came. */
void profile_mapped(struct profile *profile, const char *data, size_t size);

/* Takes no more samples; before the machine is ended. */
void profile_stop(struct profile *profile);

/* Says the top functions and writes the flame graph to path. */
bool profile_tell(struct profile *profile, const char *program, const char *path,
                  struct error *err);

void profile_destroy(struct profile *profile);
