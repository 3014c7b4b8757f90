/*
 * `--gdb`: the way for a debugger into the machine: a socket of QEMU's gdb stub and a script that
 * connects and loads symbols, both in a folder that only this user can enter.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/image.h"

struct debug {
    char *folder; /* or NULL: nobody debugs */
    char *server; /* QEMU's: what follows -gdb */
};

/* port 0: a socket in the folder; else a TCP port on the loopback interface. */
bool debug_begin(struct debug *debug, const char *image_path, const struct image_info *image,
                 unsigned port, struct error *err);

/* Says the command that starts gdb. */
void debug_say(const struct debug *debug);

/* Removes the folder. */
void debug_end(struct debug *debug);
