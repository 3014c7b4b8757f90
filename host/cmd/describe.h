/*
 * What the verbs' own texts (cmd.h) are turned into besides `-h`: manual pages and completions for
 * shells. A flag is what a help text's line begins with: "  -f, --flag VALUE  text".
 */
#pragma once

#include <stdbool.h>

#include "host/cmd/cmd.h"

/* All verbs in the order of `orris --help`, then NULL: main.c. */
extern const struct verb *const all_verbs[];

/* The first part of the manual page orris(1), down to the list of verbs, to standard output. */
void describe_man_all(void);
/* The manual page of a verb, orris-NAME(1), to standard output. */
void describe_man(const struct verb *verb);
/* A completion script for bash, zsh or fish to standard output. False: no such shell. */
bool describe_completion(const char *shell);
