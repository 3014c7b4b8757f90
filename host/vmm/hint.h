/*
 * What a program that failed looked for, and the host has, and the image lacks: the one line that
 * says so, with what adds it. It is found in what the program said last (a module, a library), else
 * among the files that it tried to open.
 */
#pragma once

#include "host/vmm/relay.h"
#include "host/vmm/vmm.h"

/* Says the note, if there is one; after status 0 only with -v. */
void hint_say(const struct relay_result *result, const struct run_options *options, int status);

/* The host's file (a path in the current directory, or absolute) that the program most likely
 * missed, or NULL. *guest: where it looked, a member of missing. Owned by the caller. */
char *hint_find_file(const struct strlist *missing, const char *workdir, const char **guest);

/* What the last lines of a program's output say that it lacks. */
enum lack { LACK_NOTHING, LACK_MODULE, LACK_LIBRARY };
struct lacking {
    enum lack kind;
    char *name; /* "package.module"; "libx.so.1"; owned */
};
struct lacking hint_read(const char *text);
